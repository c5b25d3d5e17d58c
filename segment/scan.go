package segment

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"tailrace/batch"
	"tailrace/vfs"
	"tailrace/wire"
)

// scanner reads batches from a segment's file, one after the other, through a window: whole ones through a large one,
// headers through one that is as large as pays.
type scanner struct {
	file vfs.File
	at   int64 // position of buf[0]
	buf  []byte

	ahead  int64 // how much head read last
	probed int64 // up to here head knows whether the file is in the page cache
	cold   bool  // it is not
}

const (
	scanBytes = 256 << 10 // read at once
	keepBytes = 4 << 20   // the largest window that a pooled scanner keeps
	// hopBytes take as long to copy out of the page cache as one more read takes to begin.
	hopBytes = 8 << 10
	// coldBytes take as long to come from a disk, in a row, as one more read takes to begin: the kernel's usual
	// read-ahead.
	coldBytes = 128 << 10
	// leastBytes is read where headers are far from one another.
	leastBytes = 512
	// probeBytes is how far one look at the page cache counts.
	probeBytes = 1 << 20
)

var scanners = sync.Pool{New: func() any { return new(scanner) }}

func newScanner(f vfs.File) *scanner {
	sc := scanners.Get().(*scanner)
	*sc = scanner{file: f, buf: sc.buf[:0]}
	return sc
}

func (sc *scanner) release() {
	sc.file = nil
	if cap(sc.buf) <= keepBytes {
		scanners.Put(sc)
	}
}

// bytes returns n bytes from pos on, fewer only where end is nearer. They are valid until the next call.
func (sc *scanner) bytes(pos, n, end int64) ([]byte, error) {
	n = min(n, end-pos)
	if off := pos - sc.at; off >= 0 && off+n <= int64(len(sc.buf)) {
		return sc.buf[off:][:n:n], nil
	}
	return sc.fill(pos, n, min(max(n, scanBytes), end-pos))
}

// fill reads want bytes from pos on into the window, of which n must be there. What the window has of them is kept.
func (sc *scanner) fill(pos, n, want int64) ([]byte, error) {
	var kept []byte
	if off := pos - sc.at; off >= 0 && off < int64(len(sc.buf)) {
		kept = sc.buf[off:]
	}
	if int64(cap(sc.buf)) < want {
		sc.buf = make([]byte, max(want, scanBytes))
	}
	sc.buf = sc.buf[:want]
	had := copy(sc.buf, kept)
	got, err := sc.file.ReadAt(sc.buf[had:], pos+int64(had))
	sc.at, sc.buf = pos, sc.buf[:had+got]
	if int64(had+got) < n {
		return nil, shortRead(err)
	}
	return sc.buf[:n:n], nil
}

// head returns the header of the batch at pos, fewer bytes only where end is nearer, for a walk that hops from header
// to header. Where they lie close together everything is read, in a window that grows; where the next one is further
// away than a read costs, only a little. On a disk that must be asked a hop costs far more, so what is not in the page
// cache is read through up to longer batches.
func (sc *scanner) head(pos, end int64) ([]byte, error) {
	n := min(batch.HeaderSize, end-pos)
	gap := pos - sc.at - int64(len(sc.buf))
	if pos >= sc.at && gap+n <= 0 {
		return sc.buf[pos-sc.at:][:n:n], nil
	}
	if pos < sc.probed-probeBytes || pos >= sc.probed {
		resident, known := sc.file.Resident(pos, n)
		sc.cold, sc.probed = known && !resident, pos+probeBytes
	}
	switch {
	case sc.cold && pos >= sc.at && gap <= coldBytes && len(sc.buf) > 0:
		sc.ahead = scanBytes
	case pos >= sc.at && gap <= hopBytes && len(sc.buf) > 0:
		sc.ahead = min(max(2*sc.ahead, leastBytes), scanBytes)
	default:
		sc.ahead = leastBytes
	}
	return sc.fill(pos, n, min(sc.ahead, end-pos))
}

