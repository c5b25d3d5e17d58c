package contrast

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
	"tailrace/loadgen/stat"
)

// Side is a directory: a run, or its repeats.
type Side struct {
	Name string
	Dir  string
	Runs []*result.Run
}

// Load reads directories as sides. Runs are called by their label, or by their directory where labels are missing or
// not different.
func Load(dirs []string) ([]Side, error) {
	var sides []Side
	for _, dir := range dirs {
		runs, err := result.Runs(dir)
		if err != nil {
			return nil, err
		}
		sides = append(sides, Side{Dir: filepath.Clean(dir), Runs: runs})
	}
	Name(sides)
	return sides, nil
}

// Name gives the sides names that tell them apart: their labels, else their directories, the last part or all of it.
func Name(sides []Side) {
	for _, namer := range []func(s *Side) string{
		(*Side).label,
		func(s *Side) string { return filepath.Base(s.Dir) },
		func(s *Side) string { return s.Dir },
	} {
		seen := map[string]bool{}
		for i := range sides {
			sides[i].Name = namer(&sides[i])
			seen[sides[i].Name] = true
		}
		if len(seen) == len(sides) && !seen[""] {
			return
		}
	}
	for i := range sides { // the same directory twice
		sides[i].Name = fmt.Sprintf("%s (%d)", sides[i].Dir, i+1)
	}
}

// label is what all runs of the side are labelled with; empty when they are not.
func (s *Side) label() string {
	for _, r := range s.Runs {
		if r.Label != s.Runs[0].Label {
			return ""
		}
	}
	return s.Runs[0].Label
}

// Difference is a setting in which two sides differ.
type Difference struct {
	Setting string `json:"setting"`
	A       string `json:"a"`
	B       string `json:"b"`
}

// String is "acks: all and 1".
func (d Difference) String() string {
	return fmt.Sprintf("%s (%s and %s)", d.Setting, shown(d.A), shown(d.B))
}

func shown(text string) string {
	if text == "" {
		return "none"
	}
	return strings.ReplaceAll(text, "\n", ", ")
}

// Differences are the settings of the load in which two runs differ.
func Differences(a, b *result.Run) ([]Difference, error) {
	p, err := a.Plan()
	if err != nil {
		return nil, err
	}
	q, err := b.Plan()
	if err != nil {
		return nil, err
	}
	var out []Difference
	for _, d := range plan.Differences(p, q) {
		out = append(out, Difference{d[0], d[1], d[2]})
	}
	if x, y := a.Extra[result.HostsKey], b.Extra[result.HostsKey]; x != y {
		out = append(out, Difference{result.HostsKey, fmt.Sprint(max(1, x)), fmt.Sprint(max(1, y))})
	}
	return out, nil
}

// UnlikeError says that runs are not alike.
type UnlikeError struct {
	A, B        string
	Differences []Difference
}

// Error names the settings, and the way out.
func (e *UnlikeError) Error() string {
	var parts []string
	for _, d := range e.Differences {
		parts = append(parts, d.String())
	}
	return fmt.Sprintf("%s and %s are not the same load: %s. Give --allow-different if that is what you want to compare",
		e.A, e.B, strings.Join(parts, ", "))
}

// alike refuses sides that are not one load, but for the settings that may vary, and returns the differences. The
// repeats of one side must always be alike.
func alike(sides []Side, allow func(setting string) bool) ([]Difference, error) {
	var all []Difference
	for _, s := range sides {
		for i, r := range s.Runs {
			within, err := Differences(s.Runs[0], r)
			if err != nil {
				return nil, err
			}
			if len(within) > 0 {
				return nil, fmt.Errorf("the runs in %s are no repeats of each other: number %d differs in %s", s.Dir, i+1,
					within[0])
			}
		}
		found, err := Differences(sides[0].Runs[0], s.Runs[0])
		if err != nil {
			return nil, err
		}
		refused := slices.DeleteFunc(slices.Clone(found), func(d Difference) bool { return allow(d.Setting) })
		if len(refused) > 0 {
			return nil, &UnlikeError{sides[0].Name, s.Name, refused}
		}
		for _, d := range found {
			if !slices.Contains(all, d) {
				all = append(all, d)
			}
		}
	}
	return all, nil
}

// clockOf finds the clock to compare: the one that was asked for, or the first that all runs have.
func clockOf(sides []Side, wanted string) (meter.Clock, error) {
	for c := range meter.Clock(meter.Clocks) {
		if wanted != "" && wanted != c.Tag() {
			continue
		}
		missing := ""
		for _, s := range sides {
			for _, r := range s.Runs {
				if r.Clocks[c.Tag()] == nil {
					missing = s.Name
				}
			}
		}
		switch {
		case missing == "":
			return c, nil
		case wanted != "":
			return 0, fmt.Errorf("%s has no %s times", missing, c)
		}
	}
	if wanted != "" {
		_, err := meter.ClockOf(wanted)
		return 0, err
	}
	return 0, fmt.Errorf("the runs have no clock in common: did one of them only consume?")
}

// statSide is a side as stat takes it.
func statSide(s Side, clock meter.Clock) (stat.Side, error) {
	out := stat.Side{Name: s.Name}
	for _, r := range s.Runs {
		run, err := statRun(r, clock)
		if err != nil {
			return out, err
		}
		out.Runs = append(out.Runs, run)
	}
	return out, nil
}

func statRun(r *result.Run, clock meter.Clock) (stat.Run, error) {
	var out stat.Run
	for i := range r.Series.Intervals {
		k := &r.Series.Intervals[i]
		h, err := k.Hist(clock)
		if err != nil {
			return nil, err
		}
		iv := stat.Interval{Seconds: (k.To - k.From).Seconds(), Latency: stat.FromHDR(h), CPU: math.NaN(),
			Records: float64(k.Counts[meter.Acked])}
		if r.Totals.Acked == 0 {
			iv.Records = float64(k.Counts[meter.Consumed])
		}
		if i < len(r.Seconds) && r.Seconds[i].Broker != nil {
			iv.CPU = r.Seconds[i].Broker.Cores * iv.Seconds
		}
		out = append(out, iv)
	}
	return out, nil
}
