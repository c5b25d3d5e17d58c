package page

import (
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s is not what is drawn now (go test ./loadgen/page -update writes it anew):\n%s", path, text)
	}
}

// shape is a run to draw: the latencies in milliseconds of each second. A nil second has no records.
type shape struct {
	settings map[string]string
	from     time.Duration
	seconds  [][]float64
	gap      int // a second before which the clock stood still for two seconds; 0: none
}

func (s shape) run(t testing.TB) *result.Run {
	t.Helper()
	p := plan.Default()
	for k, v := range s.settings {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	r := &result.Run{ID: "0123abcd", Command: []string{"loadgen", "run"}, Started: time.UnixMilli(1_790_000_000_123).UTC()}
	r.SetPlan(p)
	r.Generator = result.Cost{Cores: 0.4, CoresAllowed: 2, CPUSeconds: 2}
	r.Broker = result.Broker{Software: "Tailrace", Own: true,
		Cost: &result.Cost{Cores: 0.2, CPUSeconds: 1, NsPerRecord: 900, PeakAnon: 3 << 20, PeakFile: 40 << 20}}
	at := s.from
	for i, list := range s.seconds {
		if s.gap > 0 && i == s.gap {
			at += 2 * time.Second
		}
		iv := meter.Interval{From: at, To: at + time.Second}
		for _, ms := range list {
			for c := range iv.Hist {
				if iv.Hist[c] == nil {
					iv.Hist[c] = meter.NewHistogram()
				}
				if err := iv.Hist[c].RecordValue(int64(ms*1e6) / int64(c+1)); err != nil {
					t.Fatal(err)
				}
			}
			iv.Counts[meter.Scheduled]++
			iv.Counts[meter.Acked]++
			iv.Counts[meter.AckedBytes] += 1000
			iv.Counts[meter.Consumed]++
		}
		if err := r.Series.Keep(iv); err != nil {
			t.Fatal(err)
		}
		r.Seconds = append(r.Seconds, result.Second{Broker: &result.SecondCost{Cores: 0.1 * float64(i%4), Anon: 2 << 20,
			File: int64(i) << 20}, Generator: &result.SecondCost{Cores: 0.4}})
		at += time.Second
	}
	if err := r.Summarize(); err != nil {
		t.Fatal(err)
	}
	r.Verdict.Sentence = "8 records/s were acknowledged."
	return r
}

var small = shape{
	settings: map[string]string{"rate": "3", "duration": "6s", "warmup": "2s"}, from: 2 * time.Second,
	seconds: [][]float64{{1, 2, 3}, {1, 1.5, 2}, nil, {0.8, 400, 900}, {2, 3, 4}, {1, 1, 1}},
}

func columnsFor(t *testing.T, r *result.Run) []column {
	t.Helper()
	columns, err := columnsOf(r, meter.Response)
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

// TestCharts are drawn to the byte as they were when somebody looked at them.
func TestCharts(t *testing.T) {
	r := small.run(t)
	columns := columnsFor(t, r)
	h, err := r.Series.Total(meter.Response)
	if err != nil {
		t.Fatal(err)
	}
	a, b := CurveOf("before", Series(0), h), CurveOf("after", Series(1), h)
	b.Low, b.High = []Point{{1, 0.5}, {15, 300}}, []Point{{1, 2}, {15, 1500}}
	golden(t, "curves.svg", string(Curves("two runs", []Curve{a, b}).SVG))
	golden(t, "heat.svg", string(heatMap(columns, meter.Response, 0.8, 900).SVG))
	golden(t, "throughput.svg", string(throughput(r, columns).SVG))
	golden(t, "errors.svg", string(failures(r, columns).SVG))
	golden(t, "cpu.svg", string(processors(r, columns).SVG))
	golden(t, "memory.svg", string(memory(r, columns).SVG))
	knee := Plot{
		Label: "latency by rate", Height: 300, X: Linear("offered, records/s", 50_000, nil), Y: Latencies(1, 80),
		Lines: []Line{{"response p99", Response, []Point{{10_000, 2}, {20_000, 2.5}, {30_000, 6}, {40_000, 70}}}},
		Dots:  []Dot{{Name: "measured", Style: Response, At: Point{40_000, 70}, Text: "above the knee"}},
		Marks: []Mark{{30_000, "knee: 30k/s"}},
	}
	golden(t, "plot.svg", knee.File())
}

// TestBars: a bar with whisker and goal, one without room for its text behind it, a stack, a range without a bar.
func TestBars(t *testing.T) {
	names := []string{"produce", "start", "memory", "p99"}
	p := Plot{Label: "times better", Margin: RowsMargin(append(names, "a name that takes some room")),
		Height: RowsHeight(len(names), 30), Y: Rows("times better", names),
		X: Axis{Log: true, Low: 0.5, High: 100, Ticks: []float64{0.5, 1, 10, 100}}, Marks: []Mark{{X: 1}},
		Bars: []Bar{
			{Name: "met", Style: Response, From: 1, To: 7, Y: RowAt(0, 4), Thick: .6, Low: 6, High: 8, Goal: 3, Text: "×7"},
			{Name: "missed", Style: Bad, From: 1, To: 90, Y: RowAt(1, 4), Thick: .6, Goal: 95, Text: "×90 of 95 < wanted"},
			{Style: Service, From: 1, To: 2, Y: RowAt(2, 4), Thick: .6},
			{Style: Service.Pale(), From: 2, To: 4, Y: RowAt(2, 4), Thick: .6},
			{Style: Service, From: 3, To: 3, Y: RowAt(3, 4), Low: 2, High: 5, Text: "3 ms"},
		}}
	golden(t, "bars.svg", p.File())
}

// TestGaps: where nothing was recorded there is no line.
func TestGaps(t *testing.T) {
	s := small
	s.gap = 5
	r := s.run(t)
	columns := columnsFor(t, r)
	if n := strings.Count(string(heatMap(columns, meter.Response, 0.8, 900).SVG), `cx="`); n != 5+1 { // and the legend's
		t.Errorf("%d dots for five seconds with records", n)
	}
	p := Plot{X: timeAxis(columns), Y: Latencies(0.5, 1000), Height: 300}
	points := steps(columns, func(c *column) float64 {
		if c.hist == nil {
			return math.NaN()
		}
		return float64(c.hist.Max()) / 1e6
	})
	path := p.path(points)
	if strings.Count(path, "M") != 3 {
		t.Errorf("an empty second and a clock that stood still break a line into three: %s", path)
	}
	if last := columns[len(columns)-1]; last.from != 9 || last.to != 10 {
		t.Errorf("the second behind the gap is at %v to %v", last.from, last.to)
	}
}

// TestCurveIsTheHistogram: at every percentile that is shown in tables, and at its end.
func TestCurveIsTheHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 7, 100, 9_999, 300_000} {
		h := meter.NewHistogram()
		for range n {
			_ = h.RecordValue(int64(rng.ExpFloat64()*5e6) + 1000)
		}
		c := CurveOf("x", Response, h)
		if last := c.Points[len(c.Points)-1]; last != (Point{float64(n), float64(h.Max()) / 1e6}) {
			t.Errorf("%d records: the curve ends at %v, the largest is %v ms", n, last, float64(h.Max())/1e6)
		}
		for i := 1; i < len(c.Points); i++ {
			if c.Points[i].X < c.Points[i-1].X || c.Points[i].Y < c.Points[i-1].Y {
				t.Fatalf("%d records: point %d lies below the one before: %v", n, i, c.Points[i-1:i+1])
			}
		}
		for _, p := range []float64{10, 50, 75, 90, 99, 99.9, 99.99} {
			if x := 100 / (100 - p); x <= float64(n) {
				near(t, &c, h, p, x)
			}
		}
		if v := c.At(float64(n) * 2); !math.IsNaN(v) {
			t.Errorf("%d records: there is a value of %v beyond the last record", n, v)
		}
	}
}

