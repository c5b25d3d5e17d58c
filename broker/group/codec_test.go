package group

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"tailrace/broker/effect"
)

// kafkaRecords is the records that Apache Kafka 4.3.1 wrote while the conversations of testdata/kafka were held.
func kafkaRecords(t testing.TB) []effect.Record {
	data, err := os.ReadFile("testdata/kafka/records.hex")
	if err != nil {
		t.Fatal(err)
	}
	var list []effect.Record
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		key, err := hex.DecodeString(words[0])
		if err != nil {
			t.Fatal(err)
		}
		r := effect.Record{Key: key}
		if words[1] != "-" {
			if r.Value, err = hex.DecodeString(words[1]); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, r)
	}
	return list
}

// again writes what was read from a record of a version that is written here.
func again(r effect.Record) (effect.Record, error) {
	k, err := parseKey(r.Key)
	if err != nil {
		return r, err
	}
	if k.kind == typeGroup {
		if r.Value == nil {
			return groupTombstone(k.group), nil
		}
		s, err := parseGroup(r.Value)
		if err != nil {
			return r, err
		}
		return s.record(k.group), nil
	}
	if r.Value == nil {
		return offsetTombstone(k.group, k.topic, k.partition), nil
	}
	c, err := parseOffset(r.Value, k.kind)
	return c.record(k.group, k.topic, k.partition), err
}

func TestRecordsAreKafkas(t *testing.T) {
	seen := map[string]int{}
	for _, r := range kafkaRecords(t) {
		kind := hex.EncodeToString(r.Key[:2]) + "/-"
		if r.Value != nil {
			kind = kind[:5] + hex.EncodeToString(r.Value[:2])
		}
		seen[kind]++
		got, err := again(r)
		if err != nil {
			t.Fatalf("%x: %v", r.Key, err)
		}
		if !bytes.Equal(got.Key, r.Key) || !bytes.Equal(got.Value, r.Value) || (got.Value == nil) != (r.Value == nil) {
			t.Errorf("Kafka: %x = %x\nours:  %x = %x", r.Key, r.Value, got.Key, got.Value)
		}
	}
	for _, kind := range []string{"0001/0004", "0001/0001", "0001/-", "0002/0003", "0002/-"} {
		if seen[kind] == 0 {
			t.Errorf("Kafka wrote no record of key and value version %s: %v", kind, seen)
		}
	}
}

// TestOffsetValue spells the bytes out.
func TestOffsetValue(t *testing.T) {
	c := committed{offset: 5, commitMs: 7, expireMs: never, leaderEpoch: 3, metadata: "m",
		topicID: [16]byte{0: 0xab, 15: 0xcd}}
	want := "0004" + "0000000000000005" + "00000003" + "026d" + "0000000000000007" + "010010" +
		"ab0000000000000000000000000000cd"
	if got := hex.EncodeToString(c.appendValue(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if back, err := parseOffset(c.appendValue(nil), typeOffset); err != nil || back != c {
		t.Errorf("read back %+v, %v", back, err)
	}
}

// TestFlexibleGroupValue reads the version that Kafka knows and does not write yet.
func TestFlexibleGroupValue(t *testing.T) {
	value := "0004" + "09636f6e73756d6572" + "00000002" + "0672616e6765" + "0261" + "0000000000000009" + "02" +
		"0261" + "0269" + "0263" + "022f" + "00001000" + "00002000" + "0301020203" + "00" + "00"
	b, err := hex.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseGroup(b)
	if err != nil {
		t.Fatal(err)
	}
	instance := "i"
	want := &stored{protocolType: "consumer", protocol: "range", leader: "a", generation: 2, stateMs: 9,
		members: []storedMember{{id: "a", instance: &instance, clientID: "c", clientHost: "/", rebalanceMs: 0x1000,
			sessionMs: 0x2000, subscription: []byte{1, 2}, assignment: []byte{3}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestReplayRefusesTwoOfOneName(t *testing.T) {
	instance := "i"
	for _, s := range []stored{
		{members: []storedMember{{id: "a"}, {id: "a"}}},
		{members: []storedMember{{id: "a", instance: &instance}, {id: "b", instance: &instance}}},
	} {
		config := testConfig()
		var bad *BadRecordError
		if err := New(&config).Replay(s.record("g"), 0); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", s.members, err)
		}
	}
}

// FuzzReplay gives any bytes to a machine that is loaded. What it takes it must be able to write and read again.
func FuzzReplay(f *testing.F) {
	for i, r := range kafkaRecords(f) {
		if i%7 == 0 {
			f.Add(r.Key, r.Value)
		}
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		config := testConfig()
		m := New(&config)
		first := effect.Record{Key: bytes.Clone(key), Value: bytes.Clone(value)}
		if err := m.Replay(first, 0); err != nil {
			return
		}
		clear(first.Key) // nothing of it may be kept
		clear(first.Value)
		again := New(&config)
		for r := range m.Snapshot() {
			if err := again.Replay(r, 0); err != nil {
				t.Fatalf("%x = %x: %v", r.Key, r.Value, err)
			}
		}
		if one, two := dump(m, nil), dump(again, nil); one != two {
			t.Errorf("from the log:\n%s\nfrom the snapshot:\n%s", one, two)
		}
		m.Loaded(0)
		m.Step(Tick{}, 1<<40)
	})
}

func FuzzSubscription(f *testing.F) {
	f.Add(subscriptionBytes("t1+t2"))
	f.Fuzz(func(t *testing.T, b []byte) {
		topics := map[string]struct{}{}
		if subscription(b, topics) && len(topics) > len(b)/2 {
			t.Errorf("%d topics in %d bytes", len(topics), len(b))
		}
	})
}
