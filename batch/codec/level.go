package codec

import (
	"fmt"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// levels holds, per codec, what compression.<codec>.level accepts and its default (CompressionType of Kafka 4.4).
// A codec without levels takes 0 alone.
var levels = [count]struct{ least, most, usual int }{
	Gzip: {1, 9, gzipDefault},
	LZ4:  {1, 17, lz4Default},
	Zstd: {-131072, 22, 3},
}

const (
	gzipDefault = gzip.DefaultCompression // -1, outside 1..9 and allowed all the same
	lz4Default  = 9
)

// DefaultLevel returns Kafka's default level of the codec; 0 for a codec that has none.
func DefaultLevel(id ID) int {
	if !id.Known() {
		return 0
	}
	return levels[id].usual
}

// CheckLevel says whether Kafka knows the level for the codec; the error names the range.
func CheckLevel(id ID, level int) error {
	if !id.Known() {
		return fmt.Errorf("%w: %d", ErrUnknown, int8(id))
	}
	l := &levels[id]
	if level == l.usual || level >= l.least && level <= l.most {
		return nil
	}
	if l.least == l.most {
		return fmt.Errorf("codec %s has no levels: use 0, not %d", id, level)
	}
	if id == Gzip {
		return fmt.Errorf("gzip level %d: use -1 (the default) or 1 to 9", level)
	}
	return fmt.Errorf("%s level %d: use %d to %d, %d is the default", id, level, l.least, l.most, l.usual)
}

// zstdSpeed maps zstd's levels to the four strengths of the encoder used here: below 3 the fastest, 3 to 5 the
// default, 6 to 9 better, from 10 on the best. Levels of one strength give the same bytes.
func zstdSpeed(level int) zstd.EncoderLevel {
	return zstd.EncoderLevelFromZstd(level)
}

// lz4Depth maps Kafka's levels 1 to 17 to the search depth of the high-compression encoder, as the levels of the
// reference implementation double it. The default level, 9, is not a depth: Kafka takes the fast encoder for it
// (Lz4BlockOutputStream), and so do we.
func lz4Depth(level int) lz4.CompressionLevel {
	return 1 << (level - 1)
}
