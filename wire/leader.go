package wire

// LeaderHint tells a client who leads a partition, so that it need not ask for metadata (KIP-951). Both fields -1
// mean "not told": such a hint is not sent.
type LeaderHint struct {
	ID    int32
	Epoch LeaderEpoch
}

// NoLeaderHint is the hint that says nothing.
var NoLeaderHint = LeaderHint{ID: -1, Epoch: NoLeaderEpoch}

// NodeEndpoint is the address of a broker that a LeaderHint of the same response names (KIP-951).
type NodeEndpoint struct {
	ID   int32
	Host string
	Port int32
	Rack string // "" is sent as null
}

// leaderTagSize is the size of a LeaderHint inside its tag: two int32 and an empty tag section.
const leaderTagSize = 9

func appendLeaderTag(b []byte, tag uint32, l *LeaderHint) []byte {
	b = appendTag(b, tag, leaderTagSize)
	b = AppendInt32(b, l.ID)
	b = AppendInt32(b, int32(l.Epoch))
	return AppendTags0(b)
}

func parseLeaderTag(body []byte, l *LeaderHint) Error {
	r := Reader{buf: body}
	l.ID, l.Epoch = r.Int32(), LeaderEpoch(r.Int32())
	return r.endTag()
}

// endTag skips what a later version may have added to a structure inside a tag, and demands that the tag ends there.
func (r *Reader) endTag() Error {
	r.SkipTags()
	if r.err != 0 || r.at != len(r.buf) {
		return ErrTag
	}
	return 0
}

// compactLen returns the bytes that a string takes in its compact form.
func compactLen(n int) int { return UvarintLen(uint32(n)+1) + n }

// appendNodes appends the tag section that ends a Produce or Fetch response: tag 0, the endpoints, if there are any.
func appendNodes(b []byte, nodes []NodeEndpoint) []byte {
	if len(nodes) == 0 {
		return AppendTags0(b)
	}
	size := UvarintLen(uint32(len(nodes)) + 1)
	for i := range nodes {
		size += 4 + compactLen(len(nodes[i].Host)) + 4 + compactLen(len(nodes[i].Rack)) + 1
	}
	b = append(b, 1)
	b = appendTag(b, 0, size)
	b = AppendCompactArrayLen(b, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		b = AppendInt32(b, n.ID)
		b = AppendCompactString(b, n.Host)
		b = AppendInt32(b, n.Port)
		b = appendMessage(b, true, n.Rack)
		b = AppendTags0(b)
	}
	return b
}

// walkNodes reads the bytes of a node endpoints tag and appends the endpoints to dst. With a nil dst it only checks.
func walkNodes(body []byte, dst *[]NodeEndpoint) Error {
	r := Reader{buf: body}
	for n := r.CompactArrayLen(4 + 1 + 4 + 1 + 1); n > 0 && r.err == 0; n-- {
		id, host, port, rack := r.Int32(), r.CompactString(), r.Int32(), r.CompactNullableString()
		r.SkipTags()
		if dst != nil && r.err == 0 {
			*dst = append(*dst, NodeEndpoint{ID: id, Host: string(host), Port: port, Rack: string(rack)})
		}
	}
	if r.err != 0 || r.at != len(r.buf) {
		return ErrTag
	}
	return 0
}

// nodesTag reads the tag section that ends a Produce or Fetch response and returns the checked bytes of the node
// endpoints tag, nil if there is none.
func (r *Reader) nodesTag(known bool) (nodes []byte) {
	for n := r.TagCount(); n > 0 && r.err == 0; n-- {
		tag, body := r.Tag()
		if r.err != 0 || tag != 0 {
			continue
		}
		if !known {
			r.Fail(ErrTag)
		} else if e := walkNodes(body, nil); e != 0 {
			r.Fail(e)
		}
		nodes = body
	}
	return nodes
}

// appendNodesOf appends the endpoints of a checked tag to dst.
func appendNodesOf(dst []NodeEndpoint, tag []byte) []NodeEndpoint {
	if tag != nil {
		walkNodes(tag, &dst)
	}
	return dst
}
