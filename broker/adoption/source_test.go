package adoption

import (
	"errors"
	"strings"
	"testing"

	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/wire"
)

func newReader() *reader {
	return &reader{change: metadata.NewChange(metadata.Empty()), left: leftovers{}, counts: map[metadata.UUID]int32{},
		early: map[metadata.UUID][]*metadata.PartitionRecord{}}
}

// feed gives a reader records as the log holds them.
func feed(r *reader, values ...[]byte) error {
	for i, v := range values {
		if err := r.record(quorum.ForeignRecord{Offset: wire.Offset(i), Epoch: 1, Kind: -1, Value: v}); err != nil {
			return err
		}
	}
	return nil
}

func served(r metadata.Record) []byte { return metadata.AppendRecord(nil, r) }

// raw frames a record of a type that is not served.
func raw(t metadata.Type, version byte, body ...byte) []byte {
	return append([]byte{1, byte(t), version}, body...)
}

// TestTransactionsOfTheMetadataLog: what was aborted never was, what was committed is.
func TestTransactionsOfTheMetadataLog(t *testing.T) {
	r := newReader()
	kept := &metadata.TopicRecord{Name: "kept", ID: metadata.UUID{1}}
	dropped := &metadata.TopicRecord{Name: "dropped", ID: metadata.UUID{2}}
	err := feed(r, raw(typeBeginTransaction, 0, 0), served(dropped), raw(typeAbortTransaction, 0, 0),
		raw(typeBeginTransaction, 0, 0), served(kept), raw(typeEndTransaction, 0, 0),
		raw(typeBeginTransaction, 0, 0), served(dropped))
	if img := r.change.Image(); err != nil || img.TopicCount() != 1 || img.TopicByName("kept") == nil {
		t.Errorf("%d topics, %v", img.TopicCount(), err)
	}
}

// TestPartitionsInAnyOrder: Kafka writes the partitions of a topic as its hash table has them.
func TestPartitionsInAnyOrder(t *testing.T) {
	r := newReader()
	id := metadata.UUID{1}
	values := [][]byte{served(&metadata.TopicRecord{Name: "t", ID: id})}
	for _, n := range []int32{2, 3, 0, 4, 1} {
		values = append(values, served(&metadata.PartitionRecord{ID: n, TopicID: id, Partition: metadata.Partition{
			Leader: 10 + n, Replicas: []int32{1}, ISR: []int32{1}, Directories: []metadata.UUID{{1}},
		}}))
	}
	if err := feed(r, values...); err != nil || len(r.early) != 0 {
		t.Fatal(err, r.early)
	}
	for i, p := range r.change.Image().TopicByName("t").Partitions {
		if p.Leader != int32(10+i) {
			t.Errorf("partition %d is that of leader %d", i, p.Leader)
		}
	}
}

// TestNothingUnknownIsTaken: what a later release may write refuses the adoption.
func TestNothingUnknownIsTaken(t *testing.T) {
	var unknown *UnknownError
	for _, v := range [][]byte{raw(30, 0, 0), raw(6, 0, 0), raw(typeAccessControlEntry, 1, 0)} {
		if err := feed(newReader(), v); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "later release") {
			t.Errorf("%x: %v", v, err)
		}
	}
	var format *metadata.FormatError
	if err := feed(newReader(), []byte{1, byte(metadata.TypeTopic), 9, 0}); !errors.As(err, &format) {
		t.Error(err)
	}
	if err := feed(newReader(), raw(typeAccessControlEntry, 0, 1, 2)); err == nil {
		t.Error("half an ACL is taken for one")
	}
}

// TestRemovals: what was removed again is not listed.
func TestRemovals(t *testing.T) {
	r := newReader()
	token := func(b []byte, s string) []byte { return wire.AppendCompactString(b, s) }
	owned := token(token(nil, "User:a"), "User:a")
	owned = append(wire.AppendInt64(wire.AppendInt64(wire.AppendInt64(append(owned, 1), 1), 2), 3), 0)
	owned = append(token(owned[:len(owned)-1], "id1"), 0)
	value, metrics := "1", metadata.Resource{Type: metadata.ResourceClientMetrics, Name: "m"}
	err := feed(r,
		raw(typeDelegationToken, 0, owned...), raw(typeZkMigrationState, 0, 1, 0),
		raw(typeRegisterController, 0, 0, 0, 0, 3), raw(typeClearELR, 0, 0),
		served(&metadata.FeatureLevelRecord{Name: "share.version", Level: 1}),
		served(&metadata.ConfigRecord{Resource: metrics, Name: "k", Value: &value}))
	if left := r.left.list(); err != nil || len(left) != 5 || left[0].Names[0] != "m" && left[0].Kind == kindMetrics {
		t.Errorf("%+v, %v", left, err)
	}
	err = feed(r,
		raw(typeRemoveDelegationToken, 0, append(token(nil, "id1"), 0)...), raw(typeZkMigrationState, 0, 0, 0),
		raw(typeUnregisterController, 0, 0, 0, 0, 3),
		served(&metadata.FeatureLevelRecord{Name: "share.version", Level: 0}),
		served(&metadata.ConfigRecord{Resource: metrics, Name: "k"}))
	if left := r.left.list(); err != nil || len(left) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
}

// TestVoters reads both records that name them (KIP-595, KIP-853).
func TestVoters(t *testing.T) {
	r := newReader()
	change := []byte{0, 1, 0, 0, 0, 1, 3}
	for id := range byte(2) {
		change = append(change, 0, 0, 0, id+1)
		change = append(append(change, make([]byte, 16)...), 0)
	}
	change = append(change, 1, 0)
	err := r.record(quorum.ForeignRecord{Control: true, Kind: controlLeaderChange, Value: change})
	if err != nil || len(r.voters) != 2 || r.voters[1] != 2 {
		t.Errorf("%v, %v", r.voters, err)
	}
	voters := append([]byte{0, 0, 2, 0, 0, 0, 9}, make([]byte, 16)...)
	voters = append(voters, 2, 2, 'C', 2, 'h', 0, 80, 0, 0, 0, 0, 1, 0, 0, 0)
	if err := r.record(quorum.ForeignRecord{Control: true, Kind: controlVoters, Value: voters}); err != nil ||
		len(r.voters) != 1 || r.voters[0] != 9 {
		t.Errorf("%v, %v", r.voters, err)
	}
	if err := r.record(quorum.ForeignRecord{Control: true, Kind: controlVoters, Value: voters[:12]}); err == nil {
		t.Error("half a voter is taken for one")
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(int16(-1), raw(typeAccessControlEntry, 0, make([]byte, 30)...))
	f.Add(int16(-1), raw(typeClientQuota, 0, 2, 2, 'a', 0, 0, 2, 'k'))
	f.Add(int16(controlVoters), []byte{0, 0, 2})
	f.Fuzz(func(_ *testing.T, kind int16, value []byte) {
		r := newReader()
		_ = r.record(quorum.ForeignRecord{Control: kind >= 0, Kind: kind, Value: value})
		_ = r.left.list()
	})
}
