package group

import (
	"iter"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/effect"
	"tailrace/wire/errcode"
)

// Machine is the groups of one partition of __consumer_offsets. Make one with New, give it the partition's records by
// Replay, end that with Loaded, and then give it events by Step.
type Machine struct{ config *Config }

// New makes an empty machine.
func New(c *Config) *Machine { return &Machine{config: c} }

// Reconfigure changes the settings from the next step on.
func (m *Machine) Reconfigure(c *Config) { m.config = c }

// Replay applies one record of the log; records come in the order of the log. timestampMs is the record's own. The
// slices of the record are kept. An error is an *UnknownRecordError or a *BadRecordError: the record was not applied,
// and the replay may go on.
func (m *Machine) Replay(r effect.Record, timestampMs int64) error { return nil }

// Loaded ends the replay: members get a whole session from nowMs on, and rebalances that were under way are resumed.
func (m *Machine) Loaded(nowMs int64) effect.Effects { return effect.Effects{WakeMs: effect.Never} }

// Step lets one event happen. The effects hold what became of it, and of calls that waited for it.
func (m *Machine) Step(ev Event, nowMs int64) effect.Effects {
	return effect.Effects{WakeMs: effect.Never}
}

// Snapshot gives the records that rebuild the state which a replay of the log would give.
func (m *Machine) Snapshot() iter.Seq[effect.Record] { return func(func(effect.Record) bool) {} }

// Refuse is the answer that has code everywhere the API has room for one: to a call that never reached a machine, or
// whose records could not be appended.
func Refuse(req kmsg.Request, code errcode.Code) kmsg.Response { return req.ResponseKind() }
