package group

import (
	"tailrace/broker/effect"
	"tailrace/wire"
)

// committed is one committed offset.
type committed struct {
	offset      int64
	commitMs    int64
	expireMs    int64    // an explicit time to go (OffsetCommit versions 2 to 4); -1: by the group's retention
	topicID     [16]byte // zero: not known
	metadata    string
	leaderEpoch int32 // -1: not known
}

// never is the expireMs of an offset without one of its own.
const never = -1

func (c *committed) record(group, topic string, partition int32) effect.Record {
	return effect.Record{Key: offsetKey(group, topic, partition), Value: c.appendValue(nil)}
}

func (c *committed) appendValue(b []byte) []byte {
	if c.expireMs != never {
		b = wire.AppendInt16(b, offsetVersionExpire)
		b = wire.AppendInt64(b, c.offset)
		b = wire.AppendString(b, c.metadata)
		b = wire.AppendInt64(b, c.commitMs)
		return wire.AppendInt64(b, c.expireMs)
	}
	if b == nil {
		b = make([]byte, 0, 2+8+4+5+len(c.metadata)+8+3+16)
	}
	b = wire.AppendInt16(b, offsetVersion)
	b = wire.AppendInt64(b, c.offset)
	b = wire.AppendInt32(b, c.leaderEpoch)
	b = wire.AppendCompactString(b, c.metadata)
	b = wire.AppendInt64(b, c.commitMs)
	if c.topicID == ([16]byte{}) {
		return wire.AppendTags0(b)
	}
	b = append(b, 1, 0, 16) // one tag: number 0, 16 bytes
	return wire.AppendUUID(b, c.topicID)
}

// parseOffset reads an offset's value; kind is that of its key. Nothing of b is kept.
func parseOffset(b []byte, kind int16) (committed, error) {
	var r wire.Reader
	r.Reset(b)
	c := committed{expireMs: never, leaderEpoch: -1}
	version, err := valueVersion(&r, kind)
	if err != nil {
		return c, err
	}
	c.offset = r.Int64()
	if version >= 3 {
		c.leaderEpoch = max(r.Int32(), -1)
	}
	if version >= 4 {
		c.metadata = string(r.CompactString())
	} else {
		c.metadata = string(r.String())
	}
	c.commitMs = r.Int64()
	if version == 1 {
		c.expireMs = max(r.Int64(), never)
	}
	if version >= 4 {
		for range r.TagCount() {
			if tag, body := r.Tag(); tag == 0 && len(body) == 16 {
				c.topicID = [16]byte(body)
			}
		}
	}
	if r.Err() != nil {
		return c, &BadRecordError{kind, r.Err().Error()}
	}
	return c, nil
}
