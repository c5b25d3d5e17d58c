package segment

import (
	"errors"
	"fmt"
	"math"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// Append writes one batch to the end of the log. b is not kept. It fails with ErrNoSpace, ErrClosed or a wrapped I/O
// error, and then nothing was appended (after an I/O error the bytes may still be found by a recovery). Allocates
// nothing. Appends of one log must not run at the same time with offsets that depend on each other: the caller
// serializes what it stamps.
func (l *Log) Append(b []byte, a Appended) error {
	l.mu.Lock()
	err := l.append(b, a)
	tell := err == nil && l.markDirty()
	kick := !l.tending && l.hasJob()
	if kick {
		l.tending = true
	}
	l.mu.Unlock()
	if tell {
		l.onDirty()
	}
	if kick {
		l.kick()
	}
	return err
}

func (l *Log) append(b []byte, a Appended) error {
	if err := l.usable(); err != nil || l.closing {
		return errors.Join(err, ErrClosed)
	}
	s := l.chain.Load().active()
	pos, end := s.ends()
	if a.Base < end || a.Last < a.Base || len(b) < batch.HeaderSize {
		return l.refuse(b, a, end)
	}
	if l.w == nil || l.shouldRoll(s, pos, int64(len(b)), a) {
		if err := l.makeWritable(pos, int64(len(b)), a, end); err != nil {
			return err
		}
		s = l.w.seg
		pos, _ = s.ends()
	}
	w := l.w
	to := pos + int64(len(b))
	if err := w.index.ready(); err != nil {
		return l.failure("reserving space for an index", err)
	}
	if err := w.store(b, pos, l.mapBelow, a.Sync); err != nil {
		return l.failure("appending", err)
	}
	h := header{base: a.Base, last: a.Last, size: int64(len(b)), maxTs: a.MaxTimestamp}
	if err := w.index.note(h, pos); err != nil {
		return l.failure("appending to an index", err)
	}
	w.appended(pos, to, a)
	s.setEnds(to, a.Last+1)
	l.used(a.AppendTimeMs)
	return nil
}

// refuse explains a batch that must not be here.
func (l *Log) refuse(b []byte, a Appended, end wire.Offset) error {
	return fmt.Errorf("BUG: %s: batch of %d bytes with offsets %d to %d appended where the log ends at %d",
		l.dir, len(b), a.Base, a.Last, end)
}

// shouldRoll is Kafka's LogSegment.shouldRoll.
func (l *Log) shouldRoll(s *seg, pos, n int64, a Appended) bool {
	c := l.config.Load()
	if pos > 0 && (pos+n > int64(c.SegmentBytes) || l.w.index.full() || l.aged(c, a)) {
		return true
	}
	return int64(a.Last-s.base) > math.MaxInt32
}

// aged tells whether segment.ms is over. Time passes with the timestamps of the batches, where they have any.
func (l *Log) aged(c *Config, a Appended) bool {
	if c.SegmentMs <= 0 {
		return false
	}
	waited := a.AppendTimeMs - l.w.createdMs
	if l.w.firstTs >= 0 && a.MaxTimestamp >= 0 {
		waited = a.MaxTimestamp - l.w.firstTs
	}
	jitter := int64(float64(l.jitter) / (1 << 32) * float64(min(c.SegmentJitterMs, c.SegmentMs)))
	return waited > c.SegmentMs-jitter
}

// makeWritable opens the active segment for writing, and rolls if it must.
func (l *Log) makeWritable(pos, n int64, a Appended, end wire.Offset) error {
	if l.w == nil {
		if err := l.activate(a.AppendTimeMs); err != nil {
			return err
		}
		if !l.shouldRoll(l.w.seg, pos, n, a) {
			return nil
		}
	}
	// An empty segment is rolled only because offsets leap beyond what its int32 can hold.
	return l.roll(max(end, a.Last-math.MaxInt32), a.AppendTimeMs, true)
}

// store copies b to its place in the file: through the mapping while that is cheaper, by pwrite otherwise. Small
// batches go where zeros were written before, large ones bring their own pages.
func (w *writer) store(b []byte, pos int64, mapBelow int, syncing bool) error {
	to := pos + int64(len(b))
	byMap := w.m != nil && len(b) < mapBelow && !syncing && to <= w.window
	w.small = byMap || syncing && len(b) < zeroedBelow
	if to > w.sized.Load() {
		if !w.small {
			return w.storeBeyond(b, pos)
		}
		if err := w.extendTo(to, min(w.step(), inlineZeros)); err != nil {
			return err
		}
	}
	if byMap {
		return w.m.WriteAt(b, vfs.Pos(pos))
	}
	_, err := w.file.WriteAt(b, pos)
	return err
}

// hotBytes is how much of the segment's end counts as hot at most.
const hotBytes = 8 << 20

// hotTurnMs is how often what was written longest ago stops being hot.
const hotTurnMs = 30_000

// appended notes a batch at [pos, to) that was stored and indexed.
func (w *writer) appended(pos, to int64, a Appended) {
	s := w.seg
	if pos == 0 {
		w.firstTs = a.MaxTimestamp
	}
	s.maxTs, s.maxTsAt, s.dated = w.index.maxTs, w.index.maxTsAt, true
	s.wroteMs = a.AppendTimeMs
	w.dirty = true
	if w.m == nil {
		return
	}
	if a.AppendTimeMs-w.hotTurnedMs > hotTurnMs {
		w.h.hotFrom.Store(max(w.hotTurned, w.h.hotFrom.Load()))
		w.hotTurned, w.hotTurnedMs = pos, a.AppendTimeMs
	}
	if from := w.h.hotFrom.Load(); to-from > hotBytes+hotBytes/8 {
		w.h.hotFrom.Store(to - hotBytes)
	}
	if w.h.wroteMs.Load() != a.AppendTimeMs {
		w.h.wroteMs.Store(a.AppendTimeMs)
	}
}

func offsetEntry(last wire.Offset, pos int64) index.OffsetEntry {
	return index.OffsetEntry{Offset: last, Pos: vfs.Pos(pos)}
}
