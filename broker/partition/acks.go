package partition

import (
	"sync"

	"tailrace/netio"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// AckOwner is a produce request that waits for partitions. Acked is called
// exactly once for each AwaitAck that returned true, from the goroutine that
// completed it; slot and turn are what AwaitAck was given. Answers are put into
// out, which is flushed when all who waited have been told, so that a
// connection with several of them is written to once.
type AckOwner interface {
	Acked(slot int32, turn uint32, code errcode.Code, out *netio.Batch)
}

type ackWaiter struct {
	target wire.Offset // complete when everything below it is
	owner  AckOwner
	slot   int32
	turn   uint32
}

// ackQueue holds waiters in the order of their appends. A retry of an older
// batch may wait behind a newer one; that costs it one round at most.
type ackQueue struct {
	list []ackWaiter
	head int
}

func (q *ackQueue) push(w ackWaiter) {
	if q.head > 0 && q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
	} else if q.head > 64 && q.head*2 > len(q.list) {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, w)
}

// take moves waiters whose target is reached into out and returns how many.
func (q *ackQueue) take(reached wire.Offset, out []ackWaiter) int {
	n := 0
	for n < len(out) && q.head < len(q.list) && q.list[q.head].target <= reached {
		out[n] = q.list[q.head]
		q.list[q.head] = ackWaiter{}
		q.head++
		n++
	}
	return n
}

// AwaitAck parks a produce request until everything below target is as
// durable as the partition's acks=all demands. It returns false when that is
// so already: then the owner is not called.
func (p *Partition) AwaitAck(target wire.Offset, owner AckOwner, slot int32, turn uint32) bool {
	p.ackMu.Lock()
	if p.ackedEnd() >= target {
		p.ackMu.Unlock()
		return false
	}
	p.acks.push(ackWaiter{target, owner, slot, turn})
	p.ackMu.Unlock()
	p.dir.Rounds.Request(p.ticket)
	return true
}

// ackedEnd is the offset below which a wait for the disk is over. With one
// in-sync replica the high watermark is the log end, so that the durable end
// decides alone.
func (p *Partition) ackedEnd() wire.Offset {
	return min(wire.Offset(p.highWatermark.Load()), wire.Offset(p.durableEnd.Load()))
}

// SyncNow implements logdir.Target.
func (p *Partition) SyncNow() error {
	if p.dead.Load() {
		return nil
	}
	end, err := p.log.Sync()
	if err == nil {
		err = p.settle(true)
	}
	return p.synced(end, err)
}

// BeginSync implements logdir.WholeTarget.
func (p *Partition) BeginSync() error {
	p.syncing = p.syncing[:0]
	if p.dead.Load() {
		return nil
	}
	pending, err := p.log.BeginSync()
	if err == nil {
		p.syncing = append(p.syncing, pending)
		return nil
	}
	return p.synced(0, err)
}

// EndSync implements logdir.WholeTarget.
func (p *Partition) EndSync(err error) error {
	if len(p.syncing) == 0 {
		return nil // it was closed when the round began
	}
	end, err := p.log.EndSync(p.syncing[0], err)
	p.syncing = p.syncing[:0]
	if err == nil {
		err = p.settle(false)
	}
	return p.synced(end, err)
}

// synced publishes a durable end. What fails because the partition is being
// deleted or closed at this moment says nothing about the disk; nor does damage.
func (p *Partition) synced(end wire.Offset, err error) error {
	if err != nil {
		if p.dead.Load() {
			return nil
		}
		if p.damaged(err) {
			p.broken.Store(true)
			return nil
		}
		return err
	}
	if int64(end) > p.durableEnd.Load() {
		p.durableEnd.Store(int64(end))
		p.dir.Touch()
	}
	return nil
}

// settle makes durable what lies beside the log: the directory of a new
// partition, and the leader epochs. It runs in the sync round because an
// append must not wait for it, and after the log's own sync, so that the epoch
// of every batch that counts as durable is in the file. In a whole sync (not
// each) the directory was covered by that.
func (p *Partition) settle(each bool) error {
	p.mu.Lock()
	fresh := p.fresh
	var text []byte
	if p.epochs.dirty {
		text = p.epochs.encode()
		p.epochs.dirty = false
	}
	p.mu.Unlock()
	if text != nil {
		if err := p.writeEpochs(text); err != nil {
			return err
		}
	}
	if !fresh {
		return nil
	}
	if each {
		if err := p.dir.Settle(p.path); err != nil {
			return err
		}
	}
	p.mu.Lock()
	p.fresh = false
	p.mu.Unlock()
	return nil
}

// Synced implements logdir.Target: it answers those whose wait is over.
func (p *Partition) Synced(err error) {
	code := errcode.None
	switch {
	case err != nil || p.broken.Load():
		code = errcode.KafkaStorageError
	case p.dead.Load():
		code = errcode.NotLeaderOrFollower // who came when all others had been told
	}
	p.completeAcks(code)
}

// batches lend the lists of answers that completeAcks gathers.
var batches = sync.Pool{New: func() any { return new(netio.Batch) }}

// completeAcks tells waiters, in groups that fit the stack, with no lock held.
// With a code, all of them.
func (p *Partition) completeAcks(code errcode.Code) {
	var group [64]ackWaiter
	out := batches.Get().(*netio.Batch)
	defer batches.Put(out)
	defer out.Flush()
	for {
		reached := wire.Offset(1<<63 - 1)
		p.ackMu.Lock()
		if code == errcode.None {
			reached = p.ackedEnd()
		}
		n := p.acks.take(reached, group[:])
		p.ackMu.Unlock()
		for i := range group[:n] {
			w := &group[i]
			w.owner.Acked(w.slot, w.turn, code, out)
			w.owner = nil
		}
		if n < len(group) {
			return
		}
	}
}
