//go:build realclients

package crash

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const crowdSize = 100

// TestGroupsUnderStress: a hundred members of one group join and leave at random, some without a word, while the broker
// is killed every ten seconds. Committed offsets never go back, a partition has one owner in a generation, and the
// group is never stuck for longer than twice its session time-out. TAILRACE_GROUP_SECONDS says for how long.
func TestGroupsUnderStress(t *testing.T) {
	broker := target(t, "", shortSessions)
	broker.start()
	createCrowdTopic(t, broker)
	c := newCrowd(broker.address())
	stop := c.run(crowdSize, false)
	longest := time.Duration(0)
	end := time.Now().Add(time.Duration(envInt(t, "TAILRACE_GROUP_SECONDS", 60)) * time.Second)
	kills, next := 0, time.Now().Add(10*time.Second)
	for time.Now().Before(end) {
		time.Sleep(20 * time.Millisecond)
		longest = max(longest, time.Since(time.Unix(0, c.progress.Load())))
		if time.Now().After(next) {
			broker.kill()
			broker.start()
			kills++
			c.advanced() // everybody has a whole session again, those who have vanished as well
			next = next.Add(10 * time.Second)
		}
	}
	stop()
	t.Logf("%d kills, %d generations, %d assignments, %d commits acknowledged, %d positions held against them; "+
		"the longest time without progress was %s", kills, c.generation.Load(), c.syncs.Load(), c.commits.Load(),
		c.fetched.Load(), longest.Round(10*time.Millisecond))
	for _, f := range c.faults {
		t.Error(f)
	}
	if longest > 2*crowdSession {
		t.Errorf("for %s nobody got an assignment or committed; twice the session time-out is %s", longest, 2*crowdSession)
	}
	if kills == 0 || c.commits.Load() < 1000 || c.syncs.Load() < crowdSize {
		t.Error("too little has happened to prove anything")
	}
	broker.stop()
	if ours, ok := broker.(*child); ok {
		ours.complaints()
	}
}

// TestRebalanceSettles measures how long a group of a hundred takes to settle again when one more joins. The members
// ask every 250 ms whether there is a rebalance.
func TestRebalanceSettles(t *testing.T) {
	broker := target(t, "", shortSessions)
	broker.start()
	createCrowdTopic(t, broker)
	c := newCrowd(broker.address())
	stop := c.run(crowdSize, true)
	defer func() { stop() }()
	c.settled(t, crowdSize)
	for n := crowdSize + 1; n <= crowdSize+3; n++ {
		began := time.Now()
		more := c.run(1, true)
		c.settled(t, n)
		t.Logf("a group of %d settles in %s", n, time.Since(began).Round(time.Millisecond))
		before := stop
		stop = func() { before(); more() }
	}
	for _, f := range c.faults {
		t.Error(f)
	}
}

func createCrowdTopic(t *testing.T, broker server) {
	t.Helper()
	client := (&run{t: t, broker: broker}).client()
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, crowdPartitions, 1, nil, crowdTopic); err != nil {
		t.Fatal(err)
	}
	// Members do not ask where the coordinator is: there is one broker. But somebody has to, once, for Apache Kafka.
	for admin.FindGroupCoordinators(ctx, crowdGroup).Error() != nil {
		if time.Sleep(50 * time.Millisecond); ctx.Err() != nil {
			t.Fatal("there is no coordinator")
		}
	}
}

// run lets so many members live until stop is called.
func (c *crowd) run(n int, calm bool) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var members sync.WaitGroup
	for range n {
		m := &crowdMember{crowd: c, calm: calm}
		members.Go(func() { m.live(ctx) })
	}
	return func() { cancel(); members.Wait() }
}

// settled waits until so many members share a generation.
func (c *crowd) settled(t *testing.T, n int) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		newest := c.generation.Load()
		owners := map[string]bool{}
		c.mu.Lock()
		for key, id := range c.owners {
			if key.generation == newest {
				owners[id] = true
			}
		}
		c.mu.Unlock()
		if len(owners) == n {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("after a minute %d of %d members share generation %d", len(owners), n, newest)
		}
	}
}
