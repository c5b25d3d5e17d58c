package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

// cli runs a command line in this process.
func cli(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	root := newRoot()
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	code = execute(root, args)
	return out.String(), errs.String(), code
}

// TestEveryFlippedByteIsFound flips one byte after the other. What it leaves out cannot be found by anybody: the leader
// epoch of a batch, which no CRC covers and every leader may set, and a base offset that is still in order.
func TestEveryFlippedByteIsFound(t *testing.T) {
	hurry(t, &livePause, 0)
	dir := filepath.Join(t.TempDir(), "t-0")
	if err := makeLog(dir); err != nil {
		t.Fatal(err)
	}
	_, ends, err := batches()
	if err != nil {
		t.Fatal(err)
	}
	begins := append([]int{0}, ends...)
	unseen := map[int]bool{}
	for _, b := range begins {
		for i := range 16 {
			unseen[b+i] = i >= 1 && i < 8 || i >= 12
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for pos := range whole {
			if e.Name() == "00000000000000000100.log" && unseen[pos] {
				continue
			}
			if e.Name() == "00000000000000000100.txnindex" && pos > 1 {
				continue // a plain record of four numbers: any number is as good as another
			}
			if e.Name() == "partition.metadata" && pos >= len("version: 0\ntopic_id: ") {
				continue // so is an id, but the flip makes it one that is no text
			}
			if err := flip(name, pos); err != nil {
				t.Fatal(err)
			}
			out, _, code := cli(t, "", "log", "verify", dir)
			if code != 1 || !strings.Contains(out, "DAMAGED "+dir) {
				t.Errorf("%s: byte %d flipped: exit code %d\n%s", e.Name(), pos, code, out)
			}
			if err := os.WriteFile(name, whole, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, _, code := cli(t, "", "log", "verify", dir); code != 0 {
		t.Errorf("the log as it was: exit code %d\n%s", code, out)
	}
}

// TestIndexAgainstBatches damages indexes in ways that only a comparison with the log can find.
func TestIndexAgainstBatches(t *testing.T) {
	base := filepath.Join(t.TempDir(), "t-0", "00000000000000000100")
	for _, c := range []struct {
		file, want string
		change     func([]byte) []byte
	}{
		{".index", "says offset 101 for position 82, where a batch ends with 102",
			func(b []byte) []byte { b[3]--; return b }},
		{".index", "points to position 81, where no batch begins", func(b []byte) []byte { b[7]--; return b }},
		{".index", "points behind the last batch", func(b []byte) []byte { return append(b, 0, 0, 0, 9, 0, 0, 9, 9) }},
		{".timeindex", "is the largest timestamp up to offset 101", func(b []byte) []byte { b[7]--; return b }},
		{".timeindex", "points behind the last batch", func(b []byte) []byte { b[23] += 9; return b }},
		{".log", "too few for a batch", func(b []byte) []byte { return append(b, 1, 2, 3) }},
		{".log", "the file ends after 77", func(b []byte) []byte { return b[:len(b)-1] }},
		{".log", "the batch begins with offset 100, but 105 was due", func(b []byte) []byte { return append(b, b[:82]...) }},
	} {
		if err := makeLog(filepath.Dir(base)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(base + c.file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(base+c.file, c.change(b), 0o644); err != nil {
			t.Fatal(err)
		}
		out, _, code := cli(t, "", "log", "verify", base+".log")
		if code != 1 || !strings.Contains(out, c.want) || strings.Count(out, "DAMAGED") != 1 {
			t.Errorf("%s, want %q: exit code %d\n%s", c.file, c.want, code, out)
		}
		if err := os.RemoveAll(filepath.Dir(base)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStaleBatches: a broker that truncates leaves the bytes and begins a new segment below them.
func TestStaleBatches(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "t-0")
	base := filepath.Join(dir, "00000000000000000100")
	err := errors.Join(makeLog(dir), os.Remove(base+".index"), os.Remove(base+".timeindex"),
		os.WriteFile(filepath.Join(dir, "00000000000000000103.log"), nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	out, _, code := cli(t, "", "log", "verify", filepath.Dir(dir))
	if code != 0 || !strings.Contains(out, base+".log: 152 bytes from position 158 on were cut off by the broker") ||
		!strings.Contains(out, "2 segments, 2 batches") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// FuzzScan: whatever the bytes are, a scan ends, in order, and what it calls a batch is one.
func FuzzScan(f *testing.F) {
	log, _, err := batches()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(log)
	f.Add(append(bytes.Clone(log), make([]byte, 100)...))
	f.Add(make([]byte, 60))
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := faultfs.New()
		file, err := fsys.OpenFile("x", os.O_RDWR|os.O_CREATE, 0o644)
		_, writeErr := file.WriteAt(data, 0)
		if err = errors.Join(err, writeErr); err != nil {
			t.Fatal(err)
		}
		scanAll(t, file, data)
		for _, k := range []kind{kindIndex, kindTimeIndex} {
			x := parseIndex(data, k, 100)
			if x.reason == "" && x.end+x.reserved != int64(len(data)) {
				t.Fatalf("%s: %d bytes of entries and %d reserved are not %d", k, x.end, x.reserved, len(data))
			}
		}
	})
}

func scanAll(t *testing.T, file vfs.File, data []byte) {
	s := &scan{file: file, size: int64(len(data)), base: unknownBase}
	at := int64(0)
	for {
		found, ok, err := s.step()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if found.Pos != at {
			t.Fatalf("found something at %d, expected at %d", found.Pos, at)
		}
		if found.View == nil {
			return // damage or a reserve: the end
		}
		if !bytes.Equal(found.View, data[at:at+int64(len(found.View))]) ||
			found.Reason == "" && found.View.CRC() != batch.View(found.View).ComputeCRC() {
			t.Fatalf("the batch at %d is not what is there", at)
		}
		at += int64(len(found.View))
	}
	if at != int64(len(data)) {
		t.Fatalf("the scan ended at %d of %d", at, len(data))
	}
}
