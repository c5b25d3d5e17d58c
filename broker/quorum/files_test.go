package quorum

import (
	"bytes"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tailrace/batch"
	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGoldenLog holds the bytes of a new log: Apache Kafka 4.3.1's kafka-dump-log --cluster-metadata-decoder prints
// them as a LeaderChange of leader 7 and a FEATURE_LEVEL_RECORD of metadata.version 33, valid.
func TestGoldenLog(t *testing.T) {
	fsys := faultfs.New()
	o := options(fsys, new(warnings))
	o.NodeID, o.Now = 7, func() int64 { return 1 }
	l := openWith(t, o)
	got, err := vfs.ReadFile(fsys, files(t, fsys, logSuffix)[0])
	closeLog(t, l)
	want := unhex(t, goldenLog)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n got %x\nwant %x", err, got, want)
	}
}

// TestGoldenSnapshot does the same for a snapshot: SnapshotHeader, records, SnapshotFooter.
func TestGoldenSnapshot(t *testing.T) {
	img, _, err := metadata.Empty().Apply(0, 3, metadata.Bootstrap()...)
	if err != nil {
		t.Fatal(err)
	}
	got, records := encodeSnapshot(img, 5, 9)
	if want := unhex(t, goldenSnapshot); records != 1 || !bytes.Equal(got, want) {
		t.Errorf("%d records\n got %x\nwant %x", records, got, want)
	}
}

func TestNames(t *testing.T) {
	if got := filepath.Base(logName("d", 1234)); got != "00000000000000001234.log" {
		t.Error(got)
	}
	id := snapID{1234, 7}
	if got := filepath.Base(snapName("d", id)); got != "00000000000000001234-0000000007.checkpoint" {
		t.Error(got)
	} else if back, ok := parseSnapName(got); !ok || back != id {
		t.Error(back, ok)
	}
	for _, name := range []string{"", ".log", "1.log", "0000000000000000123x.log", "00000000000000001234.log.deleted",
		"-0000000000000001234.log", "00000000000000001234.index", "000000000000000012345.log"} {
		if _, ok := parseLogName(name); ok {
			t.Errorf("%q is taken for a log file", name)
		}
	}
	for _, name := range []string{"00000000000000001234-0000000007.checkpoint.part", "00000000000000001234.checkpoint",
		"00000000000000001234_0000000007.checkpoint", "0000000000000000123-00000000007.checkpoint"} {
		if _, ok := parseSnapName(name); ok {
			t.Errorf("%q is taken for a snapshot", name)
		}
	}
}

func TestEpochsAreReconciled(t *testing.T) {
	list := func(pairs ...int) (l []epochStart) {
		for i := 0; i < len(pairs); i += 2 {
			l = append(l, epochStart{wire.LeaderEpoch(pairs[i]), wire.Offset(pairs[i+1])})
		}
		return l
	}
	for name, c := range map[string]struct {
		listed, log []epochStart
		from        wire.Offset
		want        []epochStart
		ok          bool
	}{
		"all read":                 {list(1, 0, 2, 10), list(1, 0, 2, 10), 0, list(1, 0, 2, 10), true},
		"newest term not listed":   {list(1, 0), list(1, 0, 2, 10), 0, list(1, 0, 2, 10), true},
		"term began further down":  {list(1, 0, 2, 10), list(2, 20, 3, 30), 20, list(1, 0, 2, 10, 3, 30), true},
		"nothing read":             {list(1, 0, 2, 10), nil, 20, list(1, 0, 2, 10), true},
		"a wrong start":            {list(1, 0, 2, 11), list(1, 0, 2, 10), 0, list(1, 0, 2, 10), false},
		"a term that is not there": {list(1, 0, 2, 10, 3, 20), list(1, 0, 2, 10), 0, list(1, 0, 2, 10), false},
		"a term from the future":   {list(1, 0, 9, 10), list(2, 20), 20, list(2, 20), false},
	} {
		got, ok := reconcileEpochs(c.listed, c.log, c.from)
		if ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
		if back, err := parseEpochs(formatEpochs(c.want)); err != nil || !slices.Equal(back, c.want) {
			t.Errorf("%s: written and read: %v, %v", name, back, err)
		}
	}
	for _, bad := range []string{"", "0\n", "1\n0\n", "0\n2\n1 0\n", "0\n1\n1\n", "0\n2\n2 0\n1 5\n", "0\n2\n1 5\n2 5\n"} {
		if got, err := parseEpochs([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// FuzzOpen puts any bytes behind a log. Opening it neither panics nor loses what was in it.
func FuzzOpen(f *testing.F) {
	var w batchWriter
	w.control(5, 1, 1, controlLeaderChange, leaderChange(1))
	f.Add(w.buf)
	w.buf = nil
	w.begin(5, 1, 1, false)
	w.add(nil, metadata.AppendRecord(nil, &metadata.TopicRecord{Name: "fuzz", ID: topicID(1)}))
	w.finish()
	f.Add(w.buf)
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x31"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		fsys := faultfs.New()
		l := open(t, fsys)
		if err := propose(l, newTopic(2)...); err != nil {
			t.Fatal(err)
		}
		kill(fsys, l)
		name := files(t, fsys, logSuffix)[0]
		b, err := vfs.ReadFile(fsys, name)
		if err == nil {
			err = vfs.WriteFileAtomic(fsys, name, append(b, tail...))
		}
		if err != nil {
			t.Fatal(err)
		}
		if l, err = OpenSingle(options(fsys, new(warnings))); err != nil {
			return
		}
		if id := topicID(2); l.Image().TopicByID(id) == nil && !bytes.Contains(tail, id[:]) {
			t.Error("what was acknowledged is gone")
		}
		closeLog(t, l)
	})
}

func FuzzSnapshot(f *testing.F) {
	img, _, _ := metadata.Empty().Apply(0, 3, append(metadata.Bootstrap(), newTopic(2)...)...)
	b, _ := encodeSnapshot(img, 5, 9)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		// Give mutations a way past the CRC.
		for pos := 0; pos+batch.HeaderSize <= len(b); {
			v, _, code := batch.Next(b[pos:])
			if code != 0 {
				break
			}
			w := batchWriter{buf: b[:pos+len(v)], at: pos, count: int32(v.Count())}
			w.finish()
			pos += len(v)
		}
		l, err := decodeSnapshot(b, snapID{End: 4, Epoch: 3})
		if err == nil && l.img.Offset != 3 {
			t.Errorf("the image stands at %d", l.img.Offset)
		}
	})
}
