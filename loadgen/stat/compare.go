package stat

import (
	"fmt"
	"math"
	"strconv"
)

// Options say how to compare.
type Options struct {
	Percentiles []float64 // ascending
	Paired      bool      // the runs of the sides belong together, first to first
	Family      int       // comparisons that share the error of 5 %; 0 is 1
	Seed        uint64    // of the resampling
}

// Error is the family-wise error: how often at most a comparison of like with like calls a row different.
const Error = 0.05

func (o Options) alpha() float64 { return Error / float64(o.Family) }

// Method is where the intervals come from.
type Method string

// The methods.
const (
	Repeats   Method = "repeats"     // several runs a side
	Pairs     Method = "pairs"       // runs in pairs
	Blocks    Method = "blocks"      // a run a side, cut into blocks of seconds
	OneToMany Method = "one-to-many" // a run against repeats, whose spread it is given
	NoMethod  Method = "none"        // too little for any interval
)

// Kind is what a row measures.
type Kind string

// The kinds. Of latency and CPU less is better, of throughput more.
const (
	Latency    Kind = "latency"    // nanoseconds
	Throughput Kind = "throughput" // records a second
	CPU        Kind = "cpu"        // nanoseconds of the broker's CPU a record
)

// Verdict is what a row says of B against A.
type Verdict string

// The verdicts.
const (
	Same     Verdict = "~" // no difference that these runs could show
	Worse    Verdict = "worse"
	Better   Verdict = "better"
	Unjudged Verdict = "" // shown only
)

// Row is a line of a comparison. A, B and so the ratio are those of the typical run of each side: the geometric mean.
type Row struct {
	Name       string // p99, max, throughput, cpu
	Kind       Kind
	Percentile float64 // of latencies; 100 is the largest
	A, B       float64 // NaN: not known
	Ratio      float64 // B/A
	Low, High  float64 // the interval of the ratio; NaN: none
	Verdict    Verdict
	Note       string // why it is not judged
}

// Judged reports whether the row has an interval.
func (r *Row) Judged() bool { return r.Verdict != Unjudged }

// Comparison is B against A.
type Comparison struct {
	A, B   string
	Method Method
	RunsA  int
	RunsB  int
	Rows   []Row
	Notes  []string // what a reader should know of the intervals
}

// Compare compares B with A.
func Compare(a, b Side, o Options) *Comparison {
	if o.Family == 0 {
		o.Family = 1
	}
	c := &Comparison{A: a.Name, B: b.Name, RunsA: len(a.Runs), RunsB: len(b.Runs)}
	if o.Paired {
		n := min(len(a.Runs), len(b.Runs))
		if n < max(len(a.Runs), len(b.Runs)) {
			c.Notes = append(c.Notes, fmt.Sprintf("%d and %d runs: the last ones have no partner and are left out", len(a.Runs),
				len(b.Runs)))
		}
		c.RunsA, c.RunsB = n, n
		a.Runs, b.Runs = a.Runs[:n], b.Runs[:n]
	}
	x, y := observe(a, o), observe(b, o)
	c.lay(x, y, o)
	c.judge(c.design(x, y, o), o)
	return c
}

// observed is a side as observations.
type observed struct {
	list    group     // a line a run
	blocks  []sums    // of the only run; nil: it is too short, or not the only one
	shares  group     // of those blocks
	spread  []float64 // of those shares
	figure  []float64 // of the typical run
	fewest  int64     // records in the smallest run
	largest float64
}

func observe(s Side, o Options) observed {
	out := observed{fewest: math.MaxInt64, largest: math.NaN()}
	for _, run := range s.Runs {
		all := sumOf(run)
		line := all.logs(o.Percentiles)
		out.list = append(out.list, line)
		out.fewest = min(out.fewest, all.hist.N)
		if n := len(all.hist.Cells); n > 0 {
			if v := float64(all.hist.Cells[n-1].Value); !(out.largest >= v) {
				out.largest = v
			}
		}
	}
	if len(s.Runs) == 1 {
		if out.blocks = blocksOf(s.Runs[0]); out.blocks != nil {
			out.shares = shares(out.blocks, o.Percentiles)
			out.spread = spreadOf(out.shares, o.Percentiles)
		}
	}
	out.figure = make([]float64, len(o.Percentiles)+rowsBehind)
	for _, line := range out.list {
		for r, v := range line {
			out.figure[r] += v / float64(len(out.list))
		}
	}
	return out
}

// lay lays the table out, without intervals.
func (c *Comparison) lay(x, y observed, o Options) {
	add := func(name string, kind Kind, percentile, a, b float64) {
		c.Rows = append(c.Rows, Row{Name: name, Kind: kind, Percentile: percentile, A: a, B: b, Ratio: b / a,
			Low: math.NaN(), High: math.NaN()})
	}
	for i, p := range o.Percentiles {
		add("p"+percentileName(p), Latency, p, math.Exp(x.figure[i]), math.Exp(y.figure[i]))
		row := &c.Rows[len(c.Rows)-1]
		if need := NeededRecords(p); min(x.fewest, y.fewest) < need {
			row.Note = fmt.Sprintf("n too small: %d records a run, %d are needed", min(x.fewest, y.fewest), need)
		} else if x.blocks != nil && y.blocks != nil && min(x.spread[i], y.spread[i]) < leastSpread {
			row.Note = "too uneven: a few seconds decide it; repeat the runs"
		}
	}
	add("max", Latency, 100, x.largest, y.largest)
	c.Rows[len(c.Rows)-1].Note = "never judged: one record decides it"
	n := len(o.Percentiles)
	for i, kind := range []Kind{Throughput, CPU} {
		add(string(kind), kind, 0, math.Exp(x.figure[n+i]), math.Exp(y.figure[n+i]))
	}
	for i := range c.Rows {
		if row := &c.Rows[i]; math.IsNaN(row.Ratio) && (row.Note == "" || row.Percentile == 0) {
			row.Note = "not measured"
		}
	}
}

// NeededRecords is how many records a run needs for a percentile: ten beyond it.
func NeededRecords(percentile float64) int64 {
	return int64(math.Round(10 / (1 - percentile/100)))
}

// percentileName is 99.9 as text.
func percentileName(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) }
