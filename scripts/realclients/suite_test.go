//go:build realclients

package realclients

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// notServed are the tests of franz-go's suite that fail since their subject is not served yet, each with what it then
// says. The subject is transactions, share groups or next-generation groups, nothing else. (Most tests of the last two
// skip themselves where a broker does not serve them.) A test that passes has to leave the list.
var notServed = map[string]string{
	"TestTxnEtl": "unable to begin transaction: producer ID has a fatal, unrecoverable error, err: " +
		"unable to initialize a producer ID due to request failures: UNSUPPORTED_VERSION",
}

// failsOnKafka is a test that Apache Kafka 4.3.1 passes at some times only.
const failsOnKafka = "TestShareGroupETL"

// TestFranzGoSuite runs all of franz-go's own tests of its client, as they come from the module cache, against the
// broker. Only those in notServed may fail, and they must: they run alone, since they wait for ever for what is not
// served, until they have said that it is not.
func TestFranzGoSuite(t *testing.T) {
	addr := startBroker(t, "num.partitions=4")
	alone := notServed
	if againstKafka {
		alone = map[string]string{failsOnKafka: ""}
	}
	names := slices.Sorted(maps.Keys(alone))
	all := runSuite(t, addr, nil, "-skip", "^("+strings.Join(names, "|")+")$")
	if len(all.verdict) < 400 {
		t.Errorf("the suite ran %d tests only", len(all.verdict))
	}
	count := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(all.verdict)) {
		verdict := all.verdict[name]
		count[verdict]++
		switch verdict {
		case "pass":
		case "skip":
			report("skipped %s", name)
		default:
			t.Errorf("%s: %s\n%s", name, verdict, all.output[name])
		}
	}
	if all.whole != "pass" {
		t.Errorf("the suite ended with %q\n%s", all.whole, all.output[""])
	}
	for _, name := range names {
		said := func(output string) bool { return alone[name] != "" && strings.Contains(output, alone[name]) }
		r := runSuite(t, addr, said, "-run", "^"+name+"$")
		report("listed  %s: %s", name, r.verdict[name])
		if !againstKafka && r.verdict[name] != stopped {
			t.Errorf("%s is listed as one that says %q; its verdict is %q\n%s", name, alone[name], r.verdict[name],
				r.output[name])
		}
	}
	report("franz-go's suite: %d passed, %d failed, %d skipped, %d listed", count["pass"],
		len(all.verdict)-count["pass"]-count["skip"], count["skip"], len(names))
}

// suiteRun is what a run of the suite said, subtests included. "" is the package.
type suiteRun struct {
	verdict map[string]string // pass, fail, skip; or one of the two below
	output  map[string]string // its end
	whole   string
}

const (
	notEnded = "begun and not ended"
	stopped  = "stopped, having said what it should"
)

const outputKept = 3000 // bytes of each test

// runSuite runs tests of the suite until they end, or until stop says so of what one of them has printed.
func runSuite(t *testing.T, addr string, stop func(output string) bool, args ...string) suiteRun {
	t.Helper()
	cmd := exec.Command("go", slices.Concat([]string{"test", "-json", "-count=1", "-timeout", "20m"}, args,
		[]string{"github.com/twmb/franz-go/pkg/kgo"})...)
	cmd.Env = append(os.Environ(), "KGO_SEEDS="+addr, "KGO_TEST_RF=1", "KGO_TEST_RECORDS=50000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end go and the test that it runs
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}()

	r := suiteRun{verdict: map[string]string{}, output: map[string]string{}}
	for in := json.NewDecoder(out); ; {
		var event struct{ Action, Test, Output string }
		if err := in.Decode(&event); err == io.EOF {
			return r
		} else if err != nil {
			t.Fatalf("go test -json: %v", err)
		}
		switch event.Action {
		case "run":
			r.verdict[event.Test] = notEnded
		case "output":
			text := r.output[event.Test] + event.Output
			r.output[event.Test] = text[max(0, len(text)-outputKept):]
			if stop != nil && stop(event.Output) {
				r.verdict[event.Test] = stopped
				return r
			}
		case "pass", "fail", "skip":
			if event.Test == "" {
				r.whole = event.Action
			} else {
				r.verdict[event.Test] = event.Action
			}
		}
	}
}
