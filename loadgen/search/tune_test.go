package search

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// bench is a broker that is a table: what each cell costs, and noise that gets smaller as measurements get longer.
type bench struct {
	at     map[Cell]Sample
	noise  float64 // of one second, as a part
	rng    *rand.Rand
	asked  []string
	failAt int // the measurement that fails; 0 = none
}

func (b *bench) measure(c Cell, length float64) (Sample, error) {
	b.asked = append(b.asked, fmt.Sprintf("%s %v", c, length))
	if len(b.asked) == b.failAt {
		return Sample{}, errors.New("cut")
	}
	m := b.at[c]
	if b.noise > 0 {
		for _, v := range []*float64{&m.Latency, &m.MBps, &m.CPU} {
			*v *= math.Exp(b.noise / math.Sqrt(length) * b.rng.NormFloat64())
		}
	}
	m.Kept, m.Took = true, 2*length+1.5
	return m, nil
}

func durable(c Cell) int {
	if strings.Contains(string(c), "acks=all") {
		return 2
	}
	return 1
}

// known is a broker whose front is known: three cells of acks=1, three of acks=all; each other cell is worse than one
// of them in everything, by a twelfth or more.
func known() (b *bench, axes []Axis, front []Cell) {
	axes = []Axis{{"acks", []string{"1", "all"}}, {"linger", []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}}}
	b = &bench{at: map[Cell]Sample{}}
	best := map[string]Sample{ // with acks=1; fast, cheap and wide each have their price
		"a": {Latency: 1, MBps: 50, CPU: 900},
		"d": {Latency: 4, MBps: 120, CPU: 500},
		"g": {Latency: 20, MBps: 200, CPU: 300},
	}
	worse := map[string]struct {
		than string
		by   float64
	}{"b": {"a", 1.12}, "c": {"a", 1.5}, "e": {"d", 1.12}, "f": {"d", 1.3}, "h": {"g", 1.12}, "i": {"g", 2}}
	for _, acks := range axes[0].Values {
		cost := map[string]float64{"1": 1, "all": 1.4}[acks]
		for _, v := range axes[1].Values {
			c := Cell("acks=" + acks + " linger=" + v)
			m, ok := best[v]
			if ok {
				front = append(front, c)
			} else {
				m = best[worse[v].than]
				m.Latency, m.MBps, m.CPU = m.Latency*worse[v].by, m.MBps/worse[v].by, m.CPU*worse[v].by
			}
			m.Latency, m.MBps, m.CPU = m.Latency*cost, m.MBps/cost, m.CPU*cost
			b.at[c] = m
		}
	}
	return b, axes, front
}

func cellsOf(list []Standing) (cells []Cell) {
	for _, s := range list {
		cells = append(cells, s.Cell)
	}
	slices.Sort(cells)
	return cells
}

func TestKnownFrontIsFound(t *testing.T) {
	for _, noise := range []float64{0, 0.01, 0.04} {
		missed := 0
		const tries = 40
		for seed := range uint64(tries) {
			b, axes, want := known()
			b.noise, b.rng = noise, rand.New(rand.NewPCG(seed, 2))
			out, err := (&Sweep{Axes: axes, Durability: durable, Measure: b.measure, Seed: seed}).Run()
			if err != nil || !out.Complete {
				t.Fatal(err, out.Why)
			}
			slices.Sort(want)
			if !slices.Equal(cellsOf(out.Front), want) {
				missed++
				t.Logf("noise %v, seed %d: front %v, want %v", noise, seed, cellsOf(out.Front), want)
			}
			for _, f := range out.Front {
				if f.Repeats < 3 || f.Length != 4 {
					t.Errorf("%s was measured %d times for %v s", f.Cell, f.Repeats, f.Length)
				}
			}
			if full := len(Cells(axes)) * 5; len(b.asked) >= full {
				t.Errorf("%d measurements: a sweep without pruning needs %d", len(b.asked), full)
			}
		}
		// With 4 % of noise a cell that is worse by 12 % in all three figures may stand beside the front once in a while.
		if most := map[float64]int{0: 0, 0.01: 0, 0.04: tries / 8}[noise]; missed > most {
			t.Errorf("noise %v: %d of %d fronts are wrong", noise, missed, tries)
		}
	}
}

