package partition

import (
	"encoding/binary"
	"math"
	"testing"

	"tailrace/batch"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// header makes the 61 bytes of a batch that the producer state looks at.
func header(pid int64, epoch int16, seq int32, count int32, base wire.Offset) batch.View {
	v := make([]byte, 61)
	binary.BigEndian.PutUint64(v, uint64(base))
	binary.BigEndian.PutUint32(v[8:], uint32(len(v)-12))
	v[16] = 2
	binary.BigEndian.PutUint32(v[23:], uint32(count-1))
	binary.BigEndian.PutUint64(v[35:], 1_700_000_000_000)
	binary.BigEndian.PutUint64(v[43:], uint64(pid))
	binary.BigEndian.PutUint16(v[51:], uint16(epoch))
	binary.BigEndian.PutUint32(v[53:], uint32(seq))
	binary.BigEndian.PutUint32(v[57:], uint32(count))
	return v
}

func TestIdempotence(t *testing.T) {
	var s producers
	expect := func(what string, v batch.View, dup wire.Offset, code errcode.Code) {
		t.Helper()
		got, c := s.check(v)
		last := wire.Offset(-1)
		if got != nil {
			last = got.last
		}
		if c != code || last != dup {
			t.Errorf("%s: got (%d, %v), want (%d, %v)", what, last, c, dup, code)
		}
	}
	expect("unknown producer, any sequence", header(7, 0, 42, 1, 0), -1, errcode.None)
	for i := range int32(7) {
		s.note(header(7, 0, i*10, 10, wire.Offset(i)*10), 0)
	}
	expect("next", header(7, 0, 70, 5, 0), -1, errcode.None)
	expect("gap", header(7, 0, 71, 5, 0), -1, errcode.OutOfOrderSequenceNumber)
	for i := int32(2); i < 7; i++ {
		expect("one of the last five", header(7, 0, i*10, 10, 0), wire.Offset(i)*10+9, errcode.None)
	}
	expect("the sixth last", header(7, 0, 10, 10, 0), -1, errcode.OutOfOrderSequenceNumber)
	expect("same first, other last", header(7, 0, 60, 9, 0), -1, errcode.OutOfOrderSequenceNumber)
	expect("new epoch from 0", header(7, 1, 0, 1, 0), -1, errcode.None)
	expect("new epoch, not from 0", header(7, 1, 3, 1, 0), -1, errcode.OutOfOrderSequenceNumber)
	s.note(header(7, 1, 0, 1, 70), 0)
	expect("old epoch", header(7, 0, 70, 1, 0), -1, errcode.InvalidProducerEpoch)
	expect("no producer", header(-1, -1, -1, 1, 0), -1, errcode.None)
}

func TestSequenceWraps(t *testing.T) {
	var s producers
	s.note(header(1, 0, math.MaxInt32-1, 2, 0), 0)
	if _, code := s.check(header(1, 0, 0, 1, 0)); code != errcode.None {
		t.Fatalf("sequence 0 after the largest one: %v", code)
	}
	if got := firstSequence(1, 3); got != math.MaxInt32-1 {
		t.Fatalf("three before sequence 1 is %d, want %d", got, math.MaxInt32-1)
	}
}

func TestSnapshotKeepsFiveBatches(t *testing.T) {
	var s producers
	id := wire.TopicID{1, 2, 3}
	for i := range int32(6) {
		s.note(header(9, 2, i, 1, wire.Offset(100+i)), 0)
	}
	data, older := s.encodeSnapshot(), s.encodeOlder(id)
	if len(data) != snapshotHead+snapshotEntry {
		t.Fatalf("a snapshot of one producer has %d bytes, want %d", len(data), snapshotHead+snapshotEntry)
	}
	var back producers
	if err := back.decodeSnapshot(data); err != nil {
		t.Fatal(err)
	}
	back.mergeOlder(id, older)
	for i := int32(1); i < 6; i++ {
		dup, code := back.check(header(9, 2, i, 1, 0))
		if code != errcode.None || dup == nil || dup.last != wire.Offset(100+i) {
			t.Errorf("batch %d after a restart: %v, %v", i, dup, code)
		}
	}
	var other producers
	if err := other.decodeSnapshot(data); err != nil {
		t.Fatal(err)
	}
	other.mergeOlder(wire.TopicID{9}, older)
	if dup, _ := other.check(header(9, 2, 2, 1, 0)); dup != nil {
		t.Error("a recreated topic inherited batches")
	}
	for i := range data {
		bad := append([]byte(nil), data...)
		bad[i] ^= 0x10
		if err := new(producers).decodeSnapshot(bad); err == nil {
			t.Errorf("a flipped bit in byte %d was not noticed", i)
		}
	}
}

func FuzzSnapshot(f *testing.F) {
	var s producers
	s.note(header(9, 2, 5, 1, 100), 0)
	f.Add(s.encodeSnapshot())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s producers
		if s.decodeSnapshot(b) == nil {
			s.mergeOlder(wire.TopicID{}, b)
			_ = s.encodeSnapshot()
		}
	})
}
