package partition

import (
	"errors"

	"tailrace/batch"
	"tailrace/segment"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// Appender is the scratch of one appending goroutine at a time.
type Appender struct {
	validator batch.Validator
	ready     readyList
}

// Result is the outcome of an append, as a produce response tells it.
type Result struct {
	Code            errcode.Code
	Message         string
	BaseOffset      wire.Offset
	LogAppendTimeMs int64
	LogStart        wire.Offset
	RecordErrors    []batch.RecordError
	// Target is what the acknowledgement waits for (AwaitAck) when Wait is
	// set: acks=all, or a flush that flush.messages demands.
	Target wire.Offset
	Wait   bool
}

// diskFull goes with a retriable code.
const diskFull = "the disk of this log directory is full: retry when there is space"

func refused(code errcode.Code, message string) Result {
	return Result{Code: code, Message: message, BaseOffset: -1, LogAppendTimeMs: -1, LogStart: -1}
}

// Append validates the records of a client's produce request, which must be
// exactly one batch, and appends it. records is changed in place (offset,
// leader epoch, log-append time) and not kept.
func (p *Partition) Append(a *Appender, records []byte, acks int16, nowMs int64) Result {
	return p.AppendAs(Client, a, records, acks, nowMs)
}

// AppendAs is Append for any origin.
func (p *Partition) AppendAs(origin Origin, a *Appender, records []byte, acks int16, nowMs int64) Result {
	cfg := p.config.Load()
	if r := p.appendable(cfg, acks); r != errcode.None {
		return refused(r, "")
	}
	if origin == Client && p.dir.LowSpace() {
		return refused(errcode.KafkaStorageError, diskFull)
	}
	v, rest, code := batch.Next(records)
	switch {
	case len(records) == 0:
		return refused(errcode.InvalidRecord, "a produce request must have one record batch for each partition, "+
			"this one is empty")
	case code != errcode.None:
		return refused(code, "")
	case len(rest) != 0:
		return refused(errcode.InvalidRecord, "a produce request must have exactly one record batch for each partition")
	}
	verdict := a.validator.Validate(v, cfg.rulesFor(origin), nowMs)
	if verdict.Code != errcode.None {
		r := refused(verdict.Code, p.explain(verdict, cfg))
		r.RecordErrors = verdict.RecordErrors
		return r
	}
	if len(verdict.Batch) > cfg.Log.SegmentBytes {
		return refused(errcode.RecordListTooLarge, "the batch is larger than the topic's segment.bytes")
	}
	r := p.appendLocked(a, &verdict, cfg, acks, nowMs)
	a.ready.run()
	return r
}

func (p *Partition) appendable(cfg *Config, acks int16) errcode.Code {
	switch {
	case p.dead.Load() || !p.leader.Load():
		return errcode.NotLeaderOrFollower
	case p.dir.Offline() != nil:
		return errcode.KafkaStorageError
	case acks == -1 && p.soleInSync.Load() && min(cfg.MinInsyncReplicas, int(p.replicas.Load())) > 1:
		// More in-sync replicas than there are replicas are not asked for
		// (effectiveMinIsr of Kafka's Partition).
		return errcode.NotEnoughReplicas
	}
	return errcode.None
}

func (p *Partition) appendLocked(a *Appender, verdict *batch.Verdict, cfg *Config, acks int16, nowMs int64) Result {
	v := verdict.Batch
	appendTime := int64(-1)
	if cfg.Rules.LogAppendTime {
		appendTime = nowMs
	}
	p.mu.Lock()
	if p.dead.Load() { // since appendable looked
		p.mu.Unlock()
		return refused(errcode.NotLeaderOrFollower, "")
	}
	dup, code := p.producers.check(v)
	if dup != nil || code != errcode.None {
		var known written // a copy: the next append of this producer moves what dup points to
		if dup != nil {
			known = *dup
		}
		p.mu.Unlock()
		return p.answered(known, code, acks, cfg)
	}
	base := p.log.End()
	epoch := wire.LeaderEpoch(p.leaderEpoch.Load())
	v.SetBaseOffset(base)
	v.SetLeaderEpoch(epoch)
	diskWait := acks == -1 && p.waitsForDisk(cfg)
	err := p.store(v, acks, segment.Appended{
		Base: base, Last: v.LastOffset(), MaxTimestamp: verdict.MaxTimestamp,
		AppendTimeMs: nowMs, Sync: diskWait,
	})
	if err != nil {
		p.mu.Unlock()
		return p.appendFailed(err)
	}
	if epoch != p.epochs.latest() {
		p.epochs.assign(epoch, base)
	}
	p.producers.note(v, nowMs)
	flush := p.countUnflushed(int64(verdict.Count), cfg)
	if flush && acks == 0 {
		p.dir.Rounds.Request(p.ticket) // nobody waits, who would ask for it
	}
	if p.soleInSync.Load() {
		p.advance(len(v), &a.ready)
	}
	p.mu.Unlock()
	return Result{
		BaseOffset: base, LogAppendTimeMs: appendTime, LogStart: p.log.Start(),
		Target: v.LastOffset() + 1, Wait: diskWait || flush || (acks == -1 && !p.soleInSync.Load()),
	}
}

// waitsForDisk says whether acks=all includes this replica's disk.
func (p *Partition) waitsForDisk(cfg *Config) bool {
	switch cfg.Flush {
	case FlushAlways:
		return true
	case FlushNever:
		return false
	}
	return p.soleInSync.Load()
}

// answered replies to a batch that is already in the log, or may not follow.
func (p *Partition) answered(dup written, code errcode.Code, acks int16, cfg *Config) Result {
	if code != errcode.None {
		return refused(code, "")
	}
	appendTime := int64(-1)
	if cfg.Rules.LogAppendTime {
		appendTime = dup.timestampMs
	}
	return Result{
		BaseOffset: dup.last - wire.Offset(dup.delta), LogAppendTimeMs: appendTime, LogStart: p.log.Start(),
		Target: dup.last + 1, Wait: acks == -1 && p.waitsForDisk(cfg),
	}
}

// appendFailed turns a failed append into what the producer should do: a full
// disk passes, so the error is retriable and nothing else is affected; damage
// is met when the end of a log is looked at before its first use, and concerns
// this partition alone; any other failure takes the directory.
func (p *Partition) appendFailed(err error) Result {
	if isFull(err) {
		p.reportFull(err)
		return refused(errcode.KafkaStorageError, diskFull)
	}
	if p.dead.Load() || errors.Is(err, segment.ErrClosed) {
		return refused(errcode.NotLeaderOrFollower, "")
	}
	if p.damaged(err) {
		return refused(errcode.KafkaStorageError, "the log of this partition is damaged: see the broker's log")
	}
	p.dir.Fail(err)
	return refused(errcode.KafkaStorageError, "")
}

// explain adds to a validator's message what only the topic knows.
func (p *Partition) explain(verdict batch.Verdict, cfg *Config) string {
	if verdict.Code == errcode.MessageTooLarge {
		return tooLarge(p.Topic, cfg.Rules.MaxMessageBytes, verdict.Message)
	}
	return verdict.Message
}
