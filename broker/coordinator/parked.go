package coordinator

import (
	"slices"

	"tailrace/broker/effect"
	"tailrace/netio"
	"tailrace/wire/errcode"
)

// parked is answers that may be given when the log is durable up to where it ended then.
type parked struct {
	turn    uint32
	replies []effect.Reply
}

// park gives the answers of the steps so far, or lets them wait for the disk. Steps that nobody waits for are to be on
// the disk, too.
func (s *shard[E]) park() {
	if len(s.replies) == 0 && s.end == s.asked {
		return
	}
	s.asked = s.end
	s.mu.Lock()
	s.turn++
	turn := s.turn
	s.parked = append(s.parked, parked{turn, s.replies})
	s.mu.Unlock()
	s.replies = nil
	if !s.p.AwaitAck(s.end, s, 0, turn) {
		s.Acked(0, turn, errcode.None, &s.out)
		s.out.Flush()
	}
}

// Acked implements partition.AckOwner: what was parked up to this turn is durable, or will never be.
func (s *shard[E]) Acked(_ int32, turn uint32, code errcode.Code, out *netio.Batch) {
	s.mu.Lock()
	n := 0
	for n < len(s.parked) && int32(turn-s.parked[n].turn) >= 0 {
		n++
	}
	if n == 0 {
		s.mu.Unlock()
		return // they were told with a later turn, or when the shard failed
	}
	if code != errcode.None && s.state != closed {
		s.broken = code
		enter := s.enter()
		s.mu.Unlock()
		if enter {
			go s.run()
		}
		return
	}
	done := slices.Clone(s.parked[:n])
	s.parked = slices.Delete(s.parked, 0, n)
	for _, g := range done {
		for _, r := range g.replies {
			delete(s.open, r.To.(Waiter))
		}
	}
	s.mu.Unlock()
	for _, g := range done {
		for _, r := range g.replies {
			if code != errcode.None {
				r.To.(Waiter).Refuse(refusal(code), out)
				continue
			}
			r.To.(Waiter).Answer(r.Body, out)
		}
	}
}

// unparked takes the calls out of open that wait for an event, not for the disk. Called with mu held.
func (s *shard[E]) unparked() []Waiter {
	disk := map[Waiter]struct{}{}
	for _, g := range s.parked {
		for _, r := range g.replies {
			disk[r.To.(Waiter)] = struct{}{}
		}
	}
	var list []Waiter
	for w := range s.open {
		if _, ok := disk[w]; !ok {
			list = append(list, w)
			delete(s.open, w)
		}
	}
	return list
}
