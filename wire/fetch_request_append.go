package wire

// FetchData is one topic of a Fetch request that is to be written.
type FetchData struct {
	Name       string  // up to version 12
	ID         TopicID // from version 13
	Partitions []FetchPartition
}

// ForgottenData is one forgotten topic of a Fetch request that is to be written.
type ForgottenData struct {
	Name       string  // up to version 12
	ID         TopicID // from version 13
	Partitions []int32
}

// AppendFetchRequest appends the body of a Fetch request; version must be one that FetchRequest.Parse takes. Fields
// that the version does not have are left out; tagged fields are left out where they hold Kafka's default.
func AppendFetchRequest(b []byte, version int16, h *FetchHead, topics []FetchData, forgotten []ForgottenData) []byte {
	flexible, ids := version >= fetchFlexible, version >= fetchTopicIDs
	if version < fetchReplicaState {
		b = AppendInt32(b, h.ReplicaID)
	}
	b = AppendInt32(b, h.MaxWaitMs)
	b = AppendInt32(b, h.MinBytes)
	b = AppendInt32(b, h.MaxBytes)
	b = AppendInt8(b, h.Isolation)
	if version >= 7 {
		b = AppendInt32(b, h.SessionID)
		b = AppendInt32(b, h.SessionEpoch)
	}
	b = appendArrayLen(b, flexible, len(topics))
	for i := range topics {
		t := &topics[i]
		b = appendTopic(b, flexible, ids, t.Name, t.ID, len(t.Partitions))
		for j := range t.Partitions {
			b = appendFetchPartition(b, version, &t.Partitions[j])
		}
		b = appendTags0(b, flexible)
	}
	if version >= 7 {
		b = appendArrayLen(b, flexible, len(forgotten))
		for i := range forgotten {
			f := &forgotten[i]
			b = appendTopic(b, flexible, ids, f.Name, f.ID, len(f.Partitions))
			for _, p := range f.Partitions {
				b = AppendInt32(b, p)
			}
			b = appendTags0(b, flexible)
		}
	}
	if version >= 11 {
		b = appendStr(b, flexible, h.RackID)
	}
	if flexible {
		b = appendFetchTags(b, version, h)
	}
	return b
}

func appendFetchPartition(b []byte, version int16, p *FetchPartition) []byte {
	b = AppendInt32(b, p.Index)
	if version >= 9 {
		b = AppendInt32(b, int32(p.CurrentLeaderEpoch))
	}
	b = AppendInt64(b, int64(p.FetchOffset))
	if version >= fetchFlexible {
		b = AppendInt32(b, int32(p.LastFetchedEpoch))
	}
	if version >= 5 {
		b = AppendInt64(b, int64(p.LogStartOffset))
	}
	b = AppendInt32(b, p.MaxBytes)
	if version < fetchFlexible {
		return b
	}
	directory := version >= fetchDirectoryID && p.DirectoryID != [16]byte{}
	hw := version >= fetchHW && p.HighWatermark != HighWatermarkUnsupported
	b = AppendUvarint(b, count(directory)+count(hw))
	if directory {
		b = AppendUUID(appendTag(b, 0, 16), p.DirectoryID)
	}
	if hw {
		b = AppendInt64(appendTag(b, 1, 8), int64(p.HighWatermark))
	}
	return b
}

// count returns 1 for a tagged field that is sent.
func count(sent bool) uint32 {
	if sent {
		return 1
	}
	return 0
}

func appendFetchTags(b []byte, version int16, h *FetchHead) []byte {
	cluster := h.ClusterID != nil
	replica := version >= fetchReplicaState && (h.ReplicaID != -1 || h.ReplicaEpoch != -1)
	b = AppendUvarint(b, count(cluster)+count(replica))
	if cluster {
		b = appendTag(b, 0, compactLen(len(h.ClusterID)))
		b = AppendCompactString(b, h.ClusterID)
	}
	if replica {
		b = appendTag(b, 1, 4+8+1)
		b = AppendInt32(b, h.ReplicaID)
		b = AppendInt64(b, h.ReplicaEpoch)
		b = AppendTags0(b)
	}
	return b
}
