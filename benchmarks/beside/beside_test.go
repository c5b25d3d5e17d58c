package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tailrace/batch"
	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/scenario"
	"tailrace/benchmarks/tally"
	"tailrace/loadgen/result"
)

func read(t *testing.T) *contest {
	t.Helper()
	b, err := scenario.Read("../scenarios")
	if err != nil {
		t.Fatal(err)
	}
	return &contest{book: b, raw: &tally.Raw{}, window: time.Second, commit: "c"}
}

func TestEveryRowHasItsDriverAndSettings(t *testing.T) {
	c := read(t)
	if err := c.checkDrivers(); err != nil {
		t.Error(err)
	}
	c.raw.Places = []tally.Place{{Commit: "c"}}
	c.raw.Measurements = []tally.Measurement{{Row: kneeRow, System: scenario.Kafka,
		Values: map[string]float64{"kneePerSecond": 1000}}}
	for _, s := range c.book.Scenarios {
		for i := range s.Rows {
			r := &s.Rows[i]
			var err error
			switch r.Driver {
			case "produce", "fetch":
				_, err = rawLoadOf(r)
			case "load", "knee":
				p, perr := c.planOf(&served{system: scenario.Kafka, addr: "127.0.0.1:1", process: proc.Attach(1)}, r)
				if err = perr; err == nil {
					err = p.Check()
				}
			}
			if err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
		}
	}
}

func TestSystemsTakeTurns(t *testing.T) {
	c := read(t)
	turns := c.turns([]string{"headline"}, []string{"produce-64k-1k"})
	var first, second []scenario.System
	for _, one := range turns {
		switch one.alternation {
		case 1:
			first = append(first, one.system)
		case 2:
			second = append(second, one.system)
		}
	}
	slices.Reverse(second)
	if len(turns) != 25 || !slices.Equal(first, second) {
		t.Errorf("%d turns; first %v, second reversed %v", len(turns), first, second)
	}
	synced := true
	for i, r := range c.turns([]string{"rest"}, nil)[0].rows {
		if is := r.Durability == scenario.Synced; is && !synced {
			t.Errorf("%s waits for the disk behind rows that fill it (row %d of its turn)", r.Name, i+1)
		} else {
			synced = is
		}
	}
	c.raw.Places = []tally.Place{{Commit: "c"}}
	c.raw.Measurements = []tally.Measurement{
		{Row: "produce-64k-1k", System: scenario.Tailrace, Alternation: 1},
		{Row: "produce-64k-1k", System: scenario.Kafka, Alternation: 2, Failed: "it was"},
	}
	if left := c.open(turns); len(left) != 24 {
		t.Errorf("%d turns are left of 25, one of which was measured and one failed", len(left))
	}
	for _, one := range c.turns(nil, []string{"catch-up-cold"}) {
		if !broker(one.system) {
			t.Error("a loop is asked to catch up")
		}
	}
}

// TestResumeAfterAReboot: what is left of an alternation is measured on all systems, since a ratio is of neighbours in
// time; a whole one is not. A knee of another boot is no knee of this one.
func TestResumeAfterAReboot(t *testing.T) {
	c := read(t)
	c.bootID = "now"
	c.raw.Places = []tally.Place{{Commit: "c", BootID: "before"}}
	for _, row := range []string{"produce-6-partitions", "latency-10"} {
		for _, a := range []int{1, 2, 3} {
			for _, s := range []scenario.System{scenario.Tailrace, scenario.Kafka} {
				if s == scenario.Kafka && a == 3 {
					continue
				}
				c.raw.Measurements = append(c.raw.Measurements, tally.Measurement{Row: row, System: s, Alternation: a})
			}
		}
	}
	left := c.open(c.turns(nil, []string{"produce-6-partitions"}))
	if len(left) != 2 || left[0].alternation != 3 || left[1].alternation != 3 || left[0].system == left[1].system {
		t.Errorf("left after a reboot: %+v", left)
	}
	if found := c.withKnee(left); len(found) != len(left) {
		t.Errorf("a knee is looked for that no row needs: %+v", found)
	}
	left = c.open(c.turns(nil, []string{"latency-10"}))
	if first := c.withKnee(left)[0]; first.rows[0].Name != kneeRow {
		t.Errorf("a rate is a part of a knee of another boot, and %s comes first", first.rows[0].Name)
	}
	c.raw.Measurements = append(c.raw.Measurements, tally.Measurement{Row: kneeRow, System: scenario.Kafka, Place: 1,
		Values: map[string]float64{"kneePerSecond": 1000}})
	c.raw.Places = append(c.raw.Places, tally.Place{BootID: "now"})
	if found := c.withKnee(left); len(found) != len(left) {
		t.Errorf("the knee is known and looked for again: %+v", found)
	}
}

