// Package codec compresses and inflates the records of a batch: gzip, snappy, lz4 and zstd, as Kafka frames them.
//
// It owns the mapping from Kafka's codec ids and levels to the encoders, and the bounds on what hostile bytes may
// cost. What it promises:
//
//   - Compress and Decompress append to the caller's buffer, as the built-in append does, and keep nothing of it.
//   - Decompress never hands out more than maxOut bytes, stops inflating when they are reached, and holds no more than
//     that and one block (128 KiB for zstd, else nothing). A size that the input announces is held against what
//     its bytes could become at most before memory is taken for it.
//   - Encoders and decoders are pooled, run on the caller's goroutine and leave none behind.
//   - With a warm pool and a buffer that is large enough, nothing is allocated.
//
// What is written is what Kafka's own clients write: gzip; snappy in the xerial framing with blocks of 32 KiB; lz4
// frames of independent 64 KiB blocks without sizes or content checksum; zstd without checksum (the batch has one).
// What is read is wider: raw snappy blocks, lz4 frames with sizes, checksums and larger blocks, several gzip members
// or zstd frames in a row. Linked lz4 blocks are refused, as Kafka refuses them.
//
// All functions may be called from many goroutines at once.
package codec

import (
	"errors"
	"fmt"
	"slices"
)

// ID is a compression codec as bits 0-2 of a batch's attributes name it.
type ID int8

// The codecs of Kafka. Ids 5 to 7 fit the attribute bits but mean nothing.
const (
	None ID = iota
	Gzip
	Snappy
	LZ4
	Zstd

	count // one past the last known codec
)

var names = [count]string{"none", "gzip", "snappy", "lz4", "zstd"}

// Known reports whether id is one of the five codecs.
func (id ID) Known() bool { return id >= None && id < count }

// String returns Kafka's name of the codec.
func (id ID) String() string {
	if !id.Known() {
		return fmt.Sprintf("codec(%d)", int8(id))
	}
	return names[id]
}

// Parse returns the codec of a name as clients and compression.type use it; "uncompressed" is another word for none.
func Parse(name string) (ID, bool) {
	if name == "uncompressed" {
		return None, true
	}
	i := slices.Index(names[:], name)
	return ID(i), i >= 0
}

// Policy is a topic's compression.type with its level. It is a value: copy and share it freely.
type Policy struct {
	Producer bool // keep the codec that the producer chose; ID and Level are not used
	ID       ID   // otherwise: store batches in this codec
	Level    int  // level for ID when a batch has to be compressed anew, see CheckLevel
}

var (
	// ErrTooLarge says that the output would exceed the caller's bound.
	ErrTooLarge = errors.New("inflated data exceeds the limit")
	// ErrCorrupt is wrapped by every error about compressed bytes that cannot be read.
	ErrCorrupt = errors.New("compressed data is corrupt")
	// ErrUnknown says that an id names no codec.
	ErrUnknown = errors.New("unknown compression codec")
)

// Compress appends src, compressed with the codec at level, to dst and returns the grown slice. src and dst must not
// overlap. It fails only for an unknown codec or a level that CheckLevel refuses.
func Compress(dst, src []byte, id ID, level int) ([]byte, error) {
	if err := CheckLevel(id, level); err != nil {
		return dst, err
	}
	switch id {
	case Gzip:
		return compressGzip(dst, src, level)
	case Snappy:
		return compressSnappy(dst, src), nil
	case LZ4:
		return compressLZ4(dst, src, level)
	case Zstd:
		return compressZstd(dst, src, level)
	default: // None: CheckLevel knows no others
		return append(dst, src...), nil
	}
}

// Decompress appends src, inflated with the codec, to dst and returns the grown slice. src and dst must not overlap.
// At most maxOut bytes are appended; more is ErrTooLarge, unreadable input wraps ErrCorrupt. With an error the
// returned slice has the length of dst, and whatever capacity was gained.
func Decompress(dst, src []byte, id ID, maxOut int) ([]byte, error) {
	start := len(dst)
	var err error
	switch id {
	case None:
		if len(src) > maxOut {
			return dst, ErrTooLarge
		}
		return append(dst, src...), nil
	case Gzip:
		dst, err = inflateGzip(dst, src, maxOut)
	case Snappy:
		dst, err = inflateSnappy(dst, src, maxOut)
	case LZ4:
		dst, err = inflateLZ4(dst, src, maxOut)
	case Zstd:
		dst, err = inflateZstd(dst, src, maxOut)
	default:
		err = ErrUnknown
	}
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// corrupt makes the error of one codec's reader.
func corrupt(id ID, reason string) error {
	return fmt.Errorf("%w: %s: %s", ErrCorrupt, id, reason)
}

// minRoom is the least room an inflater asks for; small batches then never grow twice.
const minRoom = 4 << 10

// firstRoom is the room to offer for output before anything is known of it: four times the input, which most records
// do not exceed.
func firstRoom(srcLen, maxOut int) int { return min(max(4*srcLen, minRoom), maxOut) }

// withRoom returns dst with capacity for at least n more bytes.
func withRoom(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	return slices.Grow(dst, n)
}
