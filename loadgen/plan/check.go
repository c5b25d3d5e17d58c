package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// StampBytes is what a value needs to carry its intended send time to the consumer; smaller records have no end-to-end
// clock.
const StampBytes = 8

// Check refuses a plan that cannot mean anything, and settles what follows from other settings.
func (p *Plan) Check() error {
	if (p.Acks != AcksAll || p.Raw) && !p.set["idempotence"] {
		p.Idempotence = false
	}
	// A compressed batch that is prebuilt carries no stamp, and without an answer nobody knows its offset.
	blind := p.Raw && p.Producers > 0 && p.Compression.Name != "none" && p.Acks == AcksNone
	if blind && !p.set["consumers"] {
		p.Consumers = 0
	}
	bad := func(name, format string, args ...any) error {
		return &SettingError{Name: name, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case p.Idempotence && p.Acks != AcksAll:
		return bad("idempotence", "needs acks=all, not %s", p.Acks)
	case p.Idempotence && !p.Raw && p.InFlight != 5:
		return bad("in-flight", "the client library has 5 requests in flight with idempotence, always: "+
			"for %d give --idempotence=false", p.InFlight)
	case p.TxnInterval > 0 && !p.Idempotence:
		return bad("transaction-interval", "transactions need acks=all and idempotence")
	case p.Producers == 0 && p.Consumers == 0:
		return bad("producers", "with no producer and no consumer there is no load")
	case p.Producers == 0 && !p.UseExistingTopic:
		return bad("producers", "consumers alone need a topic with records: --topic NAME --use-existing-topic")
	case p.UseExistingTopic && p.Topic == "":
		return bad("use-existing-topic", "says nothing without --topic NAME")
	case p.Duration <= 0 && p.Records == 0:
		return bad("duration", "must be above 0 unless --records bounds the run")
	case p.Duration > 0 && p.Duration < time.Second && p.Records == 0:
		return bad("duration", "must be 1s or more: latencies are kept in intervals of a second")
	case p.Records > 0 && (p.Rate.Shape == Ramp || p.Rate.Shape == Steps):
		return bad("records", "a ramp or steps need a --duration to stretch over")
	case p.Raw && p.Idempotence:
		return bad("idempotence", "raw mode sends prebuilt requests, which carry no sequence numbers")
	case p.Raw && p.RecordSize.Shape != Fixed:
		return bad("record-size", "raw mode sends prebuilt requests: give one size")
	case blind && p.Consumers > 0:
		return bad("consumers", "raw mode finds compressed batches by the offsets in answers, and acks=0 has none: "+
			"give --consumers 0, or acks, or no compression")
	case p.Raw && p.Group && p.Consumers > 0:
		return bad("group", "raw consumers are members of no group: each reads all partitions")
	case p.Raw && p.TxnInterval > 0:
		return bad("transaction-interval", "raw mode has no transactions")
	case p.Raw && p.Payload.File != "":
		return bad("payload", "raw mode sends prebuilt requests: lines of a file need a client")
	case p.RecordSize.Max() > 1<<30:
		return bad("record-size", "records of more than 1 GiB fit into no request")
	}
	return p.checkBounds(bad)
}

func (p *Plan) checkBounds(bad func(name, format string, args ...any) error) error {
	top := max(p.Rate.From, p.Rate.To)
	for _, v := range p.Rate.Levels {
		top = max(top, v)
	}
	switch {
	case p.MaxRate > 0 && top > p.MaxRate:
		return bad("rate", "%s is above --max-rate %s", p.Rate, FormatCount(p.MaxRate))
	case p.MaxRate > 0 && p.Rate.Shape == Full:
		return bad("rate", "full speed cannot keep --max-rate %s: give a rate", FormatCount(p.MaxRate))
	case p.MaxBytes > 0 && p.Bytes() < 0:
		return bad("max-bytes", "full speed for a time writes nobody knows how much: give a --rate, or --records")
	case p.MaxBytes > 0 && p.Bytes() > p.MaxBytes:
		return bad("max-bytes", "the run would write about %s, more than %s: lower rate, duration or record size",
			FormatSize(p.Bytes()), FormatSize(p.MaxBytes))
	}
	return nil
}

// Bytes is about how much a run writes: the schedule's records by their mean size; -1 at full speed by duration.
func (p *Plan) Bytes() int64 {
	n := p.Records
	if n == 0 {
		n = p.Rate.Offered(p.Duration + p.Warmup)
	}
	if n < 0 {
		return -1
	}
	mean := p.RecordSize.A
	if p.RecordSize.Shape == Uniform {
		mean = (p.RecordSize.A + p.RecordSize.B) / 2
	}
	return n * mean
}

// Fingerprint names the load: equal for two plans that put the same load on a broker.
func (p *Plan) Fingerprint() string {
	h := sha256.New()
	for i := range Settings {
		if s := &Settings[i]; s.Load {
			io.WriteString(h, s.Name+"="+s.Get(p)+"\x00")
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Differences lists the settings of the load in which two plans differ: name, a's text, b's text.
func Differences(a, b *Plan) [][3]string {
	var list [][3]string
	for i := range Settings {
		s := &Settings[i]
		if x, y := s.Get(a), s.Get(b); s.Load && x != y {
			list = append(list, [3]string{s.Name, x, y})
		}
	}
	return list
}
