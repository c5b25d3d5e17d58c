//go:build realclients

package pages

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/page"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// seconds and perSecond are the run's. 100,000 records in all: every percentile that tables show falls on a whole
// number of records, on which the histogram libraries of all languages agree.
const (
	seconds   = 20
	perSecond = 5000
)

const sentence = "5,000 records/s (5.12 MB/s) were acknowledged <in no time> & more"

// seeded makes a run with a stall in it; slow stretches its latencies.
func seeded(t *testing.T, seed uint64, slow float64) *result.Run {
	t.Helper()
	p := plan.Default()
	for k, v := range map[string]string{"rate": "5k", "duration": "20s", "warmup": "0", "label": "seeded"} {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	r := &result.Run{ID: "00c0ffee", Command: []string{"loadgen", "run"}, Started: time.UnixMilli(1_790_000_000_000).UTC()}
	r.SetPlan(p)
	r.Generator = result.Cost{Cores: 0.5, CoresAllowed: 2}
	r.Broker.Cost = &result.Cost{Cores: 0.3, PeakAnon: 9 << 20, PeakFile: 90 << 20}
	r.Verdict.Sentence, r.Verdict.Warnings = sentence, []string{"a <b>warning</b>"}
	start := time.Now()
	m, rng := meter.New(start, 1), rand.New(rand.NewPCG(seed, 6))
	shard := m.Shard()
	for second := range seconds {
		for i := range perSecond {
			d := time.Duration(rng.ExpFloat64()*slow*float64(2*time.Millisecond)) + 300*time.Microsecond
			wait := time.Duration(0)
			if second == 12 {
				wait = time.Duration(i) * time.Second / perSecond
			}
			shard.Record(meter.Response, d+wait)
			shard.Record(meter.Service, d)
			shard.Record(meter.EndToEnd, d+wait+time.Millisecond)
		}
		for _, c := range []meter.Counter{meter.Scheduled, meter.Sent, meter.Acked, meter.Consumed} {
			m.Add(c, perSecond)
		}
		if err := r.Series.Keep(m.Cut(start.Add(time.Duration(second+1) * time.Second))); err != nil {
			t.Fatal(err)
		}
		r.Seconds = append(r.Seconds, result.Second{Broker: &result.SecondCost{Cores: 0.3, Anon: 9 << 20, File: 5 << 20},
			Generator: &result.SecondCost{Cores: 0.5}})
	}
	if err := r.Summarize(); err != nil {
		t.Fatal(err)
	}
	return r
}

// written makes a run and its report directory.
func written(t *testing.T) (*result.Run, string) {
	t.Helper()
	r, dir := seeded(t, 5, 1), filepath.Join(t.TempDir(), "run")
	err := result.Prepare(dir)
	if err == nil {
		err = r.Write(dir)
	}
	if err == nil {
		err = page.Write(dir, r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// keep puts a picture where people can look at it.
func keep(t *testing.T, name string, content []byte) {
	t.Helper()
	if dir := os.Getenv("TAILRACE_TEST_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// TestReport: the page says all it has to say with scripts and without, asks nobody for anything, and has nothing to
// complain of.
func TestReport(t *testing.T) {
	_, dir := written(t)
	path := filepath.Join(dir, result.FileHTML)
	b := startBrowser(t)
	for _, scripts := range []bool{true, false} {
		b.open(path, scripts)
		text := b.html()
		for what, least := range map[string]int{
			"<h1>5,000 records/s (5.12 MB/s) were acknowledged &lt;in no time&gt; &amp; more</h1>": 1,
			"A &lt;b&gt;warning&lt;/b&gt;": 1, "<table": 2, "<svg": 6, "<path": 15, `class="line s1" d="M`: 2,
			`class="heat h`: 4, "100,000": 3,
		} {
			if n := strings.Count(text, what); n < least {
				t.Errorf("scripts %v: %d of %q in the page, want %d at least", scripts, n, what, least)
			}
		}
		if told := strings.Contains(text, ">Point at the chart"); told != scripts {
			t.Errorf("scripts %v: the hint of the script is there: %v", scripts, told)
		}
		requests, complaints := b.heard()
		if len(requests) != 1 || requests[0] != "file://"+path || len(complaints) != 0 {
			t.Errorf("scripts %v: the page asked for %q and complained of %q", scripts, requests, complaints)
		}
	}
}

// TestTheJudge: a page that fetches and complains is found out; a report that says nothing would prove nothing.
func TestTheJudge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bad.html")
	bad := `<!DOCTYPE html><title>x</title><img src="http://leak.test/x.png"><p id="a">plain</p>
<script>console.error("boom"); document.getElementById("a").textContent = "ran"; nothing()</script>`
	if err := os.WriteFile(path, []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	for _, scripts := range []bool{true, false} {
		b.open(path, scripts)
		requests, complaints := b.heard()
		if !strings.Contains(strings.Join(requests, " "), "leak.test") {
			t.Errorf("scripts %v: the request was not heard: %q", scripts, requests)
		}
		told := strings.Join(complaints, " ")
		if got := strings.Contains(told, "on the console") && strings.Contains(told, "Uncaught"); got != scripts {
			t.Errorf("scripts %v: complaints heard: %q", scripts, complaints)
		}
		if ran := strings.Contains(b.html(), "ran</p>"); ran != scripts {
			t.Errorf("scripts %v: the script ran: %v", scripts, ran)
		}
	}
	// The policy of the report stops a script and a picture that found their way into it.
	_, dir := written(t)
	report, err := os.ReadFile(filepath.Join(dir, result.FileHTML))
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Replace(report, []byte("<main>"), []byte(`<main><img src="http://leak.test/x.png"><p id="a">plain</p>
<script>document.getElementById("a").textContent = "ran"</script>`), 1)
	if err := os.WriteFile(path, spoilt, 0o644); err != nil {
		t.Fatal(err)
	}
	b.open(path, true)
	if text := b.html(); strings.Contains(text, "ran</p>") || !strings.Contains(text, "plain</p>") {
		t.Error("a script that does not belong to the report ran")
	}
	if _, complaints := b.heard(); len(complaints) < 2 {
		t.Errorf("the policy stopped %q, want a script and a picture", complaints)
	}
}

// TestCursor: the mouse over a chart reads its figures out, in all charts over time at once.
func TestCursor(t *testing.T) {
	_, dir := written(t)
	b := startBrowser(t)
	b.open(filepath.Join(dir, result.FileHTML), true)
	x, y, width, height := b.box("svg.chart", 1) // the heat map; its second 12 is the stall
	const left, right, view = 84, 936, 960
	at := (left + (right-left)*12.5/seconds) / view
	move := func(x, y float64) {
		b.do("Input.dispatchMouseEvent", object{"type": "mouseMoved", "x": x, "y": y}, nil)
	}
	move(x+width*at, y+height/2)
	text := b.html()
	if n := strings.Count(text, ">12–13 s · "); n != 5 {
		t.Errorf("%d charts read second 12 out, want 5", n)
	}
	if n := strings.Count(text, `visibility="visible"`); n != 5 {
		t.Errorf("%d cursors are shown, want 5", n)
	}
	move(x+width/2, y-20)
	if text := b.html(); strings.Contains(text, ">12–13 s · ") || strings.Contains(text, `visibility="visible"`) {
		t.Error("the figures stay when the mouse has gone")
	}
}

// TestLooks: the page is light on light screens and dark on dark ones, the charts are painted in both, and it prints.
func TestLooks(t *testing.T) {
	_, dir := written(t)
	b := startBrowser(t)
	b.open(filepath.Join(dir, result.FileHTML), false)
	for scheme, ground := range map[string]string{"light": "ffffff", "dark": "14181d"} {
		raw := b.paint(scheme)
		keep(t, scheme+".png", raw)
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := colour(picture, 3, 3); got != ground {
			t.Errorf("%s: the ground is #%s, want #%s", scheme, got, ground)
		}
		inks := map[string]bool{}
		for y := 0; y < picture.Bounds().Dy(); y += 2 {
			for x := 0; x < picture.Bounds().Dx(); x++ {
				inks[colour(picture, x, y)] = true
			}
		}
		for name, ink := range map[string]map[string]string{
			"response": {"light": "0072b2", "dark": "5bb4f0"}, "text": {"light": "1b1f24", "dark": "e8ebef"},
			"heat": {"light": "4797cb", "dark": "2a79b8"},
		} {
			if !inks[ink[scheme]] {
				t.Errorf("%s: nothing is painted in the colour of %s", scheme, name)
			}
		}
	}
	pdf := b.paper()
	keep(t, "paper.pdf", pdf)
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 50_000 {
		t.Errorf("the printed page has %d bytes", len(pdf))
	}
}

func colour(i image.Image, x, y int) string {
	r, g, b, _ := i.At(x, y).RGBA()
	return fmt.Sprintf("%02x%02x%02x", r>>8, g>>8, b>>8)
}

// TestComparison: the page of two sides says who was better and by how much, and asks nobody for anything.
func TestComparison(t *testing.T) {
	path := filepath.Join(t.TempDir(), "compare.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	side := func(name string, seed uint64, slow float64) page.Side {
		return page.Side{Name: name, Runs: []*result.Run{seeded(t, seed, slow), seeded(t, seed+1, slow*1.1)}}
	}
	err = page.Compare(f, &page.Compared{
		Sides: []page.Side{side("before", 1, 1), side("after", 3, 1.5)},
		Differences: []page.Difference{{A: "before", B: "after", Sentence: "after is slower: p50 +45 % [+40 %, +51 %].",
			Rows: []page.Change{
				{Name: "p50", A: "1.80 ms", B: "2.61 ms", Ratio: 1.45, Low: 1.40, High: 1.51, Verdict: "worse"},
				{Name: "p99", A: "803 ms", B: "807 ms", Ratio: 1.005, Low: 0.97, High: 1.04, Verdict: "~"},
				{Name: "throughput", A: "5,000/s", B: "5,000/s", Ratio: 1, Low: 0.99, High: 1.01, Verdict: "~"},
			}}},
	})
	if cerr := f.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	b := startBrowser(t)
	b.open(path, true)
	text := b.html()
	for _, want := range []string{"<h1>after is slower: p50 +45 % [+40 %, +51 %].</h1>", `class="bad">worse</td>`,
		`class="band s1"`, `class="band s2"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	if requests, complaints := b.heard(); len(requests) != 1 || len(complaints) != 0 {
		t.Errorf("the page asked for %q and complained of %q", requests, complaints)
	}
	keep(t, "compare.png", b.paint("light"))
}
