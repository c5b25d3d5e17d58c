package broker

import (
	"context"
	"errors"

	"tailrace/broker/partition"
)

// Stop ends the broker in order: no new connections and requests, what is in
// flight is answered (a fetch that waits for records at once, with what there
// is), partitions are synced and trimmed, checkpoints and the clean-stop marker
// are written. ctx bounds only the wait for requests.
func (b *Broker) Stop(ctx context.Context) error {
	if !b.stopping.CompareAndSwap(false, true) {
		return nil
	}
	b.groups.Stop() // before hurry, for whose sake the machines would arm their timers again and again
	b.wheel.hurry()
	err := b.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = nil // clients that would not go were cut off; no data is concerned
	}
	return errors.Join(err, b.closeStorage(true))
}

// closeStorage closes what lies below the sockets. clean says that the
// directories may be marked so.
func (b *Broker) closeStorage(clean bool) error {
	var errs []error
	if b.clean != nil {
		b.clean.Stop()
	}
	if b.quorum != nil {
		errs = append(errs, b.quorum.Close())
	}
	if b.groups != nil {
		b.groups.Stop()
	}
	b.wheel.stop()
	b.jobs.stop()
	errs = append(errs, b.eachPartition(func(p *partition.Partition) error {
		if clean {
			return p.Close()
		}
		p.Abandon()
		return nil
	}))
	clean = clean && errors.Join(errs...) == nil
	for _, d := range b.dirs {
		errs = append(errs, d.Close(clean, b.cleanStopEpoch()))
	}
	return errors.Join(errs...)
}

// abandon gives up a start that failed.
func (b *Broker) abandon() {
	b.stopping.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = b.server.Shutdown(ctx)
	_ = b.closeStorage(false)
}

func (b *Broker) eachPartition(fn func(*partition.Partition) error) error {
	var all []*partition.Partition
	for _, t := range b.topics.load().byID {
		for _, s := range t.parts {
			if s.p != nil {
				all = append(all, s.p)
			}
		}
	}
	return inParallel(all, fn)
}
