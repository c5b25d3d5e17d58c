package segment

import (
	"errors"
	"fmt"
	"os"

	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// ErrOvertaken: the segments to be replaced are no longer what they were, because retention or a truncation was faster.
var ErrOvertaken = errors.New("the segments were taken away or cut meanwhile")

// ErrUnfit: what was appended to a replacement cannot be a segment. The log is as it was.
var ErrUnfit = errors.New("does not fit a segment")

// Replacement is a segment that is being made to take the place of a run of sealed ones. Whoever compacts a log reads
// them by Batches, appends what is to stay, and commits. Until then nobody sees anything of it. It belongs to one
// goroutine; the log goes on meanwhile.
type Replacement struct {
	l       *Log
	old     chain
	cuts    int // Log.cuts when old was found
	base    wire.Offset
	file    vfs.File
	x       indexer
	buf     []byte
	pos     int64 // bytes appended, those in buf included
	next    wire.Offset
	aborted []index.Aborted
}

// replacementNumber names the files while they are made. No segment has it, and an index of an old segment that is made
// anew at this moment does not bear it either.
const replacementNumber = preparedNumber - 1

// Replace begins a replacement of the sealed segments from the one at base first up to the one at base next, which
// stays. There is one at a time for a log. bufBytes is how much is written at once. What is not committed is to be
// aborted.
func (l *Log) Replace(first, next wire.Offset, bufBytes int) (*Replacement, error) {
	l.work.Lock()
	defer l.work.Unlock()
	l.mu.Lock()
	err := l.usable()
	l.mu.Unlock()
	c := *l.chain.Load()
	i, j := c.find(first), c.find(next)
	switch {
	case err != nil:
		return nil, err
	case l.replacing:
		return nil, fmt.Errorf("BUG: %s: two replacements at a time", l.dir)
	case i < 0 || i >= j || c[i].base != first || c[j].base != next:
		return nil, ErrOvertaken
	}
	r := &Replacement{l: l, old: c[i:j:j], base: first, next: first, buf: make([]byte, 0, max(bufBytes, scanBytes))}
	r.cuts = l.cuts
	name := l.path(replacementNumber, logSuffix) + cleanedSuffix
	if r.file, err = l.openFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC); err == nil {
		r.x, err = l.openIndexer(replacementNumber, cleanedSuffix, os.O_TRUNC)
	}
	if err != nil {
		return nil, errors.Join(l.failure("making a replacement", err), r.close(), r.removeFiles())
	}
	r.x.offsets.Rebase(first)
	r.x.times.Rebase(first)
	r.x.maxTsAt = first
	l.replacing = true
	return r, nil
}

