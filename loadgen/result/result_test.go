package result

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
)

// sample is a run of a few seconds with every kind of figure in it.
func sample(t *testing.T) *Run {
	t.Helper()
	p := plan.Default()
	for k, v := range map[string]string{"rate": "1k", "duration": "4s", "label": "a <run>", "topic-config": "a=b"} {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	r := &Run{ID: "0123abcd", Command: []string{"loadgen", "run"}, Started: time.UnixMilli(1_790_000_000_123).UTC()}
	r.SetPlan(p)
	start := time.Now()
	m, rng := meter.New(start, 1), rand.New(rand.NewPCG(1, 2))
	shard := m.Shard()
	for second := range 4 {
		for range 1000 {
			d := time.Duration(rng.ExpFloat64() * float64(5*time.Millisecond))
			shard.Record(meter.Response, d+time.Millisecond)
			shard.Record(meter.Service, d)
			if second > 0 { // an interval in which nothing was consumed
				shard.Record(meter.EndToEnd, 2*d)
			}
			m.Add(meter.Acked, 1)
			m.Add(meter.Sent, 1)
			m.Add(meter.Scheduled, 1)
			m.Lag(time.Millisecond, 0)
		}
		if err := r.Series.Keep(m.Cut(start.Add(time.Duration(second+1) * time.Second))); err != nil {
			t.Fatal(err)
		}
		r.Seconds = append(r.Seconds, Second{Broker: &SecondCost{Cores: 0.5, Anon: 1 << 20}})
	}
	if err := r.Summarize(); err != nil {
		t.Fatal(err)
	}
	return r
}

func written(t *testing.T) (*Run, string) {
	t.Helper()
	r, dir := sample(t), filepath.Join(t.TempDir(), "out")
	if err := Prepare(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// TestReadIsWhatWasWritten, to the last latency.
func TestReadIsWhatWasWritten(t *testing.T) {
	want, dir := written(t)
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for c := range meter.Clock(meter.Clocks) {
		a, err := want.Series.Total(c)
		if err != nil {
			t.Fatal(err)
		}
		b, err := got.Series.Total(c)
		if err != nil {
			t.Fatal(err)
		}
		if !a.Equals(b) || a.TotalCount() == 0 {
			t.Errorf("%v: the latencies read are not those written (%d and %d)", c, b.TotalCount(), a.TotalCount())
		}
	}
	if !reflect.DeepEqual(want.Clocks, got.Clocks) || want.Totals != got.Totals || !reflect.DeepEqual(want.Seconds,
		got.Seconds) {
		t.Errorf("read %+v\nwritten %+v", got, want)
	}
	p, err := got.Plan()
	if err != nil || p.Fingerprint() != want.Fingerprint {
		t.Errorf("the plan read has fingerprint %s, want %s (%v)", p.Fingerprint(), want.Fingerprint, err)
	}
	if got.Series.Counts() != want.Series.Counts() || got.Series.Span() != 4*time.Second {
		t.Errorf("counts %v over %v", got.Series.Counts(), got.Series.Span())
	}
}

func TestADirectoryIsWrittenOnce(t *testing.T) {
	_, dir := written(t)
	if err := Prepare(dir); !errors.Is(err, ErrHoldsRun) {
		t.Errorf("a directory that holds a run: %v", err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"holds no run": func(dir string) error { return os.Remove(filepath.Join(dir, FileJSON)) },
		"schema 99":    func(dir string) error { return edit(dir, FileJSON, `"schema": 1`, `"schema": 99`) },
		"run.json":     func(dir string) error { return edit(dir, FileJSON, `"id"`, `"id`) },
		"run.hlog, line 5": func(dir string) error {
			return edit(dir, FileHlog, "HISTFAAAA", "HISTGAAAA")
		},
		"is no clock": func(dir string) error { return edit(dir, FileHlog, "Tag=response", "Tag=responze") },
		"is not in run.json": func(dir string) error {
			return edit(dir, FileHlog, "Tag=response,1.000000", "Tag=response,1.500000")
		},
	} {
		_, dir := written(t)
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q in it", err, name)
		}
	}
}

func edit(dir, name, from, to string) error {
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(b, []byte(from)) {
		return errors.New("there is no " + from + " in " + name)
	}
	return os.WriteFile(path, bytes.Replace(b, []byte(from), []byte(to), 1), 0o600)
}

// TestHlogByTheLibrary: the log is one that HdrHistogram's own reader takes, tags and times included.
func TestHlogByTheLibrary(t *testing.T) {
	want, dir := written(t)
	f, err := os.Open(filepath.Join(dir, FileHlog))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reader := hdr.NewHistogramLogReader(f)
	sums := map[string]int64{}
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		sums[h.Tag()] += h.TotalCount()
	}
	for tag, c := range want.Clocks {
		if sums[tag] != c.Count {
			t.Errorf("%s: the library reads %d latencies, %d were written", tag, sums[tag], c.Count)
		}
	}
}

func TestTables(t *testing.T) {
	_, dir := written(t)
	f, err := os.Open(filepath.Join(dir, FileCSV))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	column := map[string]string{}
	for i, name := range rows[0] {
		column[name] = rows[1][i]
	}
	if column["acked"] != "1000" || column["e2e_p50_ms"] != "" || column["broker_cores"] != "0.500000" {
		t.Errorf("%v", column)
	}
	b, err := os.ReadFile(filepath.Join(dir, FileOMB))
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		PublishRate                  []float64
		AggregatedPublishLatency99   float64            `json:"aggregatedPublishLatency99pct"`
		AggregatedPublishLatencyQ    map[string]float64 `json:"aggregatedPublishLatencyQuantiles"`
		AggregatedEndToEndLatencyMax float64
		EndToEndLatencyMax           []float64
	}
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	if len(o.PublishRate) != 4 || o.AggregatedPublishLatency99 <= 0 || len(o.AggregatedPublishLatencyQ) < 10 ||
		len(o.EndToEndLatencyMax) != 4 || o.AggregatedEndToEndLatencyMax <= 0 {
		t.Errorf("%+v", o)
	}
}

func TestHgrm(t *testing.T) {
	r, dir := written(t)
	b, err := os.ReadFile(filepath.Join(dir, "response.hgrm"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if !strings.Contains(text, "values in milliseconds") || !strings.Contains(text, "1/(1-Percentile)") ||
		!strings.Contains(text, "#[Mean") {
		t.Errorf("%s", text)
	}
	if r.Clocks["response"].Count != 4000 {
		t.Errorf("%d", r.Clocks["response"].Count)
	}
}

// TestSecretsStayOut of every file, and a run that is repeated does not take their stand-in for them.
func TestSecretsStayOut(t *testing.T) {
	p := plan.Default()
	for _, s := range []string{"sasl.jaas.config=x required username=\"u\" password=\"hunter2\";", "security.protocol=SSL",
		"ssl.keystore.key=hunter2", "ssl.key.password=hunter2"} {
		if err := p.Set("property", s); err != nil {
			t.Fatal(err)
		}
	}
	r := sample(t)
	r.SetPlan(p)
	r.Command = []string{"loadgen", Veil("-Xssl.key.password=hunter2"), Veil("ssl.keystore.key = hunter2")}
	dir := filepath.Join(t.TempDir(), "out")
	if err := errors.Join(Prepare(dir), r.Write(dir)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil || bytes.Contains(b, []byte("hunter2")) {
			t.Errorf("%s holds a password (%v)", f.Name(), err)
		}
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Plan()
	if err != nil || len(again.Properties) != 1 || again.Properties["security.protocol"] != "SSL" {
		t.Errorf("%v, properties %v", err, again.Properties)
	}
}
