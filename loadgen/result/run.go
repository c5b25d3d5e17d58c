package result

import (
	"time"

	"tailrace/loadgen/machine"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
)

// Schema is the version of run.json. A reader refuses one it does not know.
const Schema = 1

// Run is one load run.
type Run struct {
	Schema      int               `json:"schema"`
	ID          string            `json:"id"`
	Label       string            `json:"label,omitempty"`
	Command     []string          `json:"command"`
	Settings    map[string]string `json:"settings"` // of plan, as text
	Fingerprint string            `json:"fingerprint"`
	Started     time.Time         `json:"started"` // of the schedule, warm-up included
	Partial     bool              `json:"partial,omitempty"`
	Interrupted string            `json:"interrupted,omitempty"` // why it is partial

	Versions map[string]string `json:"versions"` // loadgen, client
	Machine  machine.Machine   `json:"machine"`
	Broker   Broker            `json:"broker"`
	Topic    string            `json:"topic"`

	Verdict   Verdict            `json:"verdict"`
	Totals    Totals             `json:"totals"`
	Clocks    map[string]*Curve  `json:"clocks"` // by tag; a summary of run.hlog
	Generator Cost               `json:"generator"`
	Steal     float64            `json:"steal"` // part of the CPU that other guests of the host took, 0 to 1
	Errors    map[string]int64   `json:"errors,omitempty"`
	Seconds   []Second           `json:"seconds"`
	Extra     map[string]float64 `json:"extra,omitempty"` // figures that a verb adds (verify, knee)

	Series meter.Series `json:"-"` // run.hlog
}

// Broker is what was measured.
type Broker struct {
	Address    string `json:"address"`
	Software   string `json:"software,omitempty"` // as it was recognised: Tailrace, Apache Kafka
	Version    string `json:"version,omitempty"`
	ClusterID  string `json:"cluster_id,omitempty"`
	Nodes      int    `json:"nodes,omitempty"`
	Own        bool   `json:"own,omitempty"`        // started by the lab
	Durability string `json:"durability,omitempty"` // what an ack means: page cache, synced
	PID        int    `json:"pid,omitempty"`        // 0: not on this machine, or not found
	Cost       *Cost  `json:"cost,omitempty"`
}

// Cost is what a process used while it was measured.
type Cost struct {
	CPUSeconds   float64 `json:"cpu_seconds"`
	Cores        float64 `json:"cores"` // CPU seconds a second
	CoresAllowed int     `json:"cores_allowed,omitempty"`
	NsPerRecord  float64 `json:"cpu_ns_per_record,omitempty"`
	SecondsPerGB float64 `json:"cpu_seconds_per_gb,omitempty"`
	PeakAnon     int64   `json:"peak_anon_bytes,omitempty"`
	PeakFile     int64   `json:"peak_file_bytes,omitempty"`
}

// Bound is what limited a run.
type Bound string

// The bounds.
const (
	BoundNone      Bound = ""          // the schedule was kept
	BoundBroker    Bound = "broker"    // the broker had all it may have in flight: above the knee
	BoundGenerator Bound = "generator" // loadgen itself was too slow: the figures say nothing of the broker
)

// Verdict is the run in a sentence.
type Verdict struct {
	Sentence string   `json:"sentence"`
	Bound    Bound    `json:"bound,omitempty"`
	Why      string   `json:"why,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Totals are sums and rates over the measured time.
type Totals struct {
	Seconds        float64 `json:"seconds"`
	Offered        float64 `json:"offered_per_second"` // records; 0 at full speed
	Achieved       float64 `json:"achieved_per_second"`
	Bytes          float64 `json:"bytes_per_second"` // values and keys
	Consumed       float64 `json:"consumed_per_second"`
	Scheduled      int64   `json:"scheduled"`
	Acked          int64   `json:"acked"`
	AckedBytes     int64   `json:"acked_bytes"`
	Failed         int64   `json:"failed"`
	Received       int64   `json:"received"`
	RecordsPerReq  float64 `json:"records_per_request"`
	RecordsPerB    float64 `json:"records_per_batch"`
	BatchBytes     float64 `json:"bytes_per_batch"` // before compression
	Ratio          float64 `json:"compression_ratio"`
	MeanLagMs      float64 `json:"mean_lag_ms"`
	MaxLagMs       float64 `json:"max_lag_ms"`
	BlockedShare   float64 `json:"blocked_share"` // of the lag, the part in which the broker had all it may have
	OverrunMs      float64 `json:"overrun_ms"`    // how late the last record was handed to the client
	RateVariation  float64 `json:"rate_variation"`
	Negative       int64   `json:"negative_e2e,omitempty"`
	Unstamped      int64   `json:"unstamped,omitempty"`
	Clamped        int64   `json:"clamped,omitempty"`
	GeneratorShare float64 `json:"generator_share"` // of the cores that loadgen may use
}

// Curve is the summary of a clock, in milliseconds.
type Curve struct {
	Count int64              `json:"count"`
	Mean  float64            `json:"mean_ms"`
	Min   float64            `json:"min_ms"`
	Max   float64            `json:"max_ms"`
	At    map[string]float64 `json:"percentiles_ms"` // "50", "99.9"
}

// Second is a line of run.csv: a measured interval, about a second long.
type Second struct {
	From      float64          `json:"from"` // seconds from the start of the schedule
	To        float64          `json:"to"`
	Counts    map[string]int64 `json:"counts"`
	MaxLagMs  float64          `json:"max_lag_ms"`
	Broker    *SecondCost      `json:"broker,omitempty"`
	Generator *SecondCost      `json:"generator,omitempty"`
}

// SecondCost is what a process used in a second.
type SecondCost struct {
	Cores float64 `json:"cores"`
	Anon  int64   `json:"anon_bytes,omitempty"`
	File  int64   `json:"file_bytes,omitempty"`
}

// Percentiles are those that summaries show, and that comparisons test.
var Percentiles = []float64{50, 75, 90, 95, 99, 99.9, 99.99}

// Plan makes the settings typed again. Secrets are not among them.
func (r *Run) Plan() (*plan.Plan, error) {
	p := plan.Default()
	for name, text := range r.Settings {
		if text = withoutHidden(text); plan.Find(name) == nil || text == "" {
			continue // a setting of another version, or none
		}
		if err := p.Set(name, text); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// SetPlan keeps the settings as text, without secrets, and their fingerprint.
func (r *Run) SetPlan(p *plan.Plan) {
	r.Settings = map[string]string{}
	for i := range plan.Settings {
		s := &plan.Settings[i]
		r.Settings[s.Name] = Veil(s.Get(p))
	}
	r.Fingerprint, r.Label = p.Fingerprint(), p.Label
}

// Fruitless tells whether records were sent and every one of them failed.
func (r *Run) Fruitless() bool { return r.Totals.Acked == 0 && r.Totals.Failed > 0 }

// Name is what the run is called in tables.
func (r *Run) Name() string {
	if r.Label != "" {
		return r.Label
	}
	return r.ID
}
