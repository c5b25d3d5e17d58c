package partition

import (
	"errors"
	"slices"

	"tailrace/broker/logdir"
	"tailrace/segment"
	"tailrace/segment/clean"
	"tailrace/wire"
)

// retryCleanMs is how long after a full disk has ended a cleaning it is not tried again: it needs as much room as the
// segments that it rewrites.
const retryCleanMs = 60_000

// CleanDebt implements logdir.Cleanable.
func (p *Partition) CleanDebt(nowMs int64, cleaned wire.Offset) clean.Debt {
	c := p.config.Load().Clean
	if c == nil || p.dead.Load() || p.uncleanable.Load() || nowMs < p.cleanAfterMs.Load() {
		return clean.Debt{}
	}
	stable := min(p.LastStable(), p.openTxn)
	d, err := clean.Measure(p.log, c, cleaned, stable, nowMs)
	if err != nil {
		p.cleanFailed(err, nowMs)
		return clean.Debt{}
	}
	return d
}

// Clean implements logdir.Cleanable.
func (p *Partition) Clean(d clean.Debt, w *logdir.CleanWork) (to wire.Offset, ok bool) {
	cfg := p.config.Load()
	if cfg.Clean == nil {
		return 0, false // no longer
	}
	res, err := clean.Clean(p.log, d, &clean.Options{
		Config: *cfg.Clean, SegmentBytes: int64(cfg.Log.SegmentBytes), IndexBytes: int64(cfg.Log.IndexBytes),
		NowMs: w.NowMs, Producers: p.activeProducers(), KeyBytes: w.KeyBytes, KeyLoad: w.KeyLoad,
		BufferBytes: w.BufferBytes, MaxInflated: cfg.Rules.MaxInflatedBytes,
		Spend: func(bytes int) error {
			if p.dead.Load() {
				return segment.ErrClosed
			}
			return w.Spend(bytes)
		},
	})
	if err == nil {
		err = p.dropJoined()
	}
	if err != nil {
		p.cleanFailed(err, w.NowMs)
		return 0, false
	}
	p.logger.Debug("log compacted", "topic", p.Topic, "partition", p.Index, "from", int64(d.From), "to", int64(res.To),
		"bytes_before", res.Before, "bytes_after", res.After)
	return res.To, true
}

// activeProducers is what a cleaning must leave of the producers whose state is kept, or a restart that finds no
// snapshot would not know their sequences.
func (p *Partition) activeProducers() map[int64]clean.Producer {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[int64]clean.Producer, len(p.producers.byID))
	for id, s := range p.producers.byID {
		last := wire.Offset(-1)
		if s.n > 0 {
			last = s.batches[s.n-1].last
		}
		all[id] = clean.Producer{Last: last, Epoch: s.epoch}
	}
	return all
}

// cleanFailed: damage makes the partition uncleanable until a restart, as in Kafka, and nothing is deleted; a full disk
// passes; what comes of a deletion, a stop or a retention in between is no failure.
func (p *Partition) cleanFailed(err error, nowMs int64) {
	var bad *segment.CorruptError
	var unreadable *clean.DamagedError
	var many *clean.TooManyKeysError
	switch {
	case p.dead.Load() || errors.Is(err, segment.ErrClosed) || errors.Is(err, segment.ErrOvertaken) ||
		errors.Is(err, logdir.ErrCleanerStopped):
	case isFull(err):
		p.cleanAfterMs.Store(nowMs + retryCleanMs)
		p.reportFull(err)
	case errors.As(err, &bad) || errors.As(err, &unreadable) || errors.As(err, &many) ||
		errors.Is(err, segment.ErrUnfit):
		p.uncleanable.Store(true)
		p.logger.Warn("log is not compacted any more until the broker is started again",
			"topic", p.Topic, "partition", p.Index, "error", err)
	default:
		p.dir.Fail(err)
	}
}

// dropJoined removes the snapshots of segments that have become part of others, as Kafka does. The newest stays.
func (p *Partition) dropJoined() error {
	p.storing.Lock()
	defer p.storing.Unlock()
	if p.dead.Load() {
		return nil // the directory may be that of another partition by now
	}
	var bases []wire.Offset
	for _, s := range p.log.Segments() {
		bases = append(bases, s.Base)
	}
	offsets, err := snapshots(p.dir.FS(), p.path)
	if err != nil || len(offsets) == 0 {
		return err
	}
	for _, off := range offsets[:len(offsets)-1] {
		if _, stays := slices.BinarySearch(bases, off); stays {
			continue
		}
		if err := p.removeSnapshot(off); err != nil {
			return err
		}
	}
	return nil
}
