package crash

import (
	"fmt"
	"slices"
)

// Kind sorts what a Checker finds.
type Kind uint8

// What must never be found.
const (
	Lost    Kind = iota // acknowledged at an offset that now holds something else, or nothing
	Changed             // an offset holds another record than it did when it was read before
	Double              // a record stands in the log twice
	Order               // a writer's record stands behind a later one of its own
	Gap                 // a writer's record that was never acknowledged is missing between two that are there
	Hole                // an offset between the log start and the log end holds nothing
	Content             // a record's bytes are not those that were sent
)

var kindNames = [...]string{"lost", "changed", "double", "order", "gap", "hole", "content"}

// String is the kind in a word.
func (k Kind) String() string { return kindNames[k] }

// Finding is one thing that is wrong.
type Finding struct {
	Kind
	Place
	Offset int64
	ID     Identity
	Text   string
}

// String is the finding as a test shows it.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s offset %d, %s: %s", f.Kind, f.Place, f.Offset, f.ID, f.Text)
}

// Checker holds the acknowledgements of a run against what is read back, again and again. What one reading saw counts
// in all later ones, so that a record that retention has dropped meanwhile may still not come back as a double.
type Checker struct {
	Checked int // acknowledgements that were found where they should be, each counted once

	parts    map[Place]*history
	findings []Finding
	reported map[Finding]bool
}

// history is what is known of a partition. An identity is packed into a word, 0 stands for none.
type history struct {
	acks   []uint64       // by offset
	again  []Entry        // acknowledgements of offsets that had one already
	sure   []bool         // by offset: this acknowledgement was checked
	seen   []uint64       // by offset, over all readings
	booked map[uint64]int // acknowledged records, and how often
	start  int64          // of the newest reading

	// Where each writer stood below start. It only moves up, with start.
	below   map[uint8]uint32
	belowAt int64
}

func pack(id Identity) uint64     { return uint64(id.Writer)<<32 | uint64(id.Seq) | 1<<40 }
func unpack(word uint64) Identity { return Identity{Writer: uint8(word >> 32), Seq: uint32(word)} }

// NewChecker returns one that knows nothing.
func NewChecker() *Checker {
	return &Checker{parts: map[Place]*history{}, reported: map[Finding]bool{}}
}

// Findings are sorted by place and offset; each is there once.
func (c *Checker) Findings() []Finding {
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		if a.Place != b.Place {
			if a.Place.String() < b.Place.String() {
				return -1
			}
			return 1
		}
		return int(a.Offset - b.Offset)
	})
	return c.findings
}

func (c *Checker) find(f Finding) {
	if !c.reported[f] {
		c.reported[f] = true
		c.findings = append(c.findings, f)
	}
}

func (c *Checker) history(at Place) *history {
	h := c.parts[at]
	if h == nil {
		h = &history{booked: map[uint64]int{}, below: map[uint8]uint32{}}
		c.parts[at] = h
	}
	return h
}

// set puts v at index i, growing the slice with zeros.
func set[T any](s []T, i int64, v T) []T {
	if n := int(i) + 1 - len(s); n > 0 {
		s = append(s, make([]T, n)...)
	}
	s[i] = v
	return s
}

func at[T any](s []T, i int64) T {
	if i < 0 || i >= int64(len(s)) {
		var zero T
		return zero
	}
	return s[i]
}

// Acknowledged books an acknowledgement. The next Reading that ends must have it.
func (c *Checker) Acknowledged(e Entry) {
	h := c.history(e.Place)
	word := pack(e.Identity)
	h.booked[word]++
	if e.Offset < 0 {
		c.find(Finding{Lost, e.Place, e.Offset, e.Identity, "acknowledged without an offset"})
		return
	}
	if at(h.acks, e.Offset) != 0 {
		h.again = append(h.again, e)
		return
	}
	h.acks = set(h.acks, e.Offset, word)
}

// Reading is what one pass over a partition sees, from the log start on.
type Reading struct {
	c     *Checker
	at    Place
	start int64
	words []uint64 // by offset − start
	value []byte   // scratch
}

// Begin starts a reading at the log start.
func (c *Checker) Begin(place Place, start int64) *Reading {
	return &Reading{c: c, at: place, start: start}
}

// Skip tells that the log start has moved past what was to be read next: everything below it is forgotten.
func (r *Reading) Skip(start int64) { r.start, r.words = start, r.words[:0] }

// Saw takes a record, in the order of offsets.
func (r *Reading) Saw(offset int64, key, value []byte) {
	id, err := ParseKey(key)
	if err != nil {
		r.c.find(Finding{Content, r.at, offset, id, err.Error()})
		return
	}
	var same bool
	if same, r.value = SameValue(r.value, value, r.at, id); !same {
		r.c.find(Finding{Content, r.at, offset, id, fmt.Sprintf("its %d bytes are not those that were sent", len(value))})
	}
	if offset < r.start || at(r.words, offset-r.start) != 0 {
		r.c.find(Finding{Order, r.at, offset, id, "the broker gave this offset twice in one reading"})
		return
	}
	r.words = set(r.words, offset-r.start, pack(id))
}

