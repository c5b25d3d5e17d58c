package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"tailrace/batch"
	"tailrace/wire"
)

// followsBudget bounds how many bytes the search for a later batch may run through the CRC beyond those it passes: a
// payload can be made of things that look like batches. When it is used up nothing is cut.
const followsBudget = 256 << 20

// follows tells whether a good batch follows the bad bytes at k.pos of segment i, in its file or a later one, and
// where. Its offset is not compared with the last good one's: that may be what is damaged, the CRC does not cover it.
func (op *opening) follows(k *check, i int) (where string, found bool, err error) {
	from := k.pos + 1
	if torn, err := k.isTornLast(); err != nil {
		return "", false, err
	} else if torn {
		from = k.size
	}
	f := finder{sc: k.sc, base: k.s.base, budget: followsBudget}
	if at, ok, err := f.search(from, k.size); err != nil || ok {
		return fmt.Sprintf("position %d", at), ok, err
	}
	for _, s := range op.c[i+1:] {
		name := op.l.path(s.base, logSuffix)
		file, err := op.l.openFile(name, os.O_RDONLY)
		if err != nil {
			return "", false, err
		}
		f.sc, f.base = newScanner(file), s.base
		at, ok, err := f.search(0, s.size())
		f.sc.release()
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
		if err != nil || ok {
			return fmt.Sprintf("position %d of %s", at, name), ok, err
		}
	}
	return "", false, nil
}

// isTornLast tells whether the bad bytes are one batch with a sound header and nothing but zeros after it. Then what
// its records hold need not be searched: they may be batches themselves, somebody's backup of a topic.
func (k *check) isTornLast() (bool, error) {
	raw, err := k.sc.bytes(k.pos, batch.HeaderSize, k.size)
	if err != nil {
		return false, err
	}
	var h header
	if h.parse(raw, k.pos, k.size, k.s.base) != "" || h.base != k.next {
		return false, nil
	}
	return isZero(k.file, k.pos+h.size, k.size)
}

// finder looks for a good batch at any byte.
type finder struct {
	sc     *scanner
	base   wire.Offset // of the segment
	budget int64
}

const atMagic = 16 // of a batch header

// search goes through [pos, end). Only where a magic byte of 2, a possible length and other fields agree is the CRC
// computed.
func (f *finder) search(pos, end int64) (at int64, found bool, err error) {
	for end-pos >= batch.HeaderSize {
		b, err := f.sc.bytes(pos, min(scanBytes, end-pos), end)
		if err != nil {
			return 0, false, err
		}
		next := pos + int64(len(b)) - batch.HeaderSize + 1
		at, ok := f.candidate(b, pos, end)
		if !ok {
			pos = next
			continue
		}
		_, h, wrong, err := f.sc.batch(at, end, f.base)
		if err != nil {
			return 0, false, err
		}
		if f.budget -= h.size; wrong == "" || f.budget < 0 {
			return at, true, nil
		}
		pos = at + 1
	}
	return 0, false, nil
}

// candidate finds the first place in b, which lies at pos, where a batch may begin.
func (f *finder) candidate(b []byte, pos, end int64) (at int64, ok bool) {
	for i := 0; i+batch.HeaderSize <= len(b); i++ {
		skip := bytes.IndexByte(b[i+atMagic:], 2)
		if skip < 0 {
			return 0, false
		}
		i += skip
		if i+batch.HeaderSize > len(b) {
			return 0, false
		}
		var h header
		raw := b[i:]
		attributes := binary.BigEndian.Uint16(raw[21:])
		if attributes < 128 && h.parse(raw, pos+int64(i), end, f.base) == "" {
			return pos + int64(i), true
		}
	}
	return 0, false
}
