package page

import (
	"strings"
	"testing"
)

// TestNoRateIsKeptByFailures: records that failed were not kept up with, whatever the schedule says.
func TestNoRateIsKeptByFailures(t *testing.T) {
	r := small.run(t)
	if l := limit(r); l.Tone != "ok" || l.Head != "The rate was kept." {
		t.Errorf("%+v", l)
	}
	r.Totals.Failed = 3
	if l := limit(r); l.Tone != "warn" || strings.Contains(l.Head, "kept") || !strings.Contains(l.Text, "3 of 15") {
		t.Errorf("%+v", l)
	}
}
