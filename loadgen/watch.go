package loadgen

import (
	"sync"
	"time"

	"tailrace/loadgen/drive"
	"tailrace/loadgen/machine"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/result"
)

// observer reads what broker and generator cost, second by second.
type observer struct {
	u       *run
	broker  *machine.Process // nil: not known
	self    *machine.Process
	at      time.Time
	cpu     [2]time.Duration // broker's and generator's at the last reading
	first   [2]time.Duration
	peak    machine.Memory
	load    machine.Load
	elapsed time.Duration
}

// watch cuts the intervals of the run, a second each, until the function that it returns is called; that cuts the last
// one. Nothing is recorded before the measured time.
func (u *run) watch(s drive.Schedule) (finish func() error) {
	stop, done := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() { done <- u.observe(s, stop) }()
	return func() error {
		once.Do(func() { close(stop) })
		return <-done
	}
}

func (u *run) observe(s drive.Schedule, stop <-chan struct{}) error {
	o := &observer{u: u, self: machine.Watch(0)}
	if pid := u.r.Broker.PID; pid != 0 {
		o.broker = machine.Watch(pid)
	}
	start := u.meter.Start()
	of := s.End()
	if s.Records() < 0 && u.p.Duration == 0 {
		of = 0
	}
	next := start
	for {
		select {
		case <-time.After(time.Until(next)):
		case <-stop:
			if !time.Now().After(u.from) {
				return nil // it ended within the warm-up
			}
			defer o.sum()
			return o.cut(time.Now(), of)
		}
		now := time.Now()
		switch {
		case next.Before(u.from):
			u.o.Progress(Progress{Step: "warming up", Elapsed: now.Sub(start), Of: of, Warming: true})
			if next = next.Add(time.Second); next.After(u.from) {
				next = u.from
			}
			continue
		case next.Equal(u.from):
			u.meter.Skip(u.from)
			o.begin(now)
		default:
			if err := o.cut(now, of); err != nil {
				return err
			}
		}
		next = next.Add(time.Second)
	}
}

func (o *observer) begin(now time.Time) {
	o.at, o.load = now, machine.ReadLoad()
	o.cpu[0], _ = o.cpuOf(o.broker)
	o.cpu[1], _ = o.cpuOf(o.self)
	o.first = o.cpu
}

func (o *observer) cpuOf(p *machine.Process) (time.Duration, bool) {
	if p == nil {
		return 0, false
	}
	d, err := p.CPU()
	return d, err == nil
}

// cut ends an interval: latencies, counters and costs of the second that is over.
func (o *observer) cut(now time.Time, of time.Duration) error {
	if o.at.IsZero() {
		o.begin(now)
	}
	iv := o.u.meter.Cut(now)
	if err := o.u.r.Series.Keep(iv); err != nil {
		return err
	}
	sec := result.Second{}
	took := now.Sub(o.at).Seconds()
	if d, ok := o.cpuOf(o.broker); ok && took > 0 {
		sec.Broker = &result.SecondCost{Cores: (d - o.cpu[0]).Seconds() / took}
		o.cpu[0] = d
		if m, err := o.broker.Memory(); err == nil {
			sec.Broker.Anon, sec.Broker.File = m.Anon, m.File
			o.peak.Anon, o.peak.File = max(o.peak.Anon, m.Anon), max(o.peak.File, m.File)
		}
	}
	if d, ok := o.cpuOf(o.self); ok && took > 0 {
		sec.Generator = &result.SecondCost{Cores: (d - o.cpu[1]).Seconds() / took}
		o.cpu[1] = d
	}
	o.elapsed += now.Sub(o.at)
	o.at = now
	o.u.r.Seconds = append(o.u.r.Seconds, sec)
	p := Progress{Step: "measuring", Elapsed: iv.To, Of: of, Interval: &iv}
	if sec.Broker != nil {
		p.Broker = *sec.Broker
	}
	if sec.Generator != nil {
		p.Self = *sec.Generator
	}
	o.u.o.Progress(p)
	return nil
}

// sum makes the costs of the whole measured time.
func (o *observer) sum() {
	r, n := o.u.r, o.u.r.Series.Counts()
	r.Steal = machine.ReadLoad().StealShare(o.load)
	cost := func(cpu time.Duration) result.Cost {
		c := result.Cost{CPUSeconds: cpu.Seconds()}
		if s := o.elapsed.Seconds(); s > 0 {
			c.Cores = c.CPUSeconds / s
		}
		records, bytes := n[meter.Acked], n[meter.AckedBytes]
		if records == 0 {
			records, bytes = n[meter.Consumed], n[meter.ConsumedBytes]
		}
		if records > 0 {
			c.NsPerRecord = float64(cpu) / float64(records)
		}
		if bytes > 0 {
			c.SecondsPerGB = c.CPUSeconds / (float64(bytes) / 1e9)
		}
		return c
	}
	r.Generator = cost(o.cpu[1] - o.first[1])
	r.Generator.CoresAllowed = r.Machine.Cores
	if o.broker != nil {
		c := cost(o.cpu[0] - o.first[0])
		c.PeakAnon, c.PeakFile = o.peak.Anon, o.peak.File
		r.Broker.Cost = &c
	}
}
