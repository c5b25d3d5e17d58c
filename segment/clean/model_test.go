package clean

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
	"tailrace/batch"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// model is a compacted log as the list of all records that were ever written to it.
type model struct {
	t       *rapid.T
	fsys    *faultfs.FS
	log     *segment.Log
	all     []found
	start   wire.Offset
	durable wire.Offset
	cleaned wire.Offset
	floor   wire.Offset // up to here superseded records may have gone: the log is not cut below it
	now     int64
	seq     map[int64]int32
	last    map[int64]Producer
}

func (m *model) open(clean, powerLoss bool) {
	m.log = open(m.t, m.fsys, segment.Options{
		RecoveryPoint: m.durable, LogStart: m.start, Clean: clean, PowerLoss: powerLoss,
	})
}

func (m *model) write(t *rapid.T) {
	pid := int64(rapid.IntRange(-1, 2).Draw(t, "producer"))
	o := batch.Options{BaseOffset: m.log.End(), Codec: rapid.SampledFrom(codecs).Draw(t, "codec")}
	if pid >= 0 {
		o.Producer = &batch.Producer{ID: pid, Sequence: m.seq[pid]}
	}
	var list []rec
	for i := range rapid.IntRange(1, 5).Draw(t, "records") {
		r := rec{key: fmt.Sprint("k", rapid.IntRange(0, 9).Draw(t, "key"))}
		if rapid.IntRange(0, 2).Draw(t, "tombstone") > 0 {
			r.value = fmt.Sprint("value of ", o.BaseOffset, i)
		}
		list = append(list, r)
	}
	m.now += int64(rapid.IntRange(0, 300).Draw(t, "later"))
	v := build(m.t, o, m.now, list...)
	must(m.t, store(m.log, v))
	for i, r := range list {
		m.all = append(m.all, found{o.BaseOffset + wire.Offset(i), r.key, r.value, r.value == ""})
	}
	if pid >= 0 {
		m.seq[pid] += int32(len(list))
		m.last[pid] = Producer{Last: v.LastOffset()}
	}
}

func (m *model) sync(*rapid.T) {
	end, err := m.log.Sync()
	must(m.t, err)
	m.durable = end
}

func (m *model) clean(t *rapid.T) {
	o := options(m.now)
	o.Producers = m.last
	o.SegmentBytes = int64(rapid.IntRange(1, 4000).Draw(t, "segment bytes"))
	o.KeyBytes = slotBytes * int64(rapid.SampledFrom([]int{8, 12, 1000}).Draw(t, "slots"))
	stable := wire.Offset(rapid.Int64Range(int64(m.floor), int64(max(m.floor, m.log.End()))).Draw(t, "stable"))
	d, err := Measure(m.log, &o.Config, m.cleaned, stable, m.now)
	must(m.t, err)
	if d.To > max(stable, m.log.Start()) {
		t.Fatalf("debt %+v where %d is stable", d, stable)
	}
	if !d.Due {
		return
	}
	m.floor = max(m.floor, d.To)
	end := m.log.End()
	res, err := Clean(m.log, d, o)
	var many *TooManyKeysError
	if errors.As(err, &many) {
		return
	}
	must(m.t, err)
	if res.To <= d.From || res.To > d.To || res.After > res.Before+1000 || m.log.End() != end {
		t.Fatalf("debt %+v, result %+v, end %d, was %d", d, res, m.log.End(), end)
	}
	m.cleaned = res.To
	m.onceBelow(t, res.To)
	m.producers(t)
}

// onceBelow: each key at most once in the clean part.
func (m *model) onceBelow(t *rapid.T, to wire.Offset) {
	seen := map[string]wire.Offset{}
	for _, r := range records(m.t, m.log) {
		if at, twice := seen[r.key]; twice && r.offset < to {
			t.Fatalf("clean up to %d, and %s stands at %d and %d", to, r.key, at, r.offset)
		}
		seen[r.key] = r.offset
	}
}

