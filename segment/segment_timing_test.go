package segment

import (
	"fmt"
	"sync"
	"testing"

	"tailrace/vfs"
	"tailrace/wire"
)

// benchLog is a log with segments of 1 GiB, helpers on goroutines of their own.
func benchLog(b *testing.B, mapBelow int) *Log {
	b.Helper()
	c := testConfig()
	c.SegmentBytes, c.IndexIntervalBytes, c.IndexBytes = 1<<30, 4096, 10<<20
	l, _, err := Open(Options{FS: vfs.OS, Dir: b.TempDir(), Config: c, MapBelow: mapBelow,
		Background: func(job func()) { go job() }})
	must(b, err)
	b.Cleanup(l.Discard)
	return l
}

// keepSmall drops what was written, so that a long run does not fill the disk.
func keepSmall(b *testing.B, l *Log) {
	if l.Size() > 4<<30 {
		b.StopTimer()
		must(b, l.TruncateFullyAndStartAt(l.End()))
		_, err := l.Purge(startMs * 2)
		must(b, err)
		b.StartTimer()
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1 << 10, 16 << 10, 32 << 10, 64 << 10, 256 << 10, 1 << 20} {
		for _, way := range []string{"mapped", "pwrite"} {
			b.Run(fmt.Sprintf("%d/%s", size, way), func(b *testing.B) {
				mapBelow := 2 << 20
				if way == "pwrite" {
					mapBelow = -1
				}
				l := benchLog(b, mapBelow)
				m := makeBatch(0, 1, startMs, size)
				b.SetBytes(int64(len(m.bytes)))
				b.ReportAllocs()
				for b.Loop() {
					off := l.End()
					batchAt(m.bytes, off)
					if err := l.Append(m.bytes, Appended{off, off, startMs, startMs, false}); err != nil {
						b.Fatal(err)
					}
					if off%1024 == 0 {
						keepSmall(b, l)
					}
				}
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	l := benchLog(b, 0)
	m := makeBatch(0, 1, startMs, 1<<10)
	for l.Size() < 1<<30-1<<20 {
		off := l.End()
		batchAt(m.bytes, off)
		must(b, l.Append(m.bytes, Appended{off, off, startMs, startMs, false}))
	}
	end := l.End()
	read := func(b *testing.B, from wire.Offset, max int, limit wire.Offset) wire.Offset {
		r, err := l.Read(from, max, limit, true)
		if err != nil {
			b.Fatal(err)
		}
		r.Span.Release()
		return r.Next
	}
	run := func(name string, next func(b *testing.B, at wire.Offset) wire.Offset) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for at := wire.Offset(0); b.Loop(); {
				if at = next(b, at); at >= end-2000 {
					at = 0
				}
			}
		})
	}
	for _, state := range []string{"active", "sealed"} {
		run(state+"/sequential 64 KiB", func(b *testing.B, at wire.Offset) wire.Offset { return read(b, at, 64<<10, end) })
		run(state+"/sequential 1 MiB", func(b *testing.B, at wire.Offset) wire.Offset { return read(b, at, 1<<20, end) })
		run(state+"/random 64 KiB", func(b *testing.B, at wire.Offset) wire.Offset {
			read(b, (at*7919)%(end-100), 64<<10, end)
			return at + 1
		})
		run(state+"/tail", func(b *testing.B, at wire.Offset) wire.Offset { read(b, end-1, 1<<20, end); return 0 })
		must(b, l.Roll())
		must(b, l.Rest())
	}
}

// BenchmarkSync is group commit on one log: writers that append and wait for a sync by one of them.
func BenchmarkSync(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("%d writers", writers), func(b *testing.B) {
			l := benchLog(b, 0)
			var mu, group sync.Mutex
			m := makeBatch(0, 1, startMs, 4<<10)
			b.SetParallelism(writers / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					mu.Lock()
					off := l.End()
					batchAt(m.bytes, off)
					err := l.Append(m.bytes, Appended{off, off, startMs, startMs, true})
					mu.Unlock()
					for err == nil && l.DurableEnd() <= off {
						group.Lock()
						if l.DurableEnd() <= off {
							_, err = l.Sync()
						}
						group.Unlock()
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkOpenKilled is the start after a kill of a log that was never synced, and after a power loss.
func BenchmarkOpenKilled(b *testing.B) {
	const total = 256 << 20
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		l := benchLog(b, 0)
		for m := makeBatch(0, 1, startMs, size-61); l.Size() < total; m.base++ {
			batchAt(m.bytes, m.base)
			must(b, l.Append(m.bytes, m.appended(false)))
		}
		l.Discard()
		for _, power := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d KiB, power lost %v", size>>10, power), func(b *testing.B) {
				b.SetBytes(total)
				for b.Loop() {
					l, _, err := Open(Options{FS: vfs.OS, Dir: l.dir, Config: l.config.Load(), PowerLoss: power,
						OnBatch: func(Batch) {}})
					must(b, err)
					l.Discard()
				}
			})
		}
	}
}

func BenchmarkOpenClean(b *testing.B) {
	dir := b.TempDir()
	o := Options{FS: vfs.OS, Dir: dir}
	l, _, err := openWith(o)
	must(b, err)
	appendN(b, l, 50)
	must(b, l.Close())
	o.Clean, o.RecoveryPoint = true, l.End()
	b.ReportAllocs()
	for b.Loop() {
		l, _, err := openWith(o)
		if err != nil {
			b.Fatal(err)
		}
		l.Discard()
	}
}
