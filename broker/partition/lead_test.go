package partition

import (
	"testing"

	"tailrace/wire/errcode"
)

// A leader that has not written yet answers with its own epoch, as Kafka's
// does, which notes the epoch's start when it takes over.
func TestNewLeaderAnswersWithItsEpoch(t *testing.T) {
	p := leading(t, nil)
	appended(t, p, new(Appender), one(t, -1, 0), 1)
	p.Lead(3, 1, true)
	end, code := p.ListOffset(-1, false, -1)
	if code != errcode.None || end.Epoch != 3 || end.Offset != 1 {
		t.Errorf("latest is offset %d of epoch %d (%v), want 1 of epoch 3", end.Offset, end.Epoch, code)
	}
	if epoch, off, _ := p.EndOfEpoch(-1, 3); epoch != 3 || off != 1 {
		t.Errorf("epoch 3 ends with (%d, %d), want (3, 1)", epoch, off)
	}
	if epoch, off, _ := p.EndOfEpoch(-1, 2); epoch != 0 || off != 1 {
		t.Errorf("epoch 2, under which nobody wrote, ends with (%d, %d), want (0, 1)", epoch, off)
	}
}
