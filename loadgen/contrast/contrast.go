package contrast

import (
	"fmt"
	"slices"
	"strings"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/result"
	"tailrace/loadgen/stat"
)

// Options say how to compare.
type Options struct {
	Clock  string                    // response, service, e2e; empty: the first that all have
	Allow  func(setting string) bool // which settings may differ; nil: none
	Paired bool                      // the runs were made in pairs
	Limits []stat.Limit
}

// Any allows every setting to differ.
func Any(string) bool { return true }

// Contrast is two sides or more against the first.
type Contrast struct {
	Clock       meter.Clock
	Sides       []Side
	Differences []Difference
	Comparisons []*stat.Comparison // of Sides[1:], with Sides[0]
	Notes       []string
	Found       []string // what each limit found
	Broken      []string // limits that do not hold
}

// Make compares sides with the first of them.
func Make(sides []Side, o Options) (*Contrast, error) {
	if len(sides) < 2 {
		return nil, fmt.Errorf("a comparison needs two directories or more")
	}
	if o.Allow == nil {
		o.Allow = func(string) bool { return false }
	}
	c := &Contrast{Sides: sides}
	var err error
	if c.Differences, err = alike(sides, o.Allow); err != nil {
		return nil, err
	}
	if c.Clock, err = clockOf(sides, o.Clock); err != nil {
		return nil, err
	}
	options := stat.Options{Percentiles: percentiles(o.Limits), Paired: o.Paired, Family: len(sides) - 1}
	first, err := statSide(sides[0], c.Clock)
	if err != nil {
		return nil, err
	}
	for _, s := range sides[1:] {
		other, err := statSide(s, c.Clock)
		if err != nil {
			return nil, err
		}
		c.Comparisons = append(c.Comparisons, stat.Compare(first, other, options))
	}
	c.doubts()
	return c, c.limits(o.Limits)
}

// percentiles are those that comparisons show, and those that a limit names.
func percentiles(limits []stat.Limit) []float64 {
	list := slices.Clone(result.Percentiles)
	for _, l := range limits {
		if l.Percentile > 0 {
			list = append(list, l.Percentile)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *Contrast) limits(limits []stat.Limit) error {
	for _, l := range limits {
		for _, cmp := range c.Comparisons {
			holds, text, err := l.Holds(cmp)
			if err != nil {
				return err
			}
			c.Found = append(c.Found, text)
			if !holds {
				c.Broken = append(c.Broken, text)
			}
		}
	}
	return nil
}

// Sentence is the verdict on all.
func (c *Contrast) Sentence() string {
	var parts []string
	for _, cmp := range c.Comparisons {
		parts = append(parts, cmp.Sentence())
	}
	return strings.Join(parts, " ")
}

// doubts notes what makes the figures doubtful.
func (c *Contrast) doubts() {
	note := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !slices.Contains(c.Notes, text) {
			c.Notes = append(c.Notes, text)
		}
	}
	if len(c.Differences) > 0 {
		var parts []string
		for _, d := range c.Differences {
			parts = append(parts, d.String())
		}
		note("the settings differ: %s", strings.Join(parts, ", "))
	}
	first := c.Sides[0].Runs[0]
	for _, s := range c.Sides {
		for i, r := range s.Runs {
			name := s.Name
			if len(s.Runs) > 1 {
				name = fmt.Sprintf("run %d of %s", i+1, s.Name)
			}
			c.doubtsOf(r, name, note)
			switch m := r.Machine; {
			case m.Host != first.Machine.Host || m.CPU != first.Machine.CPU:
				note("%s ran on another machine than %s: %s and %s", s.Name, c.Sides[0].Name, machineOf(r), machineOf(first))
			case m.BootID != first.Machine.BootID:
				note("the machine was started anew between %s and %s", c.Sides[0].Name, s.Name)
			}
			if b := r.Broker.Durability; b != "" && first.Broker.Durability != "" && b != first.Broker.Durability {
				note("an acknowledgement does not mean the same: %s in %s, %s in %s", first.Broker.Durability,
					c.Sides[0].Name, b, s.Name)
			}
		}
	}
	for _, cmp := range c.Comparisons {
		for _, n := range cmp.Notes {
			note("%s", n)
		}
	}
}

func (c *Contrast) doubtsOf(r *result.Run, name string, note func(string, ...any)) {
	if r.Partial {
		note("%s was cut short", name)
	}
	switch r.Verdict.Bound {
	case result.BoundGenerator:
		note("in %s loadgen itself was the bottleneck (%s): its figures say nothing of the broker", name, r.Verdict.Why)
	case result.BoundBroker:
		note("%s was %s", name, r.Verdict.Why)
	}
	if r.Totals.Failed > 0 {
		note("in %s %d records were refused", name, r.Totals.Failed)
	}
	if r.Steal > 0.02 {
		note("in %s other guests of the host took %.0f %% of the CPU", name, r.Steal*100)
	}
}

func machineOf(r *result.Run) string {
	return fmt.Sprintf("%s (%s)", shown(r.Machine.Host), shown(r.Machine.CPU))
}

// brokerOf says what was measured: "Tailrace 0.3 at 127.0.0.1:9092".
func brokerOf(r *result.Run) string {
	b := r.Broker
	name := strings.TrimSpace(b.Software + " " + b.Version)
	if b.Own {
		return strings.TrimSpace(name + " of the lab's own")
	}
	if name == "" {
		return b.Address
	}
	return name + " at " + b.Address
}
