package plan

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTextInTextOut: what each setting prints, it reads, and it is the same thing.
func TestTextInTextOut(t *testing.T) {
	for name, values := range map[string][]string{
		"rate":         {"max", "50k", "1.5M", "1k..50k", "10k,20k,30k", "1.234k"},
		"record-size":  {"1KiB", "100", "uniform:100..4KiB", "normal:1KiB,200", "lognormal:500,20KiB", "0"},
		"payload":      {"random", "ratio:3", "ratio:2.5", "file:/tmp/x y"},
		"keys":         {"none", "uniform:10k", "zipf:10k,1.1"},
		"compression":  {"none", "gzip", "zstd:3", "snappy", "lz4:9"},
		"duration":     {"30s", "5m", "1h", "1h30m", "1m30s", "200ms"},
		"linger":       {"0", "5ms", "200µs"},
		"acks":         {"0", "1", "all"},
		"batch-size":   {"16KiB", "1MiB", "1000"},
		"topic-config": {"a=b", "a=b\nc=d=e"},
		"max-rate":     {"0", "50k"},
		"records":      {"0", "1M"},
	} {
		for _, v := range values {
			p := Default()
			if err := p.Set(name, v); err != nil {
				t.Errorf("%s=%s: %v", name, v, err)
			} else if got := p.Text(name); got != v {
				t.Errorf("%s=%s is printed as %s", name, v, got)
			}
			if c := p.Clone(); c.Text(name) != v || !c.IsSet(name) {
				t.Errorf("%s=%s is lost in a clone", name, v)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for name, values := range map[string][]string{
		"rate":        {"fast", "-5", "0", "1k..", "10 apples", ""},
		"record-size": {"big", "uniform:5", "uniform:9..5", "weird:1,2", "1XB"},
		"payload":     {"zeros", "ratio:0.5", "ratio:x", "file:"},
		"keys":        {"some", "uniform:0", "zipf:10,1", "uniform:5,2"},
		"compression": {"brotli", "zstd:99", "snappy:1", "gzip:x"},
		"duration":    {"30", "-1s", "soon"},
		"acks":        {"2", "-2", "any"},
		"group":       {"maybe"},
		"producers":   {"-1", "x"},
	} {
		for _, v := range values {
			if err := Default().Set(name, v); err == nil {
				t.Errorf("%s=%q was taken", name, v)
			} else if !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s=%q: the error does not name the setting: %v", name, v, err)
			}
		}
	}
	if err := Default().Set("batchsize", "1"); err == nil || !strings.Contains(err.Error(), "did you mean batch-size?") {
		t.Errorf("an unknown setting: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"", ""},
		{"acks=1", ""},
		{"acks=1 idempotence=true", "idempotence: needs acks=all"},
		{"in-flight=6", "in-flight: the client library"},
		{"raw=true idempotence=true", "idempotence: raw"},
		{"in-flight=6 acks=1", ""},
		{"producers=0 consumers=0", "producers: with no producer"},
		{"producers=0", "producers: consumers alone"},
		{"producers=0 topic=x use-existing-topic=true", ""},
		{"use-existing-topic=true", "use-existing-topic: says nothing"},
		{"duration=0", "duration: must be above 0"},
		{"duration=0 records=10", ""},
		{"duration=500ms", "duration: must be 1s"},
		{"records=10 rate=1..5", "records: a ramp"},
		{"raw=true compression=gzip", ""},
		{"raw=true compression=gzip acks=0", ""},
		{"raw=true compression=gzip acks=0 consumers=1", "consumers: raw mode finds"},
		{"raw=true acks=0 consumers=1", ""},
		{"raw=true group=true", "group: raw consumers"},
		{"raw=true producers=0 topic=x use-existing-topic=true", ""},
		{"max-rate=10k", "rate: full speed cannot"},
		{"max-rate=10k rate=20k", "rate: 20k is above"},
		{"max-rate=10k rate=1k,11k", "rate: 1k,11k is above"},
		{"max-rate=10k rate=10k", ""},
		{"max-bytes=1GiB", "max-bytes: full speed"},
		{"max-bytes=1MiB rate=1k", "max-bytes: the run would write"},
		{"max-bytes=1GiB rate=1k", ""},
		{"max-bytes=1MiB records=10", ""},
	} {
		p := Default()
		for s := range strings.FieldsSeq(c.set) {
			name, value, _ := strings.Cut(s, "=")
			if err := p.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		err := p.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %q", c.set, err, c.want)
		}
	}
}

// TestRawReads: raw mode has its consumer as any other, but where it could tell no end-to-end time.
func TestRawReads(t *testing.T) {
	for set, want := range map[string]int{
		"raw=true": 1, "raw=true acks=0": 1, "raw=true compression=lz4": 1, "raw=true compression=lz4 acks=0": 0,
	} {
		p := Default()
		for s := range strings.FieldsSeq(set) {
			name, value, _ := strings.Cut(s, "=")
			if err := p.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Check(); err != nil || p.Consumers != want {
			t.Errorf("%s: %d consumers, want %d, %v", set, p.Consumers, want, err)
		}
	}
}

// TestSchedule: record i is never before record i-1, the first is at the start, the last within the run, and as many
// are due at any moment as the rate says.
func TestSchedule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.5, 1e6)
		r := Rate{Shape: rapid.SampledFrom([]Shape{Constant, Ramp, Steps}).Draw(t, "shape")}
		r.From, r.To = rate.Draw(t, "from"), rate.Draw(t, "to")
		r.Levels = rapid.SliceOfN(rate, 1, 5).Draw(t, "levels")
		run := time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "run"))
		n := r.Offered(run)
		if first := r.At(0, run); first != 0 {
			t.Fatalf("record 0 is due at %v", first)
		}
		last := time.Duration(0)
		for k := range int64(50) {
			i := n * k / 50
			at := r.At(i, run)
			if at < last || at > run {
				t.Fatalf("record %d of %d is due at %v, behind %v, in a run of %v", i, n, at, last, run)
			}
			last = at
			// The number due until then, by the rate's own sum, is i again.
			if due := (Rate{Shape: r.Shape, From: r.From, To: r.rateAt(at, run), Levels: r.Levels}).sumUntil(at,
				run); due-float64(i) > 1+1e-6*float64(i) || float64(i)-due > 1+1e-6*float64(i) {
				t.Fatalf("at %v %f records are due, and record %d is", at, due, i)
			}
		}
	})
}

