package clean

import (
	"fmt"
	"math"
	"sort"
	"testing"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

const startMs = 1_700_000_000_000

// fataler is what *testing.T and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func must(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newFS(t fataler) *faultfs.FS {
	t.Helper()
	fsys := faultfs.New()
	must(t, fsys.Mkdir("/log", 0o755))
	must(t, fsys.SyncDir("/"))
	return fsys
}

func logConfig() *segment.Config {
	return &segment.Config{
		SegmentBytes: 2000, IndexBytes: 1 << 20, IndexIntervalBytes: 300, RetentionMs: -1, RetentionBytes: -1,
	}
}

func cleanConfig() Config {
	return Config{MaxLagMs: math.MaxInt64, DeleteRetentionMs: 1000}
}

// open opens the log of a file system. A log that warns is a fault unless power was lost.
func open(t fataler, fsys vfs.FS, o segment.Options) *segment.Log {
	t.Helper()
	o.FS, o.Dir = fsys, "/log"
	if o.Config == nil {
		o.Config = logConfig()
	}
	o.Now = func() int64 { return startMs }
	if !o.PowerLoss && o.Warn == nil {
		o.Warn = func(msg string, args ...any) { t.Fatalf("warned: %s %v", msg, args) }
	}
	l, _, err := segment.Open(o)
	must(t, err)
	return l
}

// rec is a record as the tests give it: an empty value is a tombstone, an empty key none.
type rec struct{ key, value string }

func bytesOf(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// build makes a batch of records.
func build(t fataler, o batch.Options, ts int64, records ...rec) batch.View {
	t.Helper()
	var b batch.Builder
	if o.Level == 0 {
		o.Level = codec.DefaultLevel(o.Codec)
	}
	b.Reset(o)
	for _, r := range records {
		b.Append(ts, bytesOf(r.key), bytesOf(r.value))
	}
	v, err := b.Build()
	must(t, err)
	return v
}

// put appends a batch of records to the end of the log.
func put(t fataler, l *segment.Log, o batch.Options, ts int64, records ...rec) {
	t.Helper()
	o.BaseOffset = l.End()
	must(t, store(l, build(t, o, ts, records...)))
}

func store(l *segment.Log, v batch.View) error {
	return l.Append(v, segment.Appended{
		Base: v.BaseOffset(), Last: v.LastOffset(), MaxTimestamp: v.MaxTimestamp(), AppendTimeMs: startMs,
	})
}

// found is a record as it stands in a log.
type found struct {
	offset     wire.Offset
	key, value string
	tombstone  bool
}

func (f found) String() string {
	if f.tombstone {
		return fmt.Sprintf("%d:%s", f.offset, f.key)
	}
	return fmt.Sprintf("%d:%s=%s", f.offset, f.key, f.value)
}

// records reads all records from the log start on, control records aside.
func records(t fataler, l *segment.Log) []found {
	t.Helper()
	var all []found
	var w batch.Walker
	var r batch.Record
	must(t, l.Batches(l.Start(), func(b segment.Batch, _ vfs.Pos) error {
		if b.IsControl() {
			return nil
		}
		for w.Reset(b, 0); w.Next(&r); {
			if r.Offset >= l.Start() {
				all = append(all, found{r.Offset, string(r.Key), string(r.Value), r.Value == nil})
			}
		}
		return w.Err()
	}))
	return all
}

// batches lists the batches of the log by their offsets, with the number of records.
func batches(t fataler, l *segment.Log) []string {
	t.Helper()
	var all []string
	must(t, l.Batches(l.Start(), func(b segment.Batch, _ vfs.Pos) error {
		all = append(all, fmt.Sprintf("%d-%d×%d", b.BaseOffset(), b.LastOffset(), b.Count()))
		return nil
	}))
	return all
}

// newest is what the records add up to: the newest value of each key that is not deleted.
func newest(all []found) map[string]string {
	m := map[string]string{}
	for _, r := range all {
		if r.tombstone {
			delete(m, r.key)
		} else {
			m[r.key] = r.value
		}
	}
	return m
}

func show(m map[string]string) string {
	var list []string
	for k, v := range m {
		list = append(list, k+"="+v)
	}
	sort.Strings(list)
	return fmt.Sprint(list)
}

func mustBe(t *testing.T, l *segment.Log, want string) {
	t.Helper()
	if got := fmt.Sprint(records(t, l)); got != want {
		t.Errorf("the log holds\n%s, want\n%s", got, want)
	}
}

func options(nowMs int64) *Options {
	return &Options{
		Config: cleanConfig(), SegmentBytes: 2000, IndexBytes: 1 << 20, NowMs: nowMs, KeyBytes: 1 << 20, KeyLoad: 0.9,
		Spend: func(int) error { return nil },
	}
}

// run syncs, measures and cleans, from where the last cleaning ended, and tells where this one did.
func run(t fataler, l *segment.Log, cleaned wire.Offset, o *Options) wire.Offset {
	t.Helper()
	_, err := l.Sync()
	must(t, err)
	d, err := Measure(l, &o.Config, cleaned, l.End(), o.NowMs)
	must(t, err)
	if !d.Due {
		return d.From
	}
	res, err := Clean(l, d, o)
	must(t, err)
	return res.To
}

var codecs = []codec.ID{codec.None, codec.Gzip, codec.Snappy, codec.LZ4, codec.Zstd}
