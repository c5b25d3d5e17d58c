package clean

import (
	"math"

	"tailrace/segment"
	"tailrace/wire"
)

// group is a run of segments that become one.
type group struct{ first, next wire.Offset }

// groups cuts the segments that begin below to into runs that fit one segment: by their bytes and those of their
// indexes as they are now, and by the offsets that an int32 can hold (Cleaner.groupSegmentsBySize of Kafka). Segments
// without records are left alone at the end of a run, and do not end one.
func groups(log *segment.Log, to wire.Offset, segmentBytes, indexBytes int64) []group {
	var list []group
	var run struct{ bytes, offsets, times int64 }
	open := false
	for _, s := range log.Sealed() {
		if s.Base >= to {
			break
		}
		if s.Bytes == 0 {
			continue
		}
		offsets, times := log.IndexBytes(s.Base)
		if last := len(list) - 1; open && run.bytes+s.Bytes <= segmentBytes && run.offsets+offsets <= indexBytes &&
			run.times+times <= indexBytes && int64(s.Next-1-list[last].first) <= math.MaxInt32 {
			list[last].next = s.Next
		} else {
			list = append(list, group{s.Base, s.Next})
			run.bytes, run.offsets, run.times = 0, 0, 0
			open = true
		}
		run.bytes, run.offsets, run.times = run.bytes+s.Bytes, run.offsets+offsets, run.times+times
	}
	return list
}
