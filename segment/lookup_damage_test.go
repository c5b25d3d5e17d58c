package segment

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// TestTimeIndexThatLies flips every byte of a time index. Whatever it says, a lookup by time finds the first record
// that is young enough, and retention by time drops nothing that is not old; at most one warning tells of it.
func TestTimeIndexThatLies(t *testing.T) {
	c := testConfig()
	c.SegmentBytes, c.RetentionMs = 16<<10, 1_000_000
	fsys := faultfs.New()
	must(t, fsys.Mkdir("/log", 0o755))
	l := open(t, Options{FS: fsys, Dir: "/log", Config: c})
	var all []made
	for i := range int64(130) {
		m := real(t, l.End(), batch.Options{}, startMs+i*10, startMs+i*10)
		must(t, l.Append(m.bytes, m.appended(false)))
		all = append(all, m)
	}
	end := l.End()
	must(t, l.Close())
	files := files0(t, fsys)
	raw := files[first+timeSuffix]
	dir := t.TempDir() // a real one: files of faultfs have no age
	for at := range raw {
		for _, mask := range []byte{0x01, 0x80} {
			flipped := slices.Clone(raw)
			flipped[at] ^= mask
			files[first+timeSuffix] = flipped
			for name, data := range files {
				must(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
			}
			warned := 0
			l, _, err := openWith(Options{FS: vfs.OS, Dir: dir, Config: c, Clean: true, RecoveryPoint: end,
				Warn: func(string, ...any) { warned++ }})
			must(t, err)
			if dropped, err := l.Retain(startMs+999_999, end); err != nil || len(dropped) > 0 {
				t.Fatalf("byte %d: retention dropped %v, %v", at, dropped, err)
			}
			for _, m := range all {
				st, found, err := l.OffsetForTimestamp(m.ts, end)
				if err != nil || !found || st.Offset != m.base || st.Timestamp != m.ts {
					t.Fatalf("byte %d: timestamp %d is found at %+v (%v, %v), it stands at %d", at, m.ts, st, found, err, m.base)
				}
			}
			if warned > 1 {
				t.Fatalf("byte %d: %d warnings", at, warned)
			}
			l.Discard()
		}
	}
}
