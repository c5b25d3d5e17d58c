package proof

import (
	"slices"
	"strings"
	"testing"

	"tailrace/loadgen/plan"
)

// sent is a ledger of one producer: eight records on two partitions, of which the first six are acknowledged.
func sent() *Ledger {
	l := &Ledger{}
	for i := range int64(8) {
		n := l.Send(7, int32(i%2))
		if n < 6 {
			l.Ack(7, n, i/2)
		}
	}
	return l
}

// all is a log that holds the first n of them.
func all(n int64) (read []Record) {
	for i := range n {
		read = append(read, Record{int32(i % 2), i / 2, 7, i})
	}
	return read
}

func TestWhatIsFound(t *testing.T) {
	idempotent, leader, none := Level{plan.AcksAll, true}, Level{plan.AcksLeader, false}, Level{}
	for _, c := range []struct {
		name    string
		read    []Record
		damaged int64
		want    Finding
		breach  []Level // those that forbid it
	}{
		{"all that was acknowledged", all(6), 0, Finding{Unacked: 2}, nil},
		{"and what was not", all(8), 0, Finding{Unacked: 2, Kept: 2}, nil},
		{"a tail is lost", all(4), 0, Finding{Unacked: 2, Lost: 2}, []Level{idempotent, leader}},
		{"everything is lost", nil, 0, Finding{Unacked: 2, Lost: 6}, []Level{idempotent, leader}},
		{"a copy", append(all(6), Record{1, 3, 7, 1}), 0, Finding{Unacked: 2, Duplicates: 1}, []Level{idempotent}},
		{"disorder of what was not acknowledged", append(all(6), Record{0, 3, 7, 6}, Record{1, 4, 7, 7}, Record{1, 3, 7, 7}),
			0, Finding{Unacked: 2, Kept: 2, Duplicates: 1}, []Level{idempotent}},
		{"a record elsewhere", append(all(5), Record{1, 9, 7, 5}), 0, Finding{Unacked: 2, Moved: 1},
			[]Level{idempotent, leader}},
		{"damage", all(6), 1, Finding{Unacked: 2, Damaged: 1}, []Level{idempotent, leader, none}},
		{"another's record", append(all(6), Record{1, 3, 8, 0}), 0, Finding{Unacked: 2, Damaged: 1},
			[]Level{idempotent, leader, none}},
		{"a record in the wrong partition", append(all(6), Record{0, 3, 7, 7}), 0, Finding{Unacked: 2, Damaged: 1},
			[]Level{idempotent, leader, none}},
	} {
		got := sent().Check(c.read, c.damaged)
		c.want.Sent, c.want.Acked, c.want.Read = 8, 6, int64(len(c.read))+c.damaged
		examples := got.Examples
		got.Examples = nil
		if got, want := *got, c.want; got.Sent != want.Sent || got.Acked != want.Acked || got.Read != want.Read ||
			got.Lost != want.Lost || got.Unacked != want.Unacked || got.Kept != want.Kept || got.Moved != want.Moved ||
			got.Duplicates != want.Duplicates || got.Disorder != want.Disorder || got.Damaged != want.Damaged {
			t.Errorf("%s:\n got %+v\nwant %+v\n%s", c.name, got, want, strings.Join(examples, "\n"))
		}
		for _, l := range []Level{idempotent, leader, none} {
			if breach := len(got.Breaches(l)) > 0; breach != slices.Contains(c.breach, l) {
				t.Errorf("%s: %s is breached: %v", c.name, l, got.Breaches(l))
			}
		}
	}
}

// TestDisorder: a record behind a later one of its partition is out of order, whatever other partitions hold.
func TestDisorder(t *testing.T) {
	read := all(6)
	read[0].Offset, read[2].Offset = read[2].Offset, read[0].Offset
	f := sent().Check(read, 0)
	if f.Disorder != 1 || f.Moved != 2 {
		t.Errorf("%+v", f)
	}
	var sum Finding
	sum.Add(f)
	sum.Add(f)
	if sum.Disorder != 2 || sum.Sent != 16 || len(sum.Examples) != 2*len(f.Examples) || len(f.Examples) == 0 {
		t.Errorf("%+v", sum)
	}
}

func TestLevels(t *testing.T) {
	list, err := ParseLevels("0, 1,all,idempotent")
	if err != nil || len(list) != 4 || list[3].String() != "acks=all idempotent" || list[0].String() != "acks=0" {
		t.Errorf("%v: %v", err, list)
	}
	if _, err := ParseLevels("2"); err == nil || !strings.Contains(err.Error(), "idempotent") {
		t.Error(err)
	}
}

// FuzzValue: what is written is read, and nothing else is taken for it.
func FuzzValue(f *testing.F) {
	f.Add(newValue(1, 2, 100))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if producer, number, ok := parseValue(b); ok {
			if p, n, ok := parseValue(newValue(producer, number, len(b))); !ok || p != producer || n != number {
				t.Errorf("%d %d is read as %d %d", producer, number, p, n)
			}
		}
		v := newValue(3, int64(len(b)), 20+len(b)%50)
		v[len(b)%len(v)] ^= 1
		if _, _, ok := parseValue(v); ok {
			t.Error("a flipped bit is not seen")
		}
	})
}
