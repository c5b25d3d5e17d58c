package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// found is what a scan meets in a .log file: a batch, or the end of what can be read.
//
//	View, no Reason     a good batch
//	View, Reason        a batch whose length can be trusted and nothing else; the scan goes on behind it
//	Reason alone        bytes that are no batch; the scan ends
//	Reserved            so many zeros up to the end of the file: space reserved for batches to come; the scan ends
//
// View is valid until the next call.
type found struct {
	Pos      int64
	View     batch.View
	Reason   string
	Reserved int64
}

// scan walks through a .log file.
type scan struct {
	file vfs.File
	size int64
	base wire.Offset // of the segment, or unknownBase
	// live says that a broker may be writing to the end of the file. Then what looks damaged is read again a few times,
	// because a batch may be half stored at the moment of reading.
	live bool

	pos  int64
	next wire.Offset // no offset below is due any more
	over bool

	window []byte // bytes of the file from at on
	at     int64
}

const (
	windowBytes = 1 << 20
	liveTries   = 5
)

var livePause = 20 * time.Millisecond

// step finds what comes next; ok is false at the end of the file.
func (s *scan) step() (f found, ok bool, err error) {
	if s.over {
		return found{}, false, nil
	}
	for try := 0; ; try++ {
		f, err = s.look()
		if err == nil && f.Reason == "" || !s.live {
			break
		}
		if try == liveTries {
			s.live = false // nobody is writing: believe what is there
			break
		}
		time.Sleep(livePause)
		s.window = s.window[:0]
		if s.size, err = s.file.Size(); err != nil {
			return f, false, err
		}
		s.size = max(s.size, s.pos) // a broker at work trims what it had reserved
	}
	if err != nil {
		return f, false, err
	}
	switch {
	case f.View == nil && f.Reason == "" && f.Reserved == 0: // the exact end
		s.over = true
		return f, false, nil
	case f.View == nil:
		s.over = true
	default:
		s.pos += int64(len(f.View))
		if f.Reason == "" {
			s.next = f.View.LastOffset() + 1
		}
	}
	return f, true, nil
}

// look examines what lies at pos.
func (s *scan) look() (found, error) {
	f := found{Pos: s.pos}
	rest := s.size - s.pos
	if rest == 0 {
		return f, nil
	}
	head, err := s.bytes(min(rest, batch.HeaderSize))
	if err != nil {
		return f, err
	}
	if allZero(head) {
		zero, err := s.restIsZero()
		if err != nil {
			return f, err
		}
		if zero {
			f.Reserved = rest
			return f, nil
		}
	}
	if len(head) < batch.HeaderSize {
		f.Reason = fmt.Sprintf("%d bytes are too few for a batch: the write of the last batch did not complete", len(head))
		return f, nil
	}
	h := batch.View(head)
	n := int64(h.Len())
	switch {
	case h.Magic() != 2:
		f.Reason = fmt.Sprintf("no batch begins here: its magic would be %d, not 2", h.Magic())
		return f, nil
	case n < batch.HeaderSize:
		f.Reason = fmt.Sprintf("no batch begins here: its length would be %d", n)
		return f, nil
	case n > rest:
		f.Reason = fmt.Sprintf("a batch of %d bytes begins here, but the file ends after %d", n, rest)
		return f, nil
	}
	whole, err := s.bytes(n)
	if err != nil {
		return f, err
	}
	v, _, code := batch.Next(whole)
	if code != errcode.None {
		f.Reason = "no batch begins here: " + code.Message()
		return f, nil
	}
	f.View, f.Reason = v, s.wrong(v)
	return f, nil
}

// wrong says what a batch contradicts: itself, the batches before it, or the name of the file.
func (s *scan) wrong(v batch.View) string {
	base, last := v.BaseOffset(), v.LastOffset()
	switch {
	case v.CRC() != v.ComputeCRC():
		return fmt.Sprintf("the batch has CRC %08x, its bytes have %08x", v.CRC(), v.ComputeCRC())
	case last < base || v.Count() < 0 || int64(v.Count()) > int64(last-base)+1:
		return fmt.Sprintf("the batch counts %d records for offsets %d to %d", v.Count(), base, last)
	case base < s.next:
		return fmt.Sprintf("the batch begins with offset %d, but %d was due", base, s.next)
	case s.base != unknownBase && base < s.base:
		return fmt.Sprintf("the batch begins with offset %d, below the segment's %d", base, s.base)
	case s.base != unknownBase && last-s.base > math.MaxInt32:
		return fmt.Sprintf("the batch ends with offset %d, too far from the segment's %d", last, s.base)
	}
	return ""
}

// bytes gives n bytes from pos on, which must lie inside the file.
func (s *scan) bytes(n int64) ([]byte, error) {
	from := s.pos - s.at
	if from < 0 || from+n > int64(len(s.window)) {
		want := min(max(n, windowBytes), s.size-s.pos)
		if int64(cap(s.window)) < want {
			s.window = make([]byte, want)
		}
		s.window, s.at, from = s.window[:want], s.pos, 0
		if err := readFull(s.file, s.window, s.pos); err != nil {
			s.window = s.window[:0]
			return nil, err
		}
	}
	return s.window[from : from+n : from+n], nil
}

func (s *scan) restIsZero() (bool, error) {
	buf := make([]byte, 64<<10)
	for pos := s.pos; pos < s.size; pos += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), s.size-pos)]
		if err := readFull(s.file, b, pos); err != nil {
			return false, err
		}
		if !allZero(b) {
			return false, nil
		}
	}
	return true, nil
}

func readFull(f vfs.File, b []byte, pos int64) error {
	n, err := f.ReadAt(b, pos)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%s: position %d: %w", f.Name(), pos+int64(n), err)
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
