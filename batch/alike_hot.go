package batch

import "encoding/binary"

// mold is what a record shares with those behind it when a producer sends one kind of them: its size, the lengths of
// its key and value, and the widths of its varints. A record that fills the mold is as sound as the one it was cast
// from: every byte that parse would look at is compared, up to eight at a time, but only a timestamp delta that changes
// is decoded.
//
// What this gains most is that the next record begins at a known distance. A walk from length to length has to wait for
// each length before it can begin with the next record; here the processor works on several at once.
type mold struct {
	size int  // of the whole record in bytes, at least window
	null bool // the key

	// The first eight bytes: length, attributes (which may be anything), timestamp delta.
	head, headMask uint64
	stampMask      uint64 // the part of headMask that is not shape but the timestamp delta's value
	stampAt        int

	// Eight bytes from the offset delta on, of which it and the key's length count.
	mid, midMask uint64
	midAt        int
	more         uint64 // the bits that say so where the offset delta has more than one byte
	until        int    // the index at which it needs one byte more

	// Two bytes from the value's length on.
	tail, tailMask uint16
	tailAt         int

	// Where the header count is, and where a byte has to be 0. Without headers this is the count itself, which is the
	// last byte. With headers it is the first byte, which never is 0: so one comparison for both sends them out of the
	// way, where the headers are looked at. A branch of its own cost records without headers a tenth.
	countAt, zeroAt int
}

// tryAlike takes a record off b, which has index i, and those behind it that are like it. It returns the index of the
// first record it did not take, b from there on, and how many records should go by until the next try. Trying now and
// then costs records that are not alike at most 3 %; comparing the size of each with the one before cost 5 to 10 %.
func (s *scan) tryAlike(b []byte, i, n int, base int64, gap int) (next int, rest []byte, nextGap int) {
	next, rest = s.run(b, i, min(i+1, n), base)
	if next == i {
		return i, b, gap
	}
	var m mold
	if m.cast(b[:len(b)-len(rest)]) {
		next, rest = s.runAlike(&m, rest, next, n, base)
	}
	if next-i > 8 { // worth the cast, about
		return next, rest, max(gap/4, 1)
	}
	return next, rest, gap * 4
}

// cast makes the mold of rec, a record that run took, and reports whether other records can be compared with it.
func (m *mold) cast(rec []byte) bool {
	if len(rec) < window {
		return false
	}
	w := (*[window]byte)(rec)
	_, q := short(w, 0)
	m.size, m.stampAt = len(rec), q+1
	_, m.midAt = short(w, m.stampAt)
	if m.midAt > window {
		_, m.midAt = long(w, m.stampAt)
	}
	m.head = binary.LittleEndian.Uint64(w[:])
	m.headMask = low(m.midAt) &^ (low(m.stampAt) &^ low(q)) // without the attributes
	m.stampMask = low(m.midAt) &^ low(m.stampAt) & 0x7f7f7f7f7f7f7f7f

	if _, q = short(w, m.midAt); q > window {
		_, q = long(w, m.midAt)
	}
	width := q - m.midAt
	m.more, m.until = 0x8080&low(width-1), 1<<(7*width-1)
	key, q := short(w, q)
	m.mid, m.midMask, m.null = binary.LittleEndian.Uint64(w[m.midAt&7:]), low(q-m.midAt), key == 1
	q += int(key >> 1) // nothing if it is null

	m.tail, m.tailMask, m.tailAt = binary.LittleEndian.Uint16(rec[q:]), 0xff, q
	value := int(m.tail & 0xff)
	if q++; value >= 0x80 {
		value = value&0x7f | int(m.tail>>8)<<7
		m.tailMask = 0xffff
		q++
	}
	q += value >> 1
	m.countAt, m.zeroAt = q, 0
	if q == len(rec)-1 {
		m.zeroAt = q
	}
	return true
}

// low is a mask of the n lowest bytes, n < 8.
func low(n int) uint64 { return 1<<(8*n) - 1 }

// runAlike takes records off b, beginning with index i, as long as they fill m, which was cast from the one before. It
// returns the index of the first record it did not take, and b from there on.
func (s *scan) runAlike(m *mold, b []byte, i, n int, base int64) (int, []byte) {
	first := i
	n = min(n, m.until)
	size, head, mid := m.size, m.head, m.mid
	for ; i < n && len(b) >= size; i++ {
		mid = (mid + 2) | m.more // the next offset delta, zigzag: carries into later bytes come about by themselves
		rec := b[:size]
		w := (*[window]byte)(rec)
		d := (binary.LittleEndian.Uint64(w[m.midAt&7:]) ^ mid) & m.midMask
		d |= uint64((uint16(rec[m.tailAt]) | uint16(rec[m.tailAt+1])<<8 ^ m.tail) & m.tailMask)
		if d|uint64(rec[m.zeroAt]) != 0 && (d != 0 || !headersFill(rec[m.countAt:])) {
			break
		}
		h := binary.LittleEndian.Uint64(w[:])
		if d = (h ^ head) & m.headMask; d != 0 {
			if d&^m.stampMask != 0 {
				break
			}
			head = h
			delta, at := short(w, m.stampAt)
			if at > window {
				delta, _ = long(w, m.stampAt)
			}
			s.time(base+(int64(delta>>1)^-int64(delta&1)), i)
		}
		b = b[size:]
	}
	if m.null {
		s.keyless += i - first
	}
	return i, b
}
