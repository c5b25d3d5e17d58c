package logdir

import "time"

// WholeTarget is a Target that can be synced together with all others by one
// syncfs of the file system: BeginSync notes what is to become durable, EndSync
// publishes it, or passes the failure on. EndSync follows every BeginSync that
// returned nil.
type WholeTarget interface {
	Target
	BeginSync() error
	EndSync(err error) error
}

// wholeSync decides between syncing each log's files and one syncfs.
//
// With 64 logs of one small batch each, 32 fdatasync at a time made 8,000 logs
// a second durable at 50 µs of CPU each; one syncfs 18,000 at 6 µs: the journal
// is committed once, not 64 times. But syncfs writes everything that is dirty
// on the file system, also what nobody waits for, and that can be gigabytes. So
// both ways are timed, and the cheaper one is taken.
type wholeSync struct {
	sync func() error // nil: there is no such call

	perLog  time.Duration // of a round that syncs each, for one log; decaying mean
	whole   time.Duration // of a round by syncfs; decaying mean
	skipped int           // rounds since syncfs was last tried
}

const (
	// wholeMin is from how many logs on syncfs is considered.
	wholeMin = 4
	// wholeRetry is how many rounds a slow syncfs is left alone.
	wholeRetry = 256
)

// better says whether a round of n logs should use syncfs.
func (w *wholeSync) better(n int) bool {
	if w.sync == nil || n < wholeMin {
		return false
	}
	if w.perLog == 0 || w.whole == 0 {
		return w.perLog != 0 // try each once
	}
	if w.whole <= w.perLog*time.Duration(n) {
		return true
	}
	if w.skipped++; w.skipped < wholeRetry {
		return false
	}
	w.skipped = 0
	return true
}

func (w *wholeSync) tookEach(d time.Duration, n int) {
	if n >= wholeMin {
		w.perLog = decay(w.perLog, d/time.Duration(n))
	}
}

func (w *wholeSync) tookWhole(d time.Duration) { w.whole, w.skipped = decay(w.whole, d), 0 }

// decay is a mean in which each new value counts an eighth.
func decay(mean, d time.Duration) time.Duration {
	if mean == 0 {
		return d
	}
	return mean + (d-mean)/8
}

// runWhole syncs a batch by one syncfs. A log that cannot take part (it is
// being closed, say) is synced by itself.
func (r *Rounds) runWhole(batch []*Ticket, errs []error) {
	began := time.Now()
	for i, t := range batch {
		switch {
		case t.whole == nil:
			errs[i] = t.target.SyncNow()
		default:
			errs[i] = t.whole.BeginSync()
		}
	}
	err := r.whole.sync()
	for i, t := range batch {
		if t.whole != nil && errs[i] == nil {
			errs[i] = t.whole.EndSync(err)
		}
	}
	r.whole.tookWhole(time.Since(began))
}
