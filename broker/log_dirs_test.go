package broker

import (
	"errors"
	"testing"

	"tailrace/broker/partition"
	"tailrace/vfs/faultfs"
	"tailrace/wire/errcode"
)

// TestDescribeFailedDir: a directory that is out of use has an error and tells nothing else.
func TestDescribeFailedDir(t *testing.T) {
	h, err := openHouse(faultfs.New(), &warnings{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.leave()
	if err := h.create("t", 1); err != nil {
		t.Fatal(err)
	}
	p, _ := h.at("t", 0)
	healthy := describedDir(p.Dir(), []*partition.Partition{p})
	if healthy.ErrorCode != 0 || len(healthy.Topics) != 1 || healthy.TotalBytes <= 0 {
		t.Errorf("a healthy directory: %+v", healthy)
	}
	p.Dir().Fail(errors.New("the disk is gone"))
	failed := describedDir(p.Dir(), []*partition.Partition{p})
	if errcode.Code(failed.ErrorCode) != errcode.KafkaStorageError || len(failed.Topics) > 0 || failed.TotalBytes != -1 {
		t.Errorf("a failed directory: %+v", failed)
	}
}

// TestCoordinatorOfFailedDir: a directory that is out of use takes its groups along. Clients are not sent to where
// nobody can serve them.
func TestCoordinatorOfFailedDir(t *testing.T) {
	h, err := openHouse(faultfs.New(), &warnings{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.leave()
	made := make(chan struct{})
	h.withGroups(func() { close(made) })
	<-made
	if id := h.groupLeader("g", h.quorum.Image()); id != int32(h.config.NodeID) {
		t.Fatalf("the coordinator is %d", id)
	}
	h.dirs[0].Fail(errors.New("the disk is gone"))
	if id := h.groupLeader("g", h.quorum.Image()); id != -1 {
		t.Errorf("the coordinator in a failed directory is %d", id)
	}
}
