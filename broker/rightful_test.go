package broker

import (
	"testing"

	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/wire"
)

// TestRightfulPlace: a topic that was deleted while one of its log directories
// was out of use, and made anew in another one, is found in the latter.
func TestRightfulPlace(t *testing.T) {
	made := &metadata.Topic{Name: "t", ID: wire.TopicID{2}}
	at := func(path string, id byte) place {
		return place{found: logdir.Found{Path: path, ID: wire.TopicID{id}}}
	}
	for _, c := range []struct {
		t    *metadata.Topic
		x, y place
		keep string // "": nobody can tell
	}{
		{made, at("x", 1), at("y", 2), "y"},
		{made, at("x", 2), at("y", 1), "x"},
		{made, at("x", 2), at("y", 2), ""},
		{made, at("x", 1), at("y", 3), ""},
		{made, at("x", 2), at("y", 0), ""}, // a partition.metadata that was lost
		{nil, at("x", 1), at("y", 2), "x"},
	} {
		keep, leave, ok := rightful(c.t, c.x, c.y)
		if ok != (c.keep != "") || ok && (keep.found.Path != c.keep || leave.found.Path == c.keep) {
			t.Errorf("%+v: keep %q, leave %q, %v", c, keep.found.Path, leave.found.Path, ok)
		}
	}
}
