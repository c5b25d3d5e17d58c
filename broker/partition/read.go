package partition

import (
	"errors"
	"time"

	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// ReadRequest is one partition of a fetch.
type ReadRequest struct {
	Offset        wire.Offset
	MaxBytes      int
	ReadCommitted bool
	// MinOne returns the first batch even if it is larger than MaxBytes, so
	// that a consumer always gets on (KIP-74).
	MinOne bool
	// CurrentLeaderEpoch is the client's idea of the leader epoch, or -1.
	CurrentLeaderEpoch wire.LeaderEpoch
	// LastFetchedEpoch is the epoch of the client's last record, or -1: a
	// follower or consumer whose history differs is told where (KIP-595).
	LastFetchedEpoch wire.LeaderEpoch
}

// ReadResult is what a fetch response tells of one partition. The span's
// reference passes to the caller.
type ReadResult struct {
	Code          errcode.Code
	HighWatermark wire.Offset
	LastStable    wire.Offset
	LogStart      wire.Offset
	Span          vfs.Span
	// Diverging is set when the client's log left ours at this end.
	Diverging      bool
	DivergingEpoch wire.LeaderEpoch
	DivergingEnd   wire.Offset
	// Visible is what to park with when there is too little to send.
	Visible VisibleEnd
}

// CheckEpoch compares a client's leader epoch with ours (KIP-320).
func (p *Partition) CheckEpoch(client wire.LeaderEpoch) errcode.Code {
	current := wire.LeaderEpoch(p.leaderEpoch.Load())
	switch {
	case client < 0 || client == current:
		return errcode.None
	case client < current:
		return errcode.FencedLeaderEpoch
	}
	return errcode.UnknownLeaderEpoch
}

// serveable is the code that any read of this partition gets, None when it
// can be read.
func (p *Partition) serveable() errcode.Code {
	switch {
	case p.dead.Load() || !p.leader.Load():
		return errcode.NotLeaderOrFollower
	case p.dir.Offline() != nil:
		return errcode.KafkaStorageError
	}
	return errcode.None
}

// Read finds the batches that a fetch asks for. It returns a span, no bytes.
func (p *Partition) Read(q ReadRequest) ReadResult {
	r := ReadResult{HighWatermark: -1, LastStable: -1, LogStart: -1}
	if r.Code = p.serveable(); r.Code != errcode.None {
		return r
	}
	if r.Code = p.CheckEpoch(q.CurrentLeaderEpoch); r.Code != errcode.None {
		return r
	}
	r.Visible = p.visible()
	r.HighWatermark, r.LastStable = wire.Offset(r.Visible.highWatermark), wire.Offset(r.Visible.lastStable)
	r.LogStart = wire.Offset(r.Visible.logStart)
	if q.LastFetchedEpoch >= 0 && p.diverges(q, &r) {
		return r
	}
	limit := r.HighWatermark
	if q.ReadCommitted {
		limit = r.LastStable
	}
	if q.Offset < r.LogStart || q.Offset > p.log.End() {
		r.Code = errcode.OffsetOutOfRange
		return r
	}
	if q.Offset >= limit {
		return r
	}
	found, err := p.log.Read(q.Offset, q.MaxBytes, limit, q.MinOne)
	if err != nil {
		r.Code = p.readFailed(err)
		return r
	}
	r.Span = found.Span
	return r
}

// diverges compares the client's last epoch with our history and, when they do
// not agree, puts the answer into r.
func (p *Partition) diverges(q ReadRequest, r *ReadResult) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	epoch, end := p.epochs.endOf(q.LastFetchedEpoch, p.LeaderEpoch(), p.log.End())
	if epoch < 0 || end < 0 {
		r.Code = errcode.OffsetOutOfRange // an epoch that we have never heard of, as in Kafka
		return true
	}
	if epoch < q.LastFetchedEpoch || end < q.Offset {
		r.Diverging, r.DivergingEpoch, r.DivergingEnd = true, epoch, end
		return true
	}
	return false
}

// damaged reports whether err is damage in this partition's log, which says
// nothing about the others, and logs it, once in 10 s.
func (p *Partition) damaged(err error) bool {
	var bad *segment.CorruptError
	if !errors.As(err, &bad) {
		return false
	}
	now := time.Now().Unix()
	if last := p.damageTold.Load(); now-last >= 10 && p.damageTold.CompareAndSwap(last, now) {
		p.logger.Error("log is damaged: what meets the damage is refused; run `tailrace log verify`",
			"topic", p.Topic, "partition", p.Index, "error", err)
	}
	return true
}

func (p *Partition) readFailed(err error) errcode.Code {
	if errors.Is(err, segment.ErrOutOfRange) {
		return errcode.OffsetOutOfRange
	}
	if p.damaged(err) {
		return errcode.KafkaStorageError
	}
	if p.dead.Load() || errors.Is(err, segment.ErrClosed) {
		return errcode.NotLeaderOrFollower
	}
	p.dir.Fail(err)
	return errcode.KafkaStorageError
}

// EndOfEpoch answers OffsetForLeaderEpoch.
func (p *Partition) EndOfEpoch(current, asked wire.LeaderEpoch) (wire.LeaderEpoch, wire.Offset, errcode.Code) {
	if code := p.serveable(); code != errcode.None {
		return wire.NoLeaderEpoch, -1, code
	}
	if code := p.CheckEpoch(current); code != errcode.None {
		return wire.NoLeaderEpoch, -1, code
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	epoch, end := p.epochs.endOf(asked, p.LeaderEpoch(), p.log.End())
	return epoch, end, errcode.None
}
