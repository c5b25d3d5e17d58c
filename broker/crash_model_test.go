package broker

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"tailrace/batch"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// model is what the clients of a house know: which topics there are, what they
// sent, and what was acknowledged how.
type model struct {
	topics  map[string][]*modelLog // by name, then partition
	pending string                 // a topic whose creation or deletion has not been answered
	serial  uint64                 // makes every record different
	lastIDs int64
}

// modelLog is a partition as its clients know it.
type modelLog struct {
	topic   string
	index   int32
	sent    []*sentBatch
	nextSeq map[int64]int32
	start   wire.Offset // the highest log start that was seen
	deleted wire.Offset // records below it were deleted, and that was acknowledged
}

// fate is what a client knows of a batch.
type fate uint8

const (
	unknown fate = iota // not acknowledged: it may be in the log, once, or not
	cached              // acknowledged with acks=1: survives the process
	durable             // acknowledged with acks=all, or below one that was: survives the machine
)

type sentBatch struct {
	bytes      []byte
	pid        int64
	seq, count int32
	acks       int16
	fate       fate
	base       wire.Offset // where it is, unless unknown
}

// body is what identifies a batch: all that the broker does not stamp.
func body(v batch.View) string { return string(v[16:]) }

func newModel() *model { return &model{topics: map[string][]*modelLog{}} }

func newModelLogs(topic string, partitions int32) []*modelLog {
	logs := make([]*modelLog, partitions)
	for i := range logs {
		logs[i] = &modelLog{topic: topic, index: int32(i), nextSeq: map[int64]int32{}}
	}
	return logs
}

// make builds the next batch of a producer for a partition, 1 to 3 records of
// some hundred bytes that differ from all others. pid -1 is a producer without
// idempotence.
func (m *model) make(l *modelLog, pid int64, acks int16) *sentBatch {
	m.serial++
	count := int32(m.serial%3) + 1
	seq, o := int32(-1), batch.Options{}
	if pid >= 0 {
		seq = l.nextSeq[pid]
		l.nextSeq[pid] = seq + count
		o.Producer = &batch.Producer{ID: pid, Epoch: 0, Sequence: seq}
	}
	var b batch.Builder
	b.Reset(o)
	for i := range count {
		value := binary.BigEndian.AppendUint64(nil, m.serial<<8|uint64(i))
		for len(value) < 100+int(m.serial*37%200) {
			value = append(value, byte(m.serial)*byte(len(value)))
		}
		b.Append(time.Now().UnixMilli()+int64(m.serial)*100, nil, value)
	}
	v, err := b.Build()
	if err != nil {
		panic(err)
	}
	s := &sentBatch{bytes: append([]byte(nil), v...), pid: pid, seq: seq, count: count, acks: acks}
	l.sent = append(l.sent, s)
	return s
}

// send sends a batch and books the answer. A retriable refusal is retried
// once, a while later, as a client would.
func (m *model) send(h *house, l *modelLog, s *sentBatch) error {
	r, _ := h.produce(l.topic, l.index, s.bytes, s.acks)
	if r.Code == errcode.KafkaStorageError {
		time.Sleep(2 * time.Second)
		r, _ = h.produce(l.topic, l.index, s.bytes, s.acks)
	}
	if r.Code != errcode.None {
		return fmt.Errorf("produce to %s-%d: %w", l.topic, l.index, r.Code)
	}
	s.base = r.BaseOffset
	s.fate = max(s.fate, cached)
	if s.acks == -1 {
		l.settle(s.base + wire.Offset(s.count))
	}
	return nil
}

// settle books that everything below end is durable.
func (l *modelLog) settle(end wire.Offset) {
	for _, s := range l.sent {
		if s.fate == cached && s.base < end {
			s.fate = durable
		}
	}
}

// settleAll books a clean stop.
func (m *model) settleAll() {
	for _, logs := range m.topics {
		for _, l := range logs {
			l.settle(1 << 62)
		}
	}
}

// observe books how far retention went.
func (m *model) observe(h *house) {
	for _, logs := range m.topics {
		for _, l := range logs {
			if p, code := h.at(l.topic, l.index); code == errcode.None {
				l.start = max(l.start, p.LogStart())
			}
		}
	}
}

// check holds a house that was opened after a crash against what its clients
// know. power says that unsynced writes may be gone.
func (m *model) check(h *house, power bool) error {
	m.resolve(h)
	for _, logs := range m.topics {
		for _, l := range logs {
			if err := m.checkLog(h, l, power); err != nil {
				return fmt.Errorf("%s-%d: %w", l.topic, l.index, err)
			}
		}
	}
	return nil
}

// resolve learns what became of a creation or deletion that was not answered.
func (m *model) resolve(h *house) {
	name := m.pending
	m.pending = ""
	if name == "" {
		return
	}
	t := h.quorum.Image().TopicByName(name)
	switch {
	case t == nil:
		delete(m.topics, name)
	case m.topics[name] == nil:
		m.topics[name] = newModelLogs(name, int32(len(t.Partitions)))
	}
}

