package tally

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tailrace/benchmarks/scenario"
)

// emptyTuning is a document with the lines of every part and nothing between them.
func emptyTuning() string {
	text := "prose\n"
	for _, name := range slices.Sorted(maps.Keys(tuningParts)) {
		text += "\n<!-- figures: " + name + " -->\n<!-- figures: end -->\n"
	}
	return text + "more prose\n"
}

// TestTuningFollowsFromTheResults: the parts of TUNING.md and its charts are what the raw results say, and with none
// they say that.
func TestTuningFollowsFromTheResults(t *testing.T) {
	sum := Of(bookOf(t, "../scenarios"), rawOf(t, results))
	partsFollow(t, sum, tuningFile, tuningParts, sum.writeTuning)
	chartsFollow(t, tuningNames, sum.TuningCharts())
}

// partsFollow holds the parts of a document against the raw results, after writing it if that is asked for. It returns
// the document.
func partsFollow(t *testing.T, sum *Tally, file string, all parts, write func(repoRoot string) error) string {
	t.Helper()
	const root = "../.."
	if *update {
		if err := write(root); err != nil {
			t.Fatal(err)
		}
	}
	text := textOf(t, root, file)
	want, err := sum.fill(file, text, all)
	if err != nil {
		t.Fatal(err)
	}
	if text != want {
		t.Errorf("%s is not what follows from %s: go test ./benchmarks/tally -update", file, results)
	}
	return text
}

// TestTuningKnowsTheRows: rows are found by their names, so that a name that changed would leave a part empty.
func TestTuningKnowsTheRows(t *testing.T) {
	sum := Of(bookOf(t, "../scenarios"), &Raw{})
	for prefix, want := range map[string]int{"settings-1-": 9, "acks-": 5, "codec-": 5, "sync-": 8, "ping-": 3,
		"latency-": 3, "produce-": 14} {
		if got := len(sum.named(prefix)); got != want {
			t.Errorf("%d rows %s, want %d: does the part of TUNING.md hold them?", got, prefix, want)
		}
	}
	for name := range strings.FieldsSeq("acks-0-page acks-1-page acks-all-page acks-all-synced idempotence-true " +
		"idempotence-false sync-1-1 sync-512-1 produce-one-100 produce-64k-100 codec-none ping-1000") {
		if sum.Book.Row(name) == nil {
			t.Errorf("no scenario has the row %s", name)
		}
	}
}

// TestTuningOfNothing: each part of a document says that it was not measured, and none is a table of nothing.
func TestTuningOfNothing(t *testing.T) {
	text, err := Of(bookOf(t, "testdata/book"), &Raw{}).fill(tuningFile, emptyTuning(), tuningParts)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(text, "*Not measured yet.*"); got != len(tuningParts)-1 { // the advice is there as it is
		t.Errorf("%d parts say that nothing was measured:\n%s", got, text)
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "![") {
		t.Error(text)
	}
}

