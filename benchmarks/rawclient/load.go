package rawclient

import (
	"fmt"
	"slices"
)

// Produce is the load of one batch, appended again and again. Connection i of n writes to partitions i, i+n, i+2n and
// so on in turn, or, when there are more connections than partitions, to partition i mod partitions.
func Produce(topic string, partitions int, acks int16, batch Batch) Load {
	load := Load{Check: ProduceCheck(topic)}
	load.Frames = func(conn, conns int) [][]byte {
		frames := [][]byte{ProduceFrame(topic, int32(conn%partitions), batch.Bytes, acks)}
		for p := conn + conns; p < partitions; p += conns {
			frames = append(frames, ProduceFrame(topic, int32(p), batch.Bytes, acks))
		}
		return frames
	}
	return load
}

const (
	// filled is how many bytes a fetch load reads in turn: more than any cache of the processor, less than memory.
	filled = 256 << 20
	// maxFrames bounds the requests of a fetch load.
	maxFrames = 16 << 10
)

// FillAndFetch appends batches to partition 0 of an empty topic, and returns the load that reads them in turn, so many
// bytes (whole batches) by each request.
func FillAndFetch(addr, topic string, batch Batch, bytes int) (Load, error) {
	each := bytes / len(batch.Bytes)
	if each*len(batch.Bytes) != bytes {
		return Load{}, fmt.Errorf("%d bytes are no whole number of batches of %d bytes", bytes, len(batch.Bytes))
	}
	requests := min(filled/bytes, maxFrames)
	fill := Produce(topic, 1, 1, batch)
	fill.Addr, fill.Conns, fill.InFlight = addr, 1, 8
	if err := Run(fill, int64(requests*each)); err != nil {
		return Load{}, fmt.Errorf("fill %s: %w", topic, err)
	}
	frames := make([][]byte, requests)
	for i := range frames {
		frames[i] = FetchFrame(topic, 0, int64(i*each*batch.Records), int32(bytes))
	}
	load := Load{Check: FetchCheck(topic, bytes)}
	load.Frames = func(conn, conns int) [][]byte {
		// Each connection starts elsewhere, with frames of its own.
		start := len(frames) * conn / conns
		own := append(slices.Clone(frames[start:]), frames[:start]...)
		for i := range own {
			own[i] = slices.Clone(own[i])
		}
		return own
	}
	return load, nil
}
