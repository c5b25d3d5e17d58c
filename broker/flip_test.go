package broker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/batch"
	"tailrace/broker/partition"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire/errcode"
)

// flipSegment is a size of segments that is worth an index.
const flipSegment = 16 << 10

// flipHouse fills a house with two topics, "t" with several segments and
// "other" beside it, and ends it in order or by a kill.
func flipHouse(t *testing.T, clean bool) (*faultfs.FS, *model) {
	t.Helper()
	fsys := faultfs.New()
	s := &script{m: newModel(), w: &warnings{}, fsys: fsys, segment: flipSegment}
	s.step(s.open)
	s.create("t", 1)
	s.create("other", 1)
	s.write("other", 0, 3)
	s.write("t", 0, 60)
	s.pass(7000) // the checkpoints stand in the middle of the log
	s.write("t", 0, 50)
	if clean {
		s.step(s.stop)
	}
	s.leave()
	fsys.Restart()
	if s.err != nil || len(s.w.all()) > 0 {
		t.Fatalf("%v\nlogged:\n%s", s.err, s.w)
	}
	return fsys, s.m
}

// find is the n-th file of a directory whose name ends in suffix, or the last.
func find(t *testing.T, fsys vfs.FS, dir, suffix string, n int) string {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	if n < 0 {
		n = len(names) - 1
	}
	return names[n]
}

// flip changes one bit of a file.
func flip(t *testing.T, fsys vfs.FS, name string, at int64) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << (at % 8)
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// use makes every use of a topic's files: it reads from each offset, looks for
// each timestamp, and writes.
func use(h *house, m *model, topic string) error {
	l := m.topics[topic][0]
	p, code := h.at(topic, 0)
	if code != errcode.None {
		return code
	}
	for off := p.LogStart(); off < p.HighWatermark(); off++ {
		r := p.Read(partition.ReadRequest{
			Offset: off, MaxBytes: 1, MinOne: true, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1,
		})
		bytes := make([]byte, r.Span.N)
		if r.Code != errcode.None || r.Span.N == 0 {
			return fmt.Errorf("read at %d: %v, %d bytes", off, r.Code, r.Span.N)
		}
		_, err := r.Span.ReadAt(bytes, 0)
		r.Span.Release()
		if err != nil {
			return err
		}
		if v, _, code := batch.Next(bytes); code != errcode.None || v.BaseOffset() > off || v.LastOffset() < off {
			return fmt.Errorf("what is read at %d does not hold that offset", off)
		}
	}
	for _, s := range l.sent {
		ts := batch.View(s.bytes).MaxTimestamp()
		if at, code := p.ListOffset(ts, false, -1); code != errcode.None || at.Offset != s.base || at.Timestamp != ts {
			return fmt.Errorf("timestamp %d is found at %+v (%v), it stands at %d", ts, at, code, s.base)
		}
	}
	if err := m.check(h, false); err != nil {
		return err
	}
	return m.goOn(h)
}

// flippedFile is a kind of file of a log directory that can be rebuilt.
type flippedFile struct {
	name        string
	dir, suffix string
	n           int  // which of several; -1 is the newest
	index       bool // an entry that nothing leads to may stay unnoticed: it is a hint, and harms nobody
	rebuilt     bool // it is made anew after a kill in any case, without a word
	last        bool // only the last batch of a producer is known afterwards
}

var flippedFiles = []flippedFile{
	{name: "offset index of a full segment", dir: partDir, suffix: ".index", index: true},
	{name: "offset index of the active segment", dir: partDir, suffix: ".index", n: -1, index: true, rebuilt: true},
	{name: "time index of a full segment", dir: partDir, suffix: ".timeindex", index: true},
	{name: "time index of the active segment", dir: partDir, suffix: ".timeindex", n: -1, index: true, rebuilt: true},
	{name: "newest producer snapshot", dir: partDir, suffix: ".snapshot", n: -1},
	{name: "leader epochs", dir: partDir, suffix: "leader-epoch-checkpoint"},
	{name: "topic id", dir: partDir, suffix: "partition.metadata"},
	{name: "recovery points", dir: logDir, suffix: "recovery-point-offset-checkpoint"},
	{name: "log starts", dir: logDir, suffix: "log-start-offset-checkpoint"},
	{name: "high watermarks", dir: logDir, suffix: "replication-offset-checkpoint"},
	{name: "producer memory", dir: logDir, suffix: "tailrace-producers", last: true},
}

const logDir, partDir = "/data/log", "/data/log/t-0"

// TestFlippedByteBesideTheLog flips bytes of each file that can be rebuilt: one
// in seven, or with TAILRACE_TEST_EVERY set, each. What is served stays right,
// and the broker says so once.
func TestFlippedByteBesideTheLog(t *testing.T) {
	for _, file := range flippedFiles {
		for _, clean := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/clean=%v", file.name, clean), func(t *testing.T) {
				flipEach(t, file, clean)
			})
		}
	}
}

func flipEach(t *testing.T, file flippedFile, clean bool) {
	noticed, tried, step := 0, 0, 13
	if os.Getenv("TAILRACE_TEST_EVERY") != "" {
		step = 1
	}
	r := rand.New(rand.NewPCG(crashSeed(t), 0))
	for at, size := int64(0), int64(1); at < size && !t.Failed(); at += 1 + int64(r.IntN(step)) {
		tried++
		w := &warnings{}
		err := inBubble(t, func() (err error) { size, err = flipOne(t, file, clean, at, w); return err })
		lines := w.all()
		if err != nil || len(lines) > 1 || len(lines) == 0 && !file.index ||
			len(lines) == 1 && !strings.HasPrefix(lines[0], "WARN") {
			t.Errorf("byte %d of %d: %v\n%d lines logged, one warning wanted:\n%s", at, size, err, len(lines), w)
		}
		noticed += len(lines)
	}
	if noticed < tried*4/5 && (clean || !file.rebuilt) {
		t.Errorf("only %d of %d flips were noticed", noticed, tried)
	}
}

// flipOne flips a byte, and uses what it belongs to.
func flipOne(t *testing.T, file flippedFile, clean bool, at int64, w *warnings) (size int64, err error) {
	fsys, m := flipHouse(t, clean)
	name := find(t, fsys, file.dir, file.suffix, file.n)
	info, err := fsys.Stat(name)
	if err != nil {
		return 0, err
	}
	flip(t, fsys, name, at)
	h, err := openHouseOf(fsys, w, flipSegment)
	if err != nil {
		return 0, err
	}
	defer h.leave()
	if file.last {
		m.forgetOlder()
	}
	return info.Size(), use(h, m, "t")
}