// model is a broker that is a formula over four settings: batches fill as linger allows, requests cost, codecs save
// bytes and cost time, and acks=all waits for a disk.
func model(rng *rand.Rand) (b *bench, axes []Axis) {
	axes = []Axis{{"acks", []string{"1", "all"}}, {"batch-size", []string{"16", "64", "256"}},
		{"linger", []string{"0", "5", "20"}}, {"compression", []string{"none", "lz4", "zstd"}}}
	number := map[string]float64{"0": 0, "5": 5, "16": 16, "20": 20, "64": 64, "256": 256}
	ratio := map[string]float64{"none": 1, "lz4": 0.5, "zstd": 0.35}
	slow := map[string]float64{"none": 0, "lz4": 0.004, "zstd": 0.02}
	b = &bench{at: map[Cell]Sample{}, rng: rng}
	request, perKiB, disk := 20+20*rng.Float64(), 1+rng.Float64(), 0.5+3*rng.Float64()
	for _, c := range Cells(axes) {
		v := map[string]string{}
		for _, kv := range c.Settings() {
			v[kv[0]] = kv[1]
		}
		full := min(number[v["batch-size"]], 2+8*number[v["linger"]]) // KiB of a batch at the target rate
		sync := 0.0
		if v["acks"] == "all" {
			sync = disk
		}
		codec := v["compression"]
		b.at[c] = Sample{
			Latency: 0.3 + sync + min(number[v["linger"]], full/8) + full*(0.01*ratio[codec]+slow[codec]),
			MBps:    1000 / (1 + ratio[codec] + 100*slow[codec] + (request+sync*8)/number[v["batch-size"]]),
			CPU:     request*1000/full + perKiB*300*ratio[codec],
		}
	}
	return b, axes
}

// clear8 sorts the cells by the formula alone: those that no other comes within 8 % of, and those to which another is
// nowhere worse, and better by 8 % on the whole. What lies between may be on the front or not.
func clear8(b *bench) (on, off []Cell) {
	for a, x := range b.at {
		best, beaten := math.Inf(-1), false
		for c, y := range b.at {
			if c == a || durable(c) < durable(a) {
				continue
			}
			gains := []float64{x.Latency / y.Latency, y.MBps / x.MBps, x.CPU / y.CPU}
			best = max(best, slices.Min(gains))
			beaten = beaten || slices.Min(gains) >= 1-1e-9 && gains[0]*gains[1]*gains[2] > 1.08*1.08*1.08
		}
		if best < 1/1.08 {
			on = append(on, a)
		}
		if beaten {
			off = append(off, a)
		}
	}
	return on, off
}

func TestFrontOfAFormula(t *testing.T) {
	for _, noise := range []float64{0, 0.02} {
		missed, extra, asked := 0, 0, 0
		for seed := range uint64(30) {
			b, axes := model(rand.New(rand.NewPCG(seed, 3)))
			b.noise = noise
			out, err := (&Sweep{Axes: axes, Durability: durable, Measure: b.measure, Seed: seed, Budget: 600}).Run()
			if err != nil {
				t.Fatal(err)
			}
			asked += len(b.asked)
			on, off := clear8(b)
			if len(on) < 3 || len(off) < 3 {
				t.Fatalf("seed %d: the formula has a front of %d and %d beaten cells: it proves nothing", seed, len(on), len(off))
			}
			got := cellsOf(out.Front)
			for _, c := range on {
				if !slices.Contains(got, c) {
					missed++
					t.Logf("noise %v, seed %d: %s is on the front, and was not found", noise, seed, c)
				}
			}
			for _, c := range off {
				if slices.Contains(got, c) {
					extra++
					t.Logf("noise %v, seed %d: %s is beaten by 8 %% and nowhere better, and was found", noise, seed, c)
				}
			}
		}
		// None may be missed. A cell that equals another in two figures and loses in the third may stay when noise lets it
		// win one of the two: one in three sweeps here, of 54 cells each.
		if most := map[float64]int{0: 0, 0.02: 10}[noise]; missed > 0 || extra > most {
			t.Errorf("noise %v: %d cells of the front are missed, %d are on it that are beaten", noise, missed, extra)
		}
		t.Logf("noise %v: %d measurements a sweep", noise, asked/30)
	}
}

// TestBudgetOfASweep is kept, and what there is then is told.
func TestBudgetOfASweep(t *testing.T) {
	for _, budget := range []float64{20, 60, 100, 300} {
		b, axes, _ := known()
		s := &Sweep{Axes: axes, Durability: durable, Measure: b.measure, Budget: budget, Tell: func(s Step) {
			if s.Seconds > budget || s.Left < 1 {
				t.Errorf("budget %v: %+v", budget, s)
			}
		}}
		out, err := s.Run()
		if err != nil || out.Seconds > budget {
			t.Errorf("%v: took %v of %v s", err, out.Seconds, budget)
		}
		if len(out.Front) == 0 || len(out.Cells)+len(out.Missing) != 18 {
			t.Errorf("budget %v: a front of %d, %d cells measured and %d not", budget, len(out.Front), len(out.Cells),
				len(out.Missing))
		}
		if whole := budget >= 300; out.Complete != whole {
			t.Errorf("budget %v: complete is %v: %s", budget, out.Complete, out.Why)
		}
	}
}

