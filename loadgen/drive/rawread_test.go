package drive

import (
	"testing"

	"tailrace/wire"
	"tailrace/wire/errcode"
)

// produced is an answer about one partition.
func produced(topic string, partition int32, code errcode.Code, base wire.Offset) []byte {
	b := wire.AppendResponseHeader(nil, wire.KeyProduce, rawVersion, 1)
	var w wire.ProduceWriter
	b = w.Begin(b, rawVersion, 1)
	b = w.Topic(b, []byte(topic), wire.TopicID{}, 1)
	b, _ = w.Partition(b, &wire.ProduceResult{Index: partition, Code: code, BaseOffset: base})
	return w.End(w.EndTopic(b), 0, nil)
}

// TestParseAnswer: the short way and the long one say the same, whatever a topic is called, and no cut answer is good.
func TestParseAnswer(t *testing.T) {
	long := make([]byte, 200)
	for i := range long {
		long[i] = 'x'
	}
	for _, topic := range []string{"t", "orders", string(long)} {
		for _, code := range []errcode.Code{0, 1, 6, 256, -1} {
			frame := produced(topic, 3, code, 77)
			// The conn of another partition has another head: it goes the long way.
			for _, partition := range []int32{3, 4} {
				c := &rawConn{head: answerHead(topic, partition)}
				if a, err := c.parseAnswer(frame); err != nil || a != (answer{int16(code), 77}) {
					t.Errorf("%.9s, code %d: %+v, %v", topic, code, a, err)
				}
			}
			c := &rawConn{head: answerHead(topic, 3)}
			for cut := range 4 + len(c.head) + 10 { // up to the base offset
				if a, err := c.parseAnswer(frame[:cut]); err == nil {
					t.Errorf("%.9s, %d of %d bytes: %+v", topic, cut, len(frame), a)
				}
			}
		}
	}
}

// TestTheShortWayIsTaken for a good answer: the long one refuses an answer that ends behind the base offset.
func TestTheShortWayIsTaken(t *testing.T) {
	c := &rawConn{head: answerHead("t", 3)}
	frame := produced("t", 3, 0, 77)[:4+len(c.head)+10]
	if a, err := c.parseAnswer(frame); err != nil || a.base != 77 {
		t.Errorf("%+v, %v", a, err)
	}
}
