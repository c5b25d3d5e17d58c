package tally

import (
	"maps"
	"math"
	"slices"
	"strings"

	"tailrace/benchmarks/scenario"
)

// Spread is a median with the lowest and the highest of what it was made from. The zero value is nothing measured.
type Spread struct {
	Median, Low, High float64
	N                 int
}

// spreadOf takes the values of alternations. An even number has the mean of its middle two as median.
func spreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	half := len(v) / 2
	s := Spread{Median: v[half], Low: v[0], High: v[len(v)-1], N: len(v)}
	if len(v)%2 == 0 {
		s.Median = (v[half-1] + v[half]) / 2
	}
	return s
}

// Figures are what was measured of a row, all at one commit.
type Figures struct {
	Row    *scenario.Row
	Commit string // empty: not measured
	Older  bool   // the newest commit has nothing of the row

	runs map[scenario.System]map[int]*Measurement
}

// Measured reports whether there is anything, be it a failure.
func (f *Figures) Measured() bool { return f.Commit != "" }

// value is one figure of one alternation.
func (f *Figures) value(s scenario.System, alternation int, metric string) (float64, bool) {
	m := f.runs[s][alternation]
	if m == nil || m.Failed != "" {
		return 0, false
	}
	v, ok := m.Values[metric]
	return v, ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// alternations of a system, in order.
func (f *Figures) alternations(s scenario.System) []int { return slices.Sorted(maps.Keys(f.runs[s])) }

// Of is the median of a figure on a system.
func (f *Figures) Of(s scenario.System, metric string) Spread {
	var list []float64
	for _, a := range f.alternations(s) {
		if v, ok := f.value(s, a, metric); ok {
			list = append(list, v)
		}
	}
	return spreadOf(list)
}

// Better is by how much Tailrace is better than another system: above 1 it is, be the metric a cost or a rate. Each
// alternation gives one ratio, of neighbours in time, so that what the machine did in that minute falls out of it. The
// ratio of two medians would keep it.
func (f *Figures) Better(than scenario.System, metric string) Spread {
	if MetricOf(metric).Sense == More {
		return f.pairs(scenario.Tailrace, than, metric)
	}
	return f.pairs(than, scenario.Tailrace, metric)
}

// pairs are the ratios a ÷ b of the alternations in which both were measured, since the machine booted: what a resumed
// run measured days later is no neighbour.
func (f *Figures) pairs(a, b scenario.System, metric string) Spread {
	var list []float64
	for _, n := range f.alternations(a) {
		over, ok := f.value(a, n, metric)
		under, too := f.value(b, n, metric)
		if ok && too && over > 0 && under > 0 && f.runs[a][n].boot == f.runs[b][n].boot {
			list = append(list, over/under)
		}
	}
	return spreadOf(list)
}

// Failure is a measurement that could not be made.
type Failure struct {
	System      scenario.System
	Alternation int
	Why         string
}

// Failures lists them, by system and alternation.
func (f *Figures) Failures() (list []Failure) {
	for _, s := range scenario.Systems {
		for _, a := range f.alternations(s) {
			if m := f.runs[s][a]; m.Failed != "" {
				list = append(list, Failure{s, a, m.Failed})
			}
		}
	}
	return list
}

// notes are what was remarked on while measuring, each remark once with the systems it was made of.
func (f *Figures) notes() (list []string) {
	by := map[string][]string{}
	for _, s := range scenario.Systems {
		for _, a := range f.alternations(s) {
			n := f.runs[s][a].Note
			if n == "" || slices.Contains(by[n], string(s)) {
				continue
			}
			if by[n] == nil {
				list = append(list, n)
			}
			by[n] = append(by[n], string(s))
		}
	}
	for i, n := range list {
		if len(by[n]) < len(f.runs) {
			list[i] = strings.Join(by[n], ", ") + ": " + n
		}
	}
	return list
}

// Tally is a file of raw results, sorted by the rows of the scenarios.
type Tally struct {
	Book   *scenario.Book
	Raw    *Raw
	Newest string   // commit
	Others []string // rows that were measured and that no scenario names any more

	rows map[string]*Figures
}

// Of sorts raw results. A row is of the newest commit, the one of the last place that anything was measured at; what
// other commits have of it does not count then. A row that the newest commit has nothing of is of the last commit that
// has, and marked. Within a commit the last measurement of a row, a system and an alternation counts.
func Of(book *scenario.Book, raw *Raw) *Tally {
	t := &Tally{Book: book, Raw: raw, rows: map[string]*Figures{}}
	last := map[string]int{} // place of each row's last measurement
	newest := -1
	for i := range raw.Measurements {
		m := &raw.Measurements[i]
		newest = max(newest, m.Place)
		if at, ok := last[m.Row]; !ok || m.Place > at {
			last[m.Row] = m.Place
		}
		if book.Row(m.Row) == nil && !slices.Contains(t.Others, m.Row) {
			t.Others = append(t.Others, m.Row)
		}
	}
	slices.Sort(t.Others)
	if newest >= 0 {
		t.Newest = raw.Places[newest].Commit
	}
	has := t.rowsAt(t.Newest)
	for i := range raw.Measurements {
		m := &raw.Measurements[i]
		commit := t.Newest
		if !has[m.Row] {
			commit = raw.Places[last[m.Row]].Commit
		}
		if raw.Places[m.Place].Commit == commit {
			t.add(m, commit)
		}
	}
	return t
}

// rowsAt are the rows of which a commit has anything.
func (t *Tally) rowsAt(commit string) map[string]bool {
	has := map[string]bool{}
	for i := range t.Raw.Measurements {
		if m := &t.Raw.Measurements[i]; t.Raw.Places[m.Place].Commit == commit {
			has[m.Row] = true
		}
	}
	return has
}

func (t *Tally) add(m *Measurement, commit string) {
	row := t.Book.Row(m.Row)
	if row == nil {
		return
	}
	f := t.rows[m.Row]
	if f == nil {
		f = &Figures{Row: row, Commit: commit, Older: commit != t.Newest,
			runs: map[scenario.System]map[int]*Measurement{}}
		t.rows[m.Row] = f
	}
	if f.runs[m.System] == nil {
		f.runs[m.System] = map[int]*Measurement{}
	}
	m.boot = t.Raw.Places[m.Place].BootID
	f.runs[m.System][m.Alternation] = m
}

// Row is what was measured of a row, which may be nothing.
func (t *Tally) Row(r *scenario.Row) *Figures {
	if f := t.rows[r.Name]; f != nil {
		return f
	}
	return &Figures{Row: r}
}

// each visits the rows in the order of the scenarios.
func (t *Tally) each(visit func(s *scenario.Scenario, f *Figures)) {
	for i := range t.Book.Scenarios {
		s := &t.Book.Scenarios[i]
		for j := range s.Rows {
			visit(s, t.Row(&s.Rows[j]))
		}
	}
}

// wanted reports whether a row is to be measured on a system.
func (t *Tally) wanted(r *scenario.Row, s scenario.System) bool {
	return r.On(s) && slices.Contains(t.Book.Groups[r.Group].Systems, s)
}

// places lists, in order, where the figures that are shown were measured.
func (t *Tally) places() []*Place {
	used := map[int]bool{}
	for _, f := range t.rows {
		for _, m := range f.runs {
			for _, one := range m {
				used[one.Place] = true
			}
		}
	}
	var list []*Place
	for _, i := range slices.Sorted(maps.Keys(used)) {
		list = append(list, &t.Raw.Places[i])
	}
	return list
}
