package clean

import (
	"math"

	"tailrace/segment"
	"tailrace/wire"
)

// Config is what a topic says about its compaction. Times are milliseconds.
type Config struct {
	MinLagMs          int64   // min.compaction.lag.ms
	MaxLagMs          int64   // max.compaction.lag.ms
	MinDirtyRatio     float64 // min.cleanable.dirty.ratio
	DeleteRetentionMs int64   // delete.retention.ms
}

// Debt is what there is to clean in a log: the segments from the one that holds From up to To, which is where one
// begins.
type Debt struct {
	From, To   wire.Offset
	CleanBytes int64
	DirtyBytes int64
	Due        bool // it is time
}

// Ratio is the share of the bytes below To that are dirty.
func (d *Debt) Ratio() float64 {
	if d.DirtyBytes == 0 {
		return 0
	}
	return float64(d.DirtyBytes) / float64(d.DirtyBytes+d.CleanBytes)
}

// Measure tells what there is to clean (LogCleanerManager.cleanableOffsets and LogToClean of Kafka). cleaned is where
// the last cleaning ended; what cannot be true is taken for the log start. Nothing at or above stable, the last
// stable offset, is touched, nor the active segment, nor one from the first on that is younger than
// min.compaction.lag.ms; nor, unlike Kafka, anything above the log's durable end: a power cut must not leave a log
// without the old record of a key and without the new one.
func Measure(log *segment.Log, c *Config, cleaned, stable wire.Offset, nowMs int64) (Debt, error) {
	start := log.Start()
	stable = min(stable, log.DurableEnd())
	d := Debt{From: cleaned, To: start}
	if cleaned < start || cleaned > log.End() {
		d.From = start
	}
	for _, s := range log.Sealed() {
		dirty := s.Next > d.From
		if s.Next > stable {
			break
		}
		if dirty && c.MinLagMs > 0 {
			ts, err := log.LargestTimestamp(s.Base)
			if err != nil {
				return d, err
			}
			if ts > nowMs-c.MinLagMs {
				break
			}
		}
		d.To = s.Next
		if s.Base < d.From {
			d.CleanBytes += s.Bytes
		}
		if dirty {
			d.DirtyBytes += s.Bytes
		}
	}
	if d.To <= d.From || d.DirtyBytes == 0 {
		d.DirtyBytes = 0
		return d, nil
	}
	d.Due = d.Ratio() > c.MinDirtyRatio
	if !d.Due && c.MaxLagMs < math.MaxInt64 {
		var err error
		d.Due, err = overdue(log, c, d.From, nowMs)
		return d, err
	}
	return d, nil
}

// overdue tells whether a record at or above from is older than max.compaction.lag.ms. Only full segments count: one
// that is written is closed by that age.
func overdue(log *segment.Log, c *Config, from wire.Offset, nowMs int64) (bool, error) {
	for _, s := range log.Sealed() {
		if s.Next <= from {
			continue
		}
		ts, err := log.FirstTimestamp(s.Base)
		if err != nil || ts > 0 && ts < nowMs-max(c.MaxLagMs, 0) {
			return err == nil, err
		}
	}
	return false, nil
}