// Batches calls fn for each batch of the old segments, in order, CRC checked. last says that no other follows. The
// bytes are valid during the call. An error of fn ends the walk and is returned.
func (r *Replacement) Batches(fn func(b Batch, last bool) error) error {
	for i, s := range r.old {
		h, err := r.l.acquire(s)
		if errors.Is(err, errGone) {
			return ErrOvertaken
		}
		if err != nil {
			return err
		}
		err = r.batchesOf(s, h, i, fn)
		h.ref.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Replacement) batchesOf(s *seg, h *handle, i int, fn func(b Batch, last bool) error) error {
	sc := newScanner(h.ref.File())
	defer sc.release()
	final := true
	for _, later := range r.old[i+1:] {
		final = final && later.size() == 0
	}
	for pos, size := int64(0), s.size(); pos < size; {
		b, head, wrong, err := sc.batch(pos, size, s.base)
		switch {
		case err != nil:
			return r.l.readError(s, err)
		case wrong != "":
			return r.l.corrupt(s, pos, wrong)
		}
		pos += head.size
		if err := fn(b, final && pos == size); err != nil {
			return err
		}
	}
	return nil
}

// Append adds a batch, which is copied. ErrUnfit: it does not follow the one before, or the segment would be too long.
func (r *Replacement) Append(b Batch) error {
	var h header
	wrong := h.parse(b, 0, int64(len(b)), r.base)
	if wrong == "" && h.base < r.next {
		wrong = fmt.Sprintf("a batch with offsets %d to %d where %d should follow", h.base, h.last, r.next)
	}
	if wrong == "" && r.pos+h.size > maxSegmentBytes {
		wrong = "more than a segment can hold"
	}
	if wrong != "" {
		return fmt.Errorf("%s: replacement at %d %w: %s", r.l.dir, r.base, ErrUnfit, wrong)
	}
	if len(r.buf)+len(b) > cap(r.buf) {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if err := r.x.note(h, r.pos); err != nil {
		return r.l.failure("making a replacement", err)
	}
	r.buf = append(r.buf, b...)
	r.pos, r.next = r.pos+h.size, h.next()
	return nil
}

// AppendAborted adds an aborted transaction, in the order of the markers.
func (r *Replacement) AppendAborted(a index.Aborted) { r.aborted = append(r.aborted, a) }

// Size is the bytes appended so far.
func (r *Replacement) Size() int64 { return r.pos }

func (r *Replacement) flush() error {
	if len(r.buf) == 0 {
		return nil
	}
	_, err := r.file.WriteAt(r.buf, r.pos-int64(len(r.buf)))
	r.buf = r.buf[:0]
	return r.l.failure("making a replacement", err)
}

// Commit makes what was appended durable and puts it in the place of the old segments, whose files follow
// FileDeleteDelayMs. Spans into them stay valid. ErrOvertaken and a full disk leave the log as it was. The last batch
// of the old segments must be there, if only an empty one: a log in which a segment ends below the next one's base
// would, after a power cut, look like one whose unsynced writes are lost.
func (r *Replacement) Commit() error {
	err := r.complete()
	if err == nil {
		err = r.swap()
	}
	if err != nil {
		r.Abort()
	}
	return err
}

// complete writes and syncs everything.
func (r *Replacement) complete() error {
	if r.pos == 0 {
		return fmt.Errorf("BUG: %s: an empty replacement at %d", r.l.dir, r.base)
	}
	l := r.l
	err := r.flush()
	if err == nil {
		err = l.failure("syncing a replacement", r.file.Sync())
	}
	if err == nil {
		err = r.x.finish()
	}
	if err = errors.Join(err, r.close()); err != nil {
		return err
	}
	txns := l.path(replacementNumber, txnSuffix) + cleanedSuffix
	err = l.remove(txns)
	for i, a := range r.aborted {
		if err == nil {
			err = index.AppendAborted(l.fs, txns, i, a)
		}
	}
	for _, suffix := range suffixes[1:] {
		if err == nil {
			err = l.syncNamed(l.path(replacementNumber, suffix) + cleanedSuffix)
		}
	}
	return l.failure("making a replacement", err)
}

func (r *Replacement) close() error {
	var err error
	if r.file != nil {
		err = r.file.Close()
	}
	if r.x.times != nil {
		err = errors.Join(err, r.x.close())
	}
	r.file, r.x.offsets, r.x.times = nil, nil, nil
	return err
}

// Abort gives the replacement up and removes its files. After Commit it does nothing.
func (r *Replacement) Abort() {
	l := r.l
	l.work.Lock()
	defer l.work.Unlock()
	_ = r.close()
	if !l.replacing {
		return
	}
	l.replacing = false
	if !l.closed.Load() { // else the directory may belong to another log by now
		if err := r.removeFiles(); err != nil {
			l.warn("files of a cleaning that was given up stay until the next start", "dir", l.dir, "error", err)
		}
	}
}

func (r *Replacement) removeFiles() error {
	var err error
	for _, suffix := range suffixes {
		err = errors.Join(err, r.l.remove(r.l.path(replacementNumber, suffix)+cleanedSuffix))
	}
	return err
}
