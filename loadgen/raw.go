package loadgen

import (
	"context"

	"tailrace/loadgen/drive"
	"tailrace/loadgen/payload"
	"tailrace/wire"
)

// rawWay is what both sides of a run in raw mode share.
type rawWay struct {
	leaders []string
	dues    *drive.Dues // nil: batches are stamped, or nobody reads them
}

// rawWay finds the leaders that raw connections go to; nil without raw mode.
func (u *run) rawWay(ctx context.Context) (*rawWay, error) {
	if !u.p.Raw {
		return nil, nil
	}
	leaders, err := u.target.leaders(ctx)
	w := &rawWay{leaders: leaders}
	if u.p.Compression.Name != "none" && u.p.Consumers > 0 && u.p.Producers > 0 {
		w.dues = drive.NewDues(len(leaders), u.p.Consumers)
	}
	return w, err
}

func (u *run) rawLoad(s drive.Schedule, stamper *payload.Stamper, source *payload.Source, way *rawWay) *drive.Raw {
	if u.p.Consumers == 0 {
		stamper = nil
	}
	return &drive.Raw{
		Plan: u.p, Schedule: s, Meter: u.meter, Stamper: stamper, Dues: way.dues, Source: source, Topic: u.target.topic,
		Leaders: way.leaders, Dial: u.target.link.Dial, Trouble: u.trouble,
	}
}

// rawReading makes the raw consumers; they begin where those of a client library would.
func (u *run) rawReading(stamper *payload.Stamper, way *rawWay) *drive.RawConsuming {
	c := &drive.RawConsuming{
		Plan: u.p, Meter: u.meter, Stamper: stamper, Dues: way.dues, Topic: u.target.topic, Leaders: way.leaders,
		Starts: make([]wire.Offset, len(way.leaders)), Dial: u.target.link.Dial, From: u.from,
		Alone: u.p.Producers == 0, Trouble: u.trouble,
	}
	for i := range c.Starts {
		if o, ok := u.target.starts.Lookup(u.target.topic, int32(i)); ok {
			c.Starts[i] = wire.Offset(o.Offset)
		}
	}
	return c
}
