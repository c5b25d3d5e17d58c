package tally

import (
	"cmp"
	"fmt"
	"slices"

	"tailrace/benchmarks/scenario"
)

// Verdict is a goal and what became of it.
type Verdict struct {
	Scenario *scenario.Scenario
	Figures  *Figures
	Goal     scenario.Goal
	Metric   string
	Ratio    Spread // better than Kafka by so much
	Part     Spread // Tailrace ÷ Kafka
	Known    bool   // both were measured
	Met      bool
}

// judge holds a row against one of its goals.
func judge(s *scenario.Scenario, f *Figures, g scenario.Goal) Verdict {
	v := Verdict{Scenario: s, Figures: f, Goal: g, Metric: cmp.Or(g.Metric, f.Row.Metric)}
	v.Ratio = f.Better(scenario.Kafka, v.Metric)
	v.Part = f.pairs(scenario.Tailrace, scenario.Kafka, v.Metric)
	v.Known = v.Ratio.N > 0
	v.Met = v.Known && (g.Times == 0 || v.Ratio.Median >= g.Times) && (g.AtMost == 0 || v.Part.Median <= g.AtMost)
	return v
}

// Verdicts are all goals, in the order of the scenarios.
func (t *Tally) Verdicts() (list []Verdict) {
	t.each(func(s *scenario.Scenario, f *Figures) {
		for _, g := range f.Row.Goals {
			list = append(list, judge(s, f, g))
		}
	})
	return list
}

// aim is the goal in words.
func (v *Verdict) aim() string {
	m := MetricOf(v.Metric)
	switch {
	case v.Goal.Times > 0 && m.Sense == More:
		return fmt.Sprintf("Tailrace's %s ≥ %s × Kafka's", m.short(), plain(v.Goal.Times))
	case v.Goal.Times > 0:
		return fmt.Sprintf("Kafka's %s ≥ %s × Tailrace's", m.short(), plain(v.Goal.Times))
	}
	return fmt.Sprintf("Tailrace's %s ≤ %s %% of Kafka's", m.short(), plain(100*v.Goal.AtMost))
}

// withLargerHeap begins what a cell says of Kafka4g.
const withLargerHeap = "<br>heap 4 GiB: "

// plain is a number as somebody wrote it.
func plain(v float64) string { return fmt.Sprintf("%.4g", v) }

// figure is what was reached, in the words of the goal, and against Kafka with the larger heap where that was measured.
func (v *Verdict) figure() string {
	say, figure, more := percent, v.Part, v.Figures.pairs(scenario.Tailrace, scenario.Kafka4g, v.Metric)
	if v.Goal.Times > 0 {
		say, figure, more = times, v.Ratio, v.Figures.Better(scenario.Kafka4g, v.Metric)
	}
	text := say(figure)
	if more.N > 0 {
		text += withLargerHeap + say(more)
	}
	return text
}

// result is met, missed, failed, or that nobody has measured it.
func (v *Verdict) result() string {
	switch {
	case v.Met:
		return "met"
	case v.Known:
		return "**missed**"
	case len(v.Figures.Failures()) > 0:
		return "**failed**"
	}
	return "not measured"
}

// reach is the goal as a ratio: by how much Tailrace is to be better.
func (v *Verdict) reach() float64 {
	switch {
	case v.Goal.Times > 0:
		return v.Goal.Times
	case v.Goal.AtMost > 0 && MetricOf(v.Metric).Sense != More:
		return 1 / v.Goal.AtMost
	}
	return 0
}

// Loss is a figure in which Tailrace is behind Kafka, or a goal that it misses.
type Loss struct {
	Scenario *scenario.Scenario
	Figures  *Figures
	Metric   string
	Against  scenario.System
	Ratio    Spread
	Missed   []Verdict
}

// behind reports that the median of the ratios is below 1.
func (l *Loss) behind() bool { return l.Ratio.N > 0 && l.Ratio.Median < 1 }

// severity sorts losses: what is behind first, the furthest behind at the top, then goals by what is missing to them.
func (l *Loss) severity() float64 {
	if l.behind() {
		return l.Ratio.Median
	}
	worst := 1.0
	for _, v := range l.Missed {
		if reach := v.reach(); reach > 0 {
			worst = min(worst, v.Ratio.Median/reach)
		}
	}
	return 1 + worst
}

// worthTelling keeps further figures out of the list that are as good as equal: at a given rate both systems take what
// they are sent, and a per mille less of it is no loss. Rows are listed however little they are behind.
const worthTelling = 0.99

// Losses are the rows in which Tailrace loses by the row's own figure or misses a goal, against Kafka with either
// heap; and then further figures in which it is behind. Both worst first.
func (t *Tally) Losses() (rows, further []Loss) {
	t.each(func(s *scenario.Scenario, f *Figures) {
		missed := map[string][]Verdict{}
		for _, g := range f.Row.Goals {
			if v := judge(s, f, g); v.Known && !v.Met {
				missed[v.Metric] = append(missed[v.Metric], v)
			}
		}
		for _, system := range []scenario.System{scenario.Kafka, scenario.Kafka4g} {
			for i, metric := range f.metrics() {
				l := Loss{Scenario: s, Figures: f, Metric: metric, Against: system, Ratio: f.Better(system, metric)}
				if system == scenario.Kafka {
					l.Missed = missed[metric]
				}
				switch {
				case i == 0 && l.behind() || len(l.Missed) > 0:
					rows = append(rows, l)
				case l.Ratio.N > 0 && l.Ratio.Median < worthTelling && MetricOf(metric).Sense != Neutral:
					further = append(further, l)
				}
			}
		}
	})
	for _, list := range [][]Loss{rows, further} {
		slices.SortStableFunc(list, func(a, b Loss) int { return cmp.Compare(a.severity(), b.severity()) })
	}
	return rows, further
}

// metrics are the row's own, then those of its goals, then the further figures; each once.
func (f *Figures) metrics() []string {
	list := []string{f.Row.Metric}
	for _, g := range f.Row.Goals {
		list = append(list, cmp.Or(g.Metric, f.Row.Metric))
	}
	list = append(list, f.Row.Show...)
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(m string) bool {
		was := seen[m]
		seen[m] = true
		return was
	})
}

// words say how it was lost.
func (l *Loss) words() string {
	var text string
	switch {
	case l.behind() && l.Ratio.N > 1 && l.Ratio.High < 1:
		text = "behind in every alternation"
	case l.behind() && l.Ratio.High >= 1:
		text = "behind by the median, not in every alternation"
	case l.behind():
		text = "behind"
	default:
		text = "ahead"
	}
	for _, v := range l.Missed {
		text += "; goal missed: " + v.aim()
		if v.Goal.AtMost > 0 {
			text += ", it is " + percent(v.Part)
		}
	}
	return text
}
