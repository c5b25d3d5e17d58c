package metadata

import "tailrace/wire"

// The bodies of the records, in the order of Kafka's *.json definitions. A field that a version does not have is
// left at Kafka's default when read.

func (*FeatureLevelRecord) latest() int16 { return 0 }

func (r *FeatureLevelRecord) append(b []byte, _ int16) []byte {
	b = wire.AppendCompactString(b, r.Name)
	b = wire.AppendInt16(b, r.Level)
	return wire.AppendTags0(b)
}

func (r *FeatureLevelRecord) read(d *decoder, _ int16) {
	r.Name, r.Level = d.str(), d.r.Int16()
	d.r.SkipTags()
}

func (*TopicRecord) latest() int16 { return 0 }

func (r *TopicRecord) append(b []byte, _ int16) []byte {
	b = wire.AppendCompactString(b, r.Name)
	b = wire.AppendUUID(b, r.ID)
	return wire.AppendTags0(b)
}

func (r *TopicRecord) read(d *decoder, _ int16) {
	r.Name, r.ID = d.str(), d.r.UUID()
	d.r.SkipTags()
}

func (*RemoveTopicRecord) latest() int16 { return 0 }

func (r *RemoveTopicRecord) append(b []byte, _ int16) []byte {
	return wire.AppendTags0(wire.AppendUUID(b, r.ID))
}

func (r *RemoveTopicRecord) read(d *decoder, _ int16) {
	r.ID = d.r.UUID()
	d.r.SkipTags()
}

func (*PartitionRecord) latest() int16 { return 2 }

func (r *PartitionRecord) append(b []byte, v int16) []byte {
	b = wire.AppendInt32(b, r.ID)
	b = wire.AppendUUID(b, r.TopicID)
	b = appendInts(b, r.Replicas)
	b = appendInts(b, r.ISR)
	b = appendInts(b, r.Removing)
	b = appendInts(b, r.Adding)
	b = wire.AppendInt32(b, r.Leader)
	b = wire.AppendInt32(b, int32(r.LeaderEpoch))
	b = wire.AppendInt32(b, r.Epoch)
	if v >= 1 {
		b = appendUUIDs(b, r.Directories)
	}
	var tags tagWriter
	if r.RecoveryState != 0 {
		tags.add(0, []byte{byte(r.RecoveryState)})
	}
	if v >= 2 && len(r.ELR) > 0 {
		tags.optInts(1, r.ELR)
	}
	if v >= 2 && len(r.LastKnownELR) > 0 {
		tags.optInts(2, r.LastKnownELR)
	}
	return tags.appendTo(b)
}

func (r *PartitionRecord) read(d *decoder, v int16) {
	r.ID, r.TopicID = d.r.Int32(), d.r.UUID()
	r.Replicas, r.ISR, r.Removing, r.Adding = d.ints(), d.ints(), d.ints(), d.ints()
	r.Leader, r.LeaderEpoch, r.Epoch = d.r.Int32(), wire.LeaderEpoch(d.r.Int32()), d.r.Int32()
	if v >= 1 {
		r.Directories = d.uuids()
	}
	d.tags(func(tag uint32, d *decoder) {
		switch {
		case tag == 0:
			r.RecoveryState = d.r.Int8()
		case tag == 1 && v >= 2:
			r.ELR = d.optInts()
		case tag == 2 && v >= 2:
			r.LastKnownELR = d.optInts()
		}
	})
}

func (*PartitionChangeRecord) latest() int16 { return 2 }

func (r *PartitionChangeRecord) append(b []byte, v int16) []byte {
	b = wire.AppendInt32(b, r.ID)
	b = wire.AppendUUID(b, r.TopicID)
	var tags tagWriter
	tags.optInts(0, r.ISR)
	if r.Leader != nil {
		tags.add(1, wire.AppendInt32(nil, *r.Leader))
	}
	tags.optInts(2, r.Replicas)
	tags.optInts(3, r.Removing)
	tags.optInts(4, r.Adding)
	if r.RecoveryState != nil {
		tags.add(5, []byte{byte(*r.RecoveryState)})
	}
	if v >= 2 {
		tags.optInts(6, r.ELR)
		tags.optInts(7, r.LastKnownELR)
	}
	if v >= 1 && r.Directories != nil {
		tags.add(8, appendUUIDs(nil, r.Directories))
	}
	return tags.appendTo(b)
}

func (r *PartitionChangeRecord) read(d *decoder, v int16) {
	r.ID, r.TopicID = d.r.Int32(), d.r.UUID()
	d.tags(func(tag uint32, d *decoder) {
		switch {
		case tag == 0:
			r.ISR = d.optInts()
		case tag == 1:
			if leader := d.r.Int32(); leader != leaderUnchanged {
				r.Leader = &leader
			}
		case tag == 2:
			r.Replicas = d.optInts()
		case tag == 3:
			r.Removing = d.optInts()
		case tag == 4:
			r.Adding = d.optInts()
		case tag == 5:
			if state := d.r.Int8(); state >= 0 {
				r.RecoveryState = &state
			}
		case tag == 6 && v >= 2:
			r.ELR = d.optInts()
		case tag == 7 && v >= 2:
			r.LastKnownELR = d.optInts()
		case tag == 8 && v >= 1:
			r.Directories = d.optUUIDs()
		}
	})
}

func (*ConfigRecord) latest() int16 { return 0 }

func (r *ConfigRecord) append(b []byte, _ int16) []byte {
	b = wire.AppendInt8(b, int8(r.Resource.Type))
	b = wire.AppendCompactString(b, r.Resource.Name)
	b = wire.AppendCompactString(b, r.Name)
	b = appendOptString(b, r.Value)
	return wire.AppendTags0(b)
}

func (r *ConfigRecord) read(d *decoder, _ int16) {
	r.Resource = Resource{ResourceType(d.r.Int8()), d.str()}
	r.Name, r.Value = d.str(), d.optStr()
	d.r.SkipTags()
}

func (*ProducerIDsRecord) latest() int16 { return 0 }

func (r *ProducerIDsRecord) append(b []byte, _ int16) []byte {
	b = wire.AppendInt32(b, r.BrokerID)
	b = wire.AppendInt64(b, r.BrokerEpoch)
	b = wire.AppendInt64(b, r.Next)
	return wire.AppendTags0(b)
}

func (r *ProducerIDsRecord) read(d *decoder, _ int16) {
	r.BrokerID, r.BrokerEpoch, r.Next = d.r.Int32(), d.r.Int64(), d.r.Int64()
	d.r.SkipTags()
}

func (*NoOpRecord) latest() int16                   { return 0 }
func (*NoOpRecord) append(b []byte, _ int16) []byte { return wire.AppendTags0(b) }
func (*NoOpRecord) read(d *decoder, _ int16)        { d.r.SkipTags() }
