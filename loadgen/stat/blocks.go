package stat

import (
	"math"
	"math/rand/v2"
	"sort"
)

// A run alone is cut into blocks of whole intervals, and blocks are drawn again and again (with replacement): what the
// merged figure then does is how uncertain it is. A jackknife over the same blocks lost: where two of ten blocks hold
// all spikes, leaving one out hardly moves a tail percentile, and like was called different three times too often.
const (
	leastIntervals = 10 // of a run; below there are no blocks to speak of
	mostBlocks     = 10 // long blocks, because seconds that follow each other are alike
	leastBlocks    = 5
	blockResamples = 1000
)

// blocksOf cuts a run into blocks of nearly equal length; nil: it is too short.
func blocksOf(r Run) []sums {
	if len(r) < leastIntervals {
		return nil
	}
	n := max(leastBlocks, min(mostBlocks, len(r)/4))
	out := make([]sums, n)
	for i := range out {
		out[i] = sumOf(r[i*len(r)/n : (i+1)*len(r)/n])
	}
	return out
}

// redrawn are the figures (logarithms) of the run with its blocks drawn anew, a line a draw.
func redrawn(blocks []sums, percentiles []float64, rng *rand.Rand) [][]float64 {
	g := gridOf(blocks)
	out, times := make([][]float64, blockResamples), make([]int64, len(blocks))
	for k := range out {
		clear(times)
		var s sums
		for range blocks {
			i := rng.IntN(len(blocks))
			times[i]++
			s.seconds, s.records, s.cpu = s.seconds+blocks[i].seconds, s.records+blocks[i].records, s.cpu+blocks[i].cpu
			s.hist.N += blocks[i].hist.N
		}
		out[k] = logsOf(append(g.percentiles(times, s.hist.N, percentiles), s.behind()...))
	}
	return out
}

// grid is histograms over the same values.
type grid struct {
	values []int64
	upTo   [][]int64 // of each histogram: how many records up to each value
}

func gridOf(blocks []sums) grid {
	hists := make([]Hist, len(blocks))
	for i, b := range blocks {
		hists[i] = b.hist
	}
	var g grid
	for _, c := range Merge(hists).Cells {
		g.values = append(g.values, c.Value)
	}
	for _, h := range hists {
		line, at, sum := make([]int64, len(g.values)), 0, int64(0)
		for i, v := range g.values {
			if at < len(h.Cells) && h.Cells[at].Value == v {
				sum += h.Cells[at].Count
				at++
			}
			line[i] = sum
		}
		g.upTo = append(g.upTo, line)
	}
	return g
}

// percentiles of the histograms merged, each so many times; n is how many records that makes.
func (g grid) percentiles(times []int64, n int64, list []float64) []float64 {
	out := make([]float64, len(list), len(list)+rowsBehind)
	for i, p := range list {
		want := rank(p, n)
		at := sort.Search(len(g.values)-1, func(at int) bool {
			sum := int64(0)
			for b, t := range times {
				sum += t * g.upTo[b][at]
			}
			return sum >= want
		})
		if out[i] = math.NaN(); n > 0 {
			out[i] = float64(g.values[at])
		}
	}
	return out
}

// shares are what each block adds to the figures, made linear: of a percentile the share of its records at or above
// that of the whole run, of the others their logarithm.
func shares(blocks []sums, percentiles []float64) group {
	hists := make([]Hist, len(blocks))
	for i, b := range blocks {
		hists[i] = b.hist
	}
	whole, out := Merge(hists).Percentiles(percentiles), make(group, len(blocks))
	for i, b := range blocks {
		line := b.logs(percentiles)
		above, at := b.hist.N, 0
		for r, v := range whole {
			for ; at < len(b.hist.Cells) && b.hist.Cells[at].Value < int64(v); at++ {
				above -= b.hist.Cells[at].Count
			}
			line[r] = float64(above) / float64(max(1, b.hist.N))
		}
		out[i] = line
	}
	return out
}

// spreadOf is over how many blocks the records beyond each percentile are spread: n when all have as many, 1 when one
// has all of them.
func spreadOf(g group, percentiles []float64) []float64 {
	out := make([]float64, len(percentiles))
	for r := range out {
		sum, squares := 0.0, 0.0
		for _, line := range g {
			sum += line[r]
			squares += line[r] * line[r]
		}
		if out[r] = float64(len(g)); squares > 0 {
			out[r] = sum * sum / squares
		}
	}
	return out
}

// leastSpread is how many blocks a percentile must rest on to be judged. Two runs with a spike or two are not told
// apart from a run without any by resampling them: it cannot make the spike that did not happen.
const leastSpread = 4

// unsteady is by how much the variance of a run's figure must grow because its blocks are not independent: those that
// follow each other are alike, and the run drifts. Never below 1.
func unsteady(g group, row int) float64 {
	_, variance := g.moments()
	if variance[row] == 0 {
		return 1
	}
	// A run that moved so far might as well have begun where it ended: its mean is uncertain by half of the way. Blocks
	// without any drift seem to move too, by √12 of the mean's error; a third of that is let pass.
	moved := travel(g, row)
	return persistence(g, row) + max(0, moved*moved/variance[row]-4)/4
}

// persistence is by how much alike neighbours make a variance grow: the sum of the autocorrelations of a first-order
// process with the correlation seen. Never below 1.
func persistence(g group, row int) float64 {
	mean, sum, next := 0.0, 0.0, 0.0
	for _, line := range g {
		mean += line[row] / float64(len(g))
	}
	for i, line := range g {
		sum += (line[row] - mean) * (line[row] - mean)
		if i > 0 {
			next += (line[row] - mean) * (g[i-1][row] - mean)
		}
	}
	if sum == 0 {
		return 1
	}
	// Estimated from few blocks, the correlation comes out too low by about (1+4r)/n.
	n, r := float64(len(g)), next/sum
	r = min(mostPersistent, max(0, r+(1+4*max(0, r))/n))
	return (1 + r) / (1 - r)
}

const mostPersistent = 0.9

// travel is how far the straight line through the blocks goes from the begin of the run to its end.
func travel(g group, row int) float64 {
	n, sum, weights := float64(len(g)), 0.0, 0.0
	for i, line := range g {
		w := float64(i) - (n-1)/2
		sum += w * line[row]
		weights += w * w
	}
	return n * sum / weights
}
