package drive

import (
	"time"

	"tailrace/loadgen/plan"
)

// Schedule says when each record is due: the warm-up at the first rate of the plan, then the plan's rate.
type Schedule struct {
	rate    plan.Rate
	warm    plan.Rate // the rate of the warm-up
	warmup  time.Duration
	run     time.Duration
	inWarm  int64 // records in the warm-up
	records int64 // in all; -1: until the time is over
}

// NewSchedule lays out a plan.
func NewSchedule(p *plan.Plan) Schedule {
	s := Schedule{rate: p.Rate, warmup: p.Warmup, run: p.Duration, records: -1}
	if p.Rate.Shape == plan.Full {
		return s
	}
	first := p.Rate.From
	if p.Rate.Shape == plan.Steps {
		first = p.Rate.Levels[0]
	}
	s.warm = plan.Rate{Shape: plan.Constant, From: first, To: first}
	s.inWarm = s.warm.Offered(p.Warmup)
	switch {
	case p.Records > 0:
		s.records = s.inWarm + p.Records
		if p.Duration > 0 && !p.IsSet("duration") {
			s.run = time.Duration(float64(p.Records) / first * float64(time.Second))
		}
	default:
		s.records = s.inWarm + p.Rate.Offered(p.Duration)
	}
	return s
}

// Full reports that there is no schedule: as fast as possible.
func (s *Schedule) Full() bool { return s.rate.Shape == plan.Full }

// Records is how many the schedule holds; -1 for as many as go.
func (s *Schedule) Records() int64 { return s.records }

// Warmup is the time before what is measured.
func (s *Schedule) Warmup() time.Duration { return s.warmup }

// End is when the schedule is over.
func (s *Schedule) End() time.Duration { return s.warmup + s.run }

// At is when record i is due, from the start.
func (s *Schedule) At(i int64) time.Duration {
	if i < s.inWarm {
		return s.warm.At(i, s.warmup)
	}
	return s.warmup + s.rate.At(i-s.inWarm, s.run)
}
