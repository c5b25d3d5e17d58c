package quorum

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/wire"
)

// Options is what OpenSingle needs. FS, Dir, ClusterID, NodeID and Now must be given.
type Options struct {
	FS        vfs.FS
	Dir       string // metadata.log.dir; created if it is not there
	ClusterID string
	NodeID    int32
	Now       func() int64 // ms since 1970

	// Warn is told what an operator should know, with pairs for slog. nil: nobody is told.
	Warn func(msg string, args ...any)
	// Fatal is called once, on the log's goroutine, when the disk failed and nothing will be appended any more.
	Fatal func(error)
	// SnapshotRecords is how many records may stand above the newest snapshot before the next is written, unless
	// that one has more than twice as many. 0 means DefaultSnapshotRecords.
	SnapshotRecords int
	// Background runs the writing of a snapshot. nil: on a goroutine of its own.
	Background func(job func())
}

// DefaultSnapshotRecords keeps a start short: so many records are replayed in well under a second.
const DefaultSnapshotRecords = 50_000

// checkpointDelay is how long after a change the synced mark may lag.
const checkpointDelay = time.Second

// Single is the Log of a quorum of one.
type Single struct {
	o     Options
	term  wire.LeaderEpoch
	image atomic.Pointer[metadata.Image]

	mu     sync.Mutex // guards the following
	queue  []proposal
	closed bool
	subs   []func(metadata.Delta, *metadata.Image)

	wake  chan struct{} // something is queued, or closed was set
	ended chan struct{} // the goroutine is gone
	final error         // of Close; set before ended is closed

	// What follows belongs to the log's goroutine.
	store    *store
	lock     io.Closer
	fatal    error
	w        batchWriter
	scratch  []byte
	lastMs   int64 // when the last record was appended
	unsnaped int   // records above the newest snapshot
	snapped  int   // records in the newest snapshot
	snapping bool
	snaps    chan snapshotDone
}

var _ Log = (*Single)(nil)

type proposal struct {
	decide Decide
	done   Done
}

// OpenSingle opens the metadata log in a directory, or begins one, and opens a new term. When it returns, the image is
// what the log says and has at least metadata.version finalized. Errors: *vfs.LockedError when another process has the
// directory, *segment.CorruptError for damage that must not be cut away, others name the file and what to do.
func OpenSingle(o Options) (*Single, error) {
	if o.Warn == nil {
		o.Warn = func(string, ...any) {}
	}
	if o.Fatal == nil {
		o.Fatal = func(error) {}
	}
	if o.Background == nil {
		o.Background = func(job func()) { go job() }
	}
	if o.SnapshotRecords <= 0 {
		o.SnapshotRecords = DefaultSnapshotRecords
	}
	if err := makeDir(o.FS, o.Dir); err != nil {
		return nil, fmt.Errorf("metadata.log.dir: %w", err)
	}
	lock, err := o.FS.Lock(filepath.Join(o.Dir, lockFile))
	if err != nil {
		return nil, err
	}
	s := &Single{
		o: o, lock: lock,
		wake: make(chan struct{}, 1), ended: make(chan struct{}), snaps: make(chan snapshotDone, 1),
		store: &store{fs: o.FS, root: o.Dir, dir: filepath.Join(o.Dir, topicDir), warn: o.Warn},
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the metadata log: %w", err), s.store.close(), lock.Close())
	}
	go s.run()
	return s, nil
}

func (s *Single) open() error {
	claim := func() error {
		_, err := checkIdentity(s.o.FS, s.o.Dir, identity{identityVersion, s.o.ClusterID, s.o.NodeID})
		return err
	}
	st := s.store
	if err := claim(); err != nil {
		return err
	}
	if err := makeDir(s.o.FS, st.dir); err != nil {
		return err
	}
	r, err := st.recover()
	if err != nil {
		return err
	}
	s.image.Store(r.img)
	s.lastMs, s.unsnaped, s.snapped = r.lastMs, r.unsnaped, r.snapped
	if !st.takeReserve() {
		s.o.Warn("the disk of the metadata log is full: no topic can be created until there is space", "dir", s.o.Dir)
	}
	return s.openTerm(r.term + 1)
}

