package clean

import (
	"errors"
	"testing"

	"tailrace/batch"
	"tailrace/segment"
)

// TestOvertakenBeforeItBegins: between the measuring and the cleaning of a log, retention may take all that was found.
func TestOvertakenBeforeItBegins(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	for range 2 {
		put(t, l, batch.Options{}, startMs, rec{"a", "1"})
		must(t, l.Roll())
	}
	put(t, l, batch.Options{}, startMs, rec{"a", "2"})
	_, err := l.Sync()
	must(t, err)
	o := options(startMs)
	d, err := Measure(l, &o.Config, 0, l.End(), startMs)
	must(t, err)
	must(t, l.SetStart(2))
	_, err = l.Retain(startMs, l.End())
	must(t, err)
	if _, err = Clean(l, d, o); !errors.Is(err, segment.ErrOvertaken) {
		t.Errorf("cleaning what is gone: %v", err)
	}
	mustBe(t, l, "[2:a=2]")
}

// TestTruncationInsideASegment that is being rewritten: what was cut away does not come back, although the segment is
// still there.
func TestTruncationInsideASegment(t *testing.T) {
	l := open(t, newFS(t), segment.Options{})
	put(t, l, batch.Options{}, startMs, rec{"a", "1"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"b", "1"})
	put(t, l, batch.Options{}, startMs, rec{"c", "1"})
	must(t, l.Roll())
	put(t, l, batch.Options{}, startMs, rec{"d", "1"})
	_, err := l.Sync()
	must(t, err)
	o := options(startMs)
	spent := 0
	o.Spend = func(int) error {
		if spent++; spent == 9 { // three for the keys, six for the rewriting: all of it but the exchange
			return l.Truncate(2)
		}
		return nil
	}
	d, err := Measure(l, &o.Config, 0, l.End(), startMs)
	must(t, err)
	if _, err = Clean(l, d, o); !errors.Is(err, segment.ErrOvertaken) {
		t.Errorf("cleaning what was cut: %v after %d", err, spent)
	}
	mustBe(t, l, "[0:a=1 1:b=1]")
	put(t, l, batch.Options{}, startMs, rec{"e", "1"})
	mustBe(t, l, "[0:a=1 1:b=1 2:e=1]")
}
