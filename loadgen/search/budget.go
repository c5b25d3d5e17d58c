package search

// firstOverhead is what a measurement is taken to cost beside its two runs, in seconds, until one was made.
const firstOverhead = 2.0

// cost is about how long a measurement takes.
func (s *Sweep) cost(length float64) float64 {
	overhead, n := 0.0, 0
	for _, m := range s.Samples {
		overhead += m.Took - 2*m.Length
		n++
	}
	if n == 0 {
		return 2*length + firstOverhead
	}
	return 2*length + max(0, overhead/float64(n))
}

// affordable is the longest length at which the budget reaches for so many cells and their repeats; the shortest if it
// reaches for none. Three short measurements say more of a cell than a long one does.
func (s *Sweep) affordable(cells int) float64 {
	for i := len(stages) - 1; i > 0; i-- {
		length := stages[i].length
		if s.Budget == 0 || float64(cells*s.Repeats)*s.cost(length) <= s.Budget-s.spent {
			return length
		}
	}
	return stages[0].length
}

// left is about how long the rest takes: this stage, half of its cells in each later one, and the repeats of a quarter.
func (s *Sweep) left(length float64, cells, later int) float64 {
	sum := float64(cells) * s.cost(length)
	for range later {
		length, cells = length*2, (cells+1)/2
		sum += float64(cells) * s.cost(length)
	}
	last := stages[len(stages)-1].length
	if length < last || later > 0 {
		sum += float64((s.Repeats-1)*((cells+1)/2)) * s.cost(last)
	}
	if s.Budget > 0 {
		sum = min(sum, s.Budget-s.spent)
	}
	return max(0, sum)
}

// measure makes a sample, unless one that was there at the start does.
func (s *Sweep) measure(c Cell, length float64, stage string, left, later int) error {
	for i, m := range s.Samples[:s.before] {
		if m.Cell == c && m.Length == length && !s.used[i] {
			s.used[i] = true
			return nil
		}
	}
	if s.Budget > 0 && s.spent+s.cost(length) > s.Budget {
		return errBudget{}
	}
	step := Step{Cell: c, Stage: stage, Done: len(s.Samples), Left: left, Seconds: s.left(length, left, later)}
	if n := len(s.Samples); n > 0 {
		step.Last = &s.Samples[n-1]
	}
	s.Tell(step)
	m, err := s.Measure(c, length)
	if err != nil {
		return err
	}
	m.Cell, m.Length = c, length
	s.Samples = append(s.Samples, m)
	s.spent += m.Took
	return nil
}
