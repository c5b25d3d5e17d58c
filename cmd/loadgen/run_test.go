package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/loadgen"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// TestMain lets the test binary be the broker, or the bare loop, that a run starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == ownVerb || os.Args[1] == loopVerb) {
		os.Exit(execute(context.Background(), newRoot(), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// loadgenIn runs a command line in a directory of its own.
func loadgenIn(t *testing.T, ctx context.Context, dir string, args ...string) (code int, out, errs string) {
	t.Helper()
	t.Chdir(dir)
	var o, e bytes.Buffer
	root := newRoot()
	root.SetOut(&o)
	root.SetErr(&e)
	code = execute(ctx, root, args)
	return code, o.String(), e.String()
}

// TestRun: with nothing but a rate a broker of the lab's own is measured, the files are there, and nothing is left.
func TestRun(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := t.TempDir()
	code, out, errs := loadgenIn(t, t.Context(), dir, "run", "--rate", "500", "--duration", "2s", "--warmup", "500ms",
		"--out", "r", "--label", "first")
	if code != exitDone && code != exitGenerator { // a loaded machine may miss a schedule
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	r, err := result.Read(filepath.Join(dir, "r"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Totals.Acked != 1000 || r.Totals.Received != 1000 || r.Clocks["e2e"].Count != 1000 || r.Partial ||
		r.Label != "first" {
		t.Errorf("%+v", r.Totals)
	}
	if !r.Broker.Own || r.Broker.Cost == nil || r.Broker.Cost.CPUSeconds <= 0 || r.Broker.ClusterID == "" ||
		r.Machine.Fsync == nil {
		t.Errorf("broker %+v, machine %+v", r.Broker, r.Machine)
	}
	for _, want := range []string{r.Verdict.Sentence, "response", "e2e", "report in r"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for _, name := range []string{"run.json", "run.hlog", "run.csv", "omb.json", "response.hgrm", "service.hgrm",
		"e2e.hgrm", "report.html"} {
		if info, err := os.Stat(filepath.Join(dir, "r", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("%v is left of the broker", left)
	}
	// A directory that holds a run is refused, and a run can be repeated from it.
	if code, _, errs := loadgenIn(t, t.Context(), dir, "run", "--out", "r"); code != exitUsage ||
		!strings.Contains(errs, "holds a run already") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, out, errs := loadgenIn(t, t.Context(), dir, "run", "--again", "r", "--out", "r2"); code != exitDone &&
		code != exitGenerator {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	again, err := result.Read(filepath.Join(dir, "r2"))
	if err != nil || again.Fingerprint != r.Fingerprint || again.Totals.Acked != 1000 {
		t.Errorf("%v, %+v", err, again)
	}
}

// TestStalledBroker: a broker that stands still for a second in a run at a constant rate shows in response time, and
// the report says what service time alone would have hidden.
func TestStalledBroker(t *testing.T) {
	p := plan.Default()
	for k, v := range map[string]string{"rate": "2k", "duration": "6s", "warmup": "1s", "linger": "1ms", "acks": "1"} {
		if err := p.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	const stall = time.Second
	var own loadgen.Own
	var once sync.Once
	resumed := make(chan error, 1)
	r, err := loadgen.Run(t.Context(), p, loadgen.Options{
		Dir: t.TempDir(),
		Own: func() (o loadgen.Own, err error) {
			own, err = startOwn(nil)
			return own, err
		},
		Progress: func(g loadgen.Progress) {
			if g.Interval != nil && g.Elapsed > 3*time.Second {
				once.Do(func() {
					_ = syscall.Kill(own.PID, syscall.SIGSTOP)
					time.AfterFunc(stall, func() { resumed <- syscall.Kill(own.PID, syscall.SIGCONT) })
				})
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-resumed; err != nil {
		t.Fatal(err)
	}
	if r.Totals.Acked != 12_000 || r.Totals.Failed != 0 {
		t.Errorf("%d records acknowledged and %d refused, want 12000 and 0", r.Totals.Acked, r.Totals.Failed)
	}
	response, service := r.Clocks["response"], r.Clocks["service"]
	// 2,000 of 12,000 records were due in the stall: one in ten waited for 400 ms or more.
	if response.At["99.9"] < 900 || response.Max < 950 || response.At["90"] < 300 {
		t.Errorf("response time does not show the stall: %+v", response)
	}
	if service.At["90"] > response.At["90"]/2 {
		t.Errorf("service time does not hide the stall: p90 %v ms, response %v ms", service.At["90"], response.At["90"])
	}
	if told := strings.Join(r.Verdict.Warnings, "\n"); !strings.Contains(told, "service time alone would have hidden it") {
		t.Errorf("the report does not say what service time hides: %q", told)
	}
}

// TestInterrupted: everything is written, and marked as partial.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		// The second line of a measured second is proof enough that it measures.
		time.Sleep(4 * time.Second)
		cancel()
	}()
	code, out, errs := loadgenIn(t, ctx, dir, "run", "--rate", "200", "--duration", "10m", "--warmup", "0", "--out", "r")
	if code != exitInterrupted {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	r, err := result.Read(filepath.Join(dir, "r"))
	if err != nil || !r.Partial || r.Totals.Acked == 0 {
		t.Errorf("%v, %+v", err, r)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "r", "report.html")); err != nil || !bytes.Contains(page,
		[]byte("The run was cut short")) {
		t.Errorf("the page of a run that was cut short does not say so (%v)", err)
	}
}

// TestTopicsOfOthers: a run writes into no topic that it did not make, unless told to, and deletes what it made.
func TestTopicsOfOthers(t *testing.T) {
	own, err := startOwn(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	cl, err := kgo.NewClient(kgo.SeedBrokers(own.Address))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(t.Context(), 2, 1, nil, "theirs"); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "theirs", Value: []byte("precious")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	base := []string{"run", "--bootstrap-server", own.Address, "--rate", "200", "--duration", "1s", "--warmup", "0"}
	run := func(more ...string) (int, string) {
		code, out, errs := loadgenIn(t, t.Context(), dir, append(base, more...)...)
		return code, out + errs
	}
	if code, text := run("--topic", "theirs", "--out", "a"); code != exitFailed || !strings.Contains(text,
		"--use-existing-topic") {
		t.Errorf("exit code %d, %s", code, text)
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); err == nil {
		t.Error("a run that did not begin left a directory")
	}
	if code, text := run("--topic", "theirs", "--use-existing-topic", "--out", "b"); code != exitDone &&
		code != exitGenerator {
		t.Errorf("exit code %d, %s", code, text)
	}
	if code, text := run("--out", "c"); code != exitDone && code != exitGenerator {
		t.Errorf("exit code %d, %s", code, text)
	}
	topics, err := adm.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name := range topics {
		if name != "theirs" {
			t.Errorf("topic %s is left", name)
		}
	}
	ends, err := adm.ListEndOffsets(t.Context(), "theirs")
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	if sum != 201 {
		t.Errorf("the topic that was there holds %d records, want 201", sum)
	}
	b, err := result.Read(filepath.Join(dir, "b"))
	if err != nil || b.Totals.Received != 200 || b.Totals.Unstamped != 0 {
		t.Errorf("%v, %+v", err, b)
	}
}

// TestEveryRecordRefused: a run that got nothing through has failed, says with which error, and keeps its files.
func TestEveryRecordRefused(t *testing.T) {
	dir := t.TempDir()
	for name, more := range map[string][]string{"library": nil, "raw": {"--raw"}} {
		args := append([]string{"run", "--rate", "200", "--duration", "1s", "--warmup", "0", "--record-size", "1KiB",
			"--own-broker-set", "message.max.bytes=200", "--out", name}, more...)
		code, out, errs := loadgenIn(t, t.Context(), dir, args...)
		if code != exitFailed || !strings.Contains(out, "Nothing was acknowledged") ||
			!strings.Contains(out, "MESSAGE_TOO_LARGE") {
			t.Errorf("%s: exit code %d, %s%s", name, code, out, errs)
		}
		r, err := result.Read(filepath.Join(dir, name))
		if err != nil || r.Totals.Acked != 0 || r.Totals.Failed == 0 {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
	for _, verb := range [][]string{{"run", "--repeat", "3"}, {"ab", "--pairs", "3", "--vary", "label"}} {
		code, _, errs := loadgenIn(t, t.Context(), dir, append(verb, "--rate", "200", "--duration", "1s", "--warmup", "0",
			"--own-broker-set", "message.max.bytes=200", "--out", "again-"+verb[0])...)
		if began := strings.Count(errs, " of 3"); code != exitFailed || began != 1 {
			t.Errorf("%s: exit code %d after %d runs: %s", verb[0], code, began, errs)
		}
	}
}

// TestWrongCommandLines are refused before anything is done, with exit code 2.
func TestWrongCommandLines(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"run --rate fast", "is no rate"},
		{"run --producers 0", "consumers alone"},
		{"run --again nowhere", "holds no run"},
		{"run missing.yaml", "missing.yaml"},
		{"run a b", "accepts at most 1 arg"},
		{"runn", "there is no command"},
		{"run --bogus", "unknown flag"},
	} {
		code, _, errs := loadgenIn(t, t.Context(), dir, strings.Fields(c.args)...)
		want := exitUsage
		if strings.Contains(c.args, "--again") {
			want = exitFailed
		}
		if code != want || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, want %d; %s", c.args, code, want, errs)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v was left", left)
	}
}

// TestNoBroker: an address at which nobody listens is an error that names it.
func TestNoBroker(t *testing.T) {
	code, _, errs := loadgenIn(t, t.Context(), t.TempDir(), "run", "--bootstrap-server", "127.0.0.1:1", "--out", "r")
	if code != exitFailed || !strings.Contains(errs, "no broker answers at 127.0.0.1:1") || !strings.Contains(errs,
		"refused") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestRunJSONIsOneDocument that other programs can read, with the settings as text.
func TestRunJSONIsOneDocument(t *testing.T) {
	var doc struct {
		Schema   int
		Settings map[string]string
	}
	dir := t.TempDir()
	if err := result.Prepare(filepath.Join(dir, "r")); err != nil {
		t.Fatal(err)
	}
	r := &result.Run{ID: "x"}
	r.SetPlan(plan.Default())
	if err := r.Write(filepath.Join(dir, "r")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "r", "run.json"))
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if err != nil || doc.Schema != result.Schema || doc.Settings["acks"] != "all" {
		t.Error(fmt.Errorf("%w: %s", err, b))
	}
}
