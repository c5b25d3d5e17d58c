package broker

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/segment"
	"tailrace/wire/errcode"
)

// openPartitions opens what the image says lies here, and from then on follows
// the image.
func (b *Broker) openPartitions() error {
	img := b.quorum.Image()
	b.goLive(img)
	b.groups = b.newGroups()
	found, err := b.find(img)
	if err != nil {
		return err
	}
	delta := img.Since()
	b.createAll(delta.Created, img, found)
	for _, p := range found {
		b.logger.Warn("a partition directory that the metadata does not know is left alone: "+
			"its topic was deleted, or the metadata log is older than the data",
			"path", p.found.Path, "topic_id", p.found.ID.String())
	}
	if b.unopened.Load() == 0 {
		for _, d := range b.dirs {
			if err := d.Recovered(); err != nil {
				return err
			}
		}
	}
	b.quorum.Subscribe(b.apply)
	return nil
}

// find looks for partition directories. Where a name stands in two log
// directories, one of them was left by a topic that was deleted and made anew:
// the id tells which.
func (b *Broker) find(img *metadata.Image) (map[logdir.Key]place, error) {
	found := map[logdir.Key]place{}
	for _, d := range b.dirs {
		list, err := d.Partitions()
		if err != nil {
			return nil, err
		}
		for _, f := range list {
			here, other := place{d, f}, found[f.Key]
			if other.dir == nil {
				found[f.Key] = here
				continue
			}
			keep, leave, ok := rightful(img.TopicByName(f.Topic), other, here)
			if !ok {
				return nil, fmt.Errorf("%s-%d lies in two log directories, %s and %s: move one of them away",
					f.Topic, f.Partition, other.found.Path, f.Path)
			}
			found[f.Key] = keep
			b.logger.Warn("a partition directory of a deleted topic is left alone", "path", leave.found.Path,
				"topic_id", leave.found.ID.String())
		}
	}
	return found, nil
}

// rightful tells which of two places a topic's partition lies in; with no such
// topic it does not matter.
func rightful(t *metadata.Topic, x, y place) (keep, leave place, ok bool) {
	switch {
	case t == nil, x.found.ID == t.ID && y.found.ID != t.ID && !y.found.ID.IsZero():
		return x, y, true
	case y.found.ID == t.ID && x.found.ID != t.ID && !x.found.ID.IsZero():
		return y, x, true
	}
	return x, y, false
}

// place is where a partition was found.
type place struct {
	dir   *logdir.Dir
	found logdir.Found
}

// apply follows the image. It runs on the metadata log's goroutine; the
// answers to what caused the change come after it.
func (b *Broker) apply(d metadata.Delta, img *metadata.Image) {
	own := slices.ContainsFunc(d.Configs, b.ownSettings)
	if own {
		b.goLive(img)
	}
	for _, t := range d.Deleted {
		b.deleteTopic(t)
	}
	if len(d.Created) > 0 {
		b.createAll(d.Created, img, nil)
	}
	b.grow(d.Changed, img)
	for _, c := range d.Changed {
		if c.Old != nil {
			b.partitionChanged(&c)
		}
	}
	if own {
		for name := range b.topics.load().byName {
			b.reconfigure(name, img)
		}
		return
	}
	for _, r := range d.Configs {
		if r.Type == metadata.ResourceTopic {
			b.reconfigure(r.Name, img)
		}
	}
}

// ownSettings tells whether a resource is this broker, or all brokers.
func (b *Broker) ownSettings(r metadata.Resource) bool {
	return r.Type == metadata.ResourceBroker && (r.Name == "" || r.Name == strconv.Itoa(b.config.NodeID))
}

// createAll opens the partitions of topics, several at a time, and puts them
// into the table. Partitions found on disk are taken out of found.
func (b *Broker) createAll(topics []*metadata.Topic, img *metadata.Image, found map[logdir.Key]place) {
	made := make([]*topic, len(topics))
	var work []opening
	for i, t := range topics {
		made[i] = &topic{
			name: t.Name, id: t.ID, internal: metadata.IsInternal(t.Name), parts: make([]slot, len(t.Partitions)),
		}
		work = b.openings(work, made[i], t, 0, b.topicConfig(t.Name, img), found)
	}
	_ = inParallel(work, func(o opening) error { b.openOne(o); return nil })
	b.topics.edit(func(m *topicMaps) {
		for _, t := range made {
			m.byName[t.name], m.byID[t.id] = t, t
		}
	})
}

// opening is one partition to be opened.
type opening struct {
	t     *topic
	index int32
	meta  *metadata.Partition
	cfg   *partition.Config
	at    place
	have  bool
	again bool // a full disk has refused it before
}

