package loop

import (
	"encoding/binary"
	"errors"
)

// What the loops know of Kafka's frames. A request (flexible header v2, as Produce v9 and Fetch v12 have):
//
//	length 4 | key 2 | version 2 | correlation id 4 | client id 2+n | tags 1 | body
//	Produce: transactional id 1 | acks 2 | time-out 4 | topics 1 | name 1+n | partitions 1 | index 4 | records uvarint+n
//	Fetch:   replica 4 | max wait 4 | min bytes 4 | max bytes 4 | isolation 1 | session 4 | session epoch 4 | topics 1 |
//	         name 1+n | partitions 1 | index 4 | leader epoch 4 | offset 8 | last epoch 4 | log start 8 | max bytes 4
//
// All counts are one, the name is shorter than 127 bytes: the raw client sends nothing else.
const (
	keyProduce, keyFetch = 0, 1

	batchCRC, batchAttributes = 17, 21 // positions in a record batch: its CRC, and the first byte that it covers
)

var errFrame = errors.New("a frame that the loop does not know")

// request is one parsed frame; name and records alias it.
type request struct {
	key         int16
	correlation []byte
	name        []byte
	partition   int32
	records     []byte
	offset      int64
	maxBytes    int
}

// parse reads a frame without its length.
func (r *request) parse(frame []byte) error {
	if len(frame) < 10 {
		return errFrame
	}
	r.key = int16(binary.BigEndian.Uint16(frame))
	r.correlation = frame[4:8]
	at := 10 + 1 + max(0, int(int16(binary.BigEndian.Uint16(frame[8:])))) // a null client id has length -1
	if r.key == keyProduce {
		at += 1 + 2 + 4 + 1
	} else {
		at += 4*4 + 1 + 4 + 4 + 1
	}
	if at >= len(frame) || frame[at] == 0 || at+int(frame[at])+1+4+4 > len(frame) {
		return errFrame
	}
	r.name = frame[at+1 : at+int(frame[at])]
	at += int(frame[at]) + 1
	r.partition = int32(binary.BigEndian.Uint32(frame[at:]))
	at += 4
	if r.key == keyFetch {
		if at+28 > len(frame) {
			return errFrame
		}
		r.offset = int64(binary.BigEndian.Uint64(frame[at+4:]))
		r.maxBytes = int(binary.BigEndian.Uint32(frame[at+24:]))
		return nil
	}
	n, width := binary.Uvarint(frame[at:])
	at += width
	if width <= 0 || n <= batchAttributes || n-1 > uint64(len(frame)-at) {
		return errFrame
	}
	r.records = frame[at : at+int(n)-1]
	return nil
}

// canned is a reply whose few variable bytes are patched in place: correlation id at 4, index and so on where at says.
type canned struct {
	bytes []byte
	index int // position of the partition index
}

func (c *canned) patch(correlation []byte, partition int32) []byte {
	copy(c.bytes[4:8], correlation)
	binary.BigEndian.PutUint32(c.bytes[c.index:], uint32(partition))
	return c.bytes
}

func replyHead(throttle bool, name []byte) canned {
	b := make([]byte, 4+4+1, 128)
	if throttle {
		b = append(b, make([]byte, 4+2+4)...) // throttle, error code, session id
	}
	b = append(b, 2, byte(len(name)+1))
	b = append(b, name...)
	b = append(b, 2)
	index := len(b)
	return canned{append(b, make([]byte, 4+2)...), index} // partition index, error code 0
}

// produceAck is a Produce v9 response for one partition.
func produceAck(name []byte) canned {
	c := replyHead(false, name)
	c.bytes = append(c.bytes, make([]byte, 8+8+8)...) // base offset, append time, log start
	c.bytes = append(c.bytes, 1, 0, 0, 0)             // no record errors, no message, tags of partition and topic
	c.bytes = append(c.bytes, 0, 0, 0, 0, 0)          // throttle, tags
	binary.BigEndian.PutUint32(c.bytes, uint32(len(c.bytes)-4))
	return c
}

// fetchTrailer closes a Fetch v12 response behind the record bytes: the tags of partition, topic and response.
var fetchTrailer = []byte{0, 0, 0}

// fetchHead is a Fetch v12 response for one partition up to its record bytes.
type fetchHead struct {
	canned
	fixed int // length without the records' own length
}

func newFetchHead(name []byte) fetchHead {
	c := replyHead(true, name)
	c.bytes = append(c.bytes, make([]byte, 8+8+8)...)    // high watermark, last stable offset, log start
	c.bytes = append(c.bytes, 0, 0xff, 0xff, 0xff, 0xff) // no aborted transactions, no preferred replica
	return fetchHead{c, len(c.bytes)}
}

func (h *fetchHead) patch(correlation []byte, partition int32, n int) []byte {
	h.bytes = binary.AppendUvarint(h.bytes[:h.fixed], uint64(n)+1)
	binary.BigEndian.PutUint32(h.bytes, uint32(len(h.bytes)-4+n+len(fetchTrailer)))
	return h.canned.patch(correlation, partition)
}
