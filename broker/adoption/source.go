package adoption

import (
	"fmt"
	"slices"
	"strconv"

	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/vfs"
	"tailrace/wire"
)

// Source is what Kafka's metadata log adds up to.
type Source struct {
	Dir    string // the log's directory, .../__cluster_metadata-0
	Image  *metadata.Image
	End    quorum.ForeignEnd
	Voters []int32 // of the metadata quorum, as last recorded
	left   leftovers
}

// Left lists what stands in the log and is not served.
func (s *Source) Left() []Left { return s.left.list() }

// UnknownError is a record that no release this build knows of writes.
type UnknownError struct {
	Offset  wire.Offset
	Type    metadata.Type
	Version int16
}

// Error implements error.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("the record at offset %d is a %v of version %d, which is not known here: the metadata log was "+
		"written by a later release than Kafka 4.4; adopt it with a later Tailrace", e.Offset, e.Type, e.Version)
}

// ReadSource reads the metadata log in dir. Nothing is written.
func ReadSource(fsys vfs.FS, dir string) (*Source, error) {
	r := reader{
		change: metadata.NewChange(metadata.Empty()), left: leftovers{},
		counts: map[metadata.UUID]int32{}, early: map[metadata.UUID][]*metadata.PartitionRecord{},
	}
	end, err := quorum.ReadForeign(fsys, dir, r.record)
	if err != nil {
		return nil, err
	}
	for id, list := range r.early {
		return nil, fmt.Errorf("%s: partition %d of the topic with id %v is there, but not those before it", dir,
			list[0].ID, id)
	}
	if len(r.voters) == 0 {
		r.voters = quorum.ForeignVoters(fsys, dir)
	}
	r.change.Advance(end.Offset-1, end.Epoch)
	return &Source{Dir: dir, Image: r.change.Image(), End: end, Voters: r.voters, left: r.left}, nil
}

// reader adds records up.
type reader struct {
	change *metadata.Change
	left   leftovers
	voters []int32

	// Kafka writes the partitions of a topic in no particular order, an image takes them in turn.
	counts map[metadata.UUID]int32
	early  map[metadata.UUID][]*metadata.PartitionRecord

	// A transaction of the metadata log (KIP-868): its records count when it ends, and not at all when it is aborted.
	inTransaction bool
	pending       []pending
}

type pending struct {
	offset wire.Offset
	epoch  wire.LeaderEpoch
	value  []byte
}

func (r *reader) record(f quorum.ForeignRecord) error {
	if f.Control {
		return r.control(f)
	}
	t, _, _, err := metadata.Peek(f.Value)
	if err != nil {
		return err
	}
	switch t {
	case typeBeginTransaction:
		r.inTransaction, r.pending = true, nil
		return nil
	case typeAbortTransaction:
		r.inTransaction, r.pending = false, nil
		return nil
	case typeEndTransaction:
		r.inTransaction = false
		for _, p := range r.pending {
			if err := r.apply(p.offset, p.epoch, p.value); err != nil {
				return err
			}
		}
		r.pending = nil
		return nil
	}
	if r.inTransaction {
		r.pending = append(r.pending, pending{f.Offset, f.Epoch, slices.Clone(f.Value)})
		return nil
	}
	return r.apply(f.Offset, f.Epoch, f.Value)
}

func (r *reader) apply(offset wire.Offset, epoch wire.LeaderEpoch, value []byte) error {
	t, version, body, err := metadata.Peek(value)
	if err != nil {
		return err
	}
	if !t.Served() {
		known, err := r.left.take(t, version, body)
		if err != nil {
			return fmt.Errorf("%v, version %d: %w", t, version, err)
		}
		if !known {
			return &UnknownError{offset, t, version}
		}
		return nil
	}
	record, err := metadata.DecodeRecord(value)
	if err != nil {
		return err
	}
	switch record := record.(type) {
	case *metadata.PartitionRecord:
		return r.partition(offset, epoch, record)
	case *metadata.RemoveTopicRecord:
		delete(r.counts, record.ID)
		delete(r.early, record.ID)
	case *metadata.FeatureLevelRecord:
		if record.Name != metadata.FeatureMetadataVersion {
			r.feature(record)
			return nil
		}
	case *metadata.ConfigRecord:
		if record.Resource.Type == metadata.ResourceClientMetrics {
			r.metrics(record)
			return nil
		}
	case *metadata.ProducerIDsRecord:
		if record.Next <= r.change.Image().NextProducerID() {
			return nil // a snapshot and the log above it may both have it
		}
	}
	return r.change.Apply(offset, epoch, record)
}

// partition holds a partition back until those before it are there.
func (r *reader) partition(offset wire.Offset, epoch wire.LeaderEpoch, p *metadata.PartitionRecord) error {
	if p.ID > r.counts[p.TopicID] {
		r.early[p.TopicID] = append(r.early[p.TopicID], p)
		return nil
	}
	for p != nil {
		if err := r.change.Apply(offset, epoch, p); err != nil {
			return err
		}
		r.counts[p.TopicID] = max(r.counts[p.TopicID], p.ID+1)
		p = r.next(p.TopicID)
	}
	return nil
}

// next takes the partition that is next in turn from those held back.
func (r *reader) next(id metadata.UUID) *metadata.PartitionRecord {
	list := r.early[id]
	i := slices.IndexFunc(list, func(p *metadata.PartitionRecord) bool { return p.ID == r.counts[id] })
	if i < 0 {
		return nil
	}
	p := list[i]
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(r.early, id)
	} else {
		r.early[id] = list
	}
	return p
}

func (r *reader) feature(f *metadata.FeatureLevelRecord) {
	if f.Level == 0 {
		r.left.remove(kindFeature, f.Name)
		return
	}
	r.left.add(kindFeature, f.Name, f.Name+"="+strconv.Itoa(int(f.Level)))
}

func (r *reader) metrics(c *metadata.ConfigRecord) {
	key := c.Resource.Name + " " + c.Name
	if c.Value == nil {
		r.left.remove(kindMetrics, key)
		return
	}
	r.left.add(kindMetrics, key, c.Resource.Name)
}

// Control records that name the voters (ControlRecordType.java; LeaderChangeMessage.json, VotersRecord.json).
const (
	controlLeaderChange = 2
	controlVoters       = 6
)

func (r *reader) control(f quorum.ForeignRecord) error {
	var b wire.Reader
	b.Reset(f.Value)
	version := b.Int16()
	var voters []int32
	switch f.Kind {
	case controlLeaderChange:
		b.Int32() // the leader
		for n := b.CompactArrayLen(5); n > 0; n-- {
			voters = append(voters, b.Int32())
			if version >= 1 {
				b.UUID() // its directory
			}
			b.SkipTags()
		}
	case controlVoters:
		for n := b.CompactArrayLen(20); n > 0; n-- {
			voters = append(voters, b.Int32())
			skipVoter(&b)
		}
	default:
		return nil
	}
	if b.Err() != nil {
		return fmt.Errorf("control record of type %d: %w", f.Kind, b.Err())
	}
	r.voters = voters
	return nil
}

// skipVoter reads past a voter's directory, endpoints and supported kraft.version.
func skipVoter(b *wire.Reader) {
	b.UUID()
	for n := b.CompactArrayLen(5); n > 0; n-- {
		b.CompactString() // name
		b.CompactString() // host
		b.Int16()         // port
		b.SkipTags()
	}
	b.Int16()
	b.Int16()
	b.SkipTags() // of the range
	b.SkipTags() // of the voter
}
