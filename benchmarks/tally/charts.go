package tally

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tailrace/benchmarks/scenario"
	"tailrace/loadgen/page"
)

// ratiosChart holds every goal: how many times better Tailrace is, beside what was asked for.
func (t *Tally) ratiosChart() *Chart {
	list := slices.DeleteFunc(t.Verdicts(), func(v Verdict) bool { return !v.Known })
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b Verdict) int { return cmp.Compare(b.Ratio.Median, a.Ratio.Median) })
	var names []string
	var used []*Figures
	low, high := 1.0, 1.0
	for i := range list {
		v := &list[i]
		name := v.Figures.Row.Name
		if len(v.Figures.Row.Goals) > 1 {
			name += ", " + MetricOf(v.Metric).Heading
		}
		names, used = append(names, name), append(used, v.Figures)
		low, high = min(low, v.Ratio.Low), max(high, v.Ratio.High, v.reach())
	}
	p := &page.Plot{Label: "How many times better than Kafka Tailrace is in each row with a goal",
		X:      page.Logarithmic("Kafka is better left of ×1", low, high, func(v float64) string { return "×" + plain(v) }),
		Y:      page.Rows("How many times better than Kafka", names),
		Margin: page.RowsMargin(names), Height: page.RowsHeight(len(names), 26), Marks: []page.Mark{{X: 1}}}
	p.X.Reach(high, 0.85)
	p.X.Ticks = oneTwoFive(p.X.Low, p.X.High)
	for i := range list {
		v := &list[i]
		b := page.Bar{Name: "goal met", Style: ours, From: 1, To: v.Ratio.Median, Low: v.Ratio.Low, High: v.Ratio.High,
			Y: page.RowAt(i, len(list)), Thick: 0.6, Goal: v.reach(), Text: "×" + number(v.Ratio.Median)}
		if !v.Met {
			b.Name, b.Style, b.Text = "goal missed", page.Bad, b.Text+", goal ×"+plain(v.reach())
		}
		p.Bars = append(p.Bars, b)
	}
	return t.chart("bench-ratios.svg", "", p, used)
}

