package group

import (
	"bytes"

	"tailrace/broker/effect"
	"tailrace/wire"
)

// stored is a classic group as it stands in a record.
type stored struct {
	protocolType string // "": none
	protocol     string // "": none
	leader       string // "": none
	generation   int32
	stateMs      int64 // -1: not known
	members      []storedMember
}

type storedMember struct {
	id           string
	instance     *string
	clientID     string
	clientHost   string
	rebalanceMs  int32
	sessionMs    int32
	subscription []byte
	assignment   []byte
}

func (s *stored) record(group string) effect.Record {
	return effect.Record{Key: groupKey(group), Value: s.appendValue(nil)}
}

func (s *stored) size() int {
	n := 2 + 2 + len(s.protocolType) + 4 + 2 + len(s.protocol) + 2 + len(s.leader) + 8 + 4
	for i := range s.members {
		m := &s.members[i]
		n += 8 + len(m.id) + len(m.clientID) + len(m.clientHost) + 8 + 8 + len(m.subscription) + len(m.assignment)
		if m.instance != nil {
			n += len(*m.instance)
		}
	}
	return n
}

func (s *stored) appendValue(b []byte) []byte {
	if b == nil {
		b = make([]byte, 0, s.size())
	}
	b = wire.AppendInt16(b, groupVersion)
	b = wire.AppendString(b, s.protocolType)
	b = wire.AppendInt32(b, s.generation)
	b = appendOptional(b, s.protocol)
	b = appendOptional(b, s.leader)
	b = wire.AppendInt64(b, s.stateMs)
	b = wire.AppendArrayLen(b, len(s.members))
	for i := range s.members {
		m := &s.members[i]
		b = wire.AppendString(b, m.id)
		if m.instance != nil {
			b = wire.AppendString(b, *m.instance)
		} else {
			b = wire.AppendInt16(b, -1)
		}
		b = wire.AppendString(b, m.clientID)
		b = wire.AppendString(b, m.clientHost)
		b = wire.AppendInt32(b, m.rebalanceMs)
		b = wire.AppendInt32(b, m.sessionMs)
		b = wire.AppendBytes(b, m.subscription)
		b = wire.AppendBytes(b, m.assignment)
	}
	return b
}

// appendOptional writes "" as null.
func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return wire.AppendInt16(b, -1)
	}
	return wire.AppendString(b, s)
}

// groupReader reads the two forms that strings have in group values.
type groupReader struct {
	wire.Reader
	flexible bool
}

func (r *groupReader) text() string {
	if r.flexible {
		return string(r.CompactString())
	}
	return string(r.String())
}

func (r *groupReader) optional() *string {
	var b []byte
	if r.flexible {
		b = r.CompactNullableString()
	} else {
		b = r.NullableString()
	}
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

func (r *groupReader) bytes() []byte {
	if r.flexible {
		return bytes.Clone(r.CompactBytes())
	}
	return bytes.Clone(r.Bytes())
}

func (r *groupReader) tags() {
	if r.flexible {
		r.SkipTags()
	}
}

// leastMember is the smallest member of any version in bytes: what a count is checked against.
const leastMember = 3 + 4 + 2

func (r *groupReader) count() int {
	if r.flexible {
		return r.CompactArrayLen(leastMember)
	}
	return r.ArrayLen(leastMember)
}

// parseGroup reads a group's value. Nothing of b is kept.
func parseGroup(b []byte) (*stored, error) {
	r := &groupReader{}
	r.Reset(b)
	version, err := valueVersion(&r.Reader, typeGroup)
	if err != nil {
		return nil, err
	}
	r.flexible = version >= 4
	s := &stored{protocolType: r.text(), generation: r.Int32(), stateMs: -1}
	s.protocol, s.leader = orEmpty(r.optional()), orEmpty(r.optional())
	if version >= 2 {
		s.stateMs = max(r.Int64(), -1)
	}
	n := r.count()
	s.members = make([]storedMember, 0, n)
	for range n {
		s.members = append(s.members, r.member(version))
	}
	r.tags()
	if r.Err() != nil {
		return nil, &BadRecordError{typeGroup, r.Err().Error()}
	}
	return s, s.check()
}

func (r *groupReader) member(version int16) storedMember {
	m := storedMember{id: r.text()}
	if version >= 3 {
		m.instance = r.optional()
	}
	m.clientID, m.clientHost = r.text(), r.text()
	m.rebalanceMs = -1
	if version >= 1 {
		m.rebalanceMs = r.Int32()
	}
	m.sessionMs = r.Int32()
	if m.rebalanceMs == -1 {
		m.rebalanceMs = m.sessionMs // GroupMetadataManager.replay
	}
	m.subscription, m.assignment = r.bytes(), r.bytes()
	r.tags()
	return m
}

// check refuses what no coordinator writes and the machine could not hold: two members of one name.
func (s *stored) check() error {
	ids, instances := map[string]bool{}, map[string]bool{}
	for i := range s.members {
		m := &s.members[i]
		if ids[m.id] {
			return &BadRecordError{typeGroup, "member " + m.id + " is there twice"}
		}
		ids[m.id] = true
		if m.instance == nil {
			continue
		}
		if instances[*m.instance] {
			return &BadRecordError{typeGroup, "group instance id " + *m.instance + " is there twice"}
		}
		instances[*m.instance] = true
	}
	return nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
