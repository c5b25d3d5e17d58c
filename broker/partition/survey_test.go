package partition

import (
	"path/filepath"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

func TestLook(t *testing.T) {
	fsys := faultfs.New()
	if _, err := Look(fsys, "t-0"); err == nil {
		t.Error("a directory that is not there")
	}
	if err := fsys.Mkdir("t-0", 0o755); err != nil {
		t.Fatal(err)
	}
	if s, err := Look(fsys, "t-0"); err != nil || s != (Survey{LatestEpoch: wire.NoLeaderEpoch}) {
		t.Errorf("empty: %+v, %v", s, err)
	}
	write := func(name string, b []byte) {
		t.Helper()
		if err := vfs.WriteFileAtomic(fsys, filepath.Join("t-0", name), b); err != nil {
			t.Fatal(err)
		}
	}
	quiet := producers{byID: map[int64]*producer{7: {id: 7, txnFirst: -1}}}
	write("00000000000000000000.log", make([]byte, 100))
	write("00000000000000000009.log", make([]byte, 30))
	write("00000000000000000000.txnindex", nil)
	write("00000000000000000009.snapshot", quiet.encodeSnapshot())
	write(epochFile, []byte("0\n2\n1 0\n5 9\n"))
	want := Survey{LogBytes: 130, LatestEpoch: 5}
	if s, err := Look(fsys, "t-0"); err != nil || s != want {
		t.Errorf("%+v, %v; want %+v", s, err, want)
	}
	open := producers{byID: map[int64]*producer{7: {id: 7, txnFirst: -1}, 8: {id: 8, txnFirst: 3}}}
	write("00000000000000000010.snapshot", open.encodeSnapshot())
	write("00000000000000000009.txnindex", make([]byte, 34))
	want.Open, want.Aborted = true, true
	if s, err := Look(fsys, "t-0"); err != nil || s != want {
		t.Errorf("%+v, %v; want %+v", s, err, want)
	}
	write(epochFile, []byte("nonsense"))
	want.LatestEpoch = wire.NoLeaderEpoch
	if s, err := Look(fsys, "t-0"); err != nil || s != want {
		t.Errorf("damaged epochs: %+v, %v; want %+v", s, err, want)
	}
}
