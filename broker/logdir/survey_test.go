package logdir

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

func TestLookSortsWhatLiesThere(t *testing.T) {
	fsys := faultfs.New()
	if _, err := Look(fsys, "log"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing directory: %v", err)
	}
	if err := Format(fsys, "log", "cluster", 4); err != nil {
		t.Fatal(err)
	}
	s, err := Look(fsys, "log")
	if err != nil || !s.Formatted || s.Identity.ClusterID != "cluster" || s.Identity.NodeID != 4 || s.Clean ||
		s.Epoch != -1 || len(s.Identity.DirectoryID) != 22 {
		t.Errorf("%+v, %v", s, err)
	}
	id := wire.TopicID{1, 2, 3}
	for _, name := range []string{"orders-0", "a-b-12", MetadataLogName, "t-0.0123-delete", "t-0.0123-stray",
		"t-1.0123-future", "lost+found", "odd"} {
		if err := fsys.Mkdir(filepath.Join("log", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		CleanStopFile: `{"version":0,"brokerEpoch":13}`, bootFile: "x",
		"orders-0/" + PartitionMetadataFile: "version: 0\ntopic_id: " + id.String(),
	} {
		if err := vfs.WriteFileAtomic(fsys, filepath.Join("log", name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	before := fsys.Ops()
	s, err = Look(fsys, "log")
	if err != nil || fsys.Ops() != before {
		t.Errorf("%v, %d operations", err, fsys.Ops()-before)
	}
	if !s.Clean || s.Epoch != 13 || !s.Used || !s.MetadataLog || len(s.Partitions) != 2 ||
		s.Partitions[0].Key != (Key{"a-b", 12}) || !s.Partitions[0].ID.IsZero() || s.Partitions[1].ID != id {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(s.Stray, []string{"t-0.0123-stray"}) || !slices.Equal(s.Future, []string{"t-1.0123-future"}) ||
		!slices.Equal(s.Unknown, []string{"odd"}) {
		t.Errorf("aside: %v %v %v", s.Stray, s.Future, s.Unknown)
	}
}

func TestClaimKeepsOthersAway(t *testing.T) {
	fsys := faultfs.New()
	if err := fsys.Mkdir("log", 0o755); err != nil {
		t.Fatal(err)
	}
	release, err := Claim(fsys, "log")
	if _, statErr := fsys.Stat("log/" + LockFile); err != nil || !errors.Is(statErr, fs.ErrNotExist) || release() != nil {
		t.Errorf("a directory that was never used: %v, %v", err, statErr)
	}
	if err := vfs.WriteFileAtomic(fsys, "log/"+LockFile, nil); err != nil {
		t.Fatal(err)
	}
	if release, err = Claim(fsys, "log"); err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(fsys, "log"); err == nil {
		t.Error("claimed twice")
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if release, err = Claim(fsys, "log"); err != nil || release() != nil {
		t.Error(err)
	}
}
