package partition

import (
	"testing"

	"tailrace/wire"
)

func history(pairs ...int64) *epochs {
	e := &epochs{}
	for i := 0; i < len(pairs); i += 2 {
		e.assign(wire.LeaderEpoch(pairs[i]), wire.Offset(pairs[i+1]))
	}
	return e
}

func TestEpochEnds(t *testing.T) {
	e := history(1, 0, 3, 10, 4, 25) // epoch 1: 0–9, 3: 10–24, 4: 25–
	for _, c := range []struct {
		asked, epoch wire.LeaderEpoch
		end          wire.Offset
	}{
		{0, 0, 0},   // older than all: ended where the log begins
		{1, 1, 10},  // known
		{2, 1, 10},  // unknown: the largest known below it
		{3, 3, 25},  // known
		{4, 4, 40},  // the present one ends at the log end
		{5, -1, -1}, // the future
		{-1, -1, -1},
	} {
		epoch, end := e.endOf(c.asked, 4, 40)
		if epoch != c.epoch || end != c.end {
			t.Errorf("epoch %d: got (%d, %d), want (%d, %d)", c.asked, epoch, end, c.epoch, c.end)
		}
	}
	if epoch, end := e.endOf(5, 6, 40); epoch != 4 || end != 40 {
		t.Errorf("an epoch nobody wrote under: got (%d, %d), want (4, 40)", epoch, end)
	}
	if epoch, end := (&epochs{}).endOf(2, 2, 0); epoch != 2 || end != 0 {
		t.Errorf("empty log, present epoch: got (%d, %d), want (2, 0)", epoch, end)
	}
}

func TestEpochsAreCut(t *testing.T) {
	e := history(1, 0, 3, 10, 4, 25)
	e.truncateEnd(25)
	if e.latest() != 3 {
		t.Fatalf("latest is %d after the log was cut at 25, want 3", e.latest())
	}
	e.truncateStart(12)
	if len(e.list) != 1 || e.list[0] != (epochStart{3, 12}) {
		t.Fatalf("after the log start moved to 12: %v", e.list)
	}
	if e.at(12) != 3 || e.at(11) != wire.NoLeaderEpoch {
		t.Fatalf("epoch at 12 is %d, at 11 %d", e.at(12), e.at(11))
	}
}

func TestEpochCheckpoint(t *testing.T) {
	e := history(0, 0, 7, 1812)
	const want = "0\n2\n0 0\n7 1812\n"
	if got := string(e.encode()); got != want {
		t.Fatalf("got %q, want Kafka's %q", got, want)
	}
	back, err := decodeEpochs([]byte(want))
	if err != nil || len(back) != 2 || back[1] != (epochStart{7, 1812}) {
		t.Fatalf("read back %v, %v", back, err)
	}
	for _, bad := range []string{"", "1\n0\n", "0\n1\n", "0\n1\n3\n", "0\n2\n3 4\n2 9\n", "0\n1\n-1 0\n", "0\nx\n"} {
		if _, err := decodeEpochs([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a checkpoint", bad)
		}
	}
}
