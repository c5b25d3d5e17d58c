package stat

import (
	"math"
	"math/rand/v2"
	"slices"
)

// group is one side's observations of the rows that are judged: list[run][row], logarithms.
type group [][]float64

// moments are the mean of each row and the variance of that mean.
func (g group) moments() (mean, variance []float64) {
	rows := len(g[0])
	mean, variance = make([]float64, rows), make([]float64, rows)
	n := float64(len(g))
	for r := range rows {
		for _, line := range g {
			mean[r] += line[r] / n
		}
		for _, line := range g {
			variance[r] += (line[r] - mean[r]) * (line[r] - mean[r]) / (n - 1) / n
		}
	}
	return mean, variance
}

// resolution is the least difference that is taken seriously, as a logarithm: the histograms have three digits.
const resolution = 0.001

const (
	leastForBootstrap = 5 // observations of a group; below there is too little to resample
	resamples         = 2000
)

// critical is how many standard errors the intervals of all rows reach, so that together they hold with probability
// 1−alpha. It is found by resampling the groups about their own means: in each resample the largest studentized row
// counts. Infinite when a group is too small for that.
func critical(groups []group, alpha float64, seed uint64) float64 {
	rows := len(groups[0][0])
	for _, g := range groups {
		if len(g) < leastForBootstrap {
			return math.Inf(1)
		}
	}
	centred := make([]group, len(groups))
	for i, g := range groups {
		mean, _ := g.moments()
		for _, line := range g {
			c := make([]float64, rows)
			for r := range c {
				c[r] = line[r] - mean[r]
			}
			centred[i] = append(centred[i], c)
		}
	}
	rng := rand.New(rand.NewPCG(seed, uint64(rows)))
	largest := make([]float64, resamples)
	sum, squares := make([]float64, rows), make([]float64, rows)
	diff, variance := make([]float64, rows), make([]float64, rows)
	for k := range largest {
		clear(diff)
		clear(variance)
		for i, g := range centred {
			drawFrom(g, rng, sum, squares)
			n, sign := float64(len(g)), float64(1-2*(i%2))
			for r := range rows {
				mean := sum[r] / n
				diff[r] += sign * mean
				variance[r] += max(0, squares[r]/n-mean*mean) / (n - 1)
			}
		}
		for r := range rows {
			if variance[r] > 0 {
				largest[k] = max(largest[k], math.Abs(diff[r])/math.Sqrt(variance[r]))
			}
		}
	}
	slices.Sort(largest)
	fewest := math.Inf(1)
	for _, g := range groups {
		fewest = min(fewest, float64(len(g)))
	}
	// Resamples hold some runs twice and so are a little too regular; without the factor like was called different in
	// 4.5 of 100 comparisons of ten runs each, which leaves no room.
	return largest[int(math.Ceil((1-alpha)*resamples))-1] * math.Sqrt(fewest/(fewest-1))
}

// reach is how many standard errors the interval of one row is wide: what the resampling found for all rows, but never
// less than Student's t asks of this row alone, nor more than Bonferroni's correction makes of that. The second bound
// matters where a spike is in one observation only: resamples without it have next to no spread.
func reach(found, alpha, degrees float64, rows int) float64 {
	return min(max(found, studentQuantile(1-alpha/2, degrees)), studentQuantile(1-alpha/2/float64(rows), degrees))
}

// drawFrom draws as many lines as the group has, with replacement, and sums them.
func drawFrom(g group, rng *rand.Rand, sum, squares []float64) {
	clear(sum)
	clear(squares)
	for range g {
		for r, v := range g[rng.IntN(len(g))] {
			sum[r] += v
			squares[r] += v * v
		}
	}
}
