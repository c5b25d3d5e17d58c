package segment

import (
	"bytes"
	"testing"

	"tailrace/batch"
	"tailrace/wire"
)

// FuzzRecover: whatever the files hold, opening gives a log that serves batches with a right CRC from the recovery
// point on, takes appends, and opens again; or an error. And the good beginning of a log is not lost to what follows
// it. What is believed by its header need not have a right CRC, but for the last batch.
func FuzzRecover(f *testing.F) {
	files, _ := small(f, 5, testConfig())
	good := files[first+logSuffix]
	f.Add(good, []byte{}, files[first+indexSuffix], files[first+timeSuffix], uint16(0), uint8(0))
	f.Add(good, make([]byte, 200), []byte{0, 0, 0, 3, 0, 0, 1, 9}, []byte("time"), uint16(3), uint8(1))
	f.Add(good, good[10:100], []byte{}, []byte{}, uint16(2), uint8(2))
	f.Add([]byte{}, good, []byte{}, []byte{}, uint16(0), uint8(3))
	f.Add(good, good[:700], []byte{}, []byte{}, uint16(0), uint8(4))
	f.Fuzz(func(t *testing.T, log, tail, offsets, times []byte, point uint16, mode uint8) {
		o := Options{Dir: "/log", RecoveryPoint: wire.Offset(point), PowerLoss: mode&1 != 0, Clean: mode&2 != 0}
		believing := mode&4 != 0
		if believing {
			o.CheckBytes = 1
		}
		o.FS = lay(t, map[string][]byte{
			first + logSuffix:   append(bytes.Clone(log), tail...),
			first + indexSuffix: offsets, first + timeSuffix: times,
		})
		l, _, err := openWith(o)
		if err != nil {
			return
		}
		if point == 0 && !o.Clean && bytes.Equal(log, good) && l.Size() < int64(len(good)) {
			t.Fatalf("of %d good bytes %d are left", len(good), l.Size())
		}
		if point == 0 && !believing {
			mustBeSound(t, l)
		}
		m := makeBatch(l.End(), 1, startMs, 10)
		if err := l.Append(m.bytes, m.appended(false)); err != nil {
			return
		}
		if point > 0 {
			return
		}
		must(t, l.Close())
		o.Clean, o.RecoveryPoint = true, l.End()
		l = open(t, o)
		if !believing {
			mustBeSound(t, l)
		}
		if all, err := readAll(l, 0, 1<<20); err != nil || !bytes.HasSuffix(all, m.bytes) {
			t.Fatalf("the last batch is gone: %v", err)
		}
	})
}

func mustBeSound(t *testing.T, l *Log) {
	t.Helper()
	all, err := readAll(l, 0, 1<<20)
	must(t, err)
	for next := wire.Offset(0); len(all) > 0; {
		v, rest, code := batch.Next(all)
		if code != 0 || v.CRC() != v.ComputeCRC() || v.BaseOffset() < next {
			t.Fatalf("a bad batch is served at %d", next)
		}
		all, next = rest, v.LastOffset()+1
	}
}
