package segment

import (
	"testing"

	"tailrace/wire"
)

// TestGapBetweenSegments: after a power cut a segment that begins above the end of the one before it follows a lost
// write, but not where the log was compacted: segments that Kafka's cleaner has made need not adjoin.
func TestGapBetweenSegments(t *testing.T) {
	first, second := makeBatch(0, 2, startMs, 100), makeBatch(6, 2, startMs, 100)
	for _, c := range []struct {
		name    string
		cleaned wire.Offset
		want    []made
	}{
		{"never compacted", 0, []made{first}},
		{"compacted, but not so far", 5, []made{first}},
		{"compacted", 6, []made{first, second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := newFaultFS(t)
			write(t, fsys, baseName(0)+".log", first.bytes)
			write(t, fsys, baseName(6)+".log", second.bytes)
			l, rec, err := openWith(Options{FS: fsys, Dir: "/log", PowerLoss: true, Cleaned: c.cleaned})
			must(t, err)
			mustHold(t, l, c.want)
			if lost := 2 - len(c.want); len(rec.Truncated) != lost {
				t.Errorf("%d segments were lost, told is %v", lost, rec.Truncated)
			}
			must(t, l.Close())
		})
	}
}
