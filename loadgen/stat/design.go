package stat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// design is how B is compared with A: what the observations are, and how they vary.
type design struct {
	columns []int     // of the observations: the rows that are judged
	rows    []*Row    // the same, in the table
	groups  []group   // observations of those columns; the first counts for B, the second against it
	diff    []float64 // log B − log A
	error   []float64 // its standard error
	degrees []float64 // of freedom
	found   float64   // standard errors for all rows together, by resampling; infinite: no resampling
}

// design chooses the method by what there is, and keeps to the rows that can be judged.
func (c *Comparison) design(x, y observed, o Options) *design {
	d := &design{found: math.Inf(1)}
	for i, at := 0, 0; i < len(c.Rows); i++ {
		row := &c.Rows[i]
		if row.Percentile == 100 {
			continue // no observation stands behind the largest value
		}
		if row.Note == "" {
			d.columns, d.rows = append(d.columns, at), append(d.rows, row)
			d.diff = append(d.diff, y.figure[at]-x.figure[at])
		}
		at++
	}
	d.error, d.degrees = make([]float64, len(d.columns)), make([]float64, len(d.columns))
	na, nb := len(x.list), len(y.list)
	switch {
	case len(d.columns) == 0:
		c.Method = NoMethod
	case o.Paired && na > 1:
		c.Method = Pairs
		d.paired(x, y)
	case na > 1 && nb > 1:
		c.Method = Repeats
		d.groups = []group{d.only(y.list), d.only(x.list)}
		d.welch()
	case na > 2 || nb > 2:
		c.Method = OneToMany
		d.pooled(x, y)
	case x.blocks != nil && y.blocks != nil && na == 1 && nb == 1:
		c.Method = Blocks
		d.blocks(x, y, o)
	default:
		c.Method = NoMethod
	}
	c.tellMethod(na, nb)
	return d
}

// only keeps the judged columns.
func (d *design) only(g group) group {
	out := make(group, len(g))
	for i, line := range g {
		for _, col := range d.columns {
			out[i] = append(out[i], line[col])
		}
	}
	return out
}

// welch takes the two groups as having spreads of their own.
func (d *design) welch() {
	_, vb := d.groups[0].moments()
	_, va := d.groups[1].moments()
	nb, na := float64(len(d.groups[0])-1), float64(len(d.groups[1])-1)
	for r := range d.error {
		v := va[r] + vb[r]
		d.error[r], d.degrees[r] = math.Sqrt(v), na+nb
		if v > 0 {
			d.degrees[r] = v * v / (va[r]*va[r]/na + vb[r]*vb[r]/nb)
		}
	}
}

// paired takes the ratio of each pair as an observation.
func (d *design) paired(x, y observed) {
	a, b := d.only(x.list), d.only(y.list)
	for i := range b {
		for r := range b[i] {
			b[i][r] -= a[i][r]
		}
	}
	d.groups = []group{b}
	_, v := b.moments()
	for r := range v {
		d.error[r], d.degrees[r] = math.Sqrt(v[r]), float64(len(b)-1)
	}
}

// pooled gives a run alone the spread of the other side's repeats.
func (d *design) pooled(x, y observed) {
	many, few := d.only(x.list), d.only(y.list)
	if len(many) < len(few) {
		many, few = few, many
	}
	_, v := many.moments()
	for r := range v {
		d.error[r] = math.Sqrt(v[r] * (1 + float64(len(many))/float64(len(few))))
		d.degrees[r] = float64(len(many) - 1)
	}
}

// blocks compares two runs by drawing their blocks anew.
func (d *design) blocks(x, y observed, o Options) {
	rng := rand.New(rand.NewPCG(o.Seed, uint64(len(x.blocks)+len(y.blocks))))
	draws := redrawn(y.blocks, o.Percentiles, rng)
	for k, line := range redrawn(x.blocks, o.Percentiles, rng) {
		for r := range line {
			draws[k][r] -= line[r]
		}
	}
	g := d.only(draws)
	mean, variance := g.moments()
	// So few blocks: Student's t in place of the normal, and n−1 in place of n.
	n := float64(min(len(x.blocks), len(y.blocks)))
	few := studentQuantile(1-o.alpha()/2, n-1) / studentQuantile(1-o.alpha()/2, 1e6) * math.Sqrt(n/(n-1))
	largest := make([]float64, len(g))
	for r := range d.error {
		spread := math.Sqrt(variance[r] * float64(len(g)))
		for k, line := range g {
			if spread > 0 {
				largest[k] = max(largest[k], math.Abs(line[r]-mean[r])/spread)
			}
		}
		d.error[r] = spread * few
	}
	slices.Sort(largest)
	d.found = largest[int(math.Ceil((1-o.alpha())*float64(len(largest))))-1]
	gx, gy := d.only(x.shares), d.only(y.shares)
	for r := range d.error {
		d.error[r] *= math.Sqrt(max(unsteady(gx, r), unsteady(gy, r)))
	}
}

// judge gives each row of the design its interval and its verdict.
func (c *Comparison) judge(d *design, o Options) {
	if c.Method == NoMethod {
		for i := range c.Rows {
			if row := &c.Rows[i]; row.Note == "" {
				row.Note = "too few runs, or too short ones"
			}
		}
		return
	}
	alpha := o.alpha()
	if d.groups != nil {
		d.found = critical(d.groups, alpha, o.Seed)
	}
	for i, row := range d.rows {
		half := d.found * max(d.error[i], resolution/2)
		if c.Method != Blocks {
			half = reach(d.found, alpha, d.degrees[i], len(d.rows)) * max(d.error[i], resolution/2)
		}
		row.Ratio = math.Exp(d.diff[i])
		row.Low, row.High = math.Exp(d.diff[i]-half), math.Exp(d.diff[i]+half)
		switch {
		case math.Abs(d.diff[i]) < half || math.Abs(d.diff[i]) < resolution:
			row.Verdict = Same
		case (d.diff[i] > 0) == (row.Kind == Throughput):
			row.Verdict = Better
		default:
			row.Verdict = Worse
		}
	}
}

// tellMethod notes what the intervals do not cover.
func (c *Comparison) tellMethod(na, nb int) {
	note := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	fewest := min(na, nb)
	switch c.Method {
	case Blocks:
		note("one run a side: the intervals cover changes within these two runs, not how much two runs of the same thing " +
			"differ; repeat with --repeat 5 or more, or compare with `loadgen ab`")
	case OneToMany:
		note("one side has one run: it is given the spread of the other side's repeats")
	case Pairs, Repeats:
		if fewest < leastForBootstrap {
			note("%d and %d runs: too few to resample, so the intervals are Student's t with Bonferroni's correction, and "+
				"wide; 5 repeats or more a side find smaller differences", na, nb)
		}
	case NoMethod:
		note("no intervals: they need several runs a side, or runs of %d seconds or more", leastIntervals)
	}
}
