package broker

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/wire"
)

// reopenAfter is how long after a full disk refused to open a partition it is
// tried again. A producer's retries then succeed soon after space has come
// back.
const reopenAfter = time.Second

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// reopenLater tries again to open a partition that a full disk has refused, on
// the goroutine that applies the image, until it opens or is gone.
func (b *Broker) reopenLater(o opening) {
	time.AfterFunc(reopenAfter, func() {
		if b.stopping.Load() {
			return
		}
		nothing := func(*metadata.Image, wire.Offset) []metadata.Record { return nil }
		b.quorum.ProposeFunc(nothing, func(_ wire.Offset, err error) {
			switch {
			case err == nil:
				b.reopen(o)
			case !errors.Is(err, quorum.ErrClosed):
				b.reopenLater(o)
			}
		})
	})
}

// reopen opens a partition into a copy of its topic.
func (b *Broker) reopen(o opening) {
	now, img := b.topics.load().byID[o.t.id], b.quorum.Image()
	meta := leaderOf(img, o.t.id, o.index)
	switch {
	case meta == nil: // deleted
		return
	case now == nil: // the start is not yet through with the others
		b.reopenLater(o)
		return
	case now.parts[o.index].p != nil:
		return
	}
	t := new(topic)
	*t = *now
	t.parts = slices.Clone(now.parts)
	t.parts[o.index] = slot{}
	o.t, o.meta, o.cfg, o.again = t, meta, b.topicConfig(t.name, img), true
	b.openOne(o)
	if t.parts[o.index].p == nil {
		return
	}
	b.topics.edit(func(m *topicMaps) {
		m.byID[t.id] = t
		if m.byName[t.name] == now {
			m.byName[t.name] = t
		}
	})
	b.logger.Info("partition opened, there is space again", "topic", t.name, "partition", o.index)
}
