// Package effect is what a pure machine (broker/group, broker/txn) asks of the one who runs it (broker/coordinator):
// records to append, answers to give, and when to be woken.
//
// It owns the words between the two and no behaviour, so that a machine knows nothing of partitions and the runner
// nothing of groups.
//
// The promise behind the words: a machine applies an effect to its own state at once, the runner appends the records in
// the order of the steps, several steps to a batch or, if one has very many, several batches to a step, and gives an
// answer when all that was appended before it, and with it, is durable. If an append fails the machine is thrown away
// and made again from the log.
//
// Values, no state: safe for concurrent use.
package effect

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Record is a record of the machine's partition. The machine gives its bytes away.
type Record struct {
	Key   []byte
	Value []byte // nil: a tombstone
}

// Reply is the answer to a call. To is what the call brought along; the runner alone knows what it is.
type Reply struct {
	To   any
	Body kmsg.Response
}

// Never is the time of a wake-up that is not needed.
const Never = int64(math.MaxInt64)

// Effects is what one step leads to.
type Effects struct {
	Records []Record
	Replies []Reply // also those of earlier calls that waited
	WakeMs  int64   // when the machine wants a Tick, milliseconds since 1970; Never for not at all
}
