package plan

import (
	"time"
)

// Plan is one load run, typed.
type Plan struct {
	// The broker.
	BootstrapServer string            // empty: a broker of the lab's own
	CommandConfig   string            // a file of Kafka client properties
	Properties      map[string]string // client properties, over those of the file

	// The topic.
	Topic             string // empty: loadgen-<run id>
	UseExistingTopic  bool
	KeepTopic         bool
	Partitions        int
	ReplicationFactor int
	TopicConfig       map[string]string

	// The load.
	Rate       Rate
	Duration   time.Duration // measured, behind the warm-up
	Warmup     time.Duration
	Records    int64 // 0: by duration
	RecordSize Size
	Payload    Payload
	Keys       Keys
	Seed       uint64
	Producers  int
	Consumers  int
	Group      bool // consumers share the partitions as a group; otherwise each reads all of them
	Raw        bool // prebuilt requests in place of a client library

	// The producer.
	Acks        Acks
	Idempotence bool
	BatchSize   int64
	Linger      time.Duration
	InFlight    int // requests on a connection
	Connections int // raw mode: connections
	Buffer      int // records that wait or are on their way, over all producers
	Compression Codec
	TxnInterval time.Duration // 0: no transactions

	// The report.
	Out       string // a directory
	Label     string
	BrokerPID int // 0: found, if it runs on this machine
	Repeat    int

	// Safety.
	MaxRate  float64 // 0 = no bound
	MaxBytes int64   // 0 = no bound

	set map[string]bool // what a file or a flag has set
}

// Acks is what a producer waits for.
type Acks int16

// The levels.
const (
	AcksNone   Acks = 0
	AcksLeader Acks = 1
	AcksAll    Acks = -1
)

// String is Kafka's word.
func (a Acks) String() string {
	switch a {
	case AcksNone:
		return "0"
	case AcksLeader:
		return "1"
	}
	return "all"
}

// Default is the plan that runs when nothing is said.
func Default() *Plan {
	p := &Plan{set: map[string]bool{}}
	for i := range Settings {
		s := &Settings[i]
		if err := s.Set(p, s.Default); err != nil {
			panic("BUG: the default of " + s.Name + ": " + err.Error())
		}
	}
	clear(p.set)
	return p
}

// Set gives one setting its value as text. The error names the setting.
func (p *Plan) Set(name, text string) error {
	s := Find(name)
	if s == nil {
		return unknown(name)
	}
	if err := s.Set(p, text); err != nil {
		return &SettingError{Name: name, Err: err}
	}
	p.set[name] = true
	return nil
}

// IsSet reports whether a file or a flag has set a setting.
func (p *Plan) IsSet(name string) bool { return p.set[name] }

// Text is a setting as text.
func (p *Plan) Text(name string) string { return Find(name).Get(p) }

// Clone is a plan of its own with the same settings.
func (p *Plan) Clone() *Plan {
	c := &Plan{set: map[string]bool{}}
	for i := range Settings {
		s := &Settings[i]
		if err := s.Set(c, s.Get(p)); err != nil {
			panic("BUG: " + s.Name + " does not read what it writes: " + err.Error())
		}
		if p.set[s.Name] {
			c.set[s.Name] = true
		}
	}
	return c
}

// SettingError says which setting is wrong, and how.
type SettingError struct {
	Name string
	Err  error
}

// Error implements error.
func (e *SettingError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SettingError) Unwrap() error { return e.Err }