// producers: the last batch of each is in the log.
func (m *model) producers(t *rapid.T) {
	seen := map[int64]wire.Offset{}
	must(m.t, m.log.Batches(m.log.Start(), func(b segment.Batch, _ vfs.Pos) error {
		seen[b.ProducerID()] = b.LastOffset()
		return nil
	}))
	for pid, p := range m.last {
		if p.Last >= m.log.Start() && seen[pid] != p.Last {
			t.Fatalf("producer %d ends with %d, in the log with %d", pid, p.Last, seen[pid])
		}
	}
}

func (m *model) cut(t *rapid.T) {
	low := max(m.floor, m.start)
	if low >= m.log.End() {
		return
	}
	to := wire.Offset(rapid.Int64Range(int64(low), int64(m.log.End())).Draw(t, "to"))
	if first := m.baseOf(to); first < low {
		return // the batch that holds to goes as a whole
	}
	must(m.t, m.log.Truncate(to))
	m.forget()
	m.durable = min(m.durable, m.log.End())
}

func (m *model) baseOf(off wire.Offset) wire.Offset {
	base := off
	must(m.t, m.log.Batches(m.log.Start(), func(b segment.Batch, _ vfs.Pos) error {
		if b.BaseOffset() <= off && off <= b.LastOffset() {
			base = b.BaseOffset()
		}
		return nil
	}))
	return base
}

// forget drops what lies at or above the log's end.
func (m *model) forget() {
	for len(m.all) > 0 && m.all[len(m.all)-1].offset >= m.log.End() {
		m.all = m.all[:len(m.all)-1]
	}
	for pid, p := range m.last {
		if p.Last >= m.log.End() {
			delete(m.last, pid)
		}
	}
}

func (m *model) raise(t *rapid.T) {
	m.start = max(m.start, wire.Offset(rapid.Int64Range(0, int64(m.log.End())).Draw(t, "start")))
	must(m.t, m.log.SetStart(m.start))
	_, err := m.log.Retain(m.now, m.log.End())
	must(m.t, err)
	_, err = m.log.Purge(m.now)
	must(m.t, err)
	m.start = m.log.Start()
}

func (m *model) reopen(*rapid.T) {
	must(m.t, m.log.Close())
	m.durable = m.log.End()
	m.open(true, false)
}

func (m *model) kill(*rapid.T) {
	m.fsys.Restart()
	m.open(false, false)
}

func (m *model) powerLoss(t *rapid.T) {
	m.fsys = m.fsys.CrashClone(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
	m.open(false, true)
	if m.log.End() < max(m.durable, m.cleaned) {
		t.Fatalf("the log ends at %d, durable was %d, cleaned %d", m.log.End(), m.durable, m.cleaned)
	}
	m.start = max(m.start, m.log.Start())
	m.forget()
}

func (m *model) check(t *rapid.T) {
	var since []found
	for _, r := range m.all {
		if r.offset >= m.start {
			since = append(since, r)
		}
	}
	if got, want := show(newest(records(m.t, m.log))), show(newest(since)); got != want {
		t.Fatalf("from %d, cleaned up to %d, the log adds up to\n%s, want\n%s", m.start, m.cleaned, got, want)
	}
	must(m.t, walkAll(m.log))
}

// walkAll reads from start to end as fetches do.
func walkAll(l *segment.Log) error {
	for from := l.Start(); from < l.End(); {
		r, err := l.Read(from, 500, l.End(), true)
		if err != nil {
			return err
		}
		r.Span.Release()
		if r.Next <= from {
			return fmt.Errorf("read at %d goes on at %d", from, r.Next)
		}
		from = r.Next
	}
	return nil
}

// TestModel does everything to a compacted log in any order.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, fsys: newFS(t), now: startMs, seq: map[int64]int32{}, last: map[int64]Producer{}}
		m.open(false, false)
		m.sync(t)
		t.Repeat(map[string]func(*rapid.T){
			"write": m.write, "write2": m.write, "write3": m.write, "sync": m.sync, "clean": m.clean, "clean2": m.clean,
			"roll":     func(*rapid.T) { must(m.t, m.log.Roll()) },
			"truncate": m.cut, "start": m.raise, "reopen": m.reopen, "kill": m.kill, "power": m.powerLoss,
			"rest": func(*rapid.T) { must(m.t, m.log.Rest()) },
			"":     m.check,
		})
	})
}
