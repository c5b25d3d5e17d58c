package segment

import (
	"slices"
	"strings"
	"testing"

	"tailrace/batch"
	"tailrace/index"
	"tailrace/vfs"
	"tailrace/wire"
)

// real is a batch with records.
func real(t testing.TB, base wire.Offset, o batch.Options, tss ...int64) made {
	t.Helper()
	var b batch.Builder
	o.BaseOffset, o.LeaderEpoch = base, 7
	b.Reset(o)
	key, value := []byte(nil), []byte("value")
	if o.Control {
		key, value = make([]byte, 4), make([]byte, 6) // an abort marker
	}
	for _, ts := range tss {
		b.Append(ts, key, value)
	}
	v, err := b.Build()
	must(t, err)
	return made{base, len(tss), v.MaxTimestamp(), v}
}

func TestTimestamps(t *testing.T) {
	disks(t, func(t *testing.T, fsys vfs.FS, dir string) {
		c := testConfig()
		c.SegmentBytes = 400
		l := open(t, Options{FS: fsys, Dir: dir, Config: c})
		var tss []int64
		for i := range 40 {
			a, b := int64(1000+i*10), int64(1005+i*10+i%3*30) // the second may be ahead of what follows
			codec := batch.Options{}
			codec.Codec = 4 // zstd
			if i%2 == 0 {
				codec.Codec = 0
			}
			m := real(t, l.End(), codec, a, b)
			must(t, l.Append(m.bytes, m.appended(false)))
			tss = append(tss, a, b)
		}
		for round := range 2 {
			for ts := int64(990); ts < 1500; ts++ {
				for _, limit := range []wire.Offset{80, 33, 1} {
					checkTimestamp(t, l, tss, ts, limit)
				}
			}
			for limit := wire.Offset(0); limit <= 80; limit += 2 { // high watermarks lie between batches
				best := slices.Index(tss, slices.Max(append(tss[:limit:limit], -1)))
				st, ok, err := l.MaxTimestamp(limit)
				must(t, err)
				if ok != (limit > 0) || ok && (st.Offset != wire.Offset(best) || st.Timestamp != tss[best]) {
					t.Fatalf("max timestamp below %d is %+v, want offset %d", limit, st, best)
				}
			}
			if round == 0 {
				must(t, l.Close())
				l = open(t, Options{FS: fsys, Dir: dir, Config: c, Clean: true, RecoveryPoint: l.End()})
			}
		}
		must(t, l.SetStart(20))
		if st, ok, err := l.OffsetForTimestamp(0, 80); err != nil || !ok || st.Offset != 20 {
			t.Errorf("first record is %+v, %v", st, err)
		}
		must(t, l.Close())
	})
}

func checkTimestamp(t *testing.T, l *Log, tss []int64, ts int64, limit wire.Offset) {
	t.Helper()
	want := slices.IndexFunc(tss, func(x int64) bool { return x >= ts })
	st, ok, err := l.OffsetForTimestamp(ts, limit)
	must(t, err)
	if ok != (want >= 0 && want < int(limit)) || ok && (st != Stamp{wire.Offset(want), tss[want], 7}) {
		t.Fatalf("timestamp %d below %d is at %+v (%v), want offset %d", ts, limit, st, ok, want)
	}
}

func TestAbortedTransactions(t *testing.T) {
	fsys := newFaultFS(t)
	c := testConfig()
	c.SegmentBytes = 500
	l := open(t, Options{FS: fsys, Dir: "/log", Config: c})
	add := func(pid int64, control bool, n int) wire.Offset {
		o := batch.Options{Transactional: true, Control: control, Producer: &batch.Producer{ID: pid, Sequence: -1}}
		m := real(t, l.End(), o, slices.Repeat([]int64{startMs}, n)...)
		must(t, l.Append(m.bytes, m.appended(false)))
		return m.base
	}
	var all []index.Aborted
	for i := range 8 {
		one, two := add(1, false, 3), add(2, false, 2)
		mark2 := add(2, true, 1)
		all = append(all, index.Aborted{ProducerID: 2, First: two, Last: mark2, LastStable: one})
		must(t, l.AppendAborted(all[2*i]))
		mark1 := add(1, true, 1)
		all = append(all, index.Aborted{ProducerID: 1, First: one, Last: mark1, LastStable: mark1 + 1})
		must(t, l.AppendAborted(all[2*i+1]))
		must(t, l.AppendAborted(all[2*i])) // a replay is harmless
	}
	dst := make([]index.Aborted, 0, 20)
	if n := testing.AllocsPerRun(100, func() { dst, _ = l.Aborted(dst[:0], 3, 30) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	check := func(l *Log) { t.Helper(); checkAborted(t, l, all) }
	check(l)
	must(t, l.Close())
	for name, data := range files0(t, fsys) {
		if strings.HasSuffix(name, txnSuffix) && len(data) > 34 {
			data[20] ^= 0x40
			write(t, fsys, name, data)
			break
		}
	}
	warned := 0
	l = open(t, Options{FS: fsys, Dir: "/log", Config: c, Clean: true, RecoveryPoint: l.End(),
		Warn: func(string, ...any) { warned++ }})
	check(l)
	if warned != 1 {
		t.Errorf("%d warnings", warned)
	}
	must(t, l.Truncate(all[5].Last))
	all = all[:5]
	check(l)
	fsys.Restart()
	l = open(t, Options{FS: fsys, Dir: "/log", Config: c, RecoveryPoint: all[3].Last})
	for _, a := range all[3:] {
		must(t, l.AppendAborted(a))
	}
	check(l)
}

func checkAborted(t *testing.T, l *Log, all []index.Aborted) {
	t.Helper()
	for from := wire.Offset(0); from < l.End(); from++ {
		for _, to := range []wire.Offset{from + 1, from + 5, l.End()} {
			got, err := l.Aborted(nil, from, to)
			must(t, err)
			var want []index.Aborted
			for _, a := range all {
				if a.Last >= from && a.First < to {
					want = append(want, a)
				}
			}
			slices.SortFunc(want, func(a, b index.Aborted) int { return int(a.First - b.First) })
			if !slices.Equal(got, want) {
				t.Fatalf("aborted in [%d, %d): %v, want %v", from, to, got, want)
			}
		}
	}
}