// near holds the curve against the histogram a little to both sides of a percentile: it is a step there.
func near(t *testing.T, c *Curve, h *hdr.Histogram, p, x float64) {
	t.Helper()
	percentile := func(x float64) float64 { return 100 - 100/x }
	width, rank := math.Pow(10, 1.5/curveSteps), 100/float64(h.TotalCount()) // the histogram rounds to a record
	low := float64(h.ValueAtPercentile(percentile(x/width)-rank)) / 1e6
	high := float64(h.ValueAtPercentile(percentile(x*width)+rank)) / 1e6
	if v := c.At(x); v < low*0.999 || v > high*1.001 {
		t.Errorf("%d records: the curve has %v ms at p%v, the histogram %v to %v", h.TotalCount(), v, p, low, high)
	}
}

// TestColumnsLoseNothing: a long run has fewer columns than seconds, and all its records, counts and CPU time.
func TestColumnsLoseNothing(t *testing.T) {
	s := shape{seconds: make([][]float64, 1000)}
	for i := range s.seconds {
		s.seconds[i] = []float64{1, float64(i%50 + 1)}
	}
	r := s.run(t)
	columns := columnsFor(t, r)
	if len(columns) > mostColumns || len(columns) < mostColumns/2 {
		t.Errorf("%d columns for 1000 seconds", len(columns))
	}
	var records, acked int64
	cpu, end, worst := 0.0, 0.0, int64(0)
	for i := range columns {
		c := &columns[i]
		if c.from != end {
			t.Fatalf("column %d begins at %v, the one before ends at %v", i, c.from, end)
		}
		end = c.to
		records += c.hist.TotalCount()
		acked += c.counts[meter.Acked]
		cpu += c.broker.Cores * c.seconds()
		worst = max(worst, c.broker.File)
	}
	if records != 2000 || acked != 2000 || end != 1000 || math.Abs(cpu-150) > 1e-6 || worst != 999<<20 {
		t.Errorf("%d latencies, %d acknowledged, to %v s, %v CPU-seconds, %d bytes at most", records, acked, end, cpu, worst)
	}
}

func TestOffered(t *testing.T) {
	for rate, want := range map[string][]Point{
		"3":       {{2, 3}, {8, 3}},
		"2..8":    {{2, 2}, {8, 8}},
		"1,2,4":   {{2, 1}, {4, 1}, {4, 2}, {6, 2}, {6, 4}, {8, 4}},
		"max":     nil,
		"6..1200": {{2, 6}, {8, 1200}},
	} {
		s := small
		s.settings = map[string]string{"rate": rate, "duration": "6s", "warmup": "2s"}
		r := s.run(t)
		if got := offeredOver(r, columnsFor(t, r)); !slices.Equal(got, want) {
			t.Errorf("rate %s is offered as %v, want %v", rate, got, want)
		}
	}
}
