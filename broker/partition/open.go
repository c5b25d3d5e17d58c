package partition

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"

	"tailrace/broker/logdir"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
)

// Options says how to open a partition.
type Options struct {
	Dir        *logdir.Dir
	Key        logdir.Key
	ID         wire.TopicID
	Path       string
	Fresh      bool // the directory was made just now and nothing in it is durable
	Config     *Config
	Budget     *segment.Files
	Background func(func())
	MapBelow   int
	Logger     *slog.Logger
}

// Open opens a partition's log and rebuilds what is kept beside it: leader
// epochs and producer state. A *segment.CorruptError concerns this partition
// alone; any other error is one of the directory.
func Open(o Options) (*Partition, error) {
	p := &Partition{
		Topic: o.Key.Topic, ID: o.ID, Index: o.Key.Partition,
		key: o.Key, dir: o.Dir, path: o.Path, logger: o.Logger, fresh: o.Fresh,
	}
	p.config.Store(o.Config)
	p.leaderEpoch.Store(-1)
	p.ticket = logdir.NewTicket(p)
	known := o.Dir.Known(o.Key)
	haveEpochs := p.loadEpochs()
	if err := p.beginReplay(known.RecoveryPoint); err != nil {
		return nil, fmt.Errorf("partition %s-%d: %w", o.Key.Topic, o.Key.Partition, err)
	}
	check := int64(0)
	if !o.Dir.Believed() {
		check = -1
	}
	log, recovered, err := segment.Open(segment.Options{
		FS: o.Dir.FS(), Dir: o.Path, Config: &o.Config.Log,
		RecoveryPoint: known.RecoveryPoint, LogStart: known.LogStart, Cleaned: o.Dir.Cleaned(o.Key),
		Clean: o.Dir.Clean(), PowerLoss: !o.Dir.SameBoot(), Rewrite: o.Dir.FailedBefore(),
		CheckBytes: check, MapBelow: o.MapBelow, Budget: o.Budget, Background: o.Background,
		OnBatch: p.replayed, OnRoll: p.rolled,
		Warn: func(msg string, args ...any) { o.Logger.Warn(msg, args...) },
	})
	if err != nil {
		return nil, fmt.Errorf("partition %s-%d: %w", o.Key.Topic, o.Key.Partition, err)
	}
	p.log = log
	p.report(recovered)
	if err := p.recover(haveEpochs); err != nil {
		log.Discard()
		return nil, fmt.Errorf("partition %s-%d: %w", o.Key.Topic, o.Key.Partition, err)
	}
	end := log.End()
	p.openTxn = p.producers.firstOpen()
	if err := o.Dir.LimitCleaned(o.Key, end); err != nil {
		log.Discard()
		return nil, fmt.Errorf("partition %s-%d: %w", o.Key.Topic, o.Key.Partition, err)
	}
	hw := max(min(known.HighWatermark, end), log.Start())
	p.highWatermark.Store(int64(hw))
	p.lastStable.Store(int64(hw))
	p.durableEnd.Store(int64(log.DurableEnd()))
	o.Dir.Add(o.Key, p)
	return p, nil
}

func (p *Partition) report(r segment.Recovered) {
	for _, c := range r.Truncated {
		p.logger.Warn("unfinished end of a log was cut off",
			"topic", p.Topic, "partition", p.Index, "file", c.File,
			"position", int64(c.Pos), "bytes", c.Bytes, "reason", c.Reason)
	}
}

// loadEpochs reads leader-epoch-checkpoint; false means that the log must tell.
func (p *Partition) loadEpochs() bool {
	data, err := vfs.ReadFile(p.dir.FS(), filepath.Join(p.path, epochFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	var list []epochStart
	if err == nil {
		list, err = decodeEpochs(data)
	}
	if err != nil {
		p.logger.Warn("leader epochs are damaged and rebuilt from the log",
			"topic", p.Topic, "partition", p.Index, "error", err)
		return false
	}
	p.epochs.list = list
	return true
}

// recover completes epochs and producer state from the log.
func (p *Partition) recover(haveEpochs bool) error {
	start, end := p.log.Start(), p.log.End()
	p.epochs.truncateEnd(end)
	told := haveEpochs || p.sawAllFrom(p.firstHeld(start))
	if start < end && (!told || !p.epochsMatch(start, end)) {
		p.epochs.list = nil
		err := p.walk(start, func(b segment.Batch, _ vfs.Pos) error {
			p.epochs.assign(b.LeaderEpoch(), b.BaseOffset())
			return nil
		})
		if err != nil {
			return err
		}
	}
	p.epochs.truncateStart(start)
	if p.replayedAll(start, end) {
		return nil
	}
	return p.recoverProducers(start, end)
}

// epochsMatch compares the checkpoint with the log where they meet: the batch
// at the start of each epoch must carry it. A flipped digit does not pass. Where
// compaction has taken that batch away, the next one must not be of an older
// epoch. The log may begin inside a batch (DeleteRecords).
func (p *Partition) epochsMatch(start, end wire.Offset) bool {
	stop := errors.New("stop")
	for _, s := range p.epochs.list {
		if s.start < start || s.start >= end {
			continue
		}
		ok := false
		err := p.walk(s.start, func(v segment.Batch, _ vfs.Pos) error {
			ok = v.LeaderEpoch() == s.epoch && (v.BaseOffset() == s.start || s.start == start) ||
				v.LeaderEpoch() >= s.epoch && v.BaseOffset() > s.start
			return stop
		})
		if !errors.Is(err, stop) || !ok {
			p.logger.Warn("leader epochs do not match the log and are rebuilt from it",
				"topic", p.Topic, "partition", p.Index, "epoch", int32(s.epoch), "offset", int64(s.start))
			return false
		}
	}
	return len(p.epochs.list) > 0
}
