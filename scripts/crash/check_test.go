package crash

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// logOf is a partition as a broker should keep it: two writers in turns.
func logOf(n int) []Identity {
	list := make([]Identity, n)
	for i := range list {
		list[i] = Identity{uint8(i % 2), uint32(i/2) + 1}
	}
	return list
}

var place = Place{"t", 1}

// read makes a reading of a log from an offset on. Zero identities are offsets that hold nothing.
func read(c *Checker, log []Identity, start int) {
	r := c.Begin(place, int64(start))
	for i := start; i < len(log); i++ {
		if log[i] != (Identity{}) {
			r.Saw(int64(i), log[i].Key(), AppendValue(nil, place, log[i]))
		}
	}
	r.End(int64(len(log)))
}

func book(c *Checker, log []Identity, from, to int) {
	for i := from; i < to; i++ {
		c.Acknowledged(Entry{place, int64(i), log[i]})
	}
}

func TestCheckerAcceptsWhatIsRight(t *testing.T) {
	c, log := NewChecker(), logOf(100)
	book(c, log, 0, 40)
	read(c, log[:50], 0)
	book(c, log, 40, 90)
	read(c, log[:95], 30) // retention took 30
	book(c, log, 90, 100)
	read(c, log, 97) // and more than was ever read
	read(c, log, 100)
	if f := c.Findings(); len(f) > 0 {
		t.Errorf("findings in a log that is right: %v", f)
	}
	if c.Checked != 93 {
		t.Errorf("%d acknowledgements were checked, not 93", c.Checked)
	}
	c.Complete(Entry{place, 0, Identity{0, 50}})
	c.Complete(Entry{place, 0, Identity{1, 50}})
	if f := c.Findings(); len(f) > 0 {
		t.Errorf("findings at the end: %v", f)
	}
}

// TestCheckerFindsEachFault plants one fault a row into a log of 60 records, of which the first 50 are acknowledged and
// the first 40 were read before.
func TestCheckerFindsEachFault(t *testing.T) {
	rows := []struct {
		name  string
		plant func(log []Identity) []Identity
		want  map[Kind]int
	}{
		{"a lost batch leaves a hole", func(l []Identity) []Identity { clear(l[44:48]); return l }, map[Kind]int{Lost: 4}},
		{"a lost end", func(l []Identity) []Identity { return l[:45] }, map[Kind]int{Lost: 5}},
		{"a lost batch, others moved up", func(l []Identity) []Identity { return append(l[:48], l[50:]...) },
			map[Kind]int{Lost: 2}},
		{"two records swapped", func(l []Identity) []Identity { l[45], l[47] = l[47], l[45]; return l },
			map[Kind]int{Lost: 2, Order: 1}},
		{"a retry appended again", func(l []Identity) []Identity { return append(l, l[57]) }, map[Kind]int{Double: 1}},
		{"a retry of what retention dropped", func(l []Identity) []Identity { return append(l, l[3]) },
			map[Kind]int{Double: 1}},
		{"an unacknowledged record missing among later ones",
			func(l []Identity) []Identity { l[52] = l[54]; return append(l[:53], l[53], l[56], l[55]) },
			map[Kind]int{Gap: 1}},
		{"a hole nobody knows of", func(l []Identity) []Identity { l[59] = Identity{}; return l }, map[Kind]int{Hole: 1}},
		{"a known offset with another record", func(l []Identity) []Identity { l[30] = Identity{9, 1}; return l },
			map[Kind]int{Lost: 1, Changed: 1}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c, log := NewChecker(), logOf(60)
			book(c, log, 0, 40)
			read(c, log[:40], 0)
			book(c, log, 40, 50)
			if len(c.Findings()) != 0 {
				t.Fatalf("before the fault: %v", c.Findings())
			}
			read(c, row.plant(append([]Identity(nil), log...)), 10)
			got := map[Kind]int{}
			for _, f := range c.Findings() {
				got[f.Kind]++
			}
			for k := Lost; k <= Content; k++ {
				if got[k] != row.want[k] {
					t.Errorf("%d findings of kind %q, want %d: %v", got[k], k, row.want[k], c.Findings())
				}
			}
		})
	}
}

func TestCheckerFindsWrongBytes(t *testing.T) {
	c, id := NewChecker(), Identity{1, 1}
	value := AppendValue(nil, place, id)
	value[len(value)/2] ^= 1
	r := c.Begin(place, 0)
	r.Saw(0, id.Key(), value)
	r.Saw(1, []byte("strange"), nil)
	r.End(1)
	if f := c.Findings(); len(f) != 2 || f[0].Kind != Content || f[1].Kind != Content {
		t.Errorf("findings: %v", f)
	}
}

func TestCheckerFindsWhatWasNeverAcknowledged(t *testing.T) {
	c, log := NewChecker(), logOf(10)
	book(c, log, 0, 9)
	c.Acknowledged(Entry{place, 20, log[0]})
	c.Complete(Entry{place, 0, Identity{0, 5}})
	c.Complete(Entry{place, 0, Identity{1, 5}})
	if f := c.Findings(); len(f) != 2 || f[0].Kind+f[1].Kind != Gap+Double {
		t.Errorf("findings: %v", f)
	}
}

func TestLedgerIsReadWhileItIsWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ledger")
	w, err := CreateLedger(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := OpenLedger(name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var sent, got []Entry
	for i := range 3000 {
		e := Entry{Place{"topic", int32(i % 3)}, rand.Int64N(1 << 40), Identity{uint8(i % 5), uint32(i)}}
		sent = append(sent, e)
		w.Acknowledged(e)
		if i%700 == 0 {
			if err := l.Read(func(e Entry) { got = append(got, e) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Trouble("two\nlines")
	w.Last(place, Identity{2, 77})
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	if err := l.Read(func(e Entry) { got = append(got, e) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(sent) || got[2999] != sent[2999] || l.Acks != 3000 {
		t.Errorf("%d entries of %d came back", len(got), len(sent))
	}
	if !l.Ended || len(l.Trouble) != 1 || len(l.Lasts) != 1 || l.Lasts[0].Identity != (Identity{2, 77}) {
		t.Errorf("ended %v, trouble %q, lasts %v", l.Ended, l.Trouble, l.Lasts)
	}
}
