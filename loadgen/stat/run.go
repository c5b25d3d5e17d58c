package stat

import "math"

// Interval is about a second of a run.
type Interval struct {
	Seconds float64
	Latency Hist    // of the clock that is compared
	Records float64 // acknowledged; consumed, if the run had no producer
	CPU     float64 // seconds that the broker used; NaN: not known
}

// Run is its intervals, in order.
type Run []Interval

// Side is what is compared: the repeats of one thing. Paired sides have their runs in the order of the pairs.
type Side struct {
	Name string
	Runs []Run
}

// The rows behind the percentiles.
const (
	rowThroughput = iota // records a second
	rowCPU               // nanoseconds of the broker's CPU a record
	rowsBehind
)

// sums is a part of a run, added up.
type sums struct {
	hist    Hist
	seconds float64
	records float64
	cpu     float64
}

func sumOf(list []Interval) sums {
	var s sums
	hists := make([]Hist, len(list))
	for i := range list {
		hists[i] = list[i].Latency
		s.seconds += list[i].Seconds
		s.records += list[i].Records
		s.cpu += list[i].CPU
	}
	s.hist = Merge(hists)
	return s
}

// logs are the logarithms of the rows: percentiles, throughput, CPU per record. What cannot be told is NaN.
func (s sums) logs(percentiles []float64) []float64 {
	return logsOf(append(s.hist.Percentiles(percentiles), s.behind()...))
}

// behind are the rows behind the percentiles.
func (s sums) behind() []float64 {
	return []float64{rowThroughput: s.records / s.seconds, rowCPU: s.cpu * 1e9 / s.records}
}

func logsOf(list []float64) []float64 {
	for i, v := range list {
		if v > 0 && !math.IsInf(v, 0) {
			list[i] = math.Log(v)
		} else {
			list[i] = math.NaN()
		}
	}
	return list
}