// rateAt is the momentary rate, and sumUntil its integral, both written anew for the test.
func (r Rate) rateAt(at, run time.Duration) float64 {
	if r.Shape == Ramp {
		return r.From + (r.To-r.From)*at.Seconds()/run.Seconds()
	}
	return r.To
}

func (r Rate) sumUntil(at, run time.Duration) float64 {
	switch r.Shape {
	case Ramp:
		return (r.From + r.To) / 2 * at.Seconds() // To is the rate at that moment
	case Steps:
		sum, each := 0.0, run.Seconds()/float64(len(r.Levels))
		for i, v := range r.Levels {
			sum += v * max(0, min(each, at.Seconds()-float64(i)*each))
		}
		return sum
	}
	return r.From * at.Seconds()
}

func TestSizesAreDrawnAsSaid(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, text := range []string{"1KiB", "uniform:100..200", "normal:1000,100", "lognormal:500,20KiB"} {
		s, err := ParseSizes(text)
		if err != nil {
			t.Fatal(err)
		}
		const n = 20_000
		above := 0
		for range n {
			v := s.Draw(rng)
			if v < 0 || int64(v) > s.Max() {
				t.Fatalf("%s gave %d", text, v)
			}
			if int64(v) > s.A {
				above++
			}
		}
		if s.Shape == Normal || s.Shape == LogNormal {
			if above < n*48/100 || above > n*52/100 {
				t.Errorf("%s: %d of %d sizes are above the middle", text, above, n)
			}
		}
	}
}

func TestScenarioFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rate: 50k\nrecord-size: 100\ntopic-config:\n  segment.bytes: 1048576\n  retention.ms: 1000\nacks: 1\n")
	p := Default()
	if err := p.Read(path); err != nil {
		t.Fatal(err)
	}
	if p.Rate.From != 50_000 || p.RecordSize.A != 100 || p.Acks != AcksLeader || p.TopicConfig["retention.ms"] != "1000" {
		t.Fatalf("%+v", p)
	}
	again := Default()
	write(string(p.Scenario()))
	if err := again.Read(path); err != nil {
		t.Fatal(err)
	}
	if d := Differences(p, again); len(d) != 0 || p.Fingerprint() != again.Fingerprint() {
		t.Fatalf("a scenario written and read differs in %v", d)
	}
	for text, want := range map[string]string{
		"- a\n":                 "mapping",
		"rate: fast\n":          "line 1: rate:",
		"rate: 1\nrate: 2\n":    "given twice",
		"rat: 1\n":              "did you mean rate?",
		"topic-config: [[1]]\n": "key=value",
	} {
		write(text)
		if err := Default().Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestFingerprint: what changes the load changes it, and nothing else does.
func TestFingerprint(t *testing.T) {
	base := Default()
	for i := range Settings {
		s := &Settings[i]
		p := Default()
		value := map[string]string{
			"rate": "7", "duration": "7s", "warmup": "7s", "record-size": "7", "payload": "ratio:7", "keys": "uniform:7",
			"acks": "0", "batch-size": "7", "linger": "7s", "compression": "gzip", "transaction-interval": "7s",
			"topic-config": "a=b", "property": "a=b",
		}[s.Name]
		if value == "" {
			value = "7"
			if s.Switch {
				value = truth(s.Default != "true")
			}
		}
		if err := p.Set(s.Name, value); err != nil {
			t.Fatal(err)
		}
		if same := p.Fingerprint() == base.Fingerprint(); same == s.Load {
			t.Errorf("%s=%s: same fingerprint %v, part of the load %v", s.Name, value, same, s.Load)
		}
		if len(Differences(base, p)) > 0 != s.Load {
			t.Errorf("%s=%s: differences %v", s.Name, value, Differences(base, p))
		}
	}
}