// End finishes a reading that went up to the log end, and compares. Everything that was booked before the reading
// began, and lies at or above its start, must be there.
func (r *Reading) End(end int64) {
	h := r.c.history(r.at)
	if r.start < h.start {
		r.c.find(Finding{Changed, r.at, r.start, Identity{}, fmt.Sprintf("the log started at %d before", h.start)})
	}
	h.start = r.start
	r.unbroken(end)
	r.acknowledged(h)
	for i, word := range r.words {
		offset := r.start + int64(i)
		if was := at(h.seen, offset); was != 0 && word != 0 && was != word {
			r.c.find(Finding{Changed, r.at, offset, unpack(word), "it held " + unpack(was).String() + " before"})
		}
	}
	r.ordered(h)
	for i, word := range r.words {
		if word != 0 {
			h.seen = set(h.seen, r.start+int64(i), word)
		}
	}
}

// unbroken reports holes; one that an acknowledgement points to is reported as lost.
func (r *Reading) unbroken(end int64) {
	acks := r.c.history(r.at).acks
	for offset := r.start; offset < end; offset++ {
		if at(r.words, offset-r.start) == 0 && at(acks, offset) == 0 {
			r.c.find(Finding{Hole, r.at, offset, Identity{}, "nothing was read"})
		}
	}
}

// acknowledged looks for every booked record at its offset.
func (r *Reading) acknowledged(h *history) {
	for offset := r.start; offset < int64(len(h.acks)); offset++ {
		if word := h.acks[offset]; word != 0 && r.holds(offset, unpack(word)) && !at(h.sure, offset) {
			h.sure = set(h.sure, offset, true)
			r.c.Checked++
		}
	}
	for _, e := range h.again {
		if e.Offset >= r.start {
			r.holds(e.Offset, e.Identity)
		}
	}
}

func (r *Reading) holds(offset int64, id Identity) bool {
	word := at(r.words, offset-r.start)
	if word == pack(id) {
		return true
	}
	text := "acknowledged, and there is nothing"
	if word != 0 {
		text = "acknowledged, and there is " + unpack(word).String()
	}
	r.c.find(Finding{Lost, r.at, offset, id, text})
	return false
}

// ordered checks that each writer's records ascend one by one. Records that were acknowledged and are missing are
// reported as lost, not as gaps.
func (r *Reading) ordered(h *history) {
	for ; h.belowAt < r.start; h.belowAt++ {
		if word := at(h.seen, h.belowAt); word != 0 {
			h.below[unpack(word).Writer] = unpack(word).Seq
		} else {
			clear(h.below) // dropped before it was ever read: nobody knows where the writers stood
		}
	}
	last := map[uint8]uint32{}
	for w, seq := range h.below {
		last[w] = seq
	}
	for i, word := range r.words {
		if word == 0 {
			continue
		}
		id, offset := unpack(word), r.start+int64(i)
		before, known := last[id.Writer]
		switch {
		case known && id.Seq <= before:
			r.backwards(h, offset, id, before)
			continue
		case known:
			for seq := before + 1; seq < id.Seq; seq++ {
				if missing := (Identity{id.Writer, seq}); h.booked[pack(missing)] == 0 {
					r.c.find(Finding{Gap, r.at, offset, missing, "it is missing before " + id.String()})
				}
			}
		}
		last[id.Writer] = id.Seq
	}
}

func (r *Reading) backwards(h *history, offset int64, id Identity, before uint32) {
	for o := int64(0); o < offset; o++ {
		if at(h.seen, o) == pack(id) || at(r.words, o-r.start) == pack(id) {
			r.c.find(Finding{Double, r.at, offset, id, fmt.Sprintf("it stands at offset %d already", o)})
			return
		}
	}
	r.c.find(Finding{Order, r.at, offset, id, fmt.Sprintf("record %d of that writer stands before it", before)})
}

// Complete checks, at the end of a run, that every record of a writer was acknowledged, once.
func (c *Checker) Complete(last Entry) {
	h := c.history(last.Place)
	for seq := uint32(1); seq <= last.Seq; seq++ {
		id := Identity{last.Writer, seq}
		switch n := h.booked[pack(id)]; {
		case n == 0:
			c.find(Finding{Gap, last.Place, -1, id, "it was never acknowledged"})
		case n > 1:
			c.find(Finding{Double, last.Place, -1, id, fmt.Sprintf("it was acknowledged %d times", n)})
		}
	}
}
