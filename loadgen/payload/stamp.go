package payload

import (
	"encoding/binary"
	"time"

	"tailrace/loadgen/plan"
)

// Stamper writes and reads stamps of one run.
type Stamper struct {
	nonce uint64
	base  time.Time // with a monotonic clock
}

const timeBits = 48

// NewStamper begins a run; nonce tells its records from those of others in the same topic.
func NewStamper(nonce uint16, base time.Time) *Stamper {
	return &Stamper{nonce: uint64(nonce) << timeBits, base: base}
}

// Put stamps a value. One that is too short is left alone.
func (s *Stamper) Put(value []byte, intended time.Time) {
	if len(value) >= plan.StampBytes {
		binary.BigEndian.PutUint64(value, s.Stamp(intended))
	}
}

// Stamp is what Put writes, as a number.
func (s *Stamper) Stamp(intended time.Time) uint64 {
	return s.nonce | uint64(intended.Sub(s.base))&(1<<timeBits-1)
}

// Get reads a stamp; ok is false for a value that is not of this run, or too short.
func (s *Stamper) Get(value []byte) (intended time.Time, ok bool) {
	if len(value) < plan.StampBytes {
		return time.Time{}, false
	}
	v := binary.BigEndian.Uint64(value)
	if v&^(1<<timeBits-1) != s.nonce {
		return time.Time{}, false
	}
	return s.base.Add(time.Duration(v & (1<<timeBits - 1))), true
}
