package partition

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tailrace/wire"
)

// leader-epoch-checkpoint is Kafka's text form of the epochs, one file for
// each partition:
//
//	0            version
//	2            number of entries
//	0 0          leader epoch, first offset written under it
//	3 1812
const epochFile = "leader-epoch-checkpoint"

type epochStart struct {
	epoch wire.LeaderEpoch
	start wire.Offset
}

// epochs is the history of a log's leader epochs, oldest first: both columns
// rise strictly. The owner's lock guards it.
type epochs struct {
	list  []epochStart
	dirty bool // differs from the file
}

// assign notes that epoch writes at start. An epoch that is already the last
// one is no news.
func (e *epochs) assign(epoch wire.LeaderEpoch, start wire.Offset) {
	if epoch < 0 {
		return
	}
	if n := len(e.list); n > 0 && e.list[n-1].epoch >= epoch {
		return
	}
	e.truncateEnd(start)
	e.list = append(e.list, epochStart{epoch, start})
	e.dirty = true
}

// latest is the epoch of the last record, or NoLeaderEpoch.
func (e *epochs) latest() wire.LeaderEpoch {
	if len(e.list) == 0 {
		return wire.NoLeaderEpoch
	}
	return e.list[len(e.list)-1].epoch
}

// at returns the epoch under which the record at off was written.
func (e *epochs) at(off wire.Offset) wire.LeaderEpoch {
	epoch := wire.NoLeaderEpoch
	for _, s := range e.list {
		if s.start > off {
			break
		}
		epoch = s.epoch
	}
	return epoch
}

// endOf answers OffsetForLeaderEpoch (KIP-101, KIP-279): the largest known
// epoch that is not above the asked one, and where it ended. current is the
// partition's leader epoch, end its log end. Unknown gives (-1, -1).
func (e *epochs) endOf(asked, current wire.LeaderEpoch, end wire.Offset) (wire.LeaderEpoch, wire.Offset) {
	if asked < 0 || asked > current {
		return wire.NoLeaderEpoch, -1
	}
	if asked == e.latest() || (asked == current && len(e.list) == 0) {
		return asked, end
	}
	for i, s := range e.list {
		if s.epoch <= asked {
			continue
		}
		if i == 0 {
			// Older than all that is known: it ended where the known begins.
			return asked, s.start
		}
		return e.list[i-1].epoch, s.start
	}
	if len(e.list) == 0 {
		return wire.NoLeaderEpoch, -1
	}
	return e.latest(), end
}

// truncateEnd forgets epochs that begin at or after end.
func (e *epochs) truncateEnd(end wire.Offset) {
	n := len(e.list)
	for n > 0 && e.list[n-1].start >= end {
		n--
	}
	if n != len(e.list) {
		e.list = e.list[:n]
		e.dirty = true
	}
}

// truncateStart forgets epochs that ended at or before start; the one that
// covers start now begins there.
func (e *epochs) truncateStart(start wire.Offset) {
	drop := 0
	for drop+1 < len(e.list) && e.list[drop+1].start <= start {
		drop++
	}
	if drop > 0 {
		e.list = append(e.list[:0], e.list[drop:]...)
		e.dirty = true
	}
	if len(e.list) > 0 && e.list[0].start < start {
		e.list[0].start = start
		e.dirty = true
	}
}

func (e *epochs) encode() []byte {
	b := []byte("0\n")
	b = strconv.AppendInt(b, int64(len(e.list)), 10)
	b = append(b, '\n')
	for _, s := range e.list {
		b = strconv.AppendInt(b, int64(s.epoch), 10)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(s.start), 10)
		b = append(b, '\n')
	}
	return b
}

func decodeEpochs(data []byte) ([]epochStart, error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) < 2 || lines[0] != "0" {
		return nil, errors.New("not a version 0 epoch checkpoint")
	}
	n, err := strconv.Atoi(lines[1])
	if err != nil || n != len(lines)-2 {
		return nil, fmt.Errorf("line 2 announces %q entries, %d follow", lines[1], len(lines)-2)
	}
	list := make([]epochStart, 0, n)
	for i, line := range lines[2:] {
		a, b, ok := strings.Cut(line, " ")
		epoch, err1 := strconv.ParseInt(a, 10, 32)
		start, err2 := strconv.ParseInt(b, 10, 64)
		if !ok || err1 != nil || err2 != nil || epoch < 0 || start < 0 {
			return nil, fmt.Errorf("line %d holds no epoch and offset: %q", i+3, line)
		}
		s := epochStart{wire.LeaderEpoch(epoch), wire.Offset(start)}
		if i > 0 && (s.epoch <= list[i-1].epoch || s.start < list[i-1].start) {
			return nil, fmt.Errorf("line %d does not rise: %q", i+3, line)
		}
		list = append(list, s)
	}
	return list, nil
}
