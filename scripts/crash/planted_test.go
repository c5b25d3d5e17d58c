//go:build realclients

package crash

import (
	"encoding/json"
	"os"
	"testing"
)

// TestPlantedLossIsFound proves TestKillNine: a broker that acknowledges one batch in each of its lives without keeping
// it must be found out, with exactly the records of those batches reported as lost, and nothing else.
func TestPlantedLossIsFound(t *testing.T) {
	if os.Getenv("TAILRACE_TEST_AGAINST") != "" {
		t.Fatal("only a build of Tailrace can lose a batch on purpose")
	}
	broker := target(t, "plant_lost_batch").(*child)
	r := newRun(t, broker, 1)
	r.rounds()
	type offset struct {
		Place
		at int64
	}
	lost := map[offset]bool{} // true for those of the first life, which the ledger must have had
	for i, line := range broker.lines("planted: ") {
		var said struct {
			Topic      string
			Partition  int32
			Base, Last int64
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		for at := said.Base; at <= said.Last; at++ {
			lost[offset{Place{said.Topic, said.Partition}, at}] = i == 0
		}
	}
	if len(lost) == 0 {
		t.Fatalf("the build has planted no loss:\n%s", broker.tail())
	}
	found := map[offset]bool{}
	for _, f := range r.checker.Findings() {
		at := offset{f.Place, f.Offset}
		if _, planted := lost[at]; f.Kind != Lost || !planted {
			t.Errorf("this was not planted: %s", f)
		}
		found[at] = true
	}
	for at, certain := range lost {
		if certain && !found[at] {
			t.Errorf("the loss of %s offset %d was not found", at.Place, at.at)
		}
	}
	t.Logf("%d records planted as lost, %d reported", len(lost), len(found))
}
