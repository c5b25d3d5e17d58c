package batch

import (
	"encoding/binary"
	"math"
)

// scan is what the walk over a batch's records learns on the way.
type scan struct {
	min, max int64 // of the records' timestamps in milliseconds
	maxAt    int   // index of the first record that has max
	keyless  int   // records with a null key
	moved    bool  // some record's offset delta is not its index
}

// window is how many bytes the fast path reads without looking at the end. The fields before the key that it takes
// are at most 2+1+4+3+2 bytes long.
const window = 16

// walk goes over the n records in b, which must fill it exactly, and checks every length in them. base is the batch's
// base timestamp. With a fault, at is the index of the record that it is about.
//
// This runs for every record produced. The common shape is read in place by run, and records that are like the one
// before by runAlike. A record that differs goes through rawRecord.parse, which alone decides what is wrong. So the
// fast paths may be narrow, but they never take what parse would refuse.
func (s *scan) walk(b []byte, n int, base int64) (at int, f fault) {
	*s = scan{min: math.MaxInt64, max: math.MinInt64}
	gap := 1
	for i := 0; i < n; {
		to := min(i+gap, n)
		if i, b = s.run(b, i, to, base); i == to {
			i, b, gap = s.tryAlike(b, i, n, base, gap)
			continue
		}
		var r rawRecord
		size, f := r.parse(b)
		if f != 0 {
			return i, f
		}
		b = b[size:]
		if r.key == nil {
			s.keyless++
		}
		if int(r.offsetDelta) != i {
			s.moved = true
		}
		s.time(base+r.timestampDelta, i)
		i++
	}
	if len(b) != 0 {
		return max(n-1, 0), faultTrailing
	}
	return 0, 0
}

// time takes note of the timestamp of record i.
func (s *scan) time(ts int64, i int) {
	if ts > s.max {
		s.max, s.maxAt = ts, i
	}
	s.min = min(s.min, ts)
}

// run takes records off b, beginning with index i, as long as they have the common shape: the expected offset delta,
// lengths in one or two bytes, a timestamp delta in at most four, window bytes left. It returns the index of the
// first record it did not take, and b from there on.
//
// A varint that is too long moves q to tooLong, behind every end that is accepted; so one comparison finds it.
func (s *scan) run(b []byte, i, n int, base int64) (int, []byte) {
	keyless := 0
	for ; i < n && len(b) >= window; i++ {
		w := (*[window]byte)(b)
		length, q := short(w, 0)
		end := q + int(length>>1)
		delta, at := short(w, q+1) // behind the attributes
		if at > window {
			delta, at = long(w, q+1)
		}
		q, ok := isOffset(w, at, uint32(i))
		key, q := short(w, q)
		null := 0
		if key == 1 { // -1
			key, null = 0, 1
		}
		q += int(key >> 1)
		// Behind the key come at least two bytes: the value's length and the header count.
		if !ok || (length|key)&1 != 0 || end > len(b) || q+2 > end {
			break
		}
		rec := b[:end]
		value := uint32(rec[q])
		q++
		if value >= 0x80 {
			value = value&0x7f | uint32(rec[q])<<7 // if the varint goes on, more than any record has here
			q++
		}
		if value == 1 {
			value = 0
		}
		q += int(value >> 1)
		if value&1 != 0 || q >= end {
			break
		}
		if (q+1 != end || rec[q] != 0) && !headersFill(rec[q:]) {
			break
		}
		b = b[end:]
		keyless += null
		s.time(base+(int64(delta>>1)^-int64(delta&1)), i) // wraps around, as in Java
	}
	s.keyless += keyless
	return i, b
}

const (
	maxShort = 1<<14 - 1 // the largest varint of two bytes
	tooLong  = 1 << 20   // a position that no record on the fast path reaches
)

// short reads a varint of one or two bytes at q. The position behind it is tooLong if it has more.
func short(w *[window]byte, q int) (u uint32, next int) {
	c := uint32(w[q%window])
	if c < 0x80 {
		return c, q + 1
	}
	d := uint32(w[(q+1)%window])
	if d < 0x80 {
		return c&0x7f | d<<7, q + 2
	}
	return 0, tooLong
}

// long reads a varint of three or four bytes at q.
func long(w *[window]byte, q int) (u uint32, next int) {
	u = uint32(w[q%window])&0x7f | uint32(w[(q+1)%window])&0x7f<<7
	c := uint32(w[(q+2)%window])
	if c < 0x80 {
		return u | c<<14, q + 3
	}
	d := uint32(w[(q+3)%window])
	if d < 0x80 {
		return u | c&0x7f<<14 | d<<21, q + 4
	}
	return 0, tooLong
}

// isOffset reports whether the varint at q is i, in one to three bytes, and returns the position behind it. Comparing
// with the expected bytes is cheaper than reading the number. The fields before it end at 2+1+4 at the latest.
func isOffset(w *[window]byte, q int, i uint32) (next int, ok bool) {
	u := i << 1 // zigzag
	have := binary.LittleEndian.Uint32(w[q&7:])
	switch {
	case u < 0x80:
		return q + 1, have&0xff == u
	case u <= maxShort:
		return q + 2, have&0xffff == u&0x7f|0x80|u>>7<<8
	}
	return q + 3, u < 1<<21 && have&0xffffff == u&0x7f|u>>7&0x7f<<8|0x8080|u>>14<<16
}

// headersFill reports whether b, which is not empty, is a header count and exactly as many headers, with all lengths
// in one byte.
func headersFill(b []byte) bool {
	n := b[0]
	if n&1 != 0 || n >= 0x80 {
		return false
	}
	q := 1
	for range n >> 1 {
		if q >= len(b) || b[q]&0x81 != 0 { // the key: never null
			return false
		}
		q += 1 + int(b[q]>>1)
		if q >= len(b) {
			return false
		}
		v := b[q]
		if v == 1 {
			v = 0
		}
		if v&0x81 != 0 {
			return false
		}
		q += 1 + int(v>>1)
	}
	return q == len(b)
}