// oneTwoFive are the ticks of a wide log axis whose every step is worth a label.
func oneTwoFive(low, high float64) (ticks []float64) {
	for scale := 0.001; scale <= high; scale *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if v := m * scale; v >= low*0.999 && v <= high {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// latencyChart holds the percentiles at parts of Kafka's knee.
func (t *Tally) latencyChart() *Chart {
	used := t.pick(func(r *scenario.Row) bool { return strings.HasSuffix(r.With["rate"], "% of knee") })
	var list []pair
	for _, f := range used {
		for _, metric := range []string{"e2eP50Ms", "e2eP99Ms", "e2eP999Ms", "e2eMaxMs"} {
			name := strings.TrimSuffix(f.Row.With["rate"], "% of knee") + " % of the knee: " +
				strings.TrimPrefix(MetricOf(metric).Heading, "e2e ")
			list = addPair(list, name, f, metric)
		}
	}
	if len(list) == 0 {
		return nil
	}
	low, high := extent(list)
	x := page.Latencies(low, high)
	x.Reach(high, textShare)
	p := pairsPlot("End-to-end latency at parts of Kafka's knee, p50 to max, Tailrace and Kafka",
		"end to end, from the moment a record was due", x, MetricOf("e2eP50Ms"), list)
	return t.chart("bench-latency.svg", used[0].Row.Scenario, p, used)
}

// addPair adds a figure, if both systems have it.
func addPair(list []pair, name string, f *Figures, metric string) []pair {
	a, b := f.Of(scenario.Tailrace, metric), f.Of(scenario.Kafka, metric)
	if a.N == 0 || b.N == 0 || !(a.Low > 0) || !(b.Low > 0) {
		return list
	}
	return append(list, pair{name, a, b, f.Better(scenario.Kafka, metric)})
}

// produceChart holds CPU a record by size of batch and record. Rows have the unit that suits them in the table; the raw
// results have nanoseconds a record of them all.
func (t *Tally) produceChart() *Chart {
	used := t.pick(func(r *scenario.Row) bool {
		w := r.With
		return r.Driver == "produce" && r.Durability == scenario.PageCache && w["acks"] == "1" &&
			w["connections"] == "2" && w["partitions"] == "" && w["codec"] == "" && bytesOf(w["record"]) > 0
	})
	var list []pair
	for _, f := range used {
		w := f.Row.With
		batch := sized(w["batch"]) + " batches"
		if w["batch"] == "one" {
			batch = "one record a request"
		}
		list = addPair(list, batch+", "+sized(w["record"])+" records", f, "cpuNsPerRecord")
	}
	if len(list) == 0 {
		return nil
	}
	low, high := extent(list)
	x := page.Logarithmic("broker's CPU a record", low, high, nanoseconds)
	x.Reach(high, textShare)
	p := pairsPlot("Broker's CPU for a produced record by size of batch and record, Tailrace and Kafka",
		"produce, acks 1, page cache", x, Metric{Unit: "ns"}, list)
	return t.chart("bench-produce.svg", used[0].Row.Scenario, p, used)
}

// nanoseconds is a time in the room of an axis.
func nanoseconds(ns float64) string {
	if ns >= 999.5 {
		return plain(ns/1e3) + " µs"
	}
	return plain(ns) + " ns"
}

// bytesOf reads 10, 1KiB, 64KiB, 1MiB; 0: it is none of them.
func bytesOf(text string) float64 {
	unit := 1.0
	for suffix, of := range map[string]float64{"KiB": 1 << 10, "MiB": 1 << 20} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = number, of
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return v * unit
}

// sized is a size as people write it: 100 B, 64 KiB.
func sized(text string) string {
	if at := strings.IndexAny(text, "KM"); at > 0 {
		return text[:at] + " " + text[at:]
	}
	return text + " B"
}

// codecChart holds CPU a GB by codec.
func (t *Tally) codecChart() *Chart {
	used := slices.DeleteFunc(t.pick(func(r *scenario.Row) bool {
		return r.With["codec"] != "" && r.Metric == "cpuSecondsPerGB"
	}), func(f *Figures) bool {
		return f.Of(scenario.Tailrace, f.Row.Metric).N+f.Of(scenario.Kafka, f.Row.Metric).N == 0
	})
	if len(used) == 0 {
		return nil
	}
	var names []string
	for _, f := range used {
		names = append(names, f.Row.With["codec"])
	}
	p := &page.Plot{Label: "Broker's CPU for a GB of uncompressed data by codec, Tailrace and Kafka",
		Y:      page.Rows("produce, 64 KiB batches of 1 KiB records", names),
		Height: page.RowsHeight(len(names), 46)}
	most := bars(p, used, "cpuSecondsPerGB")
	p.X = page.Linear("broker's CPU seconds a GB", most, nil)
	p.X.Reach(most, 0.92)
	return t.chart("bench-codecs.svg", used[0].Row.Scenario, p, used)
}

// memoryChart holds what a broker weighs in states in which it does nothing, anonymous and file-backed apart.
func (t *Tally) memoryChart() *Chart {
	used := slices.DeleteFunc(t.pick(func(r *scenario.Row) bool {
		return r.Driver == "idle" || r.Driver == "connections" || r.Driver == "partitions"
	}), func(f *Figures) bool {
		return f.Of(scenario.Tailrace, "anonMiB").N+f.Of(scenario.Kafka, "anonMiB").N == 0
	})
	if len(used) == 0 {
		return nil
	}
	slices.SortStableFunc(used, func(a, b *Figures) int { // idle is what the others grow from
		return cmp.Compare(btoi(a.Row.Driver != "idle"), btoi(b.Row.Driver != "idle"))
	})
	var names []string
	for _, f := range used {
		names = append(names, f.Row.Title)
	}
	p := &page.Plot{Label: "Resident memory idle, with many connections and with many partitions, Tailrace and Kafka",
		Y: page.Rows("anonymous + file-backed memory", names), Margin: page.RowsMargin(names),
		Height: page.RowsHeight(len(names), 46)}
	most := 0.0
	for i, f := range used {
		upper, lower := twoBars(i, len(used))
		most = max(most, stack(p, f, scenario.Tailrace, "Tailrace", ours, upper),
			stack(p, f, scenario.Kafka, "Kafka", theirs, lower))
	}
	p.X = page.Linear("resident memory, MiB", most, nil)
	p.X.Reach(most, 0.82)
	return t.chart("bench-memory.svg", used[0].Row.Scenario, p, used)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stack lays file-backed behind anonymous memory and returns where it ends.
func stack(p *page.Plot, f *Figures, s scenario.System, name string, style page.Style, y float64) float64 {
	anon, file := f.Of(s, "anonMiB"), f.Of(s, "fileMiB")
	if anon.N == 0 {
		return 0
	}
	text := fmt.Sprintf("%s MiB", number(anon.Median))
	if file.N > 0 {
		text = fmt.Sprintf("%s + %s MiB", number(anon.Median), number(file.Median))
	}
	p.Bars = append(p.Bars, page.Bar{Name: name + ", anonymous", Style: style, To: anon.Median, Y: y, Thick: thick})
	end := anon.Median + file.Median
	last := page.Bar{Style: style.Pale(), From: anon.Median, To: end, Y: y, Thick: thick, Text: text}
	if file.N > 0 {
		last.Name = name + ", file-backed"
	}
	p.Bars = append(p.Bars, last)
	return end
}
