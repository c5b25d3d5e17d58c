package group

// Config is what a Machine is told of settings. It is not changed once it is given away.
type Config struct {
	InitialRebalanceDelayMs int // group.initial.rebalance.delay.ms
	MinSessionMs            int // group.min.session.timeout.ms
	MaxSessionMs            int // group.max.session.timeout.ms
	MaxSize                 int // group.max.size; members, static ones included
	MaxMetadataBytes        int // offset.metadata.max.bytes

	OffsetsRetentionMs      int64 // offsets.retention.minutes, in milliseconds
	OffsetsRetentionCheckMs int64 // offsets.retention.check.interval.ms

	// Random fills its argument: 16 bytes that a new member id is made of. They must not repeat, nor be guessable.
	Random func([]byte)
}
