package proof

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Record is one that was read back.
type Record struct {
	Partition int32
	Offset    int64
	Producer  uint32
	Number    int64 // of the producer's records
}

// entry is what is known of a record that was sent.
type entry struct {
	partition int32
	acked     bool
	offset    int64 // that was acknowledged; -1 with acks=0
}

func (e *entry) where() string {
	if e.offset < 0 {
		return "written to a connection to the leader"
	}
	return fmt.Sprintf("acknowledged at offset %d", e.offset)
}

// Ledger is what was sent and what was acknowledged. The zero value is empty.
type Ledger struct {
	mu   sync.Mutex
	sent map[uint32][]entry
}

// Send numbers a record that is about to be sent.
func (l *Ledger) Send(producer uint32, partition int32) (number int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent == nil {
		l.sent = map[uint32][]entry{}
	}
	l.sent[producer] = append(l.sent[producer], entry{partition: partition, offset: -1})
	return int64(len(l.sent[producer]) - 1)
}

// Ack notes that the client library calls a record done.
func (l *Ledger) Ack(producer uint32, number, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &l.sent[producer][number]
	e.acked, e.offset = true, offset
}

// Finding is what became of the records of a trial, or of several.
type Finding struct {
	Sent       int64    `json:"sent"`
	Acked      int64    `json:"acked"` // with acks=0: written to the connection
	Read       int64    `json:"read"`
	Lost       int64    `json:"lost"`         // acknowledged, and nowhere
	Unacked    int64    `json:"unacked"`      // never acknowledged
	Kept       int64    `json:"unacked_kept"` // of those, the records that are there all the same
	Duplicates int64    `json:"duplicates"`   // further copies
	Disorder   int64    `json:"out_of_order"` // records behind a later one of their producer, in their partition
	Moved      int64    `json:"moved"`        // acknowledged at another offset than they are at
	Damaged    int64    `json:"damaged"`      // records whose bytes are not what was sent, or that nobody sent
	Examples   []string `json:"examples,omitempty"`
}

// maxExamples bounds the examples of a finding.
const maxExamples = 20

func (f *Finding) example(format string, args ...any) {
	if len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, fmt.Sprintf(format, args...))
	}
}

// Check holds what was read against what was sent.
func (l *Ledger) Check(read []Record, damaged int64) *Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &Finding{Read: int64(len(read)) + damaged, Damaged: damaged}
	read = slices.Clone(read)
	slices.SortFunc(read, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	found := l.place(read, f)
	for producer, entries := range l.sent {
		for n, e := range entries {
			at := found[key{producer, int64(n)}]
			f.Sent++
			switch {
			case !e.acked:
				f.Unacked++
				if len(at) > 0 {
					f.Kept++
				}
				continue
			case len(at) == 0:
				f.Lost++
				f.example("record %d of producer %d was %s of partition %d, and is lost", n, producer, e.where(), e.partition)
			case e.offset >= 0 && !slices.Contains(at, e.offset):
				f.Moved++
				f.example("record %d of producer %d was acknowledged at offset %d of partition %d, and is at %d", n, producer,
					e.offset, e.partition, at[0])
			}
			f.Acked++
		}
	}
	return f
}

type key struct {
	producer uint32
	number   int64
}

// place finds the offsets of each record that was sent, and counts copies and disorder on the way.
func (l *Ledger) place(read []Record, f *Finding) map[key][]int64 {
	type lane struct {
		partition int32
		producer  uint32
	}
	found, latest := map[key][]int64{}, map[lane]int64{}
	for _, r := range read {
		if entries := l.sent[r.Producer]; r.Number < 0 || r.Number >= int64(len(entries)) ||
			entries[r.Number].partition != r.Partition {
			f.Damaged++
			f.example("offset %d of partition %d holds a record that was not sent there", r.Offset, r.Partition)
			continue
		}
		k, at := key{r.Producer, r.Number}, lane{r.Partition, r.Producer}
		if first := found[k]; len(first) > 0 {
			f.Duplicates++
			f.example("record %d of producer %d is at offsets %d and %d of partition %d", r.Number, r.Producer, first[0],
				r.Offset, r.Partition)
		} else if last, ok := latest[at]; ok && last > r.Number {
			f.Disorder++
			f.example("record %d of producer %d is behind %d in partition %d", r.Number, r.Producer, last, r.Partition)
		}
		found[k] = append(found[k], r.Offset)
		if last, ok := latest[at]; !ok || r.Number > last {
			latest[at] = r.Number
		}
	}
	return found
}

// Add puts another finding to this one.
func (f *Finding) Add(g *Finding) {
	f.Sent += g.Sent
	f.Acked += g.Acked
	f.Read += g.Read
	f.Lost += g.Lost
	f.Unacked += g.Unacked
	f.Kept += g.Kept
	f.Duplicates += g.Duplicates
	f.Disorder += g.Disorder
	f.Moved += g.Moved
	f.Damaged += g.Damaged
	for _, e := range g.Examples {
		f.example("%s", e)
	}
}
