package metadata

import "tailrace/wire"

func (*RegisterBrokerRecord) latest() int16 { return 4 }

func (r *RegisterBrokerRecord) append(b []byte, v int16) []byte {
	b = wire.AppendInt32(b, r.ID)
	if v >= 2 {
		b = wire.AppendBool(b, false) // IsMigratingZkBroker
	}
	b = wire.AppendUUID(b, r.Incarnation)
	b = wire.AppendInt64(b, r.Epoch)
	b = wire.AppendCompactArrayLen(b, len(r.Endpoints))
	for _, e := range r.Endpoints {
		b = wire.AppendCompactString(b, e.Name)
		b = wire.AppendCompactString(b, e.Host)
		b = wire.AppendInt16(b, int16(e.Port))
		b = wire.AppendInt16(b, e.SecurityProtocol)
		b = wire.AppendTags0(b)
	}
	b = wire.AppendCompactArrayLen(b, len(r.Features))
	for _, f := range r.Features {
		b = wire.AppendCompactString(b, f.Name)
		b = wire.AppendInt16(b, f.Min)
		b = wire.AppendInt16(b, f.Max)
		b = wire.AppendTags0(b)
	}
	b = appendOptString(b, r.Rack)
	b = wire.AppendBool(b, r.Fenced)
	if v >= 1 {
		b = wire.AppendBool(b, r.InControlledShutdown)
	}
	var tags tagWriter
	if v >= 3 && len(r.LogDirs) > 0 {
		tags.add(0, appendUUIDs(nil, r.LogDirs))
	}
	if v >= 4 && r.CordonedLogDirs != nil {
		tags.add(1, appendUUIDs(nil, r.CordonedLogDirs))
	}
	return tags.appendTo(b)
}

func (r *RegisterBrokerRecord) read(d *decoder, v int16) {
	r.ID = d.r.Int32()
	if v >= 2 {
		d.r.Bool() // IsMigratingZkBroker: there are none any more
	}
	r.Incarnation, r.Epoch = d.r.UUID(), d.r.Int64()
	r.readEndpoints(d)
	if n := d.r.CompactArrayLen(6); n > 0 {
		r.Features = make([]FeatureRange, n)
	}
	for i := range r.Features {
		r.Features[i] = FeatureRange{Name: d.str(), Min: d.r.Int16(), Max: d.r.Int16()}
		d.r.SkipTags()
	}
	r.Rack, r.Fenced = d.optStr(), d.r.Bool()
	if v >= 1 {
		r.InControlledShutdown = d.r.Bool()
	}
	d.tags(func(tag uint32, d *decoder) {
		switch {
		case tag == 0 && v >= 3:
			r.LogDirs = d.uuids()
		case tag == 1 && v >= 4:
			r.CordonedLogDirs = d.optUUIDs()
		}
	})
}

func (r *RegisterBrokerRecord) readEndpoints(d *decoder) {
	if n := d.r.CompactArrayLen(7); n > 0 {
		r.Endpoints = make([]Endpoint, n)
	}
	for i := range r.Endpoints {
		r.Endpoints[i] = Endpoint{
			Name: d.str(), Host: d.str(), Port: uint16(d.r.Int16()), SecurityProtocol: d.r.Int16(),
		}
		d.r.SkipTags()
	}
}

func (*UnregisterBrokerRecord) latest() int16 { return 0 }

func (r *UnregisterBrokerRecord) append(b []byte, _ int16) []byte {
	return appendBrokerEpoch(b, r.BrokerID, r.Epoch)
}

func (r *UnregisterBrokerRecord) read(d *decoder, _ int16) { r.BrokerID, r.Epoch = d.brokerEpoch() }

func (*FenceBrokerRecord) latest() int16 { return 0 }

func (r *FenceBrokerRecord) append(b []byte, _ int16) []byte {
	return appendBrokerEpoch(b, r.BrokerID, r.Epoch)
}

func (r *FenceBrokerRecord) read(d *decoder, _ int16) { r.BrokerID, r.Epoch = d.brokerEpoch() }

func (*UnfenceBrokerRecord) latest() int16 { return 0 }

func (r *UnfenceBrokerRecord) append(b []byte, _ int16) []byte {
	return appendBrokerEpoch(b, r.BrokerID, r.Epoch)
}

func (r *UnfenceBrokerRecord) read(d *decoder, _ int16) { r.BrokerID, r.Epoch = d.brokerEpoch() }

func appendBrokerEpoch(b []byte, id int32, epoch int64) []byte {
	return wire.AppendTags0(wire.AppendInt64(wire.AppendInt32(b, id), epoch))
}

func (d *decoder) brokerEpoch() (id int32, epoch int64) {
	id, epoch = d.r.Int32(), d.r.Int64()
	d.r.SkipTags()
	return id, epoch
}

func (*RegistrationChangeRecord) latest() int16 { return 3 }

func (r *RegistrationChangeRecord) append(b []byte, v int16) []byte {
	b = wire.AppendInt32(b, r.BrokerID)
	b = wire.AppendInt64(b, r.Epoch)
	var tags tagWriter
	if r.Fenced != 0 {
		tags.add(0, []byte{byte(r.Fenced)})
	}
	if v >= 1 && r.InControlledShutdown != 0 {
		tags.add(1, []byte{byte(r.InControlledShutdown)})
	}
	if v >= 2 && len(r.LogDirs) > 0 {
		tags.add(2, appendUUIDs(nil, r.LogDirs))
	}
	if v >= 3 && r.CordonedLogDirs != nil {
		tags.add(3, appendUUIDs(nil, r.CordonedLogDirs))
	}
	return tags.appendTo(b)
}

func (r *RegistrationChangeRecord) read(d *decoder, v int16) {
	r.BrokerID, r.Epoch = d.r.Int32(), d.r.Int64()
	d.tags(func(tag uint32, d *decoder) {
		switch {
		case tag == 0:
			r.Fenced = d.r.Int8()
		case tag == 1 && v >= 1:
			r.InControlledShutdown = d.r.Int8()
		case tag == 2 && v >= 2:
			r.LogDirs = d.uuids()
		case tag == 3 && v >= 3:
			r.CordonedLogDirs = d.optUUIDs()
		}
	})
}
