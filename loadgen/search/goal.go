package search

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Goal is what a measurement must meet, such as p99<10ms, on the response clock unless another is named: e2e.p99<20ms.
type Goal struct {
	Clock      string // response, service, e2e
	Percentile string // 50, 99, 99.9, or max
	Below      time.Duration
}

var goalForm = regexp.MustCompile(`^(?:(response|service|e2e)\.)?(?:p(\d{1,2}(?:\.\d+)?)|(max))\s*<\s*(\S+)$`)

// ParseGoal reads a goal.
func ParseGoal(text string) (Goal, error) {
	m := goalForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Goal{}, fmt.Errorf("%q is no goal: write p99<10ms, max<1s or e2e.p99.9<50ms", text)
	}
	d, err := time.ParseDuration(m[4])
	if err != nil || d <= 0 {
		return Goal{}, fmt.Errorf("%q is no goal: %q is no duration", text, m[4])
	}
	g := Goal{Clock: "response", Percentile: m[2] + m[3], Below: d}
	if m[1] != "" {
		g.Clock = m[1]
	}
	return g, nil
}

// String is the text that ParseGoal reads.
func (g Goal) String() string {
	name := "p" + g.Percentile
	if g.Percentile == "max" {
		name = "max"
	}
	if g.Clock != "response" {
		name = g.Clock + "." + name
	}
	return name + "<" + g.Below.String()
}
