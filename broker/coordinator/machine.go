package coordinator

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/effect"
	"tailrace/netio"
	"tailrace/wire/errcode"
)

// Machine is what a shard runs. E is its type of events.
type Machine[E any] interface {
	// Replay applies one record while the shard loads and keeps the record's slices. An error means that the record
	// was left out, and is only reported.
	Replay(r effect.Record, timestampMs int64) error
	// Loaded ends the replay.
	Loaded(nowMs int64) effect.Effects
	// Step lets one event happen.
	Step(ev E, nowMs int64) effect.Effects
}

// Waiter is one call: an effect.Reply names it in To. It is told once, answer or refusal. What it completes is put into
// out, so that a connection with several of them is written to once.
type Waiter interface {
	Answer(body kmsg.Response, out *netio.Batch)
	Refuse(code errcode.Code, out *netio.Batch)
}

// Timer wakes a shard. Set replaces the time that was set before.
type Timer interface{ Set(after time.Duration) }

// refusal is the code that clients of a coordinator know for what a partition answered (Kafka's
// CoordinatorOperationExceptionHelper). All but UNKNOWN_SERVER_ERROR are retried.
func refusal(code errcode.Code) errcode.Code {
	switch code {
	case errcode.NotEnoughReplicas, errcode.NotEnoughReplicasAfterAppend, errcode.RequestTimedOut,
		errcode.UnknownTopicOrPartition:
		return errcode.CoordinatorNotAvailable
	case errcode.NotLeaderOrFollower, errcode.KafkaStorageError:
		return errcode.NotCoordinator
	}
	return errcode.UnknownServerError
}
