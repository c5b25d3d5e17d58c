package metadata

import (
	"strconv"

	"tailrace/wire"
)

// UUID is Kafka's 16-byte id: topics, incarnations and log directories have one.
type UUID = wire.TopicID

// Ids that Kafka reserves for a replica's directory (DirectoryId.java).
var (
	DirMigrating  = UUID{}         // which directory is not known: the broker named none
	DirUnassigned = UUID{15: 0x01} // the broker has several directories and will choose
	DirLost       = UUID{15: 0x02} // the directory is offline
)

// Type is the api key of a metadata record.
type Type int16

// The record types that are served. The other numbers are named in typeNames so that an error can say what was met.
const (
	TypeRegisterBroker     Type = 0
	TypeUnregisterBroker   Type = 1
	TypeTopic              Type = 2
	TypePartition          Type = 3
	TypeConfig             Type = 4
	TypePartitionChange    Type = 5
	TypeFenceBroker        Type = 7
	TypeUnfenceBroker      Type = 8
	TypeRemoveTopic        Type = 9
	TypeFeatureLevel       Type = 12
	TypeProducerIDs        Type = 15
	TypeRegistrationChange Type = 17
	TypeNoOp               Type = 20
)

var typeNames = [...]string{
	"RegisterBrokerRecord", "UnregisterBrokerRecord", "TopicRecord", "PartitionRecord", "ConfigRecord",
	"PartitionChangeRecord", "", "FenceBrokerRecord", "UnfenceBrokerRecord", "RemoveTopicRecord",
	"DelegationTokenRecord", "UserScramCredentialRecord", "FeatureLevelRecord", "", "ClientQuotaRecord",
	"ProducerIdsRecord", "", "BrokerRegistrationChangeRecord", "AccessControlEntryRecord",
	"RemoveAccessControlEntryRecord", "NoOpRecord", "ZkMigrationStateRecord", "RemoveUserScramCredentialRecord",
	"BeginTransactionRecord", "EndTransactionRecord", "AbortTransactionRecord", "RemoveDelegationTokenRecord",
	"RegisterControllerRecord", "ClearElrRecord", "UnregisterControllerRecord",
}

// Served reports whether records of this type are applied to images.
func (t Type) Served() bool { return newRecord(t) != nil }

// String returns Kafka's name of the type and its number.
func (t Type) String() string {
	if t >= 0 && int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t] + " (type " + strconv.Itoa(int(t)) + ")"
	}
	return "unknown record type " + strconv.Itoa(int(t))
}

// A Record is one metadata record: one of the pointer types below. Strings and slices of a record belong to it and are
// shared with the images that it is applied to, so they must not be written to once it is applied.
type Record interface {
	// Type is the record's api key.
	Type() Type
	// append adds the body as version v has it; read is its inverse and takes any version up to latest.
	append(b []byte, v int16) []byte
	read(d *decoder, v int16)
	// latest is the version that is written: what metadata.version 4.4-IV2 calls for.
	latest() int16
}

// FeatureLevelRecord finalizes a feature at a level; level 0 takes it away.
type FeatureLevelRecord struct {
	Name  string
	Level int16
}

// TopicRecord creates a topic without partitions.
type TopicRecord struct {
	Name string
	ID   UUID
}

// RemoveTopicRecord removes a topic with its partitions and its configs.
type RemoveTopicRecord struct {
	ID UUID
}

// PartitionRecord creates a partition, or replaces all that is known of it.
type PartitionRecord struct {
	ID      int32
	TopicID UUID
	Partition
}

// NoLeader is the leader of a partition that has none.
const NoLeader int32 = -1

// leaderUnchanged is what PartitionChangeRecord.Leader holds on the wire when the leader stays.
const leaderUnchanged int32 = -2

