package loadgen

import (
	"fmt"
	"strings"
	"time"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// When the schedule counts as missed, and when the generator as worked to its end.
const (
	overrunShare  = 0.005                  // of the measured time, that the last record was late
	overrunLeast  = 100 * time.Millisecond // less is a hiccup
	busyGenerator = 0.90                   // of the cores it may use
	lagWorthATold = 10 * time.Millisecond
)

// judge says what limited the run, and puts it into a sentence.
func (u *run) judge() {
	r, t, v := u.r, &u.r.Totals, &u.r.Verdict
	if t.Seconds > 0 && u.p.Rate.Shape != plan.Full {
		t.Offered = float64(t.Scheduled) / u.loadSeconds()
	}
	if r.Generator.CoresAllowed > 0 {
		t.GeneratorShare = r.Generator.Cores / float64(r.Generator.CoresAllowed)
	}
	missed := u.p.Rate.Shape != plan.Full &&
		t.OverrunMs > max(ms(overrunLeast), overrunShare*u.loadSeconds()*1000)
	switch {
	case t.GeneratorShare > busyGenerator:
		v.Bound = result.BoundGenerator
		v.Why = fmt.Sprintf("loadgen used %.0f %% of the %d cores it may use", t.GeneratorShare*100, r.Generator.CoresAllowed)
	case missed && t.BlockedShare < 0.5:
		v.Bound = result.BoundGenerator
		v.Why = fmt.Sprintf("the last record was sent %s late, and the connections could have sent it",
			short(time.Duration(t.OverrunMs*1e6)))
	case missed:
		v.Bound = result.BoundBroker
		v.Why = fmt.Sprintf("above the knee: offered %s records/s, achieved %s; the last record was sent %s late because "+
			"the broker had all it may have on its way", count(t.Offered), count(t.Achieved),
			short(time.Duration(t.OverrunMs*1e6)))
	case t.MaxLagMs > ms(lagWorthATold):
		u.warn("the schedule lagged by up to %s, %.0f %% of it because of the broker: response times include that, "+
			"service times hide it", short(time.Duration(t.MaxLagMs*1e6)), t.BlockedShare*100)
	}
	u.caveats()
	v.Sentence = Sentence(r)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// loadSeconds is how long the measured part of the schedule is, or was when the run was interrupted.
func (u *run) loadSeconds() float64 {
	s := u.p.Duration.Seconds()
	if u.p.Records > 0 && u.p.Rate.Shape == plan.Constant {
		s = float64(u.p.Records) / u.p.Rate.From
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if had := u.stopped.Sub(u.from).Seconds(); !u.stopped.IsZero() && had > 0 {
		s = min(s, had)
	}
	return s
}

// caveats are what a reader of the figures should know.
func (u *run) caveats() {
	r, t := u.r, u.r.Totals
	if t.Failed > 0 {
		u.warn("%d records were refused: %s", t.Failed, worst(r.Errors))
	}
	if want := t.Acked * int64(u.readers()); u.p.Consumers > 0 && u.p.Producers > 0 && t.Received < want && !r.Partial {
		u.warn("consumers got %d of %d acknowledged records", t.Received, want)
	}
	if u.p.RecordSize.Max() < plan.StampBytes && u.p.Consumers > 0 && r.Clocks[meter.EndToEnd.Tag()] == nil {
		u.warn("records of less than %d bytes carry no stamp: there is no end-to-end time", plan.StampBytes)
	}
	if t.Negative > 0 {
		u.warn("%d end-to-end times were below zero: the stamps are not to be trusted", t.Negative)
	}
	if r.Steal > 0.02 {
		u.warn("other guests of the host took %.0f %% of the CPU", r.Steal*100)
	}
	if text := hidden(r); text != "" && u.p.Rate.Shape != plan.Full {
		u.warn("%s", text)
	}
}

// hidden says where service time would have looked much better than what users of the system waited: at the percentile
// at which the two are the furthest apart.
func hidden(r *result.Run) string {
	response, service := r.Clocks[meter.Response.Tag()], r.Clocks[meter.Service.Tag()]
	if response == nil || service == nil {
		return ""
	}
	const far = 2.0
	at, apart := "", far
	for _, p := range result.Percentiles {
		name := result.PercentileName(p)
		if x, y := response.At[name], service.At[name]; x > ms(lagWorthATold) && y > 0 && x/y > apart {
			at, apart = name, x/y
		}
	}
	if at == "" {
		return ""
	}
	return fmt.Sprintf("service time alone would have hidden it: at the %sth percentile it is %s, "+
		"and the response time %s", at, msText(service.At[at]), msText(response.At[at]))
}

func worst(errs map[string]int64) string {
	text, most := "", int64(0)
	for e, n := range errs {
		if n > most || n == most && e < text {
			text, most = e, n
		}
	}
	return text
}

// Sentence tells a run to somebody who reads nothing else.
func Sentence(r *result.Run) string {
	var b strings.Builder
	t := r.Totals
	switch {
	case r.Verdict.Bound == result.BoundGenerator:
		fmt.Fprintf(&b, "loadgen was the bottleneck: %s. ", r.Verdict.Why)
	case r.Verdict.Bound == result.BoundBroker:
		b.WriteString(strings.ToUpper(r.Verdict.Why[:1]) + r.Verdict.Why[1:] + ". ")
	}
	if r.Partial {
		b.WriteString("Cut short. ")
	}
	if r.Fruitless() {
		return fmt.Sprintf("%sNothing was acknowledged: all %s records that were sent failed, most of them with: %s.",
			b.String(), count(float64(t.Failed)), strings.TrimSuffix(worst(r.Errors), "."))
	}
	c, what := r.Clocks[meter.Response.Tag()], "were acknowledged in"
	if t.Acked == 0 {
		fmt.Fprintf(&b, "%s records/s (%s/s) were consumed", count(t.Consumed), bytes(t.Consumed*avg(r)))
		if c = r.Clocks[meter.EndToEnd.Tag()]; c == nil {
			return b.String() + "."
		}
		what = "end to end in"
	} else {
		fmt.Fprintf(&b, "%s records/s (%s/s)", count(t.Achieved), bytes(t.Bytes))
	}
	if c != nil {
		fmt.Fprintf(&b, " %s %s at the median, %s at the 99th and %s at the 99.9th percentile, %s at worst", what,
			msText(c.At["50"]), msText(c.At["99"]), msText(c.At["99.9"]), msText(c.Max))
	}
	fmt.Fprintf(&b, " (acks=%s).", r.Settings["acks"])
	return b.String()
}

func avg(r *result.Run) float64 {
	n := r.Series.Counts()
	if n[meter.Consumed] == 0 {
		return 0
	}
	return float64(n[meter.ConsumedBytes]) / float64(n[meter.Consumed])
}

func msText(v float64) string { return short(time.Duration(v * 1e6)) }

// short is a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= 100*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", ms(d))
	}
	return fmt.Sprintf("%.3g µs", float64(d)/1000)
}

func count(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3g million", v/1e6)
	case v >= 1e5:
		return fmt.Sprintf("%.4g thousand", v/1e3)
	}
	s := fmt.Sprintf("%.0f", v)
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

func bytes(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.3g GB", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.3g MB", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3g kB", v/1e3)
	}
	return fmt.Sprintf("%.0f B", v)
}
