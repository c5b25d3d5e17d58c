package partition

import (
	"errors"

	"tailrace/batch"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/wire/errcode"
)

// Origin says who appends (Kafka's AppendOrigin).
type Origin uint8

// The origins.
const (
	// Client is a produce request: every rule of the topic holds.
	Client Origin = iota
	// Coordinator is a state machine of this broker that keeps its records in an internal topic. max.message.bytes
	// does not bound it: a group that has grown over it must still be written, or it could never change again. Nor
	// does the space that is kept free: consumers go on while producers wait for room.
	Coordinator
)

// rulesFor are the rules that an append of that origin must obey.
func (c *Config) rulesFor(origin Origin) *batch.Rules {
	if origin == Client {
		return &c.Rules
	}
	r := c.Rules
	r.FromClient, r.MaxMessageBytes = false, 0
	return &r
}

// Replay calls fn for every batch from the log start to the log end, as the partition's coordinator reads it: also what
// lies above the high watermark. The bytes are valid during the call. An error of fn ends the replay; it is returned,
// with None. Any other failure is a code.
func (p *Partition) Replay(fn func(v batch.View) error) (errcode.Code, error) {
	if code := p.serveable(); code != errcode.None {
		return code, nil
	}
	if p.log.Start() == p.log.End() {
		return errcode.None, nil
	}
	var stopped error
	err := p.log.Batches(p.log.Start(), func(b segment.Batch, _ vfs.Pos) error {
		stopped = fn(batch.View(b))
		return stopped
	})
	switch {
	case err == nil:
		return errcode.None, nil
	case stopped != nil && errors.Is(err, stopped):
		return errcode.None, stopped
	}
	return p.readFailed(err), nil
}
