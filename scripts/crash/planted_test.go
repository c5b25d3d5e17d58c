//go:build realclients

package crash

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"
)

// TestPlantedLossIsFound proves TestKillNine: a broker that acknowledges one batch in each of its lives without keeping
// it must be found out, with exactly the records of those batches reported as missing, and nothing else.
func TestPlantedLossIsFound(t *testing.T) {
	if os.Getenv("TAILRACE_TEST_AGAINST") != "" {
		t.Fatal("only a build of Tailrace can lose a batch on purpose")
	}
	broker := target(t, "plant_lost_batch", "log.retention.bytes=-1").(*child) // retention would hide the loss
	r := newRun(t, broker, 1)
	broker.logged("planted: ") // what a round waits for comes after it
	r.book()
	r.rounds()
	lost := planted(t, broker)
	if len(lost) == 0 {
		t.Fatalf("the build has planted no loss:\n%s", broker.tail())
	}
	found := map[spot]bool{}
	for _, f := range r.checker.Findings() {
		at := spot{f.Place, f.Offset}
		if f.Kind == Gap {
			at = r.acknowledgedAt(f)
		}
		if _, known := lost[at]; !known || f.Kind != Lost && f.Kind != Gap {
			t.Errorf("this was not planted: %s", f)
		}
		found[at] = true
	}
	for at, certain := range lost {
		if certain && !found[at] {
			t.Errorf("the loss of %s offset %d was not found", at.Place, at.offset)
		}
	}
	t.Logf("%d records planted as lost, %d reported", len(lost), len(found))
}

// spot is an offset of a partition.
type spot struct {
	Place
	offset int64
}

// planted is what the broker logged as lost on purpose: true for those of its first life, which the ledger must have
// had when the partitions were read.
func planted(t *testing.T, broker *child) map[spot]bool {
	t.Helper()
	lost := map[spot]bool{}
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
			where := spot{Place{said.Topic, said.Partition}, at}
			lost[where] = lost[where] || i == 0
		}
	}
	return lost
}

// acknowledgedAt waits for the acknowledgement of a record that was missing. The broker's last life loses its batch
// while the partitions are read, which may be seen before the ledger has the acknowledgement: as a gap.
func (r *run) acknowledgedAt(f Finding) spot {
	r.t.Helper()
	h, offset := r.checker.history(f.Place), int64(-1)
	r.until("an acknowledgement of what is missing: "+f.String(), 10*time.Second, func() bool {
		r.book()
		offset = int64(slices.Index(h.acks, pack(f.ID)))
		for _, e := range h.again {
			if e.Identity == f.ID {
				offset = e.Offset
			}
		}
		return offset >= 0
	})
	return spot{f.Place, offset}
}
