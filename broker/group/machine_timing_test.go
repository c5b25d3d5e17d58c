package group

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// stableGroup is a machine with a stable group of n members.
func stableGroup(b *testing.B, n int) (*Machine, []string) {
	config := testConfig()
	m := New(&config)
	m.Loaded(0)
	ids := make([]string, n)
	for i := range ids {
		r := joinCall("g", nil)
		r.Version = 3
		m.Step(Call{To: i, ClientID: "c", ClientHost: "/h", Request: r}, 0)
	}
	for now := int64(3000); m.groups["g"].state == preparing; now += 3000 {
		m.Step(Tick{}, now)
	}
	for i, one := range m.groups["g"].members {
		ids[i] = one.id
		r := syncCall("g", map[string]string{"member": one.id, "generation": "1"})
		r.Version = 4
		m.Step(Call{To: i, Request: r}, 6000)
	}
	return m, ids
}

// BenchmarkCommit is an OffsetCommit of ten partitions by one of 64 members.
func BenchmarkCommit(b *testing.B) {
	m, ids := stableGroup(b, 64)
	reqs := make([]*kmsg.OffsetCommitRequest, len(ids))
	for i, id := range ids {
		reqs[i] = commitCall("g", map[string]string{"member": id, "generation": "1", "offsets": "t1/0:1,t1/1:1,t1/2:1," +
			"t1/3:1,t1/4:1,t1/5:1,t1/6:1,t1/7:1,t1/8:1,t1/9:1"})
		reqs[i].Version = 9
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if e := m.Step(Call{Request: reqs[i%len(reqs)]}, 7000); len(e.Records) != 10 {
			b.Fatal(showReply(e.Replies[0].Body))
		}
	}
}

// BenchmarkRebalance is a whole rebalance of so many members: each joins, each syncs.
func BenchmarkRebalance(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			m, ids := stableGroup(b, n)
			for generation := 2; b.Loop(); generation++ {
				for _, id := range ids {
					r := joinCall("g", map[string]string{"member": id})
					r.Version = 9
					m.Step(Call{To: id, Request: r}, 7000)
				}
				for _, id := range ids {
					r := syncCall("g", map[string]string{"member": id, "generation": fmt.Sprint(generation)})
					r.Version = 4
					m.Step(Call{To: id, Request: r}, 7000)
				}
				if g := m.groups["g"]; g.state != stable || int(g.generation) != generation {
					b.Fatal(g.state, g.generation)
				}
			}
		})
	}
}
