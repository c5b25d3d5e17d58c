package wire

// topicWalk is the place of a walk over an array of topics that hold arrays of partitions.
type topicWalk struct {
	r          Reader
	first      int // where the first topic begins
	topics     int // in all
	topicsLeft int
	partsLeft  int
	inTopic    bool // the current topic's tagged fields are still to come
	flexible   bool
}

// begin starts at the first of n topics, which is where the reader stands.
func (w *topicWalk) begin(n int, flexible bool) {
	w.first, w.topics, w.flexible = w.r.at, n, flexible
	w.rewind()
}

func (w *topicWalk) rewind() {
	w.r.at = w.first
	w.topicsLeft, w.partsLeft, w.inTopic = w.topics, 0, false
}

// nextTopic ends the current topic, whose partitions have all been read, and says whether another one follows.
func (w *topicWalk) nextTopic() bool {
	if w.inTopic {
		w.r.tags(w.flexible)
		w.inTopic = false
	}
	if w.topicsLeft == 0 || w.r.err != 0 {
		return false
	}
	w.topicsLeft--
	return true
}

// topic reads the beginning of a topic; minPart is the least size of one of its partitions.
func (w *topicWalk) topic(ids bool, minPart int) (name []byte, id TopicID, parts int, ok bool) {
	if ids {
		id = w.r.UUID()
	} else {
		name = w.r.str(w.flexible)
	}
	w.partsLeft = w.r.arrayLen(w.flexible, minPart)
	w.inTopic = true
	return name, id, w.partsLeft, w.r.err == 0
}

// nextPart says whether the topic has another partition.
func (w *topicWalk) nextPart() bool {
	if w.partsLeft == 0 || w.r.err != 0 {
		return false
	}
	w.partsLeft--
	return true
}

// topicMin returns the least size of a topic: its name or id, a partition count, and its tagged fields.
func topicMin(flexible, ids bool) int {
	switch {
	case ids:
		return 16 + 1 + 1
	case flexible:
		return 1 + 1 + 1
	default:
		return 2 + 4
	}
}

// appendTopic appends the beginning of a topic that has n partitions.
func appendTopic[S text](b []byte, flexible, ids bool, name S, id TopicID, n int) []byte {
	if ids {
		b = AppendUUID(b, id)
	} else {
		b = appendStr(b, flexible, name)
	}
	return appendArrayLen(b, flexible, n)
}
