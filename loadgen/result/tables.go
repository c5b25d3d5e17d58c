package result

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"strconv"

	"tailrace/loadgen/meter"
)

// writeCSV writes a line a second: counters, then the percentiles of each clock in milliseconds.
func (r *Run) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{"from_s", "to_s"}
	for c := range meter.CounterEnd {
		head = append(head, meter.Counter(c).String())
	}
	head = append(head, "max_lag_ms", "broker_cores", "broker_anon_bytes", "broker_file_bytes", "generator_cores")
	for c := range meter.Clock(meter.Clocks) {
		for _, p := range Percentiles {
			head = append(head, c.Tag()+"_p"+PercentileName(p)+"_ms")
		}
		head = append(head, c.Tag()+"_max_ms")
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for i := range r.Series.Intervals {
		line, err := r.csvLine(i)
		if err != nil {
			return err
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (r *Run) csvLine(i int) ([]string, error) {
	k := &r.Series.Intervals[i]
	line := []string{decimal(k.From.Seconds()), decimal(k.To.Seconds())}
	for _, v := range k.Counts {
		line = append(line, strconv.FormatInt(v, 10))
	}
	line = append(line, decimal(ms(k.MaxLag)))
	var broker, generator *SecondCost
	if i < len(r.Seconds) {
		broker, generator = r.Seconds[i].Broker, r.Seconds[i].Generator
	}
	if broker == nil {
		line = append(line, "", "", "")
	} else {
		line = append(line, decimal(broker.Cores), strconv.FormatInt(broker.Anon, 10), strconv.FormatInt(broker.File, 10))
	}
	if generator == nil {
		line = append(line, "")
	} else {
		line = append(line, decimal(generator.Cores))
	}
	for c := range meter.Clock(meter.Clocks) {
		h, err := k.Hist(c)
		if err != nil {
			return nil, err
		}
		for _, p := range Percentiles {
			if h == nil {
				line = append(line, "")
				continue
			}
			line = append(line, decimal(float64(h.ValueAtPercentile(p))/1e6))
		}
		if h == nil {
			line = append(line, "")
		} else {
			line = append(line, decimal(float64(h.Max())/1e6))
		}
	}
	return line, nil
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

// omb is the shape of a result of the OpenMessaging Benchmark's workers: per-second lists, sums over the run, and
// quantile maps; latencies in milliseconds, delays in microseconds.
type omb struct {
	Workload                string  `json:"workload"`
	Driver                  string  `json:"driver"`
	MessageSize             int64   `json:"messageSize"`
	Topics                  int     `json:"topics"`
	Partitions              int     `json:"partitions"`
	ProducersPerTopic       int     `json:"producersPerTopic"`
	ConsumersPerTopic       int     `json:"consumersPerTopic"`
	SampleRateMillis        int     `json:"sampleRateMillis"`
	TargetProducerRate      float64 `json:"producerRate"`
	AggregatedPublishErrors int64   `json:"aggregatedPublishErrors"`

	lists map[string]any
}

// MarshalJSON joins the fixed fields and the lists.
func (o omb) MarshalJSON() ([]byte, error) {
	type plain omb
	fixed, err := json.Marshal(plain(o))
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	if err := json.Unmarshal(fixed, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, o.lists)
	return json.Marshal(all)
}

// ombPercentiles maps the benchmark's names to percentiles.
var ombPercentiles = []struct {
	name string
	p    float64
}{{"50pct", 50}, {"75pct", 75}, {"95pct", 95}, {"99pct", 99}, {"999pct", 99.9}, {"9999pct", 99.99}}

func (r *Run) writeOMB(w io.Writer) error {
	p, err := r.Plan()
	if err != nil {
		return err
	}
	o := omb{
		Workload: r.Name(), Driver: "loadgen", MessageSize: p.RecordSize.A, Topics: 1, Partitions: p.Partitions,
		ProducersPerTopic: p.Producers, ConsumersPerTopic: p.Consumers, SampleRateMillis: 1000,
		TargetProducerRate: r.Totals.Offered, AggregatedPublishErrors: r.Totals.Failed,
		lists: map[string]any{},
	}
	var publish, consume, errs, backlog []float64
	behind := 0.0
	for i := range r.Series.Intervals {
		k := &r.Series.Intervals[i]
		s := max((k.To - k.From).Seconds(), 1e-3)
		publish = append(publish, float64(k.Counts[meter.Acked])/s)
		consume = append(consume, float64(k.Counts[meter.Consumed])/s)
		errs = append(errs, float64(k.Counts[meter.Errors])/s)
		behind = max(0, behind+float64(k.Counts[meter.Acked]*int64(max(1, readers(p.Group,
			p.Consumers)))-k.Counts[meter.Consumed]))
		backlog = append(backlog, behind)
	}
	o.lists["publishRate"], o.lists["consumeRate"], o.lists["publishErrorRate"] = publish, consume, errs
	o.lists["backlog"] = backlog
	// Its publish latency counts from the actual send, and what the schedule lagged is a list of its own; so does ours.
	for name, c := range map[string]meter.Clock{"publishLatency": meter.Service, "endToEndLatency": meter.EndToEnd} {
		if err := r.ombClock(o.lists, name, c); err != nil {
			return err
		}
	}
	var delay []float64
	for i := range r.Series.Intervals {
		n := r.Series.Intervals[i].Counts
		delay = append(delay, ratio(float64(n[meter.LagNs]), float64(n[meter.Sent]))/1e3)
	}
	o.lists["publishDelayLatencyAvg"] = delay
	o.lists["aggregatedPublishDelayLatencyAvg"] = r.Totals.MeanLagMs * 1e3
	o.lists["aggregatedPublishDelayLatencyMax"] = r.Totals.MaxLagMs * 1e3
	enc := json.NewEncoder(w)
	return enc.Encode(o)
}

// readers is how many times each record is read.
func readers(group bool, consumers int) int {
	if group {
		return 1
	}
	return consumers
}

// ombClock adds a clock: a list a percentile, the sums, and the quantile map.
func (r *Run) ombClock(lists map[string]any, name string, c meter.Clock) error {
	series := map[string][]float64{}
	for i := range r.Series.Intervals {
		h, err := r.Series.Intervals[i].Hist(c)
		if err != nil {
			return err
		}
		if h == nil {
			h = meter.NewHistogram()
		}
		series["Avg"] = append(series["Avg"], h.Mean()/1e6)
		series["Max"] = append(series["Max"], float64(h.Max())/1e6)
		for _, q := range ombPercentiles {
			series[q.name] = append(series[q.name], float64(h.ValueAtPercentile(q.p))/1e6)
		}
	}
	for suffix, list := range series {
		lists[name+suffix] = list
	}
	total, err := r.Series.Total(c)
	if err != nil || total.TotalCount() == 0 {
		return err
	}
	lists["aggregated"+capital(name)+"Avg"] = total.Mean() / 1e6
	lists["aggregated"+capital(name)+"Max"] = float64(total.Max()) / 1e6
	for _, q := range ombPercentiles {
		lists["aggregated"+capital(name)+q.name] = float64(total.ValueAtPercentile(q.p)) / 1e6
	}
	quantiles := map[string]float64{}
	for _, b := range total.CumulativeDistribution() {
		quantiles[PercentileName(b.Quantile)] = float64(b.ValueAt) / 1e6
	}
	lists["aggregated"+capital(name)+"Quantiles"] = quantiles
	return nil
}

func capital(s string) string { return string(s[0]-'a'+'A') + s[1:] }
