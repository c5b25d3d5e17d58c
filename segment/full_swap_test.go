package segment

import (
	"strings"
	"syscall"
	"testing"
)

// TestFullDiskWhileOldFilesGo: a directory may need a block for the longer name of a file that is on its way out. On a
// full disk it is unlinked at once: what is to make room must not need any, and the log is not closed for it.
func TestFullDiskWhileOldFilesGo(t *testing.T) {
	met := false
	for n, done := 1, false; !done; n++ {
		fsys := newFaultFS(t)
		l, all := threeSegments(t, fsys, "/log")
		fsys.FailNth(n, syscall.ENOSPC)
		r, err := l.Replace(0, 6, 0)
		if err == nil {
			if err = r.Batches(func(b Batch, _ bool) error { return r.Append(b) }); err == nil {
				err = r.Commit()
			}
			r.Abort()
		}
		done = err == nil && fsys.Injected() == 0
		met = met || err == nil && !done
		fsys.ClearFaults()
		if err != nil && strings.Contains(err.Error(), deletedSuffix) {
			t.Errorf("operation %d: %v", n, err)
		}
		mustHold(t, l, all)
	}
	if !met {
		t.Error("no operation failed without consequence")
	}
}
