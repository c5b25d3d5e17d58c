package metadata

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// golden are records and their bytes. Apache Kafka 4.3.1's own decoder (kafka-dump-log --cluster-metadata-decoder)
// prints all of them with the values given here.
var golden = []struct {
	record Record
	hex    string
}{
	{&FeatureLevelRecord{"metadata.version", 33}, "010c00 116d657461646174612e76657273696f6e 0021 00"},
	{&TopicRecord{"a", UUID{15: 7}}, "010200 0261 00000000000000000000000000000007 00"},
	{&RemoveTopicRecord{UUID{15: 7}}, "010900 00000000000000000000000000000007 00"},
	{&PartitionRecord{2, UUID{15: 7}, Partition{Leader: 1, LeaderEpoch: 3, Epoch: 4, RecoveryState: 1,
		Replicas: []int32{1, 2}, ISR: []int32{1}, ELR: []int32{2}, LastKnownELR: []int32{2},
		Directories: []UUID{DirUnassigned, DirLost}}},
		"010302 00000002 00000000000000000000000000000007 03 00000001 00000002 02 00000001 01 01 00000001 00000003" +
			"00000004 03 00000000000000000000000000000001 00000000000000000000000000000002" +
			"03 00 01 01 01 05 02 00000002 02 05 02 00000002"},
	{&PartitionChangeRecord{ID: 2, TopicID: UUID{15: 7}, ISR: []int32{}, Leader: ptr(NoLeader), ELR: []int32{1},
		RecoveryState: ptr(int8(0)), Directories: []UUID{DirLost}},
		"010502 00000002 00000000000000000000000000000007 05 00 01 01 01 04 ffffffff 05 01 00 06 05 02 00000001" +
			"08 11 02 00000000000000000000000000000002"},
	{&ConfigRecord{Resource{ResourceTopic, "a"}, "k", ptr("v")}, "010400 02 0261 026b 0276 00"},
	{&ConfigRecord{Resource{ResourceBroker, ""}, "k", nil}, "010400 04 01 026b 00 00"},
	{&RegisterBrokerRecord{Broker{ID: 1, Incarnation: UUID{15: 9}, Epoch: 5,
		Endpoints: []Endpoint{{"P", "h", 9092, 0}}, Features: []FeatureRange{{"f", 1, 2}}, Rack: ptr("r"), Fenced: true,
		LogDirs: []UUID{{15: 200}}, CordonedLogDirs: []UUID{}}},
		"010004 00000001 00 00000000000000000000000000000009 0000000000000005 02 0250 0268 2384 0000 00" +
			"02 0266 0001 0002 00 0272 01 00 02 00 11 02 000000000000000000000000000000c8 01 01 01"},
	{&UnregisterBrokerRecord{1, 5}, "010100 00000001 0000000000000005 00"},
	{&FenceBrokerRecord{1, 5}, "010700 00000001 0000000000000005 00"},
	{&UnfenceBrokerRecord{1, 5}, "010800 00000001 0000000000000005 00"},
	{&RegistrationChangeRecord{BrokerID: 1, Epoch: 5, Fenced: -1, InControlledShutdown: 1},
		"011103 00000001 0000000000000005 02 00 01 ff 01 01 01"},
	{&ProducerIDsRecord{1, 5, 1000}, "010f00 00000001 0000000000000005 00000000000003e8 00"},
	{&NoOpRecord{}, "011400 00"},
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenRecords(t *testing.T) {
	left := map[Type]bool{}
	for _, typ := range servedTypes() {
		left[typ] = true
	}
	for _, g := range golden {
		delete(left, g.record.Type())
		want := unhex(t, g.hex)
		if got := AppendRecord(nil, g.record); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", show(g.record), got, want)
		}
		got, err := DecodeRecord(want)
		if err != nil || !same(got, g.record) {
			t.Errorf("%s is read as %v, %v", show(g.record), got, err)
		}
	}
	for typ := range left {
		t.Errorf("no golden bytes for %v", typ)
	}
}

// same compares records; a list that cannot be null is nil or empty alike.
func same(a, b Record) bool {
	p, ok := a.(*PartitionRecord)
	q, ok2 := b.(*PartitionRecord)
	if !ok || !ok2 {
		return reflect.DeepEqual(a, b)
	}
	return show(p) == show(q)
}

func TestRecordsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRecord().Draw(t, "record")
		got, err := DecodeRecord(AppendRecord(nil, r))
		if err != nil || !same(got, r) {
			t.Fatalf("%s is read as %v, %v", show(r), got, err)
		}
	})
}

// TestOlderVersions reads every version of every type: what a version does not have comes back empty.
func TestOlderVersions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRecord().Draw(t, "record")
		for v := range r.latest() + 1 {
			b := appendRecord(nil, r, v)
			got, err := DecodeRecord(b)
			if err != nil {
				t.Fatalf("version %d of %s: %v", v, show(r), err)
			}
			if again := appendRecord(nil, got, v); !bytes.Equal(again, b) {
				t.Fatalf("version %d of %s:\n%x read and written again is\n%x", v, show(r), b, again)
			}
		}
	})
}

func TestRefusedRecords(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"", "the frame ends inside a field"},
		{"000c00", "frame version 0 where only 1 is known"},
		{"010e00", "ClientQuotaRecord (type 14), version 0: this type is not served"},
		{"016300", "unknown record type 99, version 0: this type is not served"},
		{"010303", "PartitionRecord (type 3), version 3: versions up to 2 are known"},
		{"01ffff0700", "no int16"},
		{"010200 0261", "TopicRecord (type 2), version 0: the frame ends inside a field"},
		{"011400 0000", "left over"},
		{"010500 00000002 00000000000000000000000000000007 01 01 01 00", "tagged field"},
		{"010300 00000002 00000000000000000000000000000007 ffffffff0f", "larger than what is left"},
	} {
		_, err := DecodeRecord(unhex(t, c.hex))
		var format *FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.hex, err, c.want)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, g := range golden {
		b, _ := hex.DecodeString(strings.ReplaceAll(g.hex, " ", ""))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b)
		if err != nil {
			return
		}
		again, err := DecodeRecord(AppendRecord(nil, r))
		if err != nil || !same(again, r) {
			t.Fatalf("%s written and read again is %v, %v", show(r), again, err)
		}
	})
}

func TestLevels(t *testing.T) {
	for level := MinLevel; level <= LatestLevel; level++ {
		if got, ok := LevelOf(LevelName(level)); !ok || got != level {
			t.Errorf("level %d is named %q, which is level %d", level, LevelName(level), got)
		}
	}
	for name, want := range map[string]int16{"4.4-IV2": 33, "4.0": 25, "3.3-IV3": 7, "4.4": 33, "4": 0, "": 0, "5.0": 0} {
		if got, _ := LevelOf(name); got != want {
			t.Errorf("%q is level %d, want %d", name, got, want)
		}
	}
	if LevelName(MinLevel-1) != "" || LevelName(LatestLevel+1) != "" {
		t.Error("a level outside the range has a name")
	}
}
