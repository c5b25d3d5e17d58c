package drive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"tailrace/loadgen/meter"
	"tailrace/wire"
)

// read takes the answers, which come in the order of the requests. It waits for an answer and not for a request, so
// that each request wakes this goroutine once. The answers that come together make room together, when all of them are
// counted: then the writer wakes once, and writes as many requests at once.
func (c *rawConn) read() error {
	in := bufio.NewReaderSize(c.conn, 64<<10)
	var frame []byte
	var came time.Time
	took := 0
	for !c.wrote.Load() || len(c.sent) > 0 {
		had := in.Buffered()
		var err error
		if frame, err = readFrame(in, frame, produceAnswerMax); err != nil {
			if c.wrote.Load() && len(c.sent) == 0 {
				break // woken up, because there is nothing to wait for
			}
			return c.gaveUp(err)
		}
		if had < 4+len(frame) {
			came = time.Now() // what was there before came with the answer in front of it
		}
		a, err := c.parseAnswer(frame)
		if err != nil {
			return c.gaveUp(err)
		}
		select {
		case f := <-c.sent:
			c.answered(f, a, came)
		default:
			return c.gaveUp(errors.New("an answer that nobody has asked for"))
		}
		if took++; !another(in) {
			if c.room.give(took) {
				runtime.Gosched() // the writer first: nothing is there to be read
			}
			took = 0
		}
	}
	return nil
}

// another reports whether the next answer is there without a system call.
func another(in *bufio.Reader) bool {
	have := in.Buffered()
	if have < 4 {
		return false
	}
	size, _ := in.Peek(4)
	return have-4 >= int(binary.BigEndian.Uint32(size))
}

// gaveUp lets the writer end, which may wait for room that no answer will make, and counts what nobody will answer.
func (c *rawConn) gaveUp(err error) error {
	c.conn.Close()
	err = fmt.Errorf("raw connection to %s: %w", c.conn.RemoteAddr(), err)
	c.room.give(c.r.Plan.InFlight)
	for f := range c.sent {
		c.lost(f, err)
	}
	return err
}

// lost counts a request that nobody will answer.
func (c *rawConn) lost(f flight, err error) {
	c.r.Trouble(err)
	if f.measured {
		c.r.Meter.Add(meter.Errors, int64(c.r.records))
	}
}

// produceAnswerMax bounds an answer to a produce request.
const produceAnswerMax = 1 << 20

// readFrame reads an answer of at most so many bytes into frame, or into a larger one.
func readFrame(in *bufio.Reader, frame []byte, most int) ([]byte, error) {
	size, err := in.Peek(4)
	if err != nil {
		return frame, err
	}
	n := int(binary.BigEndian.Uint32(size))
	_, _ = in.Discard(4)
	if n > most {
		return frame, fmt.Errorf("an answer of %d bytes, where %d are the most", n, most)
	}
	if cap(frame) < n {
		frame = make([]byte, n)
	}
	_, err = io.ReadFull(in, frame[:n])
	return frame[:n], err
}

// answer is what a broker says to a batch.
type answer struct {
	code int16
	base wire.Offset
}

// answerHead is what a produce answer about one partition has behind its correlation id and before its error code.
func answerHead(topic string, partition int32) []byte {
	b := []byte{0, 2} // no tags, one topic
	b = append(binary.AppendUvarint(b, uint64(len(topic)+1)), topic...)
	return binary.BigEndian.AppendUint32(append(b, 2), uint32(partition)) // one partition
}

// parseAnswer reads the only partition in an answer. Code and offset stand at the same place in each, which costs a
// tenth of the parse: that is left for answers that are not as they should be.
func (c *rawConn) parseAnswer(frame []byte) (answer, error) {
	const correlation, code, offset = 4, 2, 8
	if rest, ok := bytes.CutPrefix(frame[min(correlation, len(frame)):], c.head); ok && len(rest) >= code+offset &&
		rest[0]|rest[1] == 0 {
		return answer{base: wire.Offset(binary.BigEndian.Uint64(rest[code:]))}, nil
	}
	_, body, err := wire.ParseResponseHeader(frame, wire.KeyProduce, rawVersion)
	if err != nil {
		return answer{}, err
	}
	var resp wire.ProduceResponse
	if err := resp.Parse(rawVersion, body); err != nil {
		return answer{}, err
	}
	var t wire.ProduceTopic
	var p wire.ProducedPartition
	if !resp.NextTopic(&t) || !resp.NextPartition(&p) {
		return answer{}, errors.New("an answer without a partition")
	}
	return answer{int16(p.Code), p.BaseOffset}, nil
}

// answered counts an answer that came at now.
func (c *rawConn) answered(f flight, a answer, now time.Time) {
	r, q, n := c.r, c.request, int64(c.r.records)
	if a.code != 0 {
		r.Trouble(kerr.ErrorForCode(a.code))
		if f.measured {
			r.Meter.Add(meter.Errors, n)
		}
		return
	}
	r.acked.Add(n)
	if r.Dues != nil {
		r.Dues.acked(c.partition, a.base, due{f.due, q.bytes})
	}
	if !f.measured {
		return
	}
	r.Meter.Done(now)
	c.shard.RecordN(meter.Response, now.Sub(f.due), n)
	c.shard.RecordN(meter.Service, now.Sub(f.wrote), n)
	r.Meter.Add(meter.Acked, n)
	r.Meter.Add(meter.AckedBytes, int64(q.bytes))
	r.Meter.Add(meter.Requests, 1)
	r.Meter.Add(meter.Batches, 1)
	r.Meter.Add(meter.BatchRecs, n)
	r.Meter.Add(meter.BatchBytes, int64(q.plain))
	r.Meter.Add(meter.WireBytes, int64(len(q.batch)))
}
