//go:build realclients

package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ackedPerRound is how many records must have been acknowledged before a round may end in a kill.
const ackedPerRound = 2000

// TestKillNine kills a broker under load, again and again over the same directory, and holds everything that can still
// be read against the ledger after each death.
func TestKillNine(t *testing.T) {
	r := newRun(t, target(t, ""), envInt(t, "TAILRACE_CRASH_ROUNDS", 50))
	r.rounds()
	r.finish()
	for _, f := range r.checker.Findings() {
		t.Error(f)
	}
	r.report()
}

// server is what a run kills: Tailrace, or Apache Kafka.
type server interface {
	start() time.Duration
	launch() // without waiting
	kill()
	stop()
	address() string
}

func (c *child) address() string { return c.addr }

func envInt(t *testing.T, key string, byDefault int) int {
	t.Helper()
	text := os.Getenv(key)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return n
}

// target is the broker under test, with settings that make kills meet rolls, retention and the removal of files.
func target(t *testing.T, tags string, more ...string) server {
	t.Helper()
	settings := append([]string{
		"log.segment.bytes=1048576", "log.retention.bytes=4194304", "log.retention.check.interval.ms=400",
		"log.segment.delete.delay.ms=300", "message.max.bytes=1000000",
	}, more...)
	if os.Getenv("TAILRACE_TEST_AGAINST") == "kafka" {
		return newKafka(t, settings)
	}
	c := newChild(t, build(t, tags))
	for _, s := range settings {
		c.args = append(c.args, "--set", s)
	}
	return c
}

// run is one chain of deaths.
type run struct {
	t       *testing.T
	broker  server
	n       int
	seed    uint64
	rand    *rand.Rand
	load    *exec.Cmd
	ledger  *Ledger
	checker *Checker

	starts     []time.Duration
	startKills int             // deaths before the broker was ready
	logStarts  map[Place]int64 // of the newest reading
	read       int
}

func newRun(t *testing.T, broker server, n int) *run {
	t.Helper()
	r := &run{
		t: t, broker: broker, n: n, seed: uint64(envInt(t, seedKey, int(time.Now().UnixNano()&0xffffff))),
		checker: NewChecker(), logStarts: map[Place]int64{},
	}
	r.rand = rand.New(rand.NewPCG(r.seed, 1))
	t.Logf("%s=%d", seedKey, r.seed)
	r.starts = append(r.starts, broker.start())
	r.createTopics()
	r.beginLoad()
	return r
}

func (r *run) client(opts ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(r.broker.address()), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
	}, opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *run) createTopics() {
	c := r.client()
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, topic := range topics {
		if _, err := kadm.NewClient(c).CreateTopic(ctx, partitions, 1, nil, topic.name); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *run) beginLoad() {
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	name := filepath.Join(r.t.TempDir(), "ledger")
	r.load = exec.Command(self)
	r.load.Env = append(os.Environ(), roleKey+"=load", addrKey+"="+r.broker.address(), ledgerKey+"="+name,
		fmt.Sprintf("%s=%d", seedKey, r.seed))
	r.load.Stderr = os.Stderr
	r.load.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.load.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = r.load.Process.Kill(); _ = r.load.Wait() })
	r.until("the load has begun its ledger", 10*time.Second, func() bool {
		r.ledger, err = OpenLedger(name)
		return err == nil
	})
	r.t.Cleanup(func() { r.ledger.Close() })
}

func (r *run) until(what string, atMost time.Duration, done func() bool) {
	r.t.Helper()
	for began := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > atMost {
			r.t.Fatalf("not after %s: %s", atMost, what)
		}
	}
}

// book reads what the ledger has gained.
func (r *run) book() {
	if err := r.ledger.Read(r.checker.Acknowledged); err != nil {
		r.t.Fatal(err)
	}
	for _, text := range r.ledger.Trouble {
		r.t.Error("the load: " + text)
	}
	r.ledger.Trouble = nil
}