// TestEveryPartHasItsLines: one that is missing, twice there or unknown is not passed over.
func TestEveryPartHasItsLines(t *testing.T) {
	sum := Of(bookOf(t, "testdata/book"), &Raw{})
	const codecs = "<!-- figures: codecs -->\n<!-- figures: end -->\n"
	for name, text := range map[string]string{
		"missing": strings.Replace(emptyTuning(), codecs, "", 1),
		"twice":   emptyTuning() + codecs,
		"unknown": emptyTuning() + strings.Replace(codecs, "codecs", "other", 1),
		"open":    strings.Replace(emptyTuning(), codecs, "<!-- figures: codecs -->\n", 1),
	} {
		if _, err := sum.fill(tuningFile, text, tuningParts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestWhatIsEnough: of what is nearly the best, the shortest linger counts, then the smallest batch.
func TestWhatIsEnough(t *testing.T) {
	type cell struct {
		batch, linger string
		rate, cost    float64
	}
	s := scenario.Scenario{Name: "S1"}
	raw := &Raw{Places: []Place{{Commit: "c"}}}
	for i, c := range []cell{{"1MiB", "5ms", 100, 1}, {"1MiB", "0", 96, 1.04}, {"64KiB", "0", 97, 1.2},
		{"16KiB", "0", 80, 3}} {
		name := "settings-1-" + string(rune('a'+i))
		s.Rows = append(s.Rows, scenario.Row{Name: name, Group: "g",
			With: map[string]string{"batch-size": c.batch, "linger": c.linger}})
		raw.Measurements = append(raw.Measurements, Measurement{Row: name, System: scenario.Tailrace, Alternation: 1,
			Values: map[string]float64{"megabytesPerSecond": c.rate, "cpuUsPerRecord": c.cost}})
	}
	sum := Of(&scenario.Book{Groups: map[string]*scenario.Group{"g": {}}, Scenarios: []scenario.Scenario{s}}, raw)
	for metric, want := range map[string]string{"megabytesPerSecond": "settings-1-c", "cpuUsPerRecord": "settings-1-b"} {
		if f := sum.enough(sum.settingsRows(), metric); f == nil || f.Row.Name != want {
			t.Errorf("%s: %v, want %s", metric, f, want)
		}
	}
	if f := sum.enough(sum.settingsRows(), "e2eP50Ms"); f != nil {
		t.Errorf("of nothing measured: %s", f.Row.Name)
	}
}

// TestSmallestCodec: of codecs that save the same within the noise, it is the one that costs the broker less.
func TestSmallestCodec(t *testing.T) {
	s := scenario.Scenario{Name: "S5"}
	raw := &Raw{Places: []Place{{Commit: "c"}}}
	for codec, v := range map[string][2]float64{"none": {1, 1}, "gzip": {4.264, 6.7}, "zstd": {4.257, 2.1},
		"lz4": {2.6, 0.8}} {
		s.Rows = append(s.Rows, scenario.Row{Name: "codec-" + codec, Group: "g", With: map[string]string{"codec": codec}})
		raw.Measurements = append(raw.Measurements, Measurement{Row: "codec-" + codec, System: scenario.Tailrace,
			Alternation: 1, Values: map[string]float64{"compressionRatio": v[0], "cpuSecondsPerGB": v[1]}})
	}
	sum := Of(&scenario.Book{Groups: map[string]*scenario.Group{"g": {}}, Scenarios: []scenario.Scenario{s}}, raw)
	if small, cheap := sum.smallest(), sum.cheapest(); small.Row.Name != "codec-zstd" || cheap.Row.Name != "codec-lz4" {
		t.Errorf("smallest %s, cheapest %s; want zstd and lz4", small.Row.Name, cheap.Row.Name)
	}
}

// TestAgainstIsOfOneStart: rows that other starts served, or other commits, are not neighbours in time.
func TestAgainstIsOfOneStart(t *testing.T) {
	f := func(row, group, commit string, values ...float64) *Figures {
		runs := map[int]*Measurement{}
		for i, v := range values {
			runs[i+1] = &Measurement{Values: map[string]float64{"cpuNsPerRecord": v}}
		}
		return &Figures{Row: &scenario.Row{Name: row, Group: group}, Commit: commit,
			runs: map[scenario.System]map[int]*Measurement{scenario.Tailrace: runs}}
	}
	base := f("base", "g", "c", 1, 2, 4)
	for _, c := range []struct {
		of   *Figures
		want string
	}{
		{f("same", "g", "c", 2, 2, 16), "2 (1 to 4) of 3"},
		{f("short", "g", "c", 3), "3 (3 to 3) of 1"},
		{f("group", "h", "c", 2, 2, 16), "0 (0 to 0) of 0"},
		{f("commit", "g", "d", 2, 2, 16), "0 (0 to 0) of 0"},
	} {
		if got := show(against(c.of, base, scenario.Tailrace, "cpuNsPerRecord")); got != c.want {
			t.Errorf("%s: %s, want %s", c.of.Row.Name, got, c.want)
		}
	}
}

// TestReadmeFollowsFromTheResults: the README's table is what the raw results say, and its rows are rows.
func TestReadmeFollowsFromTheResults(t *testing.T) {
	sum := Of(bookOf(t, "../scenarios"), rawOf(t, results))
	text := partsFollow(t, sum, readmeFile, readmeParts, func(repoRoot string) error {
		return sum.writeParts(repoRoot, readmeFile, readmeParts)
	})
	for _, r := range besideRows {
		f := sum.Book.Row(r.row)
		if f == nil || MetricOf(r.metric).text(Spread{}) == "" {
			t.Errorf("no scenario has the row %s, or nothing is called %s", r.row, r.metric)
		}
	}
	empty, err := Of(bookOf(t, "testdata/book"), &Raw{}).fill(readmeFile, text, readmeParts)
	if err != nil || !strings.Contains(empty, "*Not measured yet.*") {
		t.Errorf("with no results the README says (%v):\n%s", err, empty)
	}
}
