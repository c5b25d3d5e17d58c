package coordinator

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/broker/effect"
	"tailrace/broker/logdir"
	"tailrace/broker/partition"
	"tailrace/netio"
	"tailrace/segment"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// answerWithin bounds every wait; it says "never" and measures nothing.
const answerWithin = 30 * time.Second

// event is something that happens to a book: a value is put under a key, asked for, or waited for.
type event struct {
	kind  string // "put", "silent" (a put without an answer), "get", "await", "wake", "tick", "panic"
	key   string
	value string
	times int // records of a put
	to    *call
}

// book is the machine under test: a map. Every answer says what the map held then.
type book struct {
	values  map[string]string
	waiting map[string][]*call
	ticks   []int64
	wakeMs  int64
	gate    chan struct{} // a put waits for it, if there is one
}

func newBook() *book {
	return &book{values: map[string]string{}, waiting: map[string][]*call{}, wakeMs: effect.Never}
}

var errSmeared = errors.New("smeared")

func (b *book) Replay(r effect.Record, _ int64) error {
	switch {
	case string(r.Key) == "bad":
		return errSmeared
	case r.Value == nil:
		delete(b.values, string(r.Key))
	default:
		b.values[string(r.Key)] = string(r.Value)
	}
	return nil
}

func (b *book) Loaded(int64) effect.Effects { return effect.Effects{WakeMs: b.wakeMs} }

func (b *book) Step(ev event, nowMs int64) effect.Effects {
	e := effect.Effects{WakeMs: b.wakeMs}
	switch ev.kind {
	case "panic":
		panic("a machine with a fault")
	case "tick":
		b.ticks = append(b.ticks, nowMs)
		if nowMs >= b.wakeMs {
			b.wakeMs = effect.Never
		}
	case "wake":
		b.wakeMs = nowMs + int64(ev.times)
		e.Replies = append(e.Replies, effect.Reply{To: ev.to, Body: said(b.values[ev.key])})
	case "get":
		e.Replies = append(e.Replies, effect.Reply{To: ev.to, Body: said(b.values[ev.key])})
	case "await":
		b.waiting[ev.key] = append(b.waiting[ev.key], ev.to)
	case "silent":
		b.values[ev.key] = ev.value
		e.Records = append(e.Records, effect.Record{Key: []byte(ev.key), Value: []byte(ev.value)})
	case "put":
		if b.gate != nil {
			<-b.gate
		}
		b.values[ev.key] = ev.value
		for range max(ev.times, 1) {
			e.Records = append(e.Records, effect.Record{Key: []byte(ev.key), Value: []byte(ev.value)})
		}
		for _, w := range append(b.waiting[ev.key], ev.to) {
			e.Replies = append(e.Replies, effect.Reply{To: w, Body: said(ev.value)})
		}
		delete(b.waiting, ev.key)
	}
	e.WakeMs = b.wakeMs
	return e
}

func said(value string) kmsg.Response {
	r := kmsg.NewPtrSyncGroupResponse()
	r.MemberAssignment = []byte(value)
	return r
}

// call is a Waiter that remembers what it was told.
type call struct {
	told  chan struct{}
	times int
	value string
	code  errcode.Code
	s     *shelf
	end   wire.Offset // of the durable log when it was answered
}

func (c *call) Answer(body kmsg.Response, _ *netio.Batch) {
	c.end = c.s.p.DurableEnd()
	c.tell(string(body.(*kmsg.SyncGroupResponse).MemberAssignment), errcode.None)
}

func (c *call) Refuse(code errcode.Code, _ *netio.Batch) { c.tell("", code) }

func (c *call) tell(value string, code errcode.Code) {
	if c.times++; c.times > 1 {
		c.s.t.Errorf("a call was told twice: %q %v, then %q %v", c.value, c.code.Name(), value, code.Name())
		return
	}
	c.value, c.code = value, code
	close(c.told)
}

// shelf is one partition with its coordinator, in memory.
type shelf struct {
	t      testing.TB
	fs     *faultfs.FS
	dir    *logdir.Dir
	p      *partition.Partition
	c      *Coordinator[event]
	log    logged
	setup  func(*book) // what a new machine is changed by
	mu     sync.Mutex
	made   []*book
	timers []*handTimer
}

// logged keeps what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// handTimer is a Timer of the real clock, which a test may also fire.
type handTimer struct {
	mu   sync.Mutex
	fire func()
	t    *time.Timer
	set  []time.Duration
}

func (h *handTimer) Set(after time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.set = append(h.set, after)
	if h.t != nil {
		h.t.Stop()
	}
	h.t = time.AfterFunc(after, h.fire)
}

