package drive

import (
	"sync"
	"time"

	"tailrace/wire"
)

// Dues tell the readers of a raw load when a batch was due that can carry no stamp, because a prebuilt batch that is
// compressed cannot be changed. The answer to a produce request names the batch's base offset, and so does what is
// read. A reader may see the batch before the producer has read its answer: then the arrival is kept until that comes.
//
// It needs answers, so it is no help with acks=0, and it costs a lock and a map entry a batch on both sides, which is
// why uncompressed batches are stamped instead. What else lost: to compress each batch anew, which makes the codec the
// load; to write the moment into header fields that nobody reads without a producer id, which other brokers may refuse.
//
// Safe for concurrent use.
type Dues struct {
	readers    int
	partitions []duesOf
}

// duesOf is what is not told yet, of one partition.
type duesOf struct {
	mu       sync.Mutex
	due      map[wire.Offset]*dueLeft
	arrivals map[wire.Offset][]arrival
}

type dueLeft struct {
	due
	readers int // that have not seen it
}

// due is what the producer knows of a batch.
type due struct {
	at    time.Time
	bytes int // keys and values
}

// arrival is a batch in the hands of a reader.
type arrival struct {
	at      time.Time
	records int64
	count   func(a arrival, d due) // told as soon as both sides are known, by the later one
}

// NewDues keeps moments until so many readers have seen them.
func NewDues(partitions, readers int) *Dues {
	d := &Dues{readers: readers, partitions: make([]duesOf, partitions)}
	for i := range d.partitions {
		d.partitions[i].due, d.partitions[i].arrivals = map[wire.Offset]*dueLeft{}, map[wire.Offset][]arrival{}
	}
	return d
}

// acked notes a batch that was acknowledged.
func (d *Dues) acked(partition int, base wire.Offset, what due) {
	p := &d.partitions[partition]
	p.mu.Lock()
	waiting := p.arrivals[base]
	delete(p.arrivals, base)
	if left := d.readers - len(waiting); left > 0 {
		p.due[base] = &dueLeft{what, left}
	}
	p.mu.Unlock()
	for _, a := range waiting {
		a.count(a, what)
	}
}

// arrived notes a batch that was read.
func (d *Dues) arrived(partition int, base wire.Offset, a arrival) {
	p := &d.partitions[partition]
	p.mu.Lock()
	known := p.due[base]
	if known == nil {
		p.arrivals[base] = append(p.arrivals[base], a)
		p.mu.Unlock()
		return
	}
	what := known.due
	if known.readers--; known.readers == 0 {
		delete(p.due, base)
	}
	p.mu.Unlock()
	a.count(a, what)
}

// unknown is how many records were read whose moment nobody has told.
func (d *Dues) unknown() (records int64) {
	for i := range d.partitions {
		p := &d.partitions[i]
		p.mu.Lock()
		for _, list := range p.arrivals {
			for _, a := range list {
				records += a.records
			}
		}
		p.mu.Unlock()
	}
	return records
}