// TestMemoryIsThatOfTheLoad, and not what is left when its topic is deleted.
func TestMemoryIsThatOfTheLoad(t *testing.T) {
	run := &result.Run{Seconds: []result.Second{{Broker: &result.SecondCost{Anon: 9 * mib}},
		{Broker: &result.SecondCost{Anon: 5 * mib, File: 7 * mib}}}}
	if v, _ := figures(run); v["anonMiB"] != 5 || v["fileMiB"] != 7 {
		t.Errorf("%v MiB and %v MiB", v["anonMiB"], v["fileMiB"])
	}
	if v, _ := figures(&result.Run{Seconds: []result.Second{{}}}); len(v) == 0 || v["anonMiB"] != 0 {
		t.Errorf("without a look at the broker: %v", v)
	}
}

// TestResumeNeedsACommit: of two trees that are not committed nobody knows whether they are the same.
func TestResumeNeedsACommit(t *testing.T) {
	err := run(t.Context(), []string{"--resume", "--estimate", "--commit=c-dirty", "--scenarios=../scenarios",
		"--results=" + filepath.Join(t.TempDir(), "none")})
	if err == nil || !strings.Contains(err.Error(), "commit it") {
		t.Errorf("resumed: %v", err)
	}
}

// TestEachLoadWarms: a Java that is warm for one load is not for another, so none is left out when time is short. The
// load that is measured first is on once more at the end.
func TestEachLoadWarms(t *testing.T) {
	was := drivers["produce"]
	defer func() { drivers["produce"] = was }()
	var loads []string
	drivers["produce"] = driver{warms: true, load: func(_ context.Context, _ *contest, _ *served, r *scenario.Row,
		_ time.Duration) (map[string]float64, string, error) {
		loads = append(loads, r.Name)
		return nil, "", nil
	}}
	c := read(t)
	one := turn{group: &scenario.Group{WarmUp: time.Nanosecond}, system: scenario.Kafka}
	for _, name := range []string{"produce-one-10", "catch-up-hot", "produce-6-partitions", "codec-gzip"} {
		one.rows = append(one.rows, c.book.Row(name))
	}
	if err := c.warm(t.Context(), one, &served{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"produce-one-10", "produce-6-partitions", "codec-gzip", "produce-one-10"}
	if !slices.Equal(loads, want) {
		t.Errorf("loads put on: %v, and not %v", loads, want)
	}
}

func TestPartOfTheKnee(t *testing.T) {
	c := read(t)
	c.bootID = "now"
	if _, err := c.partOfKnee("50"); err == nil || !strings.Contains(err.Error(), "knee") {
		t.Errorf("half of an unknown knee: %v", err)
	}
	c.raw.Places = []tally.Place{{BootID: "before"}, {BootID: "now"}}
	for place, rates := range [][]float64{{7}, {3000, 1000, 2000}} {
		for _, rate := range rates {
			c.raw.Measurements = append(c.raw.Measurements, tally.Measurement{Row: kneeRow, System: scenario.Kafka,
				Values: map[string]float64{"kneePerSecond": rate}, Place: place})
		}
	}
	if rate, err := c.partOfKnee("50"); err != nil || rate != 1000 {
		t.Errorf("half of the median of 1000, 2000, 3000 is %v, %v", rate, err)
	}
}

func TestJSONBatches(t *testing.T) {
	sizes := map[string]int{}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		b, inflated, err := jsonBatch(64*kib, kib, codec)
		if err != nil {
			t.Fatal(err)
		}
		sizes[codec] = len(b.Bytes)
		v := batch.View(b.Bytes)
		if int(v.Count()) != b.Records || inflated > 64*kib || inflated < 60*kib {
			t.Errorf("%s: %d records of %d, %d bytes", codec, v.Count(), b.Records, inflated)
		}
	}
	if sizes["zstd"]*2 > sizes["none"] || sizes["gzip"] >= sizes["snappy"] {
		t.Errorf("sizes %v", sizes)
	}
	if _, _, err := jsonBatch(kib, 100, "brotli"); err == nil {
		t.Error("brotli is no codec of Kafka's")
	}
}

func TestDurabilityIsSetOnBoth(t *testing.T) {
	for _, c := range []struct {
		s                scenario.System
		d                scenario.Durability
		acks, key, value string
	}{
		{scenario.Tailrace, scenario.Synced, "all", "tailrace.flush.before.ack", "always"},
		{scenario.Tailrace, scenario.Synced, "all", "flush.messages", ""},
		{scenario.Tailrace, scenario.Synced, "1", "flush.messages", "1"}, // the other key is of acks all alone
		{scenario.Tailrace, scenario.PageCache, "1", "tailrace.flush.before.ack", "never"},
		{scenario.Tailrace, scenario.PageCache, "1", "flush.messages", ""},
		{scenario.Kafka, scenario.Synced, "all", "flush.messages", "1"},
		{scenario.Kafka, scenario.Synced, "1", "flush.messages", "1"},
		{scenario.Kafka4g, scenario.PageCache, "1", "flush.messages", ""},
	} {
		row := &scenario.Row{Durability: c.d, With: map[string]string{"acks": c.acks}}
		if got := durabilityKeys(c.s, row)[c.key]; got != c.value {
			t.Errorf("%s, %s, acks %s: %s=%s", c.s, c.d, c.acks, c.key, got)
		}
	}
}
