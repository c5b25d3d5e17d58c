package group

import "github.com/twmb/franz-go/pkg/kmsg"

// Event is something that happens to a Machine: Call, Tick, TopicsDeleted or Gone.
type Event interface{ event() }

// Call is a request of a client: JoinGroup, SyncGroup, Heartbeat, LeaveGroup, OffsetCommit, OffsetFetch, OffsetDelete,
// ListGroups, DescribeGroups or DeleteGroups, in any served version (Request.GetVersion). It names only groups of this
// machine's partition. The machine keeps strings of the request, and copies the bytes that it keeps: the frame is free
// when Step returns if the request was read by ReadFrom (UnsafeReadFrom makes strings of the frame).
type Call struct {
	To         any // comes back with the answer; comparable, and another one for every call that is not answered yet
	ClientID   string
	ClientHost string // as Kafka shows it: "/" and the address
	Request    kmsg.Request
}

// Tick says that the time asked for by WakeMs has come. An early or a needless one does no harm.
type Tick struct{}

// TopicsDeleted says that topics are gone: so are the offsets committed for them.
type TopicsDeleted struct{ Topics []TopicRef }

// TopicRef names a topic. An ID of zero stands for any topic of that name.
type TopicRef struct {
	Name string
	ID   [16]byte
}

// Gone says that nobody waits for the answer of the parked call To any more. The member stays: its session decides.
type Gone struct{ To any }

func (Call) event()          {}
func (Tick) event()          {}
func (TopicsDeleted) event() {}
func (Gone) event()          {}
