package shape

// apis holds the compiled table at the index of the API key; nil where it has none.
var apis = compile(table)

// table describes the requests that are decoded by kmsg, in the versions that Kafka 4.4 calls stable. The language is
// explained in schema.go. Source: Kafka's message definitions.
const table = `
2 ListOffsets 1-11 flexible 6
	ReplicaId              int32
	IsolationLevel         int8      2+
	Topics                 []struct
		Name               string
		Partitions         []struct
			PartitionIndex     int32
			CurrentLeaderEpoch int32     4+
			Timestamp          int64
	TimeoutMs              int32     10+

3 Metadata 0-13 flexible 9
	Topics                 []struct  null 1+
		TopicId            uuid      10+
		Name               string    null 10+
	AllowAutoTopicCreation bool      4+
	IncludeClusterAuthorizedOperations bool 8-10
	IncludeTopicAuthorizedOperations   bool 8+

8 OffsetCommit 2-10 flexible 8
	GroupId                string
	GenerationIdOrMemberEpoch int32
	MemberId               string
	GroupInstanceId        string    7+ null 7+
	RetentionTimeMs        int64     2-4
	Topics                 []struct
		Name               string    0-9
		TopicId            uuid      10+
		Partitions         []struct
			PartitionIndex       int32
			CommittedOffset      int64
			CommittedLeaderEpoch int32   6+
			CommittedMetadata    string  null 0+

9 OffsetFetch 1-10 flexible 6
	GroupId                string    0-7
	Topics                 []struct  0-7 null 2-7
		Name               string
		PartitionIndexes   []int32
	Groups                 []struct  8+
		GroupId            string
		MemberId           string    9+ null 9+
		MemberEpoch        int32     9+
		Topics             []struct  null 8+
			Name             string  8-9
			TopicId          uuid    10+
			PartitionIndexes []int32
	RequireStable          bool      7+

10 FindCoordinator 0-6 flexible 3
	Key                    string    0-3
	KeyType                int8      1+
	CoordinatorKeys        []string  4+

11 JoinGroup 0-9 flexible 6
	GroupId                string
	SessionTimeoutMs       int32
	RebalanceTimeoutMs     int32     1+
	MemberId               string
	GroupInstanceId        string    5+ null 5+
	ProtocolType           string
	Protocols              []struct
		Name               string
		Metadata           bytes
	Reason                 string    8+ null 8+

12 Heartbeat 0-4 flexible 4
	GroupId                string
	GenerationId           int32
	MemberId               string
	GroupInstanceId        string    3+ null 3+

13 LeaveGroup 0-5 flexible 4
	GroupId                string
	MemberId               string    0-2
	Members                []struct  3+
		MemberId           string
		GroupInstanceId    string    null 3+
		Reason             string    5+ null 5+

14 SyncGroup 0-5 flexible 4
	GroupId                string
	GenerationId           int32
	MemberId               string
	GroupInstanceId        string    3+ null 3+
	ProtocolType           string    5+ null 5+
	ProtocolName           string    5+ null 5+
	Assignments            []struct
		MemberId           string
		Assignment         bytes

15 DescribeGroups 0-6 flexible 5
	Groups                 []string
	IncludeAuthorizedOperations bool 3+

16 ListGroups 0-5 flexible 3
	StatesFilter           []string  4+
	TypesFilter            []string  5+

17 SaslHandshake 0-1 flexible never
	Mechanism              string

19 CreateTopics 2-7 flexible 5
	Topics                 []struct
		Name               string
		NumPartitions      int32
		ReplicationFactor  int16
		Assignments        []struct
			PartitionIndex int32
			BrokerIds      []int32
		Configs            []struct
			Name           string
			Value          string    null 0+
	TimeoutMs              int32
	ValidateOnly           bool

20 DeleteTopics 1-6 flexible 4
	Topics                 []struct  6+
		Name               string    null 6+
		TopicId            uuid
	TopicNames             []string  0-5
	TimeoutMs              int32

21 DeleteRecords 0-2 flexible 2
	Topics                 []struct
		Name               string
		Partitions         []struct
			PartitionIndex int32
			Offset         int64
	TimeoutMs              int32

# Version 6 (two-phase commit, KIP-939) is not stable.
22 InitProducerId 0-5 flexible 2
	TransactionalId        string    null 0+
	TransactionTimeoutMs   int32
	ProducerId             int64     3+
	ProducerEpoch          int16     3+

23 OffsetForLeaderEpoch 2-4 flexible 4
	ReplicaId              int32     3+
	Topics                 []struct
		Topic              string
		Partitions         []struct
			Partition          int32
			CurrentLeaderEpoch int32
			LeaderEpoch        int32

32 DescribeConfigs 1-4 flexible 4
	Resources              []struct
		ResourceType       int8
		ResourceName       string
		ConfigurationKeys  []string  null 0+
	IncludeSynonyms        bool
	IncludeDocumentation   bool      3+

33 AlterConfigs 0-2 flexible 2
	Resources              []struct
		ResourceType       int8
		ResourceName       string
		Configs            []struct
			Name           string
			Value          string    null 0+
	ValidateOnly           bool

35 DescribeLogDirs 1-5 flexible 2
	Topics                 []struct  null 0+
		Topic              string
		Partitions         []int32

36 SaslAuthenticate 0-2 flexible 2
	AuthBytes              bytes

37 CreatePartitions 0-3 flexible 2
	Topics                 []struct
		Name               string
		Count              int32
		Assignments        []struct  null 0+
			BrokerIds      []int32
	TimeoutMs              int32
	ValidateOnly           bool

42 DeleteGroups 0-3 flexible 2
	GroupsNames            []string

44 IncrementalAlterConfigs 0-1 flexible 1
	Resources              []struct
		ResourceType       int8
		ResourceName       string
		Configs            []struct
			Name           string
			ConfigOperation int8
			Value          string    null 0+
	ValidateOnly           bool

47 OffsetDelete 0 flexible never
	GroupId                string
	Topics                 []struct
		Name               string
		Partitions         []struct
			PartitionIndex     int32

60 DescribeCluster 0-2 flexible 0
	IncludeClusterAuthorizedOperations bool
	EndpointType           int8      1+
	IncludeFencedBrokers   bool      2+

74 ListConfigResources 0-1 flexible 0
	ResourceTypes          []int8    1+

75 DescribeTopicPartitions 0-0 flexible 0
	Topics                 []struct
		Name               string
	ResponsePartitionLimit int32
	Cursor                 struct    null 0+
		TopicName          string
		PartitionIndex     int32
`