func (r *run) rounds() {
	for round := 1; round <= r.n; round++ {
		before := r.ledger.Acks
		r.until(fmt.Sprintf("round %d has %d acknowledgements", round, ackedPerRound), 30*time.Second, func() bool {
			r.book()
			return r.ledger.Acks-before >= ackedPerRound
		})
		time.Sleep(time.Duration(r.rand.IntN(1500)) * time.Millisecond)
		r.broker.kill()
		for r.rand.IntN(3) == 0 { // some starts are not lived through
			r.broker.launch()
			time.Sleep(time.Duration(r.rand.IntN(60_000)) * time.Microsecond)
			r.broker.kill()
			r.startKills++
		}
		r.starts = append(r.starts, r.broker.start())
		if round%10 == 0 { // what a clean stop leaves must survive as well
			r.broker.stop()
			r.starts = append(r.starts, r.broker.start())
		}
		checked := r.checker.Checked
		r.book()
		r.readAll()
		if n := r.checker.Checked - checked; n < ackedPerRound && round > 1 {
			r.t.Errorf("round %d: only %d acknowledgements could be checked; the rest is gone by retention", round, n)
		}
		if r.t.Failed() || len(r.checker.Findings()) > 0 {
			return
		}
	}
}

// readAll reads every partition from its start to its end.
func (r *run) readAll() {
	c := r.client(kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(50*time.Millisecond))
	defer c.Close()
	for _, topic := range topics {
		for p := range int32(partitions) {
			r.readOne(c, Place{topic.name, p})
		}
	}
}

func (r *run) bounds(c *kgo.Client, at Place) (start, end int64) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	starts, err := kadm.NewClient(c).ListStartOffsets(ctx, at.Topic)
	if err == nil {
		err = starts.Error()
	}
	ends, err2 := kadm.NewClient(c).ListEndOffsets(ctx, at.Topic)
	if err2 == nil {
		err2 = ends.Error()
	}
	if err := errors.Join(err, err2); err != nil {
		r.t.Fatalf("bounds of %s: %v", at, err)
	}
	s, _ := starts.Lookup(at.Topic, at.Partition)
	e, _ := ends.Lookup(at.Topic, at.Partition)
	return s.Offset, e.Offset
}

func (r *run) readOne(c *kgo.Client, at Place) {
	start, end := r.bounds(c, at)
	reading, next := r.checker.Begin(at, start), start
	assign := func(from int64) {
		c.AddConsumePartitions(map[string]map[int32]kgo.Offset{at.Topic: {at.Partition: kgo.NewOffset().At(from)}})
	}
	unassign := func() { c.RemoveConsumePartitions(map[string][]int32{at.Topic: {at.Partition}}) }
	assign(next)
	defer unassign()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for next < end {
		fetches := c.PollFetches(ctx)
		if ctx.Err() != nil {
			r.t.Fatalf("%s could not be read beyond offset %d up to %d", at, next, end)
		}
		gone := false
		fetches.EachError(func(_ string, _ int32, err error) {
			if gone = errors.Is(err, kerr.OffsetOutOfRange); !gone {
				r.t.Fatalf("reading %s at offset %d: %v", at, next, err)
			}
		})
		if gone { // retention was faster
			start, end = r.bounds(c, at)
			reading.Skip(start)
			next = start
			unassign()
			assign(next)
			continue
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if rec.Topic == at.Topic && rec.Partition == at.Partition && rec.Offset >= next {
				reading.Saw(rec.Offset, rec.Key, rec.Value)
				next = rec.Offset + 1
				r.read++
			}
		})
	}
	r.logStarts[at] = start
	reading.End(max(end, next))
}

// finish ends the load in order, lets it wait for its last acknowledgements, and reads all once more.
func (r *run) finish() {
	if r.t.Failed() || len(r.checker.Findings()) > 0 {
		return
	}
	if err := r.load.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	r.until("the load has ended", 30*time.Second, func() bool { r.book(); return r.ledger.Ended })
	r.readAll()
	for _, last := range r.ledger.Lasts {
		r.checker.Complete(last)
	}
	r.broker.stop()
	if c, ours := r.broker.(*child); ours {
		c.complaints()
	}
	for at, start := range r.logStarts {
		if start == 0 && r.n >= 10 {
			r.t.Errorf("%s still starts at 0: no kill can have met retention", at)
		}
	}
}

func (r *run) report() {
	slices.Sort(r.starts)
	r.t.Logf("%d kills under load, %d before the broker was ready; %d records acknowledged, %d of them checked; %d read; "+
		"start to ready: median %s, longest %s", r.n, r.startKills, r.ledger.Acks, r.checker.Checked, r.read,
		r.starts[len(r.starts)/2].Round(time.Millisecond), r.starts[len(r.starts)-1].Round(time.Millisecond))
}