// TestSweepResumed: cut anywhere, it goes on where it was and comes to the same.
func TestSweepResumed(t *testing.T) {
	b, axes, _ := known()
	whole, err := (&Sweep{Axes: axes, Durability: durable, Measure: b.measure}).Run()
	if err != nil {
		t.Fatal(err)
	}
	n := len(b.asked)
	for _, cut := range []int{1, 7, 19, n - 1} {
		b, axes, _ := known()
		b.failAt = cut
		first := &Sweep{Axes: axes, Durability: durable, Measure: b.measure}
		if _, err := first.Run(); err == nil {
			t.Fatal("it was not cut")
		}
		b.failAt = 0
		again := &Sweep{Axes: axes, Durability: durable, Measure: b.measure, Samples: first.Samples}
		out, err := again.Run()
		if err != nil || !slices.Equal(cellsOf(out.Front), cellsOf(whole.Front)) || len(b.asked) != n+1 {
			t.Errorf("cut at %d: %v, %d measurements in place of %d", cut, err, len(b.asked), n+1)
		}
	}
}

func TestStop(t *testing.T) {
	b, axes, _ := known()
	out, err := (&Sweep{Axes: axes, Durability: durable, Measure: func(c Cell, l float64) (Sample, error) {
		if len(b.asked) == 5 {
			return Sample{}, &Stop{"the bound of bytes was reached"}
		}
		return b.measure(c, l)
	}}).Run()
	if err != nil || out.Complete || out.Why != "the bound of bytes was reached" || len(out.Cells) != 5 {
		t.Errorf("%v: %+v", err, out)
	}
}

func TestAdvice(t *testing.T) {
	b, axes, _ := known()
	out, err := (&Sweep{Axes: axes, Durability: durable, Measure: b.measure}).Run()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		aim, best, second string
		met               bool
	}{
		{"p99<10ms", "acks=all linger=d", "acks=all linger=a", true},
		{"p99<2ms", "acks=all linger=a", "acks=1 linger=a", true},
		{"p99<500us", "acks=1 linger=a", "", false},
		{"max-throughput", "acks=1 linger=g", "acks=all linger=g", true},
		{"min-cpu", "acks=1 linger=g", "acks=all linger=g", true},
	} {
		aim, err := ParseAim(c.aim)
		if err != nil {
			t.Fatal(err)
		}
		d := Advise(aim, out.Front, nil)
		second := ""
		if d.RunnerUp != nil {
			second = string(d.RunnerUp.Cell)
		}
		if string(d.Best.Cell) != c.best || second != c.second || d.Met != c.met || d.Why == "" {
			t.Errorf("%s: %s, then %s, met %v: %s", c.aim, d.Best.Cell, second, d.Met, d.Why)
		}
	}
	// Within the range of the best, the more durable cell.
	near := []Standing{
		{Cell: "acks=1", Durability: 1, MBps: Range{100, 95, 105}},
		{Cell: "acks=all", Durability: 2, MBps: Range{94, 90, 96}},
	}
	if d := Advise(Aim{Word: MaxThroughput}, near, nil); d.Best.Cell != "acks=all" || d.RunnerUp.Cell != "acks=1" {
		t.Errorf("%+v", d)
	}
	// A front of one has its runner-up among the beaten.
	if d := Advise(Aim{Word: MaxThroughput}, near[1:], near); d.Best.Cell != "acks=all" || d.RunnerUp.Cell != "acks=1" {
		t.Errorf("%+v", d)
	}
	if d := Advise(Aim{Word: MinCPU}, nil, nil); d.Met || d.Best != nil {
		t.Errorf("%+v", d)
	}
	for _, text := range []string{"fast", "", "p99>1ms"} {
		if a, err := ParseAim(text); err == nil || !strings.Contains(err.Error(), MaxThroughput) {
			t.Errorf("%q is taken for %v: %v", text, a, err)
		}
	}
}

// TestCappedThroughput: at the bound of the rate all cells have the same MB/s, and it decides nothing.
func TestCappedThroughput(t *testing.T) {
	a := Standing{Cell: "a", Capped: true, Latency: Range{Mid: 2}, MBps: Range{Mid: 1.1}, CPU: Range{Mid: 200}}
	b := Standing{Cell: "b", Capped: true, Latency: Range{Mid: 1}, MBps: Range{Mid: 1}, CPU: Range{Mid: 100}}
	if by, _ := dominator(&a, []Standing{a, b}, 0.25); by != "b" {
		t.Errorf("beaten by %q", by)
	}
	b.Capped = false
	if by, _ := dominator(&a, []Standing{a, b}, 0); by != "" {
		t.Errorf("beaten by %q", by)
	}
}
