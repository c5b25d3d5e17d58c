package logdir

import (
	"sync"
	"sync/atomic"
	"time"
)

// Target is a log that sync rounds make durable.
type Target interface {
	// SyncNow makes everything appended before the call durable and publishes
	// the durable end. It may be called from any round goroutine, never twice
	// at once for one target.
	SyncNow() error
	// Synced is told the outcome after SyncNow, outside the round, so that
	// the next round's disk wait is not spent on answering this one's waiters.
	Synced(err error)
}

// Ticket is a Target's place in the rounds. It is queued at most once.
type Ticket struct {
	target Target
	whole  WholeTarget // target, if it can be synced together with others
	queued atomic.Bool
}

// job hands one ticket of a round to a worker.
type job struct {
	t   *Ticket
	err *error // where the outcome goes, in the leader's own slice
}

// NewTicket makes the ticket of one target.
func NewTicket(t Target) *Ticket {
	whole, _ := t.(WholeTarget)
	return &Ticket{target: t, whole: whole}
}

// Rounds is the group commit of one log directory. All tickets that are queued
// when a round starts are synced together; what is requested meanwhile gathers
// for the next one.
//
// Two goroutines take turns at leading a round: while one waits for the disk,
// the other answers the waiters of the round before. One goroutine was tried
// first: with 64 waiters it spent as long answering as syncing, and the disk
// idled meanwhile.
type Rounds struct {
	parallel int
	onFail   func(error)
	whole    wholeSync

	// turn is held by the leader of the running round, before mu. It is a
	// channel because one of the leaders waits for it nearly always, which
	// testing/synctest takes for a pause only on a channel.
	turn chan struct{}

	mu     sync.Mutex
	wake   sync.Cond
	queue  []*Ticket
	closed bool
	failed error // the first failed sync; nothing is synced afterwards

	work    chan job
	workers int
	inRound sync.WaitGroup
	done    sync.WaitGroup

	count  atomic.Int64 // rounds run
	synced atomic.Int64 // tickets synced
}

// NewRounds starts the rounds of one directory: at most parallel fdatasync
// calls run at once; onFail is told the first error.
func NewRounds(parallel int, onFail func(error)) *Rounds {
	r := &Rounds{parallel: max(parallel, 1), onFail: onFail, work: make(chan job), turn: make(chan struct{}, 1)}
	r.wake.L = &r.mu
	for range 2 {
		r.done.Go(r.lead)
	}
	return r
}

// Request asks for a round. It returns at once and allocates nothing; the
// target's Synced is called after a sync that began after this call.
func (r *Rounds) Request(t *Ticket) {
	if !t.queued.CompareAndSwap(false, true) {
		return
	}
	r.mu.Lock()
	r.queue = append(r.queue, t)
	r.mu.Unlock()
	r.wake.Signal()
}

// Counts returns how many rounds ran and how many logs they synced.
func (r *Rounds) Counts() (rounds, logs int64) { return r.count.Load(), r.synced.Load() }

// Close runs what is queued and ends the goroutines.
func (r *Rounds) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.wake.Broadcast()
	r.done.Wait()
	close(r.work)
}

func (r *Rounds) lead() {
	var batch []*Ticket
	var errs []error // a ticket may run in the next round while this one's outcome is told: the outcome is not kept in it
	for {
		r.turn <- struct{}{}
		r.mu.Lock()
		for len(r.queue) == 0 && !r.closed {
			r.wake.Wait()
		}
		batch, r.queue = r.queue, batch[:0]
		failed := r.failed
		r.mu.Unlock()
		if len(batch) == 0 {
			<-r.turn
			return
		}
		errs = r.run(batch, errs[:0], failed)
		<-r.turn
		for i, t := range batch {
			t.target.Synced(errs[i])
			batch[i] = nil
		}
	}
}

// run syncs a batch. A ticket is free to be queued again before its sync
// begins: an append that comes later needs the next round.
func (r *Rounds) run(batch []*Ticket, errs []error, failed error) []error {
	r.count.Add(1)
	r.synced.Add(int64(len(batch)))
	for _, t := range batch {
		errs = append(errs, failed)
		t.queued.Store(false)
	}
	if failed != nil {
		return errs
	}
	if r.whole.better(len(batch)) {
		r.runWhole(batch, errs)
	} else {
		r.runEach(batch, errs)
	}
	for _, err := range errs {
		if err != nil {
			r.fail(err)
			break
		}
	}
	return errs
}

// runEach syncs the files of each log, several logs at a time.
func (r *Rounds) runEach(batch []*Ticket, errs []error) {
	began := time.Now()
	for i, t := range batch[1:] {
		r.hand(job{t, &errs[i+1]})
	}
	errs[0] = batch[0].target.SyncNow()
	r.inRound.Wait()
	r.whole.tookEach(time.Since(began), len(batch))
}

// hand gives a ticket to a worker, starting one more while there are fewer
// than parallel; with all busy it waits for one.
func (r *Rounds) hand(j job) {
	if r.parallel == 1 {
		*j.err = j.t.target.SyncNow()
		return
	}
	r.inRound.Add(1)
	select {
	case r.work <- j:
		return
	default:
	}
	if r.workers < r.parallel-1 {
		r.workers++
		go r.serve()
	}
	r.work <- j
}

func (r *Rounds) serve() {
	for j := range r.work {
		*j.err = j.t.target.SyncNow()
		r.inRound.Done()
	}
}

func (r *Rounds) fail(err error) {
	r.mu.Lock()
	first := r.failed == nil
	if first {
		r.failed = err
	}
	r.mu.Unlock()
	if first && r.onFail != nil {
		r.onFail(err)
	}
}
