package segment

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// model is a log as a slice, and the operations that a random test does to both.
type model struct {
	t       *rapid.T
	fsys    vfs.FS
	fault   *faultfs.FS // nil on the real file system
	dir     string
	log     *Log
	config  *Config
	all     []made
	start   wire.Offset
	end     wire.Offset
	durable wire.Offset // as checkpointed
	now     int64

	checkBytes int64
	lostPower  bool
}

func (m *model) open(clean, powerLoss bool) {
	l, rec, err := openWith(Options{
		FS: m.fsys, Dir: m.dir, Config: m.config, Now: func() int64 { return m.now },
		RecoveryPoint: m.durable, LogStart: m.start, Clean: clean, PowerLoss: powerLoss, CheckBytes: m.checkBytes,
		Warn: func(msg string, args ...any) {
			// A power cut may bring back an index's entries of batches that were truncated away. Below the recovery point
			// an index is looked at when it is used, which may be after the next start.
			if !powerLoss && !(m.lostPower && strings.HasPrefix(msg, "index damaged")) {
				m.t.Fatalf("warned: %s %v", msg, args)
			}
		},
	})
	if err != nil {
		m.t.Fatalf("open (clean %v, power loss %v): %v", clean, powerLoss, err)
	}
	if len(rec.Truncated) > 0 && !powerLoss {
		m.t.Fatalf("a kill cut %v", rec.Truncated)
	}
	m.log = l
}

func (m *model) appendBatch(t *rapid.T) {
	base := m.end
	if rapid.IntRange(0, 9).Draw(t, "gap") == 0 {
		base += wire.Offset(rapid.IntRange(1, 50).Draw(t, "by"))
	}
	m.now += int64(rapid.IntRange(0, 40).Draw(t, "later"))
	b := makeBatch(base, rapid.IntRange(1, 5).Draw(t, "n"), m.now-int64(rapid.IntRange(-30, 30).Draw(t, "skew")),
		rapid.SampledFrom([]int{0, 10, 100, 300, 1000, 3500}).Draw(t, "bytes"))
	a := b.appended(rapid.Bool().Draw(t, "sync"))
	a.AppendTimeMs = m.now
	must2(t, m.log.Append(b.bytes, a))
	m.all, m.end = append(m.all, b), b.next()
}

func must2(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *model) sync(t *rapid.T) {
	end, err := m.log.Sync()
	must2(t, err)
	if end != m.log.End() {
		t.Fatalf("synced to %d of %d", end, m.log.End())
	}
	m.durable = end
}

func (m *model) truncate(t *rapid.T) {
	to := wire.Offset(rapid.Int64Range(int64(m.start), int64(m.end)).Draw(t, "to"))
	must2(t, m.log.Truncate(to))
	m.dropFrom(to)
	m.durable = min(m.durable, m.end)
	if len(m.all) == 0 {
		m.start = max(m.start, m.log.Start()) // nothing was between the old start and a gap
	}
}

// dropFrom removes from the model what Truncate(to) removes.
func (m *model) dropFrom(to wire.Offset) {
	for i, b := range m.all {
		if b.last() >= to {
			m.end, m.all = min(to, b.base), m.all[:i:i]
			m.start = min(m.start, m.end)
			return
		}
	}
	m.end = min(to, m.end)
	m.start = min(m.start, m.end)
}

func (m *model) retain(t *rapid.T) {
	c := *m.config
	c.RetentionMs, c.RetentionBytes = -1, -1
	if rapid.Bool().Draw(t, "by time") {
		c.RetentionMs = int64(rapid.IntRange(0, 2000).Draw(t, "ms"))
	} else {
		c.RetentionBytes = int64(rapid.IntRange(0, 30000).Draw(t, "bytes"))
	}
	m.config = &c
	m.log.SetConfig(&c)
	upTo := wire.Offset(rapid.Int64Range(int64(m.start), int64(m.log.End())).Draw(t, "up to"))
	before := m.log.Segments()
	dropped, err := m.log.Retain(m.now, upTo)
	must2(t, err)
	for i, d := range dropped {
		// Of a segment that nothing has looked into since a kill the size may count what Truncate left in it.
		if d.Base != before[i].Base || d.Bytes > before[i].Bytes || d.Next > upTo {
			t.Fatalf("dropped %+v of %+v, up to %d", d, before, upTo)
		}
	}
	if first := m.log.Segments()[0].Base; m.log.Start() != max(m.start, first) && len(dropped) > 0 {
		t.Fatalf("start is %d, first segment %d", m.log.Start(), first)
	}
	m.start = m.log.Start()
	_, err = m.log.Purge(m.now)
	must2(t, err)
}

