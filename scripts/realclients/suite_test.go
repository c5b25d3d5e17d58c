//go:build realclients

package realclients

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// notServed are tests of franz-go's suite which fail since their subject is not served yet: transactions, share groups,
// next-generation groups. One that passes has to leave the list.
var notServed = map[string]string{
	"TestTxnEtl":        "transactions",
	"TestShareGroupETL": "share groups",
}

// suiteResult is what a run of the suite said of each test, subtests included, by name.
type suiteResult struct {
	verdict map[string]string // pass, fail, skip
	output  map[string]string
	seconds map[string]float64
	ended   string // pass or fail, of the whole
}

// TestFranzGoSuite runs all of franz-go's own tests of its client, as they come from the module cache, against the
// broker. Only the tests in notServed may fail, and they must.
func TestFranzGoSuite(t *testing.T) {
	addr := startBroker(t, "num.partitions=4")
	cmd := exec.Command("go", "test", "-json", "-count=1", "-timeout", "20m", "github.com/twmb/franz-go/pkg/kgo")
	cmd.Env = append(os.Environ(), "KGO_SEEDS="+addr, "KGO_TEST_RF=1", "KGO_TEST_RECORDS=50000")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r := readSuite(t, out)
	if r.ended == "" || len(r.verdict) < 400 {
		t.Fatalf("the suite ran %d tests and ended with %q: %v\n%s", len(r.verdict), r.ended, err, complaint.Bytes())
	}
	count := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(r.verdict)) {
		verdict := r.verdict[name]
		count[verdict]++
		top, _, _ := strings.Cut(name, "/")
		reason, listed := notServed[top]
		switch {
		case verdict == "skip":
			report("skipped %s", name)
		case verdict != "pass" && !listed:
			text := r.output[name]
			t.Errorf("%s: %s after %.1f s\n%s", name, verdict, r.seconds[name], text[max(0, len(text)-3000):])
		case verdict != "pass":
			report("failed, as %s are not served: %s", reason, name)
		}
	}
	for name, reason := range notServed {
		if v := r.verdict[name]; v != "fail" && !againstKafka {
			t.Errorf("%s is listed as one that fails for want of %s, its verdict is %q: take it off the list", name, reason, v)
		}
	}
	report("franz-go's suite: %d passed, %d failed (%d are listed), %d skipped", count["pass"], count["fail"],
		len(notServed), count["skip"])
}

// readSuite reads what go test -json printed. A test that was begun and never ended has the verdict "not ended".
func readSuite(t *testing.T, out []byte) suiteResult {
	t.Helper()
	r := suiteResult{verdict: map[string]string{}, output: map[string]string{}, seconds: map[string]float64{}}
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var event struct {
			Action, Test, Output string
			Elapsed              float64
		}
		if err := in.Decode(&event); err == io.EOF {
			return r
		} else if err != nil {
			t.Fatalf("go test -json: %v", err)
		}
		switch event.Action {
		case "run":
			r.verdict[event.Test] = "not ended"
		case "output":
			r.output[event.Test] += event.Output
		case "pass", "fail", "skip":
			if event.Test == "" {
				r.ended = event.Action
				continue
			}
			r.verdict[event.Test], r.seconds[event.Test] = event.Action, event.Elapsed
		}
	}
}
