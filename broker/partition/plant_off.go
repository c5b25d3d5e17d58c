//go:build !plant_lost_batch

package partition

import (
	"tailrace/batch"
	"tailrace/segment"
)

// store appends a stamped batch to the log. It is apart from appendLocked so
// that a build can be made that loses a batch on purpose: see plant_on.go.
func (p *Partition) store(v batch.View, _ int16, a segment.Appended) error {
	return p.log.Append(v, a)
}
