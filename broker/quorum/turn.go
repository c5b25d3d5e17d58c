package quorum

import (
	"errors"
	"slices"

	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/wire"
)

// turn is one round of the log: proposals decided one after the other, written as one batch, synced once.
type turn struct {
	s        *Single
	change   *metadata.Change
	img      *metadata.Image // with all decided so far
	accepted []metadata.Record
	answers  []answer
	next     wire.Offset
	nowMs    int64
}

type answer struct {
	done  Done
	index wire.Offset
	err   error
}

// turn decides and answers proposals, in as many turns as their bytes call for.
func (s *Single) turn(ps []proposal) {
	t := s.beginTurn()
	for _, p := range ps {
		if s.fatal != nil {
			t.answers = append(t.answers, answer{p.done, -1, s.fatal})
			continue
		}
		records := p.decide(t.img, t.next)
		if len(records) == 0 {
			t.answers = append(t.answers, answer{p.done, t.img.Offset, nil})
			continue
		}
		err := t.add(records)
		if errors.Is(err, ErrTooLarge) && len(t.accepted) > 0 { // too large for what is left of this batch
			t.commit()
			t = s.beginTurn()
			err = t.add(records)
		}
		t.answers = append(t.answers, answer{p.done, t.img.Offset, err})
	}
	t.commit()
}

func (s *Single) beginTurn() *turn {
	img := s.image.Load()
	t := &turn{s: s, img: img, change: metadata.NewChange(img), next: s.store.end, nowMs: s.o.Now()}
	s.w.buf = s.w.buf[:0]
	s.w.begin(t.next, s.term, t.nowMs, false)
	return t
}

// add takes the records of one proposal into the turn, or none of them.
func (t *turn) add(records []metadata.Record) error {
	if t.s.fatal != nil {
		return t.s.fatal
	}
	if t.s.store.short && creates(records) && !t.s.store.takeReserve() {
		return ErrNoSpace
	}
	w := &t.s.w
	size, count := len(w.buf), w.count
	for i, r := range records {
		t.s.scratch = metadata.AppendRecord(t.s.scratch[:0], r)
		w.add(nil, t.s.scratch)
		err := error(nil)
		if w.size() > MaxBatchBytes {
			err = ErrTooLarge
		} else {
			err = t.change.Apply(t.next+wire.Offset(i), t.s.term, r)
		}
		if err != nil {
			w.buf, w.count = w.buf[:size], count
			t.rebuild()
			return err
		}
	}
	t.accepted = append(t.accepted, records...)
	t.next += wire.Offset(len(records))
	t.img = t.change.Image()
	return nil
}

// rebuild makes the change again without the proposal that has just failed.
func (t *turn) rebuild() {
	base := t.s.image.Load()
	t.change = metadata.NewChange(base)
	for i, r := range t.accepted {
		if err := t.change.Apply(t.s.store.end+wire.Offset(i), t.s.term, r); err != nil {
			panic("BUG: quorum: a record that was applied once does not apply again: " + err.Error())
		}
	}
	t.img = t.change.Image()
}

// creates reports whether records make the metadata grow for good, which a full disk must not be asked for.
func creates(records []metadata.Record) bool {
	return slices.ContainsFunc(records, func(r metadata.Record) bool {
		return r.Type() == metadata.TypeTopic || r.Type() == metadata.TypePartition
	})
}

// commit makes the turn durable, then visible, then known.
func (t *turn) commit() {
	s := t.s
	if len(t.accepted) > 0 {
		s.w.finish()
		if err := s.store.append(s.w.buf, t.next-1); err != nil {
			t.failed(err)
		} else {
			s.unsnaped += len(t.accepted)
			s.lastMs = t.nowMs
			s.publish(t.img, t.change.Delta(t.img))
		}
		if cap(s.w.buf) > 1<<20 {
			s.w.buf = nil
		}
	}
	for _, a := range t.answers {
		a.done(a.index, a.err)
	}
}

// failed gives every answer that depends on the batch its error: also those without records, which were decided on
// an image that did not come to be.
func (t *turn) failed(err error) {
	if !errors.Is(err, ErrNoSpace) {
		t.s.die(err)
	}
	for i := range t.answers {
		if a := &t.answers[i]; a.err == nil && a.index >= t.s.store.end {
			a.index, a.err = -1, err
		}
	}
}

// die remembers the failure that ended the log.
func (s *Single) die(err error) {
	if s.fatal == nil {
		s.fatal = err
		s.o.Fatal(err)
	}
}

func (s *Single) publish(img *metadata.Image, d metadata.Delta) {
	s.mu.Lock()
	s.image.Store(img)
	subs := s.subs
	s.mu.Unlock()
	for _, fn := range subs {
		fn(d, img)
	}
}

// snapshotDone is what the writing of a snapshot came to.
type snapshotDone struct {
	id      snapID
	above   int // records that stood above the snapshot before, and stand in it now
	records int
	err     error
}

// maybeSnapshot begins a snapshot when enough records stand above the last one. A big image wants more of them, so
// that writing snapshots stays a small part of all writing.
func (s *Single) maybeSnapshot(atLeast int) {
	if s.snapping || s.fatal != nil || s.unsnaped < max(atLeast, s.snapped/2) {
		return
	}
	if err := s.store.roll(); err != nil {
		s.beside("beginning a snapshot of the metadata", err)
		return
	}
	img := s.image.Load()
	d := snapshotDone{id: snapID{img.Offset + 1, img.Epoch}, above: s.unsnaped}
	lastMs, nowMs, name := s.lastMs, s.o.Now(), snapName(s.store.dir, d.id)
	s.snapping = true
	s.o.Background(func() {
		b, records := encodeSnapshot(img, lastMs, nowMs)
		d.records = records
		d.err = vfs.WriteFileAtomic(s.o.FS, name, b)
		s.snaps <- d
	})
}

// finishSnapshot takes a written snapshot into use. A snapshot that failed is tried again after as many records.
func (s *Single) finishSnapshot(d snapshotDone) {
	s.snapping = false
	s.unsnaped -= d.above
	if d.err != nil {
		s.beside("writing a snapshot of the metadata", d.err)
		return
	}
	s.snapped = d.records
	s.store.trim(d.id)
}
