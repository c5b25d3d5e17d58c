package page

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strings"
)

// Knee is a search for the highest rate that meets a goal, to draw.
type Knee struct {
	Name    string // of the search
	About   string // what was measured
	Verdict string // one sentence
	Notes   []string
	Goal    string  // as it was given: p99<10ms
	GoalMs  float64 // its bound
	Watched string  // the percentile that the goal is about: 99, max
	Rate    float64 // the highest good rate, records a second; 0: there is none
	Points  []KneePoint
}

// KneePoint is what was measured at a rate.
type KneePoint struct {
	Rate, Achieved float64            // records a second
	Latency        map[string]float64 // milliseconds, by percentile as text: "50", "99", "max"
	Good           bool
	Why            string // what was bad, or where its report lies
}

// KneePage writes the page of a search: the curve of latency over load, whose bend is what people call the knee.
func KneePage(w io.Writer, k *Knee) error {
	points := sorted(k.Points)
	d := &Document{Title: k.Name, Kind: "Knee", About: k.About, Verdict: k.Verdict, Notes: k.Notes}
	s := Section{Title: "Latency by offered rate", Lead: "Each dot is a run at that rate. Left of the knee the broker " +
		"keeps up; right of it a queue grows for as long as the run lasts."}
	if len(points) == 0 {
		s.Lead = "Nothing was measured."
		d.Sections = []Section{s}
		return d.Write(w)
	}
	s.Figures = []Figure{{SVG: bend(k, points).SVG()}, {Caption: "Achieved by offered rate", SVG: kept(k, points).SVG()}}
	t := Table{Head: []string{"offered, records/s", "achieved, records/s", "p50", watchedName(k.Watched), "", ""}}
	for _, p := range points {
		verdict := TableCell{"good", "good"}
		if !p.Good {
			verdict = TableCell{"too high", "bad"}
		}
		row := Texts(Count(p.Rate), Count(p.Achieved), latencyOf(p, "50"), latencyOf(p, k.Watched))
		row.Cells, row.Strong = append(row.Cells, verdict, TableCell{p.Why, "say"}), p.Rate == k.Rate
		t.Rows = append(t.Rows, row)
	}
	s.Tables = []Table{t}
	d.Sections = []Section{s}
	return d.Write(w)
}

// sorted is a copy by rate.
func sorted(points []KneePoint) []KneePoint {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b KneePoint) int { return cmp.Compare(a.Rate, b.Rate) })
	return points
}

func watchedName(percentile string) string {
	if strings.Trim(percentile, "0123456789.") == "" {
		return "p" + percentile
	}
	return percentile
}

func latencyOf(p KneePoint, percentile string) string {
	if v, ok := p.Latency[percentile]; ok {
		return Latency(v)
	}
	return ""
}

// rates is the axis of offered rates. A search doubles them, so it is a log axis.
func rates(points []KneePoint) Axis {
	return Logarithmic("offered, records/s", points[0].Rate, points[len(points)-1].Rate, nil)
}

// bend draws the watched percentile and the median over the rate, and the goal.
func bend(k *Knee, points []KneePoint) *Plot {
	p := &Plot{Label: "latency by offered rate", Height: 400, X: rates(points)}
	low, high := math.Inf(1), k.GoalMs
	line := func(name, percentile string, style Style) {
		l := Line{Name: name, Style: style}
		for _, at := range points {
			v, ok := at.Latency[percentile]
			if !ok || v <= 0 {
				v = math.NaN()
			} else {
				low, high = min(low, v), max(high, v)
			}
			l.Points = append(l.Points, Point{at.Rate, v})
		}
		p.Lines = append(p.Lines, l)
	}
	line("p50", "50", EndToEnd)
	line(watchedName(k.Watched), k.Watched, Response)
	for _, at := range points {
		v, ok := at.Latency[k.Watched]
		if !ok || v <= 0 {
			continue
		}
		dot := Dot{Name: "good", Style: Response, At: Point{at.Rate, v}}
		if !at.Good {
			dot.Name, dot.Style = "too high", Bad
		}
		p.Dots = append(p.Dots, dot)
	}
	p.Y = Latencies(min(low, high), high)
	if k.GoalMs > 0 {
		p.Lines = append(p.Lines, Line{"goal " + k.Goal, Reference, []Point{{p.X.Low, k.GoalMs}, {p.X.High, k.GoalMs}}})
	}
	if k.Rate > 0 {
		p.Marks = []Mark{{k.Rate, Count(k.Rate) + " records/s"}}
	}
	return p
}

// kept draws what became of the offered rate.
func kept(k *Knee, points []KneePoint) *Plot {
	p := &Plot{Label: "achieved by offered rate", Height: 280, X: rates(points)}
	p.Y = Logarithmic("achieved, records/s", points[0].Rate, points[len(points)-1].Rate, nil)
	achieved := Line{Name: "achieved", Style: Response}
	for _, at := range points {
		p.Y.Low = min(p.Y.Low, roundDown(max(at.Achieved, 1)))
		achieved.Points = append(achieved.Points, Point{at.Rate, at.Achieved})
		p.Dots = append(p.Dots, Dot{Style: Response, At: Point{at.Rate, at.Achieved}})
	}
	low, high := max(p.X.Low, p.Y.Low), min(p.X.High, p.Y.High)
	p.Lines = []Line{{"all that was offered", Reference, []Point{{low, low}, {high, high}}}, achieved}
	if k.Rate > 0 {
		p.Marks = []Mark{{k.Rate, ""}}
	}
	return p
}