func (m *model) checkLog(h *house, l *modelLog, power bool) error {
	start, all, err := h.read(l.topic, l.index)
	if err != nil {
		return err
	}
	if start > l.start {
		return fmt.Errorf("the log starts at %d, retention had gone to %d", start, l.start)
	}
	if start < l.deleted {
		return fmt.Errorf("the log starts at %d, records below %d were deleted", start, l.deleted)
	}
	known := make(map[string]*sentBatch, len(l.sent))
	for _, s := range l.sent {
		known[body(s.bytes)] = s
	}
	found := map[*sentBatch]bool{}
	seqs := map[int64]int32{}
	for i, v := range all {
		s := known[body(v)]
		switch {
		case s == nil:
			return fmt.Errorf("offset %d holds a batch that was never sent", v.BaseOffset())
		case found[s]:
			return fmt.Errorf("a batch stands twice, the second time at offset %d", v.BaseOffset())
		case s.fate != unknown && s.base != v.BaseOffset():
			return fmt.Errorf("a batch acknowledged at offset %d stands at %d", s.base, v.BaseOffset())
		// What retention had dropped may come back in part: a power cut keeps some of its renames.
		case i > 0 && all[i-1].LastOffset()+1 != v.BaseOffset() && v.BaseOffset() > l.start:
			return fmt.Errorf("offset %d follows %d", v.BaseOffset(), all[i-1].LastOffset())
		}
		if next, seen := seqs[s.pid]; s.pid >= 0 && seen && next != s.seq {
			return fmt.Errorf("producer %d has sequence %d where %d is due", s.pid, s.seq, next)
		}
		if found[s], s.base = true, v.BaseOffset(); s.base >= l.start {
			seqs[s.pid] = s.seq + s.count
		}
	}
	for _, s := range l.sent {
		must := s.fate == durable || s.fate == cached && !power
		if must && !found[s] && s.base+wire.Offset(s.count) > l.start {
			return fmt.Errorf("the batch acknowledged with acks=%d at offset %d is gone; the log is [%d, %d)",
				s.acks, s.base, start, endOf(all, start))
		}
	}
	return m.checkRetries(h, l, found, power)
}

func endOf(all []batch.View, start wire.Offset) wire.Offset {
	if len(all) == 0 {
		return start
	}
	return all[len(all)-1].LastOffset() + 1
}

// checkRetries sends again what a client may have in flight: of the last five
// batches of each producer those that are in the log, which are answered with
// their offsets, and those that got no answer, which are appended if they are
// not there. Then it forgets what a power cut took. Whether it took records that
// were deleted before they were durable, nobody can tell: their producers are
// no longer known as such.
func (m *model) checkRetries(h *house, l *modelLog, found map[*sentBatch]bool, power bool) error {
	byPID := map[int64][]*sentBatch{}
	unsure := map[int64]bool{}
	var left []*sentBatch
	for _, s := range l.sent {
		if s.pid >= 0 {
			byPID[s.pid] = append(byPID[s.pid], s)
		}
		deleted := s.fate == cached && !found[s] && s.base < l.start
		unsure[s.pid] = unsure[s.pid] || deleted && power
		if found[s] || s.fate == durable || s.fate == unknown && s.pid >= 0 || deleted && !power {
			left = append(left, s)
		}
	}
	for pid, list := range byPID {
		if unsure[pid] {
			continue
		}
		if err := retry(h, l, list, found); err != nil {
			return fmt.Errorf("producer %d: %w", pid, err)
		}
	}
	l.sent = slices.DeleteFunc(left, func(s *sentBatch) bool { return s.fate == unknown && !found[s] })
	for pid := range l.nextSeq {
		if l.nextSeq[pid] = 0; unsure[pid] {
			delete(l.nextSeq, pid)
		}
	}
	for _, s := range l.sent {
		if unsure[s.pid] {
			s.pid = -1
		}
	}
	for _, s := range l.sent {
		if s.pid >= 0 {
			l.nextSeq[s.pid] = s.seq + s.count
		}
	}
	return nil
}

func retry(h *house, l *modelLog, list []*sentBatch, found map[*sentBatch]bool) error {
	for _, s := range list[max(0, len(list)-5):] {
		if !found[s] {
			continue
		}
		p, _ := h.at(l.topic, l.index)
		end := p.LogEnd()
		r, _ := h.produce(l.topic, l.index, s.bytes, -1)
		if r.Code != errcode.None || r.BaseOffset != s.base || p.LogEnd() != end {
			return fmt.Errorf("the retry of the batch at offset %d is answered with %v and offset %d; the log end moved by %d",
				s.base, r.Code, r.BaseOffset, p.LogEnd()-end)
		}
		s.fate = durable
	}
	for i, s := range list {
		if found[s] || s.fate != unknown {
			continue
		}
		follows := s.seq == 0
		if i > 0 {
			before := list[i-1]
			follows = found[before] || before.fate != unknown && before.base < l.start
		}
		r, _ := h.produce(l.topic, l.index, s.bytes, -1)
		switch {
		case r.Code == errcode.None:
			found[s], s.fate, s.base = true, durable, r.BaseOffset
		case follows:
			return fmt.Errorf("the retry of sequence %d, which was not in the log, is refused: %v", s.seq, r.Code)
		case r.Code != errcode.OutOfOrderSequenceNumber:
			return fmt.Errorf("sequence %d behind what a power cut took is refused with %v", s.seq, r.Code)
		}
	}
	return nil
}

// forgetOlder makes retries of all but the last batch of a producer no duty of
// the broker: they are taken for batches of nobody.
func (m *model) forgetOlder() {
	for _, logs := range m.topics {
		for _, l := range logs {
			newest := map[int64]*sentBatch{}
			for _, s := range l.sent {
				if before := newest[s.pid]; before != nil {
					before.pid = -1
				}
				newest[s.pid] = s
			}
		}
	}
}

// goOn writes one more batch of each producer everywhere, which must work.
func (m *model) goOn(h *house) error {
	for _, logs := range m.topics {
		for _, l := range logs {
			for pid := range l.nextSeq {
				if err := m.send(h, l, m.make(l, pid, -1)); err != nil {
					return fmt.Errorf("after the crash: %w", err)
				}
			}
			if err := m.send(h, l, m.make(l, -1, -1)); err != nil {
				return fmt.Errorf("after the crash: %w", err)
			}
		}
	}
	return nil
}
