package metadata

import (
	"cmp"
	"fmt"
	"slices"
)

// placer lays replicas out over brokers: leaders go round all unfenced brokers, the replicas of one partition go to as
// many racks as there are, and successive partitions do not repeat the same set. Kafka's placer (KIP-36, KIP-631) has
// the same goals; the layouts differ, as they do between two runs of Kafka's.
type placer struct {
	ring  []*Broker // interleaved by rack: neighbours are on different racks where racks allow it
	rack  []int     // of each of ring; a broker without a rack has one to itself
	start int

	used      []bool // of ring, for the partition at hand
	rackTaken []bool
}

// newPlacer orders the brokers; random chooses where the first partition begins.
func newPlacer(brokers []*Broker, random uint32) *placer {
	type spot struct {
		b    *Broker
		rack int
		turn int // how many brokers of the same rack come before it
	}
	spots := make([]spot, 0, len(brokers))
	numbers, members := map[string]int{}, []int{}
	for _, b := range brokers {
		n := len(members)
		if b.Rack != nil {
			if known, ok := numbers[*b.Rack]; ok {
				n = known
			} else {
				numbers[*b.Rack] = n
			}
		}
		if n == len(members) {
			members = append(members, 0)
		}
		spots = append(spots, spot{b, n, members[n]})
		members[n]++
	}
	slices.SortStableFunc(spots, func(a, b spot) int {
		return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(a.rack, b.rack))
	})
	p := &placer{used: make([]bool, len(spots)), rackTaken: make([]bool, len(members))}
	for _, s := range spots {
		p.ring, p.rack = append(p.ring, s.b), append(p.rack, s.rack)
	}
	if len(p.ring) > 0 {
		p.start = int(random % uint32(len(p.ring)))
	}
	return p
}

// check returns why rf replicas cannot be placed, "" if they can.
func (p *placer) check(rf int) string {
	switch {
	case rf <= 0:
		return fmt.Sprintf("Invalid replication factor %d: the replication factor must be positive.", rf)
	case !slices.ContainsFunc(p.ring, func(b *Broker) bool { return !b.Fenced }):
		return "All brokers are currently fenced, or have all their log directories cordoned."
	case rf > len(p.ring):
		return fmt.Sprintf("The target replication factor of %d cannot be reached because only %d broker(s) "+
			"are registered or some brokers have all their log directories cordoned.", rf, len(p.ring))
	}
	return ""
}

// place returns the replicas of partition n, the preferred leader first. check must have passed.
func (p *placer) place(n, rf int) []int32 {
	clear(p.used)
	clear(p.rackTaken)
	replicas := make([]int32, 0, rf)
	take := func(i int) {
		p.used[i], p.rackTaken[p.rack[i]] = true, true
		replicas = append(replicas, p.ring[i].ID)
	}
	size := len(p.ring)
	lead := (p.start + n) % size
	for p.ring[lead].Fenced {
		lead = (lead + 1) % size
	}
	take(lead)
	shift := 0 // followers begin one further along each time that the leaders have gone round
	if size > 1 {
		shift = 1 + (n/size)%(size-1)
	}
	for _, anyRack := range [...]bool{false, true} {
		for k := 0; k < size && len(replicas) < rf; k++ {
			i := (lead + shift + k) % size
			if !p.used[i] && (anyRack || !p.rackTaken[p.rack[i]]) {
				take(i)
			}
		}
	}
	return replicas
}
