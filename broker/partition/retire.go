package partition

import "tailrace/wire/errcode"

// Retire makes the partition refuse everything and answers all who wait:
// produce requests with NOT_LEADER_OR_FOLLOWER, fetches by letting them read
// again.
func (p *Partition) Retire() {
	p.mu.Lock()
	p.dead.Store(true)
	p.leader.Store(false)
	var ready readyList
	p.wake(1<<30, &ready)
	p.mu.Unlock()
	ready.run()
	p.completeAcks(errcode.NotLeaderOrFollower)
}

// Abandon retires the partition and leaves its files as a kill would. Nothing
// is written any more when it returns: the directory may be opened again.
func (p *Partition) Abandon() {
	p.Retire()
	p.background.Wait()
}
