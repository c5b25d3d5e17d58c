package proof

import (
	"fmt"
	"strings"

	"tailrace/loadgen/plan"
)

// Level is what a producer asks for.
type Level struct {
	Acks       plan.Acks
	Idempotent bool
}

// ParseLevels reads a list of 0, 1, all and idempotent (which is acks=all with numbered batches).
func ParseLevels(text string) (list []Level, err error) {
	for word := range strings.SplitSeq(text, ",") {
		l := map[string]Level{
			"0": {plan.AcksNone, false}, "1": {plan.AcksLeader, false}, "all": {plan.AcksAll, false},
			"idempotent": {plan.AcksAll, true},
		}
		level, ok := l[strings.TrimSpace(word)]
		if !ok {
			return nil, fmt.Errorf("%q is no level: write 0, 1, all or idempotent (acks=all with idempotence)", word)
		}
		list = append(list, level)
	}
	return list, nil
}

// String is the level in Kafka's words.
func (l Level) String() string {
	if l.Idempotent {
		return "acks=all idempotent"
	}
	return "acks=" + l.Acks.String()
}

// Breaches are the ways in which a finding breaks what a level promises when the process of a broker is killed and its
// machine lives on: what it has written is in the page cache, and no acknowledged record may be lost. acks=0 promises
// nothing of a record; copies and disorder are forbidden with idempotence only, for without it a client sends again
// what it got no answer to. Damage is never allowed.
func (f *Finding) Breaches(l Level) (list []string) {
	say := func(n int64, what string) {
		if n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, what))
		}
	}
	if l.Acks != plan.AcksNone {
		say(f.Lost, "acknowledged records are lost")
		say(f.Moved, "acknowledged records are at another offset")
	}
	if l.Idempotent {
		say(f.Duplicates, "records are there twice")
		say(f.Disorder, "records are out of order")
	}
	say(f.Damaged, "records are not what was sent")
	return list
}