// openShelf opens the partition of a file system, made new if it is not there, and leads it.
func openShelf(t testing.TB, fsys *faultfs.FS) *shelf {
	t.Helper()
	s, err := tryShelf(t, fsys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryShelf(t testing.TB, fsys *faultfs.FS) (*shelf, error) {
	s := &shelf{t: t, fs: fsys}
	logger := slog.New(slog.NewTextHandler(&s.log, nil))
	key, id := logdir.Key{Topic: "t", Partition: 0}, wire.TopicID{1}
	var err error
	s.dir, err = logdir.Open(logdir.Options{FS: fsys, Path: "/log", NodeID: 1, Parallel: 1, Logger: logger})
	if err != nil {
		return nil, err
	}
	path, fresh := "/log/t-0", false
	if _, none := fsys.Stat(path); errors.Is(none, fs.ErrNotExist) {
		fresh = true
		path, err = s.dir.CreatePartition(key, id)
	} else if _, none := fsys.Stat(path + "/partition.metadata"); errors.Is(none, fs.ErrNotExist) {
		fresh = true // its directory was made, and what is in it was not synced
		err = s.dir.Identify(path, id)
	}
	if err != nil {
		return nil, errors.Join(err, s.dir.Close(false, 0))
	}
	s.p, err = partition.Open(partition.Options{
		Dir: s.dir, Key: key, ID: id, Path: path, Fresh: fresh, Logger: logger, Config: shelfConfig(),
	})
	if err != nil {
		return nil, errors.Join(err, s.dir.Close(false, 0))
	}
	s.p.Lead(0, 1, true)
	s.c = s.coordinator()
	return s, nil
}

func (s *shelf) coordinator() *Coordinator[event] {
	return New(Options[event]{
		New: func() Machine[event] {
			b := newBook()
			if s.setup != nil {
				s.setup(b)
			}
			s.mu.Lock()
			s.made = append(s.made, b)
			s.mu.Unlock()
			return b
		},
		Tick:  event{kind: "tick"},
		NowMs: func() int64 { return time.Now().UnixMilli() },
		Timer: func(fire func()) Timer {
			h := &handTimer{fire: fire}
			s.mu.Lock()
			s.timers = append(s.timers, h)
			s.mu.Unlock()
			return h
		},
		Logger: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
}

func shelfConfig() *partition.Config {
	return &partition.Config{
		Rules: batch.Rules{Compacted: true, FromClient: true, MaxMessageBytes: 2000, BeforeMaxMs: math.MaxInt64,
			AfterMaxMs: math.MaxInt64},
		Log:   segment.Config{SegmentBytes: 8 << 10, IndexBytes: 1 << 20, IndexIntervalBytes: 4096},
		Flush: partition.FlushNever, FlushMessages: math.MaxInt64, FlushMs: math.MaxInt64,
	}
}

// submit gives an event to the shard.
func (s *shelf) submit(ev event) *call {
	ev.to = &call{told: make(chan struct{}), s: s}
	s.c.Submit(0, ev, ev.to)
	return ev.to
}

// wait waits until a call has been told.
func (c *call) wait() *call {
	c.s.t.Helper()
	select {
	case <-c.told:
	case <-time.After(answerWithin):
		c.s.t.Fatalf("a call was never told; the log says:\n%s", c.s.log.String())
	}
	return c
}

func (s *shelf) put(key, value string) *call {
	return s.submit(event{kind: "put", key: key, value: value})
}
func (s *shelf) get(key string) *call { return s.submit(event{kind: "get", key: key}) }

// loaded waits until the shard takes calls.
func (s *shelf) loaded() {
	s.t.Helper()
	for until := time.Now().Add(answerWithin); ; time.Sleep(time.Millisecond) {
		if s.get("").wait().code == errcode.None {
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("the shard does not load; the log says:\n%s", s.log.String())
		}
	}
}

// close is a clean stop.
func (s *shelf) close() {
	s.t.Helper()
	s.c.Stop()
	if err := errors.Join(s.p.Close(), s.dir.Close(true, 0)); err != nil {
		s.t.Error(err)
	}
}

// crash ends the process, or cuts the power, and returns the disk as it is then.
func (s *shelf) crash(power bool) *faultfs.FS {
	after := s.fs
	if power {
		s.fs.CrashAtOp(s.fs.Ops() + 1) // nothing is made durable, and answered, from now on
		after = s.fs.CrashClone(rand.New(rand.NewPCG(uint64(s.fs.Ops()), 1)))
	}
	s.c.Stop()
	s.p.Abandon()
	_ = s.dir.Close(false, 0)
	if !power {
		s.fs.Restart()
	}
	return after
}

// replayed is what a replay of the partition gives.
func (s *shelf) replayed() map[string]string {
	s.t.Helper()
	b := newBook()
	var w batch.Walker
	var r batch.Record
	code, err := s.p.Replay(func(v batch.View) error {
		for w.Reset(v, 0); w.Next(&r); {
			_ = b.Replay(effect.Record{Key: r.Key, Value: r.Value}, r.TimestampMs)
		}
		return w.Err()
	})
	if code != errcode.None || err != nil {
		s.t.Fatalf("replay: %v %v", code.Name(), err)
	}
	return b.values
}

// current is the machine that the shard has now.
func (s *shelf) current() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.made[len(s.made)-1].values)
}

// batches counts those of the partition.
func (s *shelf) batches() (n int) {
	s.t.Helper()
	if code, err := s.p.Replay(func(batch.View) error { n++; return nil }); code != errcode.None || err != nil {
		s.t.Fatalf("replay: %v %v", code.Name(), err)
	}
	return n
}

func keyOf(i int) string { return fmt.Sprintf("key-%02d", i) }
