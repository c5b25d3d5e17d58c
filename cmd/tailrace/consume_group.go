package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// share is the membership of a reading in a group. It commits what was printed and flushed, never more: a record may be
// printed twice after a crash, and none is lost.
type share struct {
	group   string
	joined  atomic.Bool   // there is an assignment, perhaps an empty one; false while the group rebalances
	since   time.Time     // of the first trouble after the last assignment
	written []*kgo.Record // not flushed yet
	adm     *kadm.Client  // of the same client; guarded by the reading's lock
}

// consumeShared reads as a member of a group.
func (f *consumeFlags) consumeShared(stop context.Context, r *reading) error {
	r.share = &share{group: f.group}
	r.positions = map[int32]int64{}
	if err := f.ending(stop, r); err != nil {
		return unlessStopped(stop, err)
	}
	reset := kgo.NewOffset().AtEnd()
	if f.fromBeginning {
		reset = kgo.NewOffset().AtStart()
	}
	ctx, cl, err := f.at.connect(stop, r.warn,
		kgo.ConsumerGroup(f.group), kgo.ConsumeTopics(r.topic), kgo.ConsumeResetOffset(reset),
		// The first is what Java, librdkafka and this have in common; the last lets it join a group of franz-go.
		kgo.Balancers(kgo.RangeBalancer(), kgo.RoundRobinBalancer(), kgo.CooperativeStickyBalancer()),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(time.Second), kgo.BlockRebalanceOnPoll(),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(time.Second),
		kgo.OnPartitionsAssigned(r.assigned), kgo.AdjustFetchOffsetsFn(r.placed(f.fromBeginning)),
		kgo.OnPartitionsLost(r.lost), kgo.OnPartitionsRevoked(r.revoked))
	if err != nil {
		return unlessStopped(stop, err)
	}
	r.cl = cl
	err = unlessStopped(stop, cause(ctx, r.run(ctx)))
	return errors.Join(err, r.leave())
}

// ending looks, before the group is joined, whether the topic is there and where it ends.
func (f *consumeFlags) ending(ctx context.Context, r *reading) error {
	ctx, cl, err := f.at.connect(ctx, r.warn)
	if err != nil {
		return err
	}
	defer cl.Close()
	_, ends, err := f.where(ctx, cl, r.topic, false)
	if f.exitAtEnd {
		r.ends = ends
	}
	return cause(ctx, err)
}

// add remembers a record that was written, but perhaps not flushed.
func (s *share) add(rec *kgo.Record) { s.written = append(s.written, rec) }

// printed marks what was written as done: the client commits it within a second, and before it gives partitions back.
func (s *share) printed(cl *kgo.Client) {
	cl.MarkCommitRecords(s.written...)
	s.written = s.written[:0]
}

// passed marks offsets without a record as done too, so that the group has no lag. The client takes a mark for older
// than what it has if the epoch is, so the gap gets that of the record before it.
func (s *share) passed(cl *kgo.Client, topic string, p int32, to int64) {
	epoch := int32(-1)
	for _, known := range []map[string]map[int32]kgo.EpochOffset{cl.CommittedOffsets(), cl.MarkedOffsets()} {
		if at, ok := known[topic][p]; ok {
			epoch = max(epoch, at.Epoch)
		}
	}
	cl.MarkCommitOffsets(map[string]map[int32]kgo.EpochOffset{topic: {p: {Epoch: epoch, Offset: to}}})
}

// trouble judges what the client tells of its membership. It tries again by itself, so only what will not pass by
// itself ends the command: a refusal in so many words, or trouble that lasts.
func (s *share) trouble(err error, warn func(string)) error {
	verdict := fmt.Errorf("group %q: %s", s.group, reason(err, ""))
	var code *kerr.Error
	if errors.As(err, &code) && !code.Retriable && !errors.Is(err, kerr.UnknownMemberID) &&
		!errors.Is(err, kerr.IllegalGeneration) && !errors.Is(err, kerr.RebalanceInProgress) {
		return verdict
	}
	if s.since.IsZero() {
		s.since = time.Now()
		if code != nil { // of a lost connection the link tells
			warn(fmt.Sprintf("%s; trying again for %s", verdict, patienceKnown))
		}
	} else if time.Since(s.since) > patienceKnown {
		return verdict
	}
	return nil
}

// leave commits what was printed and leaves the group, so that the others need not wait for a session to time out. It
// does so after Ctrl-C too.
func (r *reading) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	defer r.cl.CloseAllowingRebalance()
	if err := r.flush(); err != nil {
		return err
	}
	var failures []error
	if err := r.cl.CommitMarkedOffsets(ctx); err != nil {
		failures = append(failures, fmt.Errorf(
			"group %q: what was printed last may be printed again, for it was not committed: %s",
			r.share.group, reason(err, "")))
	}
	r.cl.AllowRebalance()
	if err := r.cl.LeaveGroupContext(ctx); err != nil {
		failures = append(failures, fmt.Errorf(
			"group %q was not left: others get its partitions when the session times out: %s", r.share.group, reason(err, "")))
	}
	return errors.Join(failures...)
}

// assigned takes partitions whose position is told later, by placed.
func (r *reading) assigned(_ context.Context, cl *kgo.Client, got map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.share.adm = kadm.NewClient(cl)
	for _, p := range got[r.topic] {
		r.positions[p] = -1
	}
	r.share.joined.Store(true)
}

// placed sees the committed offsets of the partitions that were assigned, and puts those without one, and those whose
// records are gone, where --from-beginning or its absence says.
func (r *reading) placed(
	fromBeginning bool,
) func(context.Context, map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	return func(ctx context.Context, got map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
		r.mu.Lock()
		adm := r.share.adm
		r.mu.Unlock()
		starts, err := adm.ListStartOffsets(ctx, r.topic)
		if err != nil {
			return nil, err
		}
		ends, err := adm.ListEndOffsets(ctx, r.topic)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for p, o := range got[r.topic] {
			start, err := listed(starts, spot{r.topic, p})
			if err != nil {
				return nil, err
			}
			end, err := listed(ends, spot{r.topic, p})
			if err != nil {
				return nil, err
			}
			at := o.EpochOffset().Offset
			if at < start || at > end {
				if at = end; fromBeginning {
					at = start
				}
				got[r.topic][p] = kgo.NewOffset().At(at)
			}
			r.positions[p] = at
		}
		return got, nil
	}
}

// revoked commits what was printed of partitions that go to another member.
func (r *reading) revoked(ctx context.Context, cl *kgo.Client, gone map[string][]int32) {
	if err := cl.CommitMarkedOffsets(ctx); err != nil {
		r.warn(fmt.Sprintf("group %q: partitions were given back, what was printed of them last may be printed again: %s",
			r.share.group, reason(err, "")))
	}
	r.lost(ctx, cl, gone)
}

// lost forgets partitions that are no longer ours. Whether that leaves nothing to read is not known before the next
// assignment, which follows even if it is an empty one.
func (r *reading) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.share.joined.Store(false)
	for _, p := range gone[r.topic] {
		delete(r.positions, p)
	}
}
