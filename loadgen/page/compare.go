package page

import (
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// Compared is a comparison to draw: what was run, and what the statistics say of it.
type Compared struct {
	Sides       []Side
	Differences []Difference // each of a later side against the first
	Failed      []string     // thresholds that failed; they come first
}

// Side is what is compared: the runs of one kind.
type Side struct {
	Name string
	Runs []*result.Run // one at least
}

// Difference is one side against another, row by row.
type Difference struct {
	A, B     string
	Sentence string // for somebody who reads nothing else
	Notes    []string
	Rows     []Change
}

// Change is a row: a percentile, the throughput, CPU a record.
type Change struct {
	Name      string
	A, B      string  // as text with units
	Ratio     float64 // B/A; NaN: not known
	Low, High float64 // its interval; NaN: none
	Verdict   string  // worse, better, ~ for no difference that was found, or empty: not judged
	Note      string  // why it is not judged
}

// Compare writes the page of a comparison.
func Compare(w io.Writer, c *Compared) error {
	d := &Document{Kind: "Comparison", Verdict: "Nothing was compared."}
	var names, verdicts []string
	for _, s := range c.Sides {
		names = append(names, s.Name)
	}
	for _, f := range c.Differences {
		verdicts = append(verdicts, f.Sentence)
		for _, n := range f.Notes {
			if !slices.Contains(d.Notes, n) {
				d.Notes = append(d.Notes, n)
			}
		}
	}
	if len(verdicts) > 0 {
		d.Verdict = strings.Join(verdicts, " ")
	}
	d.Title = strings.Join(names, " against ")
	d.About = aboutSides(c.Sides)
	if len(c.Failed) > 0 {
		d.Limit = Limit{"bad", "A threshold failed.", strings.Join(c.Failed, "; ") + "."}
	}
	for i := range c.Differences {
		d.Sections = append(d.Sections, differenceSection(&c.Differences[i]))
	}
	curves, err := curveSection(c.Sides)
	if err != nil {
		return err
	}
	times, err := sidesOverTime(c.Sides)
	if err != nil {
		return err
	}
	d.Sections = append(d.Sections, curves, times, differingSettings(c.Sides))
	return d.Write(w)
}

func aboutSides(sides []Side) string {
	var parts []string
	for _, s := range sides {
		text := s.Name + ": " + plural(int64(len(s.Runs)), "run", "runs")
		if len(s.Runs) > 0 {
			text += " of " + brokerName(s.Runs[0])
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " · ")
}

// curveSection lays the response curves of the sides over each other. A side of several runs has a band from its
// lowest to its highest run, around the curve of all of them merged.
func curveSection(sides []Side) (Section, error) {
	s := Section{Title: "Latency by percentile", Lead: "The response time of each side, all its runs merged; a band " +
		"reaches from its fastest to its slowest run."}
	var list []Curve
	for i, side := range sides {
		merged, one := meter.NewHistogram(), []Curve(nil)
		for _, r := range side.Runs {
			h, err := r.Series.Total(mainClock(r))
			if err != nil {
				return s, err
			}
			merged.Merge(h)
			one = append(one, CurveOf("", "", h))
		}
		if merged.TotalCount() == 0 {
			continue
		}
		c := CurveOf(side.Name, Series(i), merged)
		c.Low, c.High = envelope(one)
		list = append(list, c)
	}
	if len(list) > 0 {
		s.Figures = []Figure{Curves("response time by percentile, one curve a side", list)}
	}
	return s, nil
}

// envelope is the lowest and the highest of curves, as far as all of them reach; nil for less than two.
func envelope(curves []Curve) (low, high []Point) {
	if len(curves) < 2 {
		return nil, nil
	}
	for x := 1.0; ; x *= math.Pow(10, 1.0/24) {
		least, most := math.Inf(1), 0.0
		for i := range curves {
			v := curves[i].At(x)
			if math.IsNaN(v) {
				return low, high
			}
			least, most = min(least, v), max(most, v)
		}
		low, high = append(low, Point{x, least}), append(high, Point{x, most})
	}
}

// sidesOverTime draws the first run of each side over time, all on the same axis of latencies.
func sidesOverTime(sides []Side) (Section, error) {
	s := Section{Title: "Over time", Lead: "The first run of each side; all on the same axis of latencies."}
	low, high := math.Inf(1), 0.0
	var all [][]column
	for _, side := range sides {
		if len(side.Runs) == 0 {
			all = append(all, nil)
			continue
		}
		columns, err := columnsOf(side.Runs[0], mainClock(side.Runs[0]))
		if err != nil {
			return s, err
		}
		a, b := rangeOf(columns)
		low, high = min(low, a), max(high, b)
		all = append(all, columns)
	}
	for i, columns := range all {
		if len(columns) == 0 {
			continue
		}
		f := heatMap(columns, mainClock(sides[i].Runs[0]), low, high)
		f.Caption, f.Group = sides[i].Name, "side "+strconv.Itoa(i+1)
		s.Figures = append(s.Figures, f)
	}
	return s, nil
}

// differingSettings lists the settings in which the sides are not alike.
func differingSettings(sides []Side) Section {
	s := Section{Title: "What was set differently", Lead: "Nothing but where the reports lie."}
	t := Table{Head: []string{"setting"}, Words: true}
	for _, side := range sides {
		t.Head = append(t.Head, side.Name)
	}
	for i := range plan.Settings {
		row := &plan.Settings[i]
		if row.Name == "out" || row.Name == "label" || row.Name == "repeat" {
			continue
		}
		cells, differ := Texts(row.Name), false
		for j, side := range sides {
			value := setting(side, row.Name)
			cells.Cells = append(cells.Cells, TableCell{Text: veiled(value)})
			differ = differ || j > 0 && len(side.Runs) > 0 && value != setting(sides[0], row.Name)
		}
		if differ {
			t.Rows = append(t.Rows, cells)
		}
	}
	if len(t.Rows) > 0 {
		s.Lead, s.Tables = "", []Table{t}
	}
	return s
}

func setting(s Side, name string) string {
	if len(s.Runs) == 0 {
		return ""
	}
	return s.Runs[0].Settings[name]
}
