package tally

import (
	"fmt"
	"math"
	"testing"

	"tailrace/benchmarks/scenario"
)

// made is a tally of one row, from values by system and alternation.
func made(t *testing.T, row scenario.Row, values map[scenario.System][]float64) *Figures {
	t.Helper()
	row.Name, row.Group = "row", "g"
	group := &scenario.Group{Name: "g", Systems: scenario.Systems, Alternations: 3}
	book := &scenario.Book{Groups: map[string]*scenario.Group{"g": group},
		Scenarios: []scenario.Scenario{{Name: "S1", Rows: []scenario.Row{row}}}}
	raw := &Raw{Places: []Place{{Commit: "c"}}}
	for s, list := range values {
		for i, v := range list {
			m := Measurement{Row: "row", System: s, Alternation: i + 1, Values: map[string]float64{row.Metric: v}}
			if math.IsNaN(v) {
				m.Values, m.Failed = nil, "it broke"
			}
			raw.Measurements = append(raw.Measurements, m)
		}
	}
	return Of(book, raw).Row(&book.Scenarios[0].Rows[0])
}

func show(s Spread) string {
	return fmt.Sprintf("%.4g (%.4g to %.4g) of %d", s.Median, s.Low, s.High, s.N)
}

// TestRatiosArePairs: each alternation gives a ratio. The ratio of the medians would be 30/20 here.
func TestRatiosArePairs(t *testing.T) {
	costs := map[scenario.System][]float64{scenario.Tailrace: {10, 20, 40}, scenario.Kafka: {30, 20, 160}}
	f := made(t, scenario.Row{Metric: "cpuUsPerRequest"}, costs)
	if got := show(f.Better(scenario.Kafka, "cpuUsPerRequest")); got != "3 (1 to 4) of 3" {
		t.Errorf("of costs: %s", got)
	}
	if got := show(f.Of(scenario.Kafka, "cpuUsPerRequest")); got != "30 (20 to 160) of 3" {
		t.Errorf("Kafka's own: %s", got)
	}
	f = made(t, scenario.Row{Metric: "requestsPerSecond", More: true}, costs)
	if got := show(f.Better(scenario.Kafka, "requestsPerSecond")); got != "0.3333 (0.25 to 1) of 3" {
		t.Errorf("of rates: %s", got)
	}
}

// TestOnlyWholePairsCount: an alternation in which one system failed, or that it never had, gives no ratio.
func TestOnlyWholePairsCount(t *testing.T) {
	f := made(t, scenario.Row{Metric: "startMs"}, map[scenario.System][]float64{
		scenario.Tailrace: {1, 2, 3}, scenario.Kafka: {10, math.NaN()}})
	if got := show(f.Better(scenario.Kafka, "startMs")); got != "10 (10 to 10) of 1" {
		t.Error(got)
	}
	if e := f.Failures(); len(e) != 1 || e[0] != (Failure{scenario.Kafka, 2, "it broke"}) {
		t.Errorf("failures: %v", e)
	}
}

// TestOnePairIsOfOneBoot: a run that was resumed after a reboot pairs nothing with what was measured before it.
func TestOnePairIsOfOneBoot(t *testing.T) {
	book := &scenario.Book{Groups: map[string]*scenario.Group{"g": {}}, Scenarios: []scenario.Scenario{{Name: "S1",
		Rows: []scenario.Row{{Name: "row", Group: "g", Metric: "startMs"}}}}}
	raw := &Raw{Places: []Place{{Commit: "c", BootID: "one"}, {Commit: "c", BootID: "two"}}}
	for i, place := range []int{0, 1} {
		for system, at := range map[scenario.System]int{scenario.Tailrace: 0, scenario.Kafka: place} {
			raw.Measurements = append(raw.Measurements, Measurement{Row: "row", System: system, Alternation: i + 1,
				Values: map[string]float64{"startMs": float64(1 + i)}, Place: at})
		}
	}
	f := Of(book, raw).Row(&book.Scenarios[0].Rows[0])
	if got := show(f.Better(scenario.Kafka, "startMs")); got != "1 (1 to 1) of 1" {
		t.Error(got)
	}
	if boot, has := raw.Has("c", "row", scenario.Kafka, 2); boot != "two" || !has {
		t.Errorf("alternation 2 on Kafka: %v, of boot %s", has, boot)
	}
}

func TestShareOfTheLoop(t *testing.T) {
	values := map[scenario.System][]float64{scenario.Tailrace: {50, 50}, scenario.Loop: {40, 50}}
	f := made(t, scenario.Row{Metric: "cpuUsPerRequest"}, values)
	if got := percent(f.Better(scenario.Loop, "cpuUsPerRequest")); got != "90 % (80–100)" {
		t.Errorf("of a cost: %s", got)
	}
	f = made(t, scenario.Row{Metric: "requestsPerSecond"}, values)
	if got := percent(f.Better(scenario.Loop, "requestsPerSecond")); got != "113 % (100–125)" {
		t.Errorf("of a rate: %s", got)
	}
}

func TestGoals(t *testing.T) {
	for name, c := range map[string]struct {
		metric          string
		goal            scenario.Goal
		tailrace, kafka float64
		result, figure  string
	}{
		"cost, just met":     {"cpuUsPerRequest", scenario.Goal{Times: 3}, 10, 30, "met", "×3.00"},
		"cost, missed":       {"cpuUsPerRequest", scenario.Goal{Times: 3}, 10, 29, "**missed**", "×2.90"},
		"rate, met":          {"requestsPerSecond", scenario.Goal{Times: 15}, 1500, 100, "met", "×15.0"},
		"rate, upside down":  {"requestsPerSecond", scenario.Goal{Times: 15}, 100, 1500, "**missed**", "×0.0667"},
		"part, just met":     {"e2eP50Ms", scenario.Goal{AtMost: 0.5}, 1, 2, "met", "50 %"},
		"part, missed":       {"e2eP50Ms", scenario.Goal{AtMost: 0.5}, 1.1, 2, "**missed**", "55 %"},
		"nothing to compare": {"e2eP50Ms", scenario.Goal{AtMost: 0.5}, 1, math.NaN(), "**failed**", "—"},
	} {
		f := made(t, scenario.Row{Metric: c.metric}, map[scenario.System][]float64{
			scenario.Tailrace: {c.tailrace}, scenario.Kafka: {c.kafka}})
		v := judge(nil, f, c.goal)
		if v.result() != c.result || v.figure() != c.figure {
			t.Errorf("%s: %s, %s; want %s, %s", name, v.result(), v.figure(), c.result, c.figure)
		}
	}
}

func TestMedianOfEven(t *testing.T) {
	if got := show(spreadOf([]float64{4, 1, 2, 9})); got != "3 (1 to 9) of 4" {
		t.Error(got)
	}
	if s := spreadOf(nil); s.N != 0 {
		t.Errorf("of nothing: %v", s)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0123: "0.0123", 0.9996: "1.00", 1.234: "1.23", 9.996: "10.0",
		44.44: "44.4", 99.96: "100", 123.4: "123", 1234.4: "1,234", 5e6: "5,000,000"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}