// openTerm makes this node the leader of a new term: first the term on disk, then its first record.
func (s *Single) openTerm(term wire.LeaderEpoch) error {
	st := s.store
	if st.file == nil {
		if err := st.withReserve(st.roll); err != nil {
			return err
		}
	}
	write := func() error { return writeTerm(s.o.FS, st.dir, s.o.NodeID, term) }
	if err := st.withReserve(write); err != nil {
		return err
	}
	s.term = term
	st.beginTerm(term)
	s.lastMs = s.o.Now()
	s.w.buf = s.w.buf[:0]
	s.w.control(st.end, term, s.lastMs, controlLeaderChange, leaderChange(s.o.NodeID))
	offset := st.end
	if err := st.append(s.w.buf, offset); err != nil {
		return err
	}
	c := metadata.NewChange(s.image.Load())
	c.Advance(offset, term)
	s.image.Store(c.Image())
	s.unsnaped++
	if s.image.Load().FeatureLevel(metadata.FeatureMetadataVersion) != 0 {
		return nil
	}
	var failed error
	bootstrap := func(*metadata.Image, wire.Offset) []metadata.Record { return metadata.Bootstrap() }
	s.turn([]proposal{{bootstrap, func(_ wire.Offset, err error) { failed = err }}})
	return failed
}

// Propose implements Log.
func (s *Single) Propose(records []metadata.Record, done Done) {
	s.ProposeFunc(func(*metadata.Image, wire.Offset) []metadata.Record { return records }, done)
}

// ProposeFunc implements Log. After Close it calls done itself.
func (s *Single) ProposeFunc(decide Decide, done Done) {
	if done == nil {
		done = func(wire.Offset, error) {}
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.queue = append(s.queue, proposal{decide, done})
	}
	s.mu.Unlock()
	if closed {
		done(-1, ErrClosed)
		return
	}
	s.signal()
}

func (s *Single) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Image implements Log.
func (s *Single) Image() *metadata.Image { return s.image.Load() }

// Subscribe implements Log.
func (s *Single) Subscribe(fn func(metadata.Delta, *metadata.Image)) *metadata.Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, fn)
	return s.image.Load()
}

// LeaderEpoch implements Log. It does not change while the log is open.
func (s *Single) LeaderEpoch() wire.LeaderEpoch { return s.term }

// Close implements Log. The error tells what could not be written on the way out; nothing acknowledged depends on it.
// Calling it again, or from a callback of the log, is an error of the caller; the former is harmless.
func (s *Single) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
	<-s.ended
	return s.final
}

// run is the log's goroutine.
func (s *Single) run() {
	defer close(s.ended)
	var late <-chan time.Time    // when the synced mark is due
	var reserve <-chan time.Time // when the reserve is to be taken again
	for {
		if s.store.short && reserve == nil {
			reserve = time.After(checkpointDelay)
		}
		select {
		case <-s.wake:
		case <-reserve:
			reserve = nil
			if s.store.short && s.fatal == nil {
				s.store.takeReserve()
			}
		case <-late:
			late = nil
			s.checkpoint()
		case d := <-s.snaps:
			s.finishSnapshot(d)
		}
		ps, closed := s.take()
		if len(ps) > 0 {
			s.turn(ps)
			s.maybeSnapshot(s.o.SnapshotRecords)
			continueLater(&late)
			s.signal() // the callbacks may have proposed; closed may be set
			continue
		}
		if closed {
			s.final = s.shut()
			return
		}
	}
}

func continueLater(late *<-chan time.Time) {
	if *late == nil {
		*late = time.After(checkpointDelay)
	}
}

// take empties the queue.
func (s *Single) take() ([]proposal, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ps := s.queue
	s.queue = nil
	return ps, s.closed
}

// checkpoint writes the synced mark.
func (s *Single) checkpoint() {
	if s.fatal != nil {
		return
	}
	if err := s.store.checkpoint(); err != nil {
		s.beside("recording how far the metadata log is synced", err)
	}
}

// beside takes a failure to write what the log can do without. A full disk is worth a warning; with any other failure
// the disk is not to be trusted with the log either.
func (s *Single) beside(doing string, err error) {
	if errors.Is(err, syscall.ENOSPC) {
		s.o.Warn("no space for "+doing, "dir", s.o.Dir, "error", err)
		return
	}
	s.die(&FatalError{doing, err})
}

// shut writes what makes the next start cheap and gives the directory up.
func (s *Single) shut() error {
	if s.snapping {
		s.finishSnapshot(<-s.snaps)
	}
	var err error
	if s.fatal == nil {
		s.maybeSnapshot(max(s.o.SnapshotRecords/8, 1))
		if s.snapping {
			s.finishSnapshot(<-s.snaps)
		}
		err = s.store.checkpoint()
	}
	return errors.Join(err, s.store.close(), s.lock.Close())
}