// openOne opens one partition into its slot. Damage stays with the partition;
// what the disk refuses is the directory's.
func (b *Broker) openOne(o opening) {
	s := &o.t.parts[o.index]
	p, err := b.openPartition(o)
	if err == nil {
		p.Lead(o.meta.LeaderEpoch, len(o.meta.Replicas), len(o.meta.ISR) == 1 && o.meta.ISR[0] == int32(b.config.NodeID))
		s.p = p
		b.leadGroups(p)
		return
	}
	s.fail = errcode.KafkaStorageError
	if o.have {
		s.left = o.at
		o.at.dir.Unopened(o.at.found.Key)
	}
	var bad *segment.CorruptError
	if errors.As(err, &bad) {
		b.logger.Error("partition is offline, the others go on", "topic", o.t.name, "partition", o.index, "error", err)
		return
	}
	b.unopened.Add(1)
	if !o.again {
		b.logger.Error("partition cannot be opened", "topic", o.t.name, "partition", o.index, "error", err)
	}
	if isFull(err) {
		b.reopenLater(o)
	}
}

func (b *Broker) openPartition(o opening) (*partition.Partition, error) {
	d, k := o.at.dir, logdir.Key{Topic: o.t.name, Partition: o.index}
	path, fresh := o.at.found.Path, false
	var err error
	switch was := o.at.found.ID; {
	case !o.have:
		d, fresh = b.pickDir(), true
		path, err = d.CreatePartition(k, o.t.id)
	case was == o.t.id:
	case was.IsZero():
		fresh, err = true, d.Identify(path, o.t.id)
	case logdir.Resembles(was, o.t.id):
		b.logger.Warn("partition.metadata is damaged and rebuilt from the metadata log", "path", path,
			"topic_id", o.t.id.String(), "read", was.String())
		fresh, err = true, d.Identify(path, o.t.id)
	default:
		// A deleted topic of the same name: a crash came before its directory
		// was dropped, and it is moved aside.
		fresh = true
		path, err = d.CreatePartition(k, o.t.id)
	}
	if err != nil {
		return nil, err
	}
	return partition.Open(partition.Options{
		Dir: d, Key: k, ID: o.t.id, Path: path, Fresh: fresh, Config: o.cfg, Budget: b.files,
		Background: b.jobs.run, MapBelow: mapBelow(b.config.AppendMappedMaxBytes), Logger: b.logger,
	})
}

// mapBelow turns tailrace.append.mapped.max.bytes into what segment asks: the
// size from which on batches are not mapped, negative for never.
func mapBelow(most int) int {
	if most == 0 {
		return -1
	}
	return most + 1
}

// pickDir gives the usable log directory with the fewest partitions, as Kafka
// does.
func (b *Broker) pickDir() *logdir.Dir {
	best := b.dirs[0]
	for _, d := range b.dirs[1:] {
		if best.Offline() != nil || (d.Offline() == nil && d.Members() < best.Members()) {
			best = d
		}
	}
	return best
}

// deleteTopic takes a topic out of service and its files out of the way.
func (b *Broker) deleteTopic(t *metadata.Topic) {
	gone := b.topics.load().byID[t.ID]
	b.topics.edit(func(m *topicMaps) {
		delete(m.byID, t.ID)
		if now := m.byName[t.Name]; now != nil && now.id == t.ID {
			delete(m.byName, t.Name)
		}
	})
	if gone == nil {
		return
	}
	b.forgetTopic(gone)
	var removes []func() error
	var delay time.Duration
	for _, s := range gone.parts {
		var remove func() error
		var err error
		path := s.left.found.Path
		switch {
		case s.p != nil:
			path = s.p.Path()
			delay = time.Duration(s.p.Config().Log.FileDeleteDelayMs) * time.Millisecond
			remove, err = s.p.Delete()
		case s.left.dir != nil:
			remove, err = s.left.dir.Drop(s.left.found.Key, path)
		default:
			continue
		}
		if err != nil {
			b.logger.Error("deleted partition stays on disk", "path", path, "error", err)
			continue
		}
		removes = append(removes, remove)
	}
	b.jobs.run(func() {
		for _, d := range b.dirs {
			if err := d.SyncEntries(); err != nil {
				d.Fail(err)
			}
		}
	})
	// What a stop leaves behind is removed at the next start.
	time.AfterFunc(delay, func() { b.removeFiles(removes) })
}

func (b *Broker) removeFiles(removes []func() error) {
	if b.stopping.Load() {
		return
	}
	for _, remove := range removes {
		if err := remove(); err != nil {
			b.logger.Error("files of a deleted partition stay on disk", "error", err)
		}
	}
}

func (b *Broker) partitionChanged(c *metadata.PartitionDelta) {
	t := b.topics.load().byID[c.Topic.ID]
	if p, code := t.partition(c.ID); code == errcode.None {
		p.Lead(c.New.LeaderEpoch, len(c.New.Replicas), len(c.New.ISR) == 1)
	}
}

func (b *Broker) reconfigure(name string, img *metadata.Image) {
	t := b.topics.load().byName[name]
	if t == nil {
		return
	}
	cfg := b.topicConfig(name, img)
	for _, s := range t.parts {
		if s.p != nil {
			s.p.Reconfigure(cfg)
		}
	}
}

// inParallel runs fn over items on a few goroutines and joins the errors.
func inParallel[T any](items []T, fn func(T) error) error {
	n := min(4*runtime.GOMAXPROCS(0), len(items))
	if n <= 1 {
		var err error
		for _, it := range items {
			err = errors.Join(err, fn(it))
		}
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	next := make(chan T)
	for range n {
		wg.Go(func() {
			for it := range next {
				if err := fn(it); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, it := range items {
		next <- it
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}
