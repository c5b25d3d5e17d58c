package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sweep looks for the cells that nothing beats: all are measured for a short time, those that another one clearly
// beats in everything are dropped, the rest is measured for longer, and what is left is repeated. The longer a
// measurement, the smaller the margin that is clear.
type Sweep struct {
	Axes       []Axis
	Durability func(Cell) int
	Budget     float64  // seconds of measuring; 0 = no bound
	Seed       uint64   // of the order in which cells are measured, so that a drift of the machine falls on all alike
	Repeats    int      // of the front, at the last length: 3 if 0
	Samples    []Sample // measured before: a sweep is resumed with them, and knows them all. Afterwards all there are
	Measure    func(c Cell, length float64) (Sample, error)
	Tell       func(Step) // may be nil

	spent  float64
	before int          // samples were there at the start
	used   map[int]bool // of those
}

// Step is told before each measurement.
type Step struct {
	Cell    Cell
	Stage   string
	Done    int     // measurements
	Left    int     // of this stage, this one included
	Seconds float64 // that are left in all, as far as can be told
	Last    *Sample // the one before
}

// stages are the lengths, in seconds, and the margins by which a cell must be beaten to be dropped, as logarithms.
var stages = []struct {
	name   string
	length float64
	margin float64
}{
	{"all, briefly", 1, 0.25},
	{"what is left, twice as long", 2, 0.10},
	{"what is left, twice as long again", 4, 0.03},
}

// Swept is what a sweep came to.
type Swept struct {
	Front    []Standing `json:"front"` // by latency
	Cells    []Standing `json:"cells"` // all that were measured, the front included
	Missing  []Cell     `json:"not_measured,omitempty"`
	Why      string     `json:"why"` // what ended it
	Complete bool       `json:"complete"`
	Seconds  float64    `json:"seconds"`
}

// errBudget ends a sweep without being an error of it.
type errBudget struct{}

func (errBudget) Error() string { return "the budget is spent" }

// Stop is returned by Measure to end a sweep with what there is, and to say why.
type Stop struct{ Why string }

// Error implements error.
func (s *Stop) Error() string { return s.Why }

// Run sweeps. With an error from Measure it returns what there is until then, and the error.
func (s *Sweep) Run() (*Swept, error) {
	if s.Repeats == 0 {
		s.Repeats = 3
	}
	if s.Tell == nil {
		s.Tell = func(Step) {}
	}
	s.Samples = slices.Clone(s.Samples)
	s.before, s.used = len(s.Samples), map[int]bool{}
	for _, m := range s.Samples {
		s.spent += m.Took
	}
	cells := Cells(s.Axes)
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	rng.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	err := s.stagesOf(cells)
	out := s.conclude(cells)
	switch stop := err.(type) {
	case nil:
		out.Complete, out.Why = true, fmt.Sprintf("the front was repeated %d times", s.Repeats)
	case errBudget, *Stop:
		out.Why, err = stop.Error(), nil
	default:
		out.Why = err.Error()
	}
	return out, err
}

func (s *Sweep) stagesOf(cells []Cell) error {
	alive := slices.Clone(cells)
	for i, stage := range stages {
		if i > 0 {
			fits := true
			if alive, fits = s.afford(alive, stage.length); !fits {
				break // better the front repeated than a part of all for longer
			}
		}
		for j, c := range alive {
			if err := s.measure(c, stage.length, stage.name, len(alive)-j, len(stages)-1-i); err != nil {
				return err
			}
		}
		alive = s.prune(alive, stage.margin)
	}
	return s.repeat(cells)
}

// prune drops what another cell clearly beats. What is dropped can still show that others are beaten.
func (s *Sweep) prune(alive []Cell, margin float64) (left []Cell) {
	all := s.standings(alive)
	for i := range all {
		if by, _ := dominator(&all[i], all, margin); by == "" {
			left = append(left, all[i].Cell)
		}
	}
	return left
}

// afford drops more when the budget does not reach for all: what is beaten by the most, though not clearly. What is
// not beaten at all stays.
func (s *Sweep) afford(alive []Cell, length float64) (left []Cell, fits bool) {
	if s.Budget == 0 {
		return alive, true
	}
	all := s.standings(alive)
	type beaten struct {
		cell  Cell
		depth float64
	}
	var list []beaten
	for i := range all {
		if by, depth := dominator(&all[i], all, -alike); by != "" {
			list = append(list, beaten{all[i].Cell, depth})
		}
	}
	slices.SortStableFunc(list, func(a, b beaten) int { return int(math.Copysign(1, b.depth-a.depth)) })
	// Half of what is left is for this stage; the rest is for the repeats of the front.
	reach := int((s.Budget - s.spent) / 2 / s.cost(length))
	for _, b := range list {
		if len(alive) <= reach {
			break
		}
		alive = slices.DeleteFunc(alive, func(c Cell) bool { return c == b.cell })
	}
	return alive, len(alive) <= reach
}

// repeat measures the front until each cell of it has its repeats. A repeat may put a cell onto the front that was not
// on it, or off it: also one that was dropped, when what beat it then was lucky.
func (s *Sweep) repeat(cells []Cell) error {
	length := s.affordable(len(s.front(s.standings(cells))))
	for {
		var due []Standing
		for _, f := range s.front(s.standings(cells)) {
			if f.Length < length || f.Repeats < s.Repeats {
				due = append(due, f)
			}
		}
		if len(due) == 0 {
			return nil
		}
		for i, f := range due {
			if err := s.measure(f.Cell, max(length, f.Length), "repeating the front", len(due)-i, 0); err != nil {
				return err
			}
		}
	}
}

// front are the standings that nothing beats, by latency.
func (s *Sweep) front(all []Standing) (front []Standing) {
	for i := range all {
		if by, _ := dominator(&all[i], all, -alike); by == "" {
			front = append(front, all[i])
		}
	}
	slices.SortFunc(front, func(a, b Standing) int { return int(math.Copysign(1, a.Latency.Mid-b.Latency.Mid)) })
	return front
}

func (s *Sweep) standings(cells []Cell) (all []Standing) {
	for _, c := range cells {
		var of []Sample
		for _, m := range s.Samples {
			if m.Cell == c {
				of = append(of, m)
			}
		}
		if len(of) > 0 {
			all = append(all, standing(c, s.Durability(c), of))
		}
	}
	return all
}

func (s *Sweep) conclude(cells []Cell) *Swept {
	out := &Swept{Seconds: s.spent, Cells: s.standings(cells)}
	for i := range out.Cells {
		st := &out.Cells[i]
		st.BeatenBy, _ = dominator(st, out.Cells, -alike)
		st.Front = st.BeatenBy == ""
	}
	out.Front = s.front(out.Cells)
	for _, c := range cells {
		if !slices.ContainsFunc(out.Cells, func(st Standing) bool { return st.Cell == c }) {
			out.Missing = append(out.Missing, c)
		}
	}
	return out
}
