package quorum

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/broker/metadata"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// foreign reads the log of a test as somebody else's and gives the image it adds up to, and how many records came.
func foreign(fsys vfs.FS) (img *metadata.Image, records int, end ForeignEnd, err error) {
	c := metadata.NewChange(metadata.Empty())
	end, err = ReadForeign(fsys, LogDir(dataDir), func(r ForeignRecord) error {
		if r.Control {
			return nil
		}
		records++
		decoded, err := metadata.DecodeRecord(r.Value)
		if err == nil {
			err = c.Apply(r.Offset, r.Epoch, decoded)
		}
		return err
	})
	return c.Image(), records, end, err
}

func TestForeignLogIsReadAsOurs(t *testing.T) {
	fsys, want := history(t, true)
	img, records, end, err := foreign(fsys)
	if err != nil || content(img) != want || records == 0 {
		t.Fatalf("%d records, %v", records, err)
	}
	if again, err := EndOfForeign(fsys, LogDir(dataDir)); err != nil || again != end {
		t.Errorf("it ends at %+v, by its headers at %+v, %v", end, again, err)
	}
	l := open(t, fsys)
	if next := l.Image().Offset; next != end.Offset || l.LeaderEpoch() != end.Epoch+1 {
		t.Errorf("it ends at %+v, and opens at %d in term %d", end, next, l.LeaderEpoch())
	}
	closeLog(t, l)
}

func TestForeignLogWithTornEnd(t *testing.T) {
	fsys, _ := history(t, true)
	whole, _, end, err := foreign(fsys)
	if err != nil {
		t.Fatal(err)
	}
	logs := files(t, fsys, logSuffix)
	torn := damaged(t, fsys, logs[len(logs)-1], func(b []byte) []byte { return append(b, b[:70]...) })
	img, _, cut, err := foreign(torn)
	if err != nil || cut.TornBytes != 70 || cut.Offset != end.Offset || content(img) != content(whole) {
		t.Errorf("ends at %+v, want %+v and 70 torn bytes; %v", cut, end, err)
	}
}

// TestDamagedForeignLogIsRefused flips a byte of every place in snapshot and log: nothing of it may be passed over.
func TestDamagedForeignLogIsRefused(t *testing.T) {
	fsys, want := history(t, true)
	snaps, logs := files(t, fsys, snapSuffix), files(t, fsys, logSuffix)
	for _, name := range []string{snaps[len(snaps)-1], logs[len(logs)-1]} {
		whole, _ := vfs.ReadFile(fsys, name)
		for at := 0; at < len(whole); at += 7 {
			clone := damaged(t, fsys, name, func(b []byte) []byte { b[at] ^= 0x10; return b })
			img, _, end, err := foreign(clone)
			var corrupt *segment.CorruptError
			if err == nil && content(img) == want && end.TornBytes == 0 {
				v := whole[at:]
				t.Errorf("%s: byte %d (%x) flipped and nothing said", filepath.Base(name), at, v[0])
			}
			if err != nil && !errors.As(err, &corrupt) {
				t.Errorf("%s: byte %d: %v", filepath.Base(name), at, err)
			}
		}
	}
}

func TestForeignLogWithGaps(t *testing.T) {
	fsys, _ := history(t, true)
	logs := files(t, fsys, logSuffix)
	if len(logs) < 2 {
		t.Fatalf("only %d log files", len(logs))
	}
	for _, name := range files(t, fsys, snapSuffix) {
		if err := fsys.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := foreign(fsys); err == nil || !strings.Contains(err.Error(), "restore the files in between") {
		t.Errorf("without the snapshots that stand for the removed files: %v", err)
	}
	if _, _, _, err := foreign(faultfs.New()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty disk: %v", err)
	}
}

func FuzzForeign(f *testing.F) {
	f.Add(unhex(f, goldenLog), unhex(f, goldenSnapshot))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, log, snapshot []byte) {
		fsys := faultfs.New()
		dir := LogDir(dataDir)
		if err := fsys.MkdirAll(dir, dirPermission); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{logName(dir, 0): log, snapName(dir, snapID{1, 3}): snapshot} {
			if err := vfs.WriteFileAtomic(fsys, name, b); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = ReadForeign(fsys, dir, func(ForeignRecord) error { return nil })
		_, _ = EndOfForeign(fsys, dir)
	})
}