func (m *model) setStart(t *rapid.T) {
	m.start = max(m.start, wire.Offset(rapid.Int64Range(0, int64(m.log.End())).Draw(t, "start")))
	must2(t, m.log.SetStart(m.start))
}

func (m *model) startAnew(t *rapid.T) {
	off := wire.Offset(rapid.Int64Range(0, int64(m.end)+20).Draw(t, "at"))
	must2(t, m.log.TruncateFullyAndStartAt(off))
	m.all, m.start, m.end, m.durable = nil, off, off, off
}

func (m *model) reopen(t *rapid.T) {
	must2(t, m.log.Close())
	m.durable = m.log.End()
	m.open(true, false)
}

func (m *model) kill(t *rapid.T) {
	m.checkBytes = rapid.SampledFrom([]int64{1, 3000, -1}).Draw(t, "check bytes")
	if m.fault != nil {
		m.fault.Restart()
	} else {
		m.log.Discard()
	}
	m.open(false, false)
}

func (m *model) powerLoss(t *rapid.T) {
	if m.fault == nil {
		return
	}
	m.fault = m.fault.CrashClone(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
	m.fsys, m.lostPower = m.fault, true
	m.open(false, true)
	end := m.log.End()
	if end < m.durable || end > max(m.end, m.start) {
		t.Fatalf("after a power loss the log ends at %d, durable was %d, end %d", end, m.durable, m.end)
	}
	start := m.start
	m.dropFrom(end)
	m.start, m.end = start, end
	if s := m.log.Start(); s > start && m.durable <= start {
		// The directory was never synced and has lost the name of the first file. That is not told from files that were
		// deleted on purpose, so what is there is kept.
		m.start = s
	}
}

// check compares the log with the model.
func (m *model) check(t *rapid.T) {
	if m.log.Start() != m.start || m.log.End() != m.end || m.log.DurableEnd() < m.durable {
		t.Fatalf("start %d, durable %d, end %d; want %d, %d, %d",
			m.log.Start(), m.log.DurableEnd(), m.log.End(), m.start, m.durable, m.end)
	}
	for len(m.all) > 0 && m.all[0].last() < m.start {
		m.all = m.all[1:]
	}
	want := m.all
	got, err := readAll(m.log, m.start, rapid.SampledFrom([]int{0, 500, 5000, 1 << 20}).Draw(t, "max"))
	must2(t, err)
	if !bytes.Equal(got, joined(want)) {
		t.Fatalf("the log holds %d bytes from %d to %d, the model %d", len(got), m.start, m.log.End(), len(joined(want)))
	}
	if size := m.log.Size(); size < int64(len(got)) {
		t.Fatalf("size is %d, %d were read", size, len(got))
	}
	if len(want) > 0 {
		i := rapid.IntRange(0, len(want)-1).Draw(t, "at")
		off := max(m.start, want[i].base)
		r, err := m.log.Read(off, 1, m.log.End(), true)
		must2(t, err)
		b := make([]byte, r.Span.N)
		_, _ = r.Span.ReadAt(b, 0)
		r.Span.Release()
		if !bytes.Equal(b, want[i].bytes) || r.Next != want[i].next() {
			t.Fatalf("read at %d gives %d bytes and goes on at %d", off, len(b), r.Next)
		}
	}
}

func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"append": m.appendBatch, "append2": m.appendBatch, "append3": m.appendBatch, "append4": m.appendBatch,
		"sync": m.sync, "truncate": m.truncate, "retain": m.retain, "start": m.setStart, "anew": m.startAnew,
		"reopen": m.reopen, "kill": m.kill, "power": m.powerLoss,
		"rest": func(t *rapid.T) { must2(t, m.log.Rest()) },
		"roll": func(t *rapid.T) { must2(t, m.log.Roll()) },
		"":     m.check,
	}
}

func TestModel(t *testing.T) {
	t.Run("os", rapid.MakeCheck(func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "segment")
		must2(t, err)
		defer os.RemoveAll(dir)
		m := &model{t: t, fsys: vfs.OS, dir: dir, config: testConfig(), now: startMs}
		m.open(false, false)
		defer func() { m.log.Discard() }()
		t.Repeat(m.actions())
	}))
	t.Run("faultfs", rapid.MakeCheck(func(t *rapid.T) {
		fsys := faultfs.New()
		must2(t, errors.Join(fsys.Mkdir("/log", 0o755), fsys.SyncDir("/")))
		m := &model{t: t, fsys: fsys, fault: fsys, dir: "/log", config: testConfig(), now: startMs}
		m.open(false, false)
		t.Repeat(m.actions())
	}))
}