// shortRead: a file that ends earlier than it should was cut by somebody else.
func shortRead(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// batch reads the batch at pos and checks header and CRC. base is the segment's. wrong says what is not as it should
// be; "" is nothing, and only then are bytes returned.
func (sc *scanner) batch(pos, end int64, base wire.Offset) (b batch.View, h header, wrong string, err error) {
	raw, err := sc.bytes(pos, batch.HeaderSize, end)
	if err != nil {
		return nil, h, "", err
	}
	if wrong = h.parse(raw, pos, end, base); wrong != "" {
		return nil, h, wrong, nil
	}
	if raw, err = sc.bytes(pos, h.size, end); err != nil {
		return nil, h, "", err
	}
	b = batch.View(raw)
	if b.ComputeCRC() != b.CRC() {
		return nil, h, fmt.Sprintf("the CRC of the batch with offsets %d to %d is wrong", h.base, h.last), nil
	}
	return b, h, "", nil
}

// header reads the header of the batch at pos and checks it as batch does, but for the CRC. Control batches are read
// whole: the record of a marker tells what became of a transaction.
func (sc *scanner) header(pos, end int64, base wire.Offset) (b batch.View, h header, wrong string, err error) {
	raw, err := sc.head(pos, end)
	if err != nil {
		return nil, h, "", err
	}
	if wrong = h.parse(raw, pos, end, base); wrong != "" {
		return nil, h, wrong, nil
	}
	if b = batch.View(raw); b.IsControl() {
		return sc.batch(pos, end, base)
	}
	return b, h, "", nil
}

// Batches calls fn for each batch from the one that holds from on up to the end, in order, CRC checked. The bytes are
// valid during the call. An error of fn ends the walk and is returned.
func (l *Log) Batches(from wire.Offset, fn func(b Batch, pos vfs.Pos) error) error {
	return l.batches(from, l.Start, (*scanner).batch, fn)
}

// Held is Batches for all that the files hold, also below Start: records that were deleted stay until their segment
// goes, and still tell which producers wrote them.
func (l *Log) Held(from wire.Offset, fn func(b Batch, pos vfs.Pos) error) error {
	return l.batches(from, func() wire.Offset { return from }, (*scanner).batch, fn)
}

// Headers is Held for who needs the headers only, and has reason to believe them: fn gets batch.HeaderSize bytes of
// each batch, checked but for the CRC. Control batches come whole, CRC checked. What lies between is not read, unless
// that is cheaper.
func (l *Log) Headers(from wire.Offset, fn func(b Batch, pos vfs.Pos) error) error {
	return l.batches(from, func() wire.Offset { return from }, (*scanner).header, fn)
}

// look is how a walk looks at a batch: scanner.batch or scanner.header.
type look func(sc *scanner, pos, end int64, base wire.Offset) (batch.View, header, string, error)

func (l *Log) batches(from wire.Offset, least func() wire.Offset, at look,
	fn func(b Batch, pos vfs.Pos) error) error {
	for end := l.End(); from < end; {
		c := *l.chain.Load()
		i := c.find(from)
		if i < 0 || from < least() {
			return ErrOutOfRange
		}
		var err error
		if c[i].size() > 0 {
			err = l.batchesOf(c[i], from, end, at, fn)
		}
		if errors.Is(err, errGone) {
			continue // the new chain begins later: out of range
		}
		if err != nil {
			return err
		}
		from = c.bound(i)
	}
	return nil
}

// batchesOf is Batches for one segment, and not beyond end.
func (l *Log) batchesOf(s *seg, from, end wire.Offset, at look, fn func(b Batch, pos vfs.Pos) error) error {
	h, pos, err := l.seek(s, from)
	if err != nil {
		return err
	}
	defer h.ref.Release()
	sc := newScanner(h.ref.File())
	defer sc.release()
	for size := s.size(); pos < size; {
		b, head, wrong, err := at(sc, pos, size, s.base)
		switch {
		case err != nil:
			return l.readError(s, err)
		case wrong != "":
			return l.corrupt(s, pos, wrong)
		case head.base >= end:
			return nil
		}
		if err := fn(b, vfs.Pos(pos)); err != nil {
			return err
		}
		pos += head.size
	}
	return nil
}

// seek opens s and finds the position of the first batch that ends at or above from. The caller owns the reference. An
// index that leads astray is rebuilt.
func (l *Log) seek(s *seg, from wire.Offset) (h *handle, pos int64, err error) {
	for try := 0; ; try++ {
		if h, err = l.acquire(s); err != nil {
			return nil, 0, err
		}
		r := reader{l: l, from: from, s: s, h: h, size: s.size(), end: l.boundOf(s)}
		pos, _, err = r.locate()
		if r.w != nil {
			r.w.release()
		}
		if err == nil {
			return h, pos, nil
		}
		h.ref.Release()
		if try == maxReadTries || !isDamaged(err) {
			return nil, 0, err
		}
		if err := l.repair(s, h, err); err != nil {
			return nil, 0, err
		}
	}
}
