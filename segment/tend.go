package segment

import (
	"errors"
	"math"
	"os"

	"tailrace/index"
	"tailrace/wire"
)

// The work that must not delay an append is done by one helper job a log at a time, tend, which goes on until there is
// nothing left:
//
//	finish   trim the files of a segment that was rolled, let its mapping go
//	settle   give the index files of a prepared segment their names
//	extend   write zeros ahead of the tail
//	prepare  make the next segment when the active one is three quarters full
//
// If tend is late, the append does by itself what it cannot do without. Each job runs under Log.work, so that nothing
// else rearranges the log meanwhile.

// hasJob tells whether tend has something to do. Under mu.
func (l *Log) hasJob() bool {
	w := l.w
	return len(l.finishing) > 0 || w != nil && (w.unsettled != "" || w.needsSpace() || l.wantsNext(w))
}

func (w *writer) needsSpace() bool { return w.wantsSpace() && w.noSpaceAt != w.sized.Load()+1 }

func (l *Log) wantsNext(w *writer) bool {
	return l.next == nil && !w.noNext && w.seg.size() > int64(l.config.Load().SegmentBytes)/4*3
}

// kick has tend run.
func (l *Log) kick() {
	if l.background != nil {
		l.background(l.tendFn)
		return
	}
	l.tend()
}

func (l *Log) tend() {
	l.work.Lock()
	defer l.work.Unlock()
	l.runJobs()
}

// runJobs does what there is to do. Under work.
func (l *Log) runJobs() {
	for {
		l.mu.Lock()
		j := l.nextJob()
		if j.what == nothing {
			l.tending = false
		}
		l.mu.Unlock()
		switch j.what {
		case nothing:
			return
		case toFinish:
			l.finish(j.w)
		case toSettle:
			l.settle(j.w)
		case toExtend:
			l.extendAhead(j)
		case toPrepare:
			l.prepare(j.w)
		}
	}
}

type task uint8

const (
	nothing task = iota
	toFinish
	toSettle
	toExtend
	toPrepare
)

type job struct {
	what task
	w    *writer
	h    *handle // toExtend: with a reference, so that the file stays open
	tail int64
}

// nextJob is the most urgent thing to do. Under mu.
func (l *Log) nextJob() job {
	w := l.w
	switch {
	case l.closed.Load():
	case len(l.finishing) > 0:
		old := l.finishing[0]
		l.finishing = l.finishing[1:]
		return job{what: toFinish, w: old}
	case w == nil:
	case w.unsettled != "":
		return job{what: toSettle, w: w}
	case w.needsSpace():
		w.h.ref.Acquire()
		return job{what: toExtend, w: w, h: w.h, tail: w.seg.size()}
	case l.wantsNext(w):
		return job{what: toPrepare, w: w}
	}
	return job{}
}

// finish trims a segment that is no longer written and closes its mapping, for good measure with the files opened anew
// while they are not synced: an error that the kernel met while writing back is told to descriptors that are open.
func (l *Log) finish(w *writer) {
	l.settle(w)
	s := w.seg
	if err := w.release(); err != nil {
		l.names.Lock()
		s.checked, s.stale = false, true // the first use will look again
		l.names.Unlock()
		l.warn("a full segment could not be trimmed", "file", w.file.Name(), "error", err)
	}
	l.mu.Lock()
	if !l.closed.Load() {
		l.markUnsynced(s) // its size has changed
	}
	l.mu.Unlock()
	l.names.Lock()
	fresh, err := l.openForReading(s)
	if err != nil {
		fresh = nil // the next use will try again and tell
	}
	old := s.h.Swap(fresh)
	l.names.Unlock()
	l.letGo(old)
}

// settle gives index files that were prepared their names. When that fails the index is rebuilt at first use.
func (l *Log) settle(w *writer) {
	if w.unsettled == "" {
		return
	}
	l.names.Lock()
	err := l.place(w.index.offsets.Name(), l.path(w.seg.base, indexSuffix))
	if err == nil {
		err = l.place(w.index.times.Name(), l.path(w.seg.base, timeSuffix))
	}
	l.names.Unlock()
	if err != nil {
		l.warn("an index could not be renamed and will be rebuilt", "segment", l.path(w.seg.base, logSuffix), "error", err)
	}
	l.mu.Lock()
	w.unsettled = ""
	l.dirDirty = true
	l.mu.Unlock()
}

// extendAhead makes room behind the tail before an append needs it. A full disk is left for the append to report.
func (l *Log) extendAhead(j job) {
	defer j.h.ref.Release()
	w := j.w
	before := w.sized.Load()
	if err := w.extendTo(max(before, j.tail)+1, w.step()); err != nil || w.sized.Load() == before {
		l.mu.Lock()
		w.noSpaceAt = before + 1
		l.mu.Unlock()
	}
}

// preparedNumber names the files of a segment prepared ahead. No segment has it, nor does one that an append makes
// meanwhile because it could not wait, which is numbered by its base.
const preparedNumber = math.MaxInt64

// prepare makes the next segment ahead of time. A failure is left for the roll to report.
func (l *Log) prepare(active *writer) {
	next, err := l.makeNext(preparedNumber)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		active.noNext = true
	case l.next != nil || l.closed.Load(): // an append could not wait
		_ = l.dropPrepared(next)
	default:
		l.keepNext(next)
	}
}

// makeNext makes the files of the next segment. They get their name, which nobody knows yet, when the segment is begun;
// until then they bear one that both Kafka and Tailrace drop at start.
func (l *Log) makeNext(number wire.Offset) (*writer, error) {
	next, err := l.openWriter(number, cleanedSuffix, 0, os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	if err = l.makeReady(next); err == nil {
		next.from = -maxZeros // a log that fills segments is past its small beginnings
		err = next.extendTo(1, next.step())
	}
	if err != nil {
		return nil, errors.Join(err, l.dropPrepared(next))
	}
	return next, nil
}

// keepNext makes w the prepared segment. Under mu.
func (l *Log) keepNext(w *writer) {
	l.next = w
	files, maps := w.holds()
	l.budget.add(l, files, maps)
}

// dropPrepared closes and removes a segment that was prepared and is not needed.
func (l *Log) dropPrepared(w *writer) error {
	names := [...]string{w.file.Name(), "", ""}
	if w.index.times != nil {
		names[1], names[2] = w.index.offsets.Name(), w.index.times.Name()
	}
	err := w.discard()
	for _, name := range names {
		if name != "" {
			err = errors.Join(err, l.remove(name))
		}
	}
	return err
}

func (x *indexer) lastTime() index.TimeEntry {
	return index.TimeEntry{Timestamp: x.maxTs, Offset: x.maxTsAt}
}