func seedOptions(fsys vfs.FS, t testing.TB) SeedOptions {
	t.Helper()
	img, _, err := metadata.Empty().Apply(0, 4, append(metadata.Bootstrap(), newTopic(2)...)...)
	if err != nil {
		t.Fatal(err)
	}
	moved := metadata.NewChange(img)
	moved.Advance(999, 4)
	o := options(fsys, new(warnings))
	return SeedOptions{FS: fsys, Dir: o.Dir, ClusterID: o.ClusterID, NodeID: o.NodeID, Image: moved.Image(), NowMs: 77,
		Adoption: Adoption{From: "kafka/__cluster_metadata-0", End: 1000, Epoch: 4, BrokerEpoch: 13}}
}

func TestSeedBeginsWhereTheOtherEnds(t *testing.T) {
	fsys := faultfs.New()
	o := seedOptions(fsys, t)
	if err := Seed(o); err != nil {
		t.Fatal(err)
	}
	if err := Seed(o); !errors.Is(err, ErrSeeded) {
		t.Errorf("the second time: %v", err)
	}
	for life := range 3 {
		l := open(t, fsys)
		if life == 0 && (l.Image().Offset != 1000 || content(l.Image()) != content(o.Image)) || l.LeaderEpoch() < 5 {
			t.Errorf("begins at %d in term %d", l.Image().Offset, l.LeaderEpoch())
		}
		if err := propose(l, newTopic(life*3+4)...); err != nil {
			t.Fatal(err)
		}
		closeLog(t, l)
	}
	a, err := ReadAdoption(fsys, dataDir)
	if err != nil || a == nil || a.End != 1000 || a.AtMs != 77 || a.BrokerEpoch != 13 {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestSeedSurvivesACrash cuts the power and kills the process at every operation: either the seeded log opens, or
// opening is refused and seeding anew makes it.
func TestSeedSurvivesACrash(t *testing.T) {
	fsys := faultfs.New()
	if err := Seed(seedOptions(fsys, t)); err != nil {
		t.Fatal(err)
	}
	total := fsys.Ops()
	for n := 1; n <= total; n++ {
		for seed := range uint64(4) {
			fsys := faultfs.New()
			fsys.Seed(seed)
			fsys.CrashAtOp(n)
			_ = Seed(seedOptions(fsys, t))
			clone := fsys.CrashClone(rand.New(rand.NewPCG(seed, uint64(n))))
			fsys.Restart()
			for kind, disk := range map[string]*faultfs.FS{"power cut": clone, "kill": fsys} {
				if err := seededOrAgain(disk, t); err != nil {
					t.Fatalf("%s at operation %d, seed %d: %v", kind, n, seed, err)
				}
			}
		}
	}
}

func seededOrAgain(fsys *faultfs.FS, t *testing.T) error {
	o := seedOptions(fsys, t)
	_, _, done, err := Identity(fsys, dataDir)
	if err != nil {
		return err
	}
	if begun, err := ReadAdoption(fsys, dataDir); !done && (begun != nil || err != nil) {
		if l, err := OpenSingle(options(fsys, new(warnings))); err == nil {
			return errors.Join(errors.New("a half-made log opens"), l.Close())
		}
	}
	if !done {
		if err := Seed(o); err != nil {
			return err
		}
	}
	l, err := OpenSingle(options(fsys, new(warnings)))
	if err != nil {
		return err
	}
	if content(l.Image()) != content(o.Image) || l.Image().Offset != 1000 {
		err = fmt.Errorf("the image is another, at offset %d", l.Image().Offset)
	}
	return errors.Join(err, l.Close())
}

func TestSeedLeavesWhatIsNotItsOwn(t *testing.T) {
	fsys, _ := history(t, true)
	if err := fsys.Remove(filepath.Join(dataDir, identityFile)); err != nil {
		t.Fatal(err)
	}
	before := files(t, fsys, "")
	if err := Seed(seedOptions(fsys, t)); err == nil || !strings.Contains(err.Error(), "is not Tailrace's") {
		t.Errorf("over a foreign log: %v", err)
	}
	if after := files(t, fsys, ""); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%v became %v", before, after)
	}
	if err := fsys.MkdirAll("other", dirPermission); err != nil {
		t.Fatal(err)
	}
	if f, err := fsys.OpenFile(filepath.Join("other", adoptedFile), os.O_CREATE|os.O_RDWR, permission); err == nil {
		_, err = f.WriteAt(bytes.Repeat([]byte{'{'}, 9), 0)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadAdoption(fsys, "other"); err == nil || !strings.Contains(err.Error(), adoptedFile) {
		t.Errorf("a damaged %s: %v", adoptedFile, err)
	}
}
