package broker

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire/errcode"
)

// refusing is a file system that does not let one file be opened for a while.
type refusing struct {
	*faultfs.FS
	part string
	with error
}

func (r *refusing) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if r.with != nil && strings.Contains(name, r.part) {
		return nil, r.with
	}
	return r.FS.OpenFile(name, flag, perm)
}

// TestUnopenedPartitionSurvivesCleanStop: a partition that could not be opened
// in one life of the broker, which ended in order, is recovered in the next: its
// torn end is cut off, not served.
func TestUnopenedPartitionSurvivesCleanStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, m := &refusing{FS: faultfs.New(), part: "/a-0" + firstLog}, newModel()
		h := live(t, fsys)
		if err := h.create("a", 1); err != nil {
			t.Fatal(err)
		}
		l := newModelLogs("a", 1)[0]
		writes(t, m, h, l, 5, -1, 2)
		time.Sleep(2 * time.Second) // the recovery point is written
		writes(t, m, h, l, 5, 1, 3)
		p, _ := h.at("a", 0)
		path, torn := p.Path(), int64(batch.HeaderSize)
		h.leave()
		for _, b := range l.sent[:4] {
			torn += int64(len(b.bytes))
		}
		flipAt(t, fsys, path+firstLog, torn+5)
		fsys.with = errors.New("too many open files")
		h = live(t, fsys)
		if _, code := h.at("a", 0); code != errcode.KafkaStorageError {
			t.Fatalf("a partition whose file cannot be opened: %v", code.Name())
		}
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		fsys.with = nil
		h = live(t, fsys)
		defer h.leave()
		_, all, err := h.read("a", 0)
		if err != nil || len(all) != 4 {
			t.Fatalf("%d batches of 4 are there: %v", len(all), err)
		}
		if r, _ := h.produce("a", 0, l.sent[4].bytes, -1); r.Code != errcode.None || r.BaseOffset != l.sent[4].base {
			t.Errorf("the lost batch again: %v at %d, it was at %d", r.Code.Name(), r.BaseOffset, l.sent[4].base)
		}
	})
}