// PartitionChangeRecord changes a partition. A nil field leaves what it names as it was. Naming a leader, even the
// same one, opens the next leader epoch; the partition epoch grows with every such record.
type PartitionChangeRecord struct {
	ID            int32
	TopicID       UUID
	ISR           []int32 // nil = unchanged; empty = nobody
	Leader        *int32
	Replicas      []int32
	Removing      []int32
	Adding        []int32
	RecoveryState *int8
	Directories   []UUID
	ELR           []int32
	LastKnownELR  []int32
}

// ConfigRecord sets one config of a resource; a nil value removes it.
type ConfigRecord struct {
	Resource Resource
	Name     string
	Value    *string
}

// RegisterBrokerRecord registers a broker, or replaces its registration.
type RegisterBrokerRecord struct {
	Broker
}

// UnregisterBrokerRecord removes a broker's registration. The epoch must be the registered one.
type UnregisterBrokerRecord struct {
	BrokerID int32
	Epoch    int64
}

// FenceBrokerRecord fences a broker. Later releases write RegistrationChangeRecord; this one is read only.
type FenceBrokerRecord struct {
	BrokerID int32
	Epoch    int64
}

// UnfenceBrokerRecord lifts a fence. Later releases write RegistrationChangeRecord; this one is read only.
type UnfenceBrokerRecord struct {
	BrokerID int32
	Epoch    int64
}

// RegistrationChangeRecord (BrokerRegistrationChangeRecord) changes parts of a registration.
type RegistrationChangeRecord struct {
	BrokerID             int32
	Epoch                int64
	Fenced               int8   // 1 fence, -1 lift the fence, 0 leave it
	InControlledShutdown int8   // 1 begin, 0 leave it
	LogDirs              []UUID // empty = unchanged
	CordonedLogDirs      []UUID // nil = unchanged
}

// ProducerIDsRecord says that every producer id below Next has been handed out.
type ProducerIDsRecord struct {
	BrokerID    int32
	BrokerEpoch int64
	Next        int64
}

// NoOpRecord changes nothing: Kafka's controller writes it so that the log's end moves.
type NoOpRecord struct{}

// Type implements Record for each record below.
func (*FeatureLevelRecord) Type() Type       { return TypeFeatureLevel }
func (*TopicRecord) Type() Type              { return TypeTopic }
func (*RemoveTopicRecord) Type() Type        { return TypeRemoveTopic }
func (*PartitionRecord) Type() Type          { return TypePartition }
func (*PartitionChangeRecord) Type() Type    { return TypePartitionChange }
func (*ConfigRecord) Type() Type             { return TypeConfig }
func (*RegisterBrokerRecord) Type() Type     { return TypeRegisterBroker }
func (*UnregisterBrokerRecord) Type() Type   { return TypeUnregisterBroker }
func (*FenceBrokerRecord) Type() Type        { return TypeFenceBroker }
func (*UnfenceBrokerRecord) Type() Type      { return TypeUnfenceBroker }
func (*RegistrationChangeRecord) Type() Type { return TypeRegistrationChange }
func (*ProducerIDsRecord) Type() Type        { return TypeProducerIDs }
func (*NoOpRecord) Type() Type               { return TypeNoOp }

// newRecord returns an empty record of a type, nil for a type that is not served.
func newRecord(t Type) Record {
	switch t {
	case TypeFeatureLevel:
		return new(FeatureLevelRecord)
	case TypeTopic:
		return new(TopicRecord)
	case TypeRemoveTopic:
		return new(RemoveTopicRecord)
	case TypePartition:
		return new(PartitionRecord)
	case TypePartitionChange:
		return new(PartitionChangeRecord)
	case TypeConfig:
		return new(ConfigRecord)
	case TypeRegisterBroker:
		return new(RegisterBrokerRecord)
	case TypeUnregisterBroker:
		return new(UnregisterBrokerRecord)
	case TypeFenceBroker:
		return new(FenceBrokerRecord)
	case TypeUnfenceBroker:
		return new(UnfenceBrokerRecord)
	case TypeRegistrationChange:
		return new(RegistrationChangeRecord)
	case TypeProducerIDs:
		return new(ProducerIDsRecord)
	case TypeNoOp:
		return new(NoOpRecord)
	}
	return nil
}
