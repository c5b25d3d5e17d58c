package tally

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/benchmarks/scenario"
)

var update = flag.Bool("update", false, "write the golden files, BENCHMARKS.md and its charts anew")

func bookOf(t *testing.T, dir string) *scenario.Book {
	t.Helper()
	book, err := scenario.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func rawOf(t *testing.T, file string) *Raw {
	t.Helper()
	raw, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func textOf(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// repository is an empty one, with charts that nothing stands for any more.
func repository(t *testing.T, document string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, imageDir), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{documentFile: document, tuningFile: emptyTuning(),
		readmeFile:                   "<!-- figures: beside -->\n<!-- figures: end -->\n",
		imageDir + "/bench-gone.svg": "<svg/>", imageDir + "/tuning-gone.svg": "<svg/>",
		imageDir + "/report.svg": "<svg/>"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const empty = "prose\n" + begin + "\n" + end + "\nmore prose\n"

// TestTheDocument: a win, a loss, a missed goal, failures, rows of two commits, a repeated measurement, a row that was
// never measured, one that no scenario names.
func TestTheDocument(t *testing.T) {
	book, raw := bookOf(t, "testdata/book"), rawOf(t, "testdata/side.jsonl")
	root := repository(t, empty)
	for range 2 { // writing over what was written changes nothing
		if err := Write(book, raw, root); err != nil {
			t.Fatal(err)
		}
		for golden, file := range map[string]string{"testdata/side.md": documentFile, "testdata/tuning.md": tuningFile} {
			got := textOf(t, root, file)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := textOf(t, golden); got != want {
				t.Fatalf("%s is not what is written now (go test ./benchmarks/tally -update):\n%s", golden, got)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root, imageDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	want := "bench-codecs.svg bench-latency.svg bench-memory.svg bench-produce.svg bench-ratios.svg bench-synced.svg " +
		"report.svg tuning-acks.svg tuning-codecs.svg tuning-cpu.svg tuning-throughput.svg"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("images: %s\nwant:   %s", got, want)
	}
}

// TestChartsAreXML, hold what they are of, and are the same bytes each time.
func TestChartsAreXML(t *testing.T) {
	book, raw := bookOf(t, "testdata/book"), rawOf(t, "testdata/side.jsonl")
	drawn := func() []Chart { return append(Of(book, raw).Charts(), Of(book, raw).TuningCharts()...) }
	charts, again := drawn(), drawn()
	holds := map[string][]string{
		"bench-ratios.svg":  {"goal met", "goal missed", "×4.00", "×4.50, goal ×6", "knee"},
		"bench-latency.svg": {"50 % of the knee: p99.9", "2.00 / 5.00 ms  ×2.50"},
		"bench-produce.svg": {"64 KiB batches, 1 KiB records", "728 / 2,913 ns  ×4.00"},
		"bench-synced.svg":  {"Tailrace, 1 partition", "Kafka, 1 partition"},
		"bench-codecs.svg":  {"gzip", "3.50"},
		"bench-memory.svg":  {"idle after a start", "8.75 + 5.00 MiB", "365 + 25.0 MiB"},

		"tuning-throughput.svg": {"16 KiB, linger 5 ms", "Kafka", "315"},
		"tuning-cpu.svg":        {"1 MiB, linger 0", "2.10"},
		"tuning-acks.svg":       {"acks all, synced", "693"},
		"tuning-codecs.svg":     {"lz4", "zstd", "none"},
	}
	for i, c := range charts {
		if c != again[i] {
			t.Errorf("%s is drawn in two ways", c.File)
		}
		d := xml.NewDecoder(strings.NewReader(c.SVG))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c.File, err)
			}
		}
		for _, text := range holds[c.File] {
			if !strings.Contains(c.SVG, text+"<") {
				t.Errorf("%s does not hold %q", c.File, text)
			}
		}
		delete(holds, c.File)
	}
	for name := range holds {
		t.Errorf("%s was not drawn", name)
	}
}

// TestNothingMeasured: no figures, no charts, and a document that says so.
func TestNothingMeasured(t *testing.T) {
	root := repository(t, empty)
	if err := Write(bookOf(t, "testdata/book"), &Raw{}, root); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(empty, begin+"\n", begin+"\n\nNothing was measured yet.\n", 1)
	if got := textOf(t, root, documentFile); got != want {
		t.Error(got)
	}
	for _, names := range []string{imageNames, tuningNames} {
		if left, _ := filepath.Glob(filepath.Join(root, imageDir, names)); len(left) > 0 {
			t.Errorf("charts of nothing: %v", left)
		}
	}
	if err := Write(bookOf(t, "testdata/book"), &Raw{}, repository(t, "prose alone")); err == nil {
		t.Error("a document without the lines was written")
	}
}

// TestWhereNothingIsLost says so, and does not leave the section out.
func TestWhereNothingIsLost(t *testing.T) {
	raw := &Raw{Places: []Place{{Commit: "c"}}, Measurements: []Measurement{
		{Row: "win", System: scenario.Tailrace, Alternation: 1, Values: map[string]float64{"cpuSecondsPerGB": 1}},
		{Row: "win", System: scenario.Kafka, Alternation: 1, Values: map[string]float64{"cpuSecondsPerGB": 4}},
	}}
	text := Of(bookOf(t, "testdata/book"), raw).Markdown(nil)
	for _, want := range []string{"### Where Tailrace loses\n\nIn no row that was measured",
		"1 of 5 goals are met, 4 not measured.", "**Not measured:** `short`, `never`.",
		"of 3 alternations there are 1 on tailrace, 1 on kafka, 0 on kafka-4g"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said in:\n%s", want, text)
		}
	}
}

// TestFailuresOfTailraceAreLosses: a row that fails has no ratio and must not vanish from what is lost.
func TestFailuresOfTailraceAreLosses(t *testing.T) {
	raw := &Raw{Places: []Place{{Commit: "c"}}, Measurements: []Measurement{
		{Row: "win", System: scenario.Tailrace, Alternation: 1, Values: map[string]float64{"cpuSecondsPerGB": 1}},
		{Row: "win", System: scenario.Tailrace, Alternation: 1, Failed: "it left"},
		{Row: "win", System: scenario.Kafka, Alternation: 1, Values: map[string]float64{"cpuSecondsPerGB": 4}},
	}}
	text := Of(bookOf(t, "testdata/book"), raw).Markdown(nil)
	for _, want := range []string{"Rows in which a measurement of Tailrace failed: `win`.",
		"- `win`: **failed** on tailrace, alternation 1: it left", "0 of 5 goals are met, 1 failed, 4 not measured."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said in:\n%s", want, text)
		}
	}
}

// TestMatrix: a scenario over acks, batch size and linger is a small table for each acks.
func TestMatrix(t *testing.T) {
	s := scenario.Scenario{Name: "S1", Title: "t", About: "a"}
	raw := &Raw{Places: []Place{{Commit: "c"}}}
	for _, acks := range []string{"0", "all"} {
		for _, batch := range []string{"16KiB", "1MiB"} {
			for i, linger := range []string{"0", "5ms"} {
				name := acks + batch + linger
				durable := map[string]scenario.Durability{"0": scenario.PageCache}[acks]
				s.Rows = append(s.Rows, scenario.Row{Name: name, Group: "g", Metric: "megabytesPerSecond", More: true,
					Durability: durable, Show: []string{"cpuUsPerRecord"}, With: map[string]string{"acks": acks, "batch-size": batch,
						"linger": linger}})
				for system, v := range map[scenario.System]float64{scenario.Tailrace: 300, scenario.Kafka: 100} {
					raw.Measurements = append(raw.Measurements, Measurement{Row: name, System: system, Alternation: 1,
						Values: map[string]float64{"megabytesPerSecond": v + float64(i), "cpuUsPerRecord": 1000 / v}})
				}
			}
		}
	}
	raw.Measurements = raw.Measurements[:len(raw.Measurements)-2] // the last row is not there
	group := &scenario.Group{Systems: []scenario.System{scenario.Tailrace, scenario.Kafka}, Alternations: 1}
	text := Of(&scenario.Book{Groups: map[string]*scenario.Group{"g": group}, Scenarios: []scenario.Scenario{s}},
		raw).Markdown(nil)
	text = strings.ReplaceAll(text, "\u00a0", " ")
	const zero, five = "300 / 100 MB/s **×3.00**<br>CPU 3.33 / 10.0 µs/record ×3.00",
		"301 / 101 MB/s **×2.98**<br>CPU 3.33 / 10.0 µs/record ×3.00"
	for _, want := range []string{"**acks 0**, page cache\n\n| batch-size | linger 0 | linger 5ms |\n|---|---|---|\n" +
		"| **16KiB** | " + zero + " | " + five + " |\n| **1MiB** | " + zero + " | " + five + " |\n",
		"**acks all**\n", "| **1MiB** | " + zero + " | not measured |\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

// TestEveryMetricIsDescribed: what scenarios name has a heading, and the way that is better is the same for the row and
// for its metric.
func TestEveryMetricIsDescribed(t *testing.T) {
	book := bookOf(t, "../scenarios")
	for _, s := range book.Scenarios {
		for i := range s.Rows {
			r := &s.Rows[i]
			f := Figures{Row: r}
			for _, name := range f.metrics() {
				if _, ok := metrics[name]; !ok {
					t.Errorf("%s: %s: the metric %s is not described", s.File, r.Name, name)
				}
			}
			if sense := MetricOf(r.Metric).Sense; r.More != (sense == More) || sense == Neutral {
				t.Errorf("%s: %s: more: %v does not suit %s", s.File, r.Name, r.More, r.Metric)
			}
		}
	}
	for _, s := range book.Scenarios {
		if s.Name == "S4" && matrixOf(&s) == nil {
			t.Error("S4 is not every combination of its three settings")
		}
	}
}

// results are the raw results of this repository; its document and charts follow from them.
const results = "../results/side-by-side.jsonl"

// TestBenchmarksFollowFromTheResults: BENCHMARKS.md and its charts are what the raw results say. Without results there
// is nothing between the lines, and there are no charts.
func TestBenchmarksFollowFromTheResults(t *testing.T) {
	const root = "../.."
	_, err := os.Stat(results)
	measured := err == nil
	book, raw := bookOf(t, "../scenarios"), rawOf(t, results)
	if *update && measured {
		if err := Write(book, raw, root); err != nil {
			t.Fatal(err)
		}
	}
	_, part, _, err := cut(textOf(t, root, documentFile))
	if err != nil {
		t.Fatal(err)
	}
	sum := Of(book, raw)
	var charts []Chart
	want := ""
	if measured {
		charts = sum.Charts()
		want = sum.part(charts)
	}
	if part != want {
		t.Errorf("%s is not what follows from %s: go test ./benchmarks/tally -update", documentFile, results)
	}
	chartsFollow(t, imageNames, charts)
}

// chartsFollow: the repository holds these charts of a kind, and no others.
func chartsFollow(t *testing.T, names string, charts []Chart) {
	t.Helper()
	const root = "../.."
	drawn, err := filepath.Glob(filepath.Join(root, imageDir, names))
	if err != nil || len(drawn) != len(charts) {
		t.Errorf("%d charts %s in %s, want %d (%v)", len(drawn), names, imageDir, len(charts), err)
	}
	for _, c := range charts {
		if textOf(t, root, imageDir, c.File) != c.SVG {
			t.Errorf("%s is not what follows from %s: go test ./benchmarks/tally -update", c.File, results)
		}
	}
}
