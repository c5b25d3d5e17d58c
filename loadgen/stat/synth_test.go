package stat

import (
	"math"
	"math/rand/v2"
)

// synth makes runs that behave as runs on a shared machine do: log-normal latencies whose level moves from second to
// second and keeps some of its last move (AR(1)), drifts over the run and differs from run to run, with spikes now and
// then.
type synth struct {
	rng      *rand.Rand
	seconds  int
	perRun   float64 // sd of a run's level
	perSec   float64 // sd of a second's level within a run
	keep     float64 // of the last second's level
	drift    float64 // sd of how far a run moves from its begin to its end
	slowdown float64 // factor on every latency
	spikes   float64 // probability of one, in a second
	session  float64 // level that is added to the next run: what drifts over the whole session
}

const (
	synthRate  = 5000.0 // records a second
	synthBody  = 0.5    // sigma of the log-normal latencies
	cellWidth  = 0.02   // of the histograms, as a logarithm
	synthFirst = 12.2   // logarithm of the lowest cell; the median is e^14.5 ns, 2 ms
	synthCells = 400
)

// below is the normal distribution function in steps of a hundredth, from −8 to 8.
var below = func() (table [1601]float64) {
	for i := range table {
		table[i] = math.Erfc(-float64(i-800)/100/math.Sqrt2) / 2
	}
	return table
}()

func phi(z float64) float64 {
	at := min(max(z*100+800, 0), 1599)
	i := int(at)
	return below[i] + (at-float64(i))*(below[i+1]-below[i])
}

// levels are the logarithms of what the seconds of a run are slowed down by.
func (s *synth) levels() []float64 {
	base, slope := s.session+s.perRun*s.rng.NormFloat64()+math.Log(s.slowdown), s.drift*s.rng.NormFloat64()
	out, move := make([]float64, s.seconds), s.perSec*s.rng.NormFloat64()
	for i := range out {
		move = s.keep*move + math.Sqrt(1-s.keep*s.keep)*s.perSec*s.rng.NormFloat64()
		out[i] = base + slope*(float64(i)+0.5)/float64(s.seconds) + move
	}
	return out
}

// run makes a run of parts intervals; the seconds within a part are summed, which is exact: the counts are Poisson.
func (s *synth) run(parts int) Run {
	levels, out := s.levels(), make(Run, parts)
	mean := make([]float64, synthCells)
	for p := range out {
		clear(mean)
		iv := &out[p]
		for _, level := range levels[p*len(levels)/parts : (p+1)*len(levels)/parts] {
			n := synthRate * math.Exp(-0.2*level)
			spiked := 0.0
			if s.rng.Float64() < s.spikes {
				spiked = 0.05 // of the records, slowed down tenfold and more
				addNormal(mean, n*spiked, 14.5+level+2.3+s.rng.Float64())
			}
			addNormal(mean, n*(1-spiked), 14.5+level)
			iv.Seconds++
			iv.Records += n
			iv.CPU += n * 2e-6 * math.Exp(0.3*level+0.02*s.rng.NormFloat64())
		}
		for c, m := range mean {
			if k := poisson(s.rng, m); k > 0 {
				iv.Latency.Cells = append(iv.Latency.Cells, Cell{int64(math.Exp(synthFirst + float64(c)*cellWidth)), k})
				iv.Latency.N += k
			}
		}
	}
	return out
}

func addNormal(mean []float64, n, centre float64) {
	first := max(0, int((centre-6*synthBody-synthFirst)/cellWidth))
	was := phi((synthFirst + float64(first)*cellWidth - centre) / synthBody)
	for c := first; c < min(synthCells, first+int(12*synthBody/cellWidth)); c++ {
		is := phi((synthFirst + float64(c+1)*cellWidth - centre) / synthBody)
		mean[c] += n * (is - was)
		was = is
	}
}

func poisson(rng *rand.Rand, mean float64) int64 {
	if mean > 50 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	k, left := int64(0), rng.Float64()-math.Exp(-mean)
	for p := math.Exp(-mean); left > 0 && k < 200; left -= p {
		k++
		p *= mean / float64(k)
	}
	return k
}

func (s *synth) side(name string, n, parts int) Side {
	side := Side{Name: name}
	for range n {
		side.Runs = append(side.Runs, s.run(parts))
	}
	return side
}

func noisy(seed uint64) *synth {
	return &synth{rng: rand.New(rand.NewPCG(seed, 77)), seconds: 30, perRun: 0.05, perSec: 0.10, keep: 0.7, drift: 0.08,
		slowdown: 1, spikes: 0.03}
}
