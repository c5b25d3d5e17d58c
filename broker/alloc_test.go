//go:build !race

// The race detector makes pools lose things on purpose: what is allocated under it says nothing.

package broker_test

import (
	"context"
	"encoding/binary"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/netio"
)

// loop is a raw client with a prebuilt request, whose own side of the exchange allocates nothing.
type loop struct {
	t      *testing.T
	client *netio.Client
	frame  []byte
}

func newLoop(t *testing.T, addr string) *loop {
	t.Helper()
	client, err := netio.Dial(context.Background(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return &loop{t: t, client: client}
}

func (l *loop) round() int {
	if err := l.client.Send(l.frame); err != nil {
		l.t.Fatal(err)
	}
	b, err := l.client.Receive()
	if err != nil {
		l.t.Fatal(err)
	}
	return len(b)
}

// allocations counts those of the whole process, broker and clients, in so many rounds: the least of many short runs,
// because what is done once a second (checkpoints) or once a segment falls into some of them, however slow the machine,
// and what is done for each request into all.
func allocations(rounds int, round func()) int {
	for range rounds {
		round() // buffers grow, pools fill
	}
	least := math.MaxInt
	for range 40 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			round()
		}
		runtime.ReadMemStats(&after)
		if least = min(least, int(after.Mallocs-before.Mallocs)); least < rounds/oneIn {
			break
		}
	}
	return least
}

// hotRounds is how many requests a run measures, syncRounds where each waits for the disk: few enough that most runs
// end within a second. One request in oneIn may allocate: a goroutine that the scheduler made, a pool that was emptied.
const (
	hotRounds  = 1_000
	syncRounds = 300
	oneIn      = 100
)

// TestHotRequestsAllocateNothing, from the socket through the log to the socket: one produced batch of either size,
// with each kind of acknowledgement, and one fetched partition, small (writev), large (sendfile) and empty.
func TestHotRequestsAllocateNothing(t *testing.T) {
	n := start(t)
	p := dial(t, n.addr)
	topic := fresh(t)
	id := p.create(topic, 3)
	small, large := plain(t, "small"), plain(t, strings.Repeat("large", 13_000))
	p.wrote(topic, 1, small)
	for range 20 {
		p.wrote(topic, 2, large)
	}
	l := newLoop(t, n.addr)
	produce := func(acks int16, b []byte) []byte {
		req := produceRequest(13, "", 0, acks, b)
		req.Topics[0].TopicID = id
		return frameOf(req, 1)
	}
	fetch := func(version int16, max int32, parts ...at) []byte {
		req := fetchRequest(version, topic, id, parts...)
		req.MaxBytes = max
		return frameOf(req, 1)
	}
	for _, c := range []struct {
		name   string
		frame  []byte
		answer int // at least so many bytes
		rounds int
	}{
		{"produce 1 record, acks=1", produce(1, small), 50, hotRounds},
		{"produce 64 KiB, acks=1", produce(1, large), 50, hotRounds},
		{"produce 1 record, acks=all", produce(-1, small), 50, syncRounds},
		{"produce by name", frameOf(produceRequest(9, topic, 0, 1, small), 1), 50, hotRounds},
		{"fetch 1 record", fetch(18, 1<<20, at{partition: 1}), len(small), hotRounds},
		{"fetch 64 KiB", fetch(18, 1<<16, at{partition: 2}), len(large), hotRounds},
		{"fetch 1 MiB by name", fetch(11, 1<<20, at{2, 1, 1 << 20}), 15 * len(large), hotRounds},
		{"fetch nothing", fetch(18, 1<<20, at{partition: 1, offset: 1}), 50, hotRounds},
	} {
		l.frame = c.frame
		if got := l.round(); got < c.answer {
			t.Fatalf("%s: an answer of %d bytes, want at least %d", c.name, got, c.answer)
		}
		if sum := allocations(c.rounds, func() { l.round() }); sum >= c.rounds/oneIn {
			t.Errorf("%s: %.4f allocations a request", c.name, float64(sum)/float64(c.rounds))
		}
	}
}

// endOfDifference is behind the last byte in which two frames differ.
func endOfDifference(a, b []byte) int {
	for i := len(a) - 1; ; i-- {
		if a[i] != b[i] {
			return i + 1
		}
	}
}

// TestConsumersAllocateNothing: a consumer with a session, up to the end of its partition, is woken by each append: the
// way of nearly every record of a running system.
func TestConsumersAllocateNothing(t *testing.T) {
	n := start(t, "tailrace.flush.before.ack=never")
	p := dial(t, n.addr)
	topic := fresh(t)
	id := p.create(topic, 1)
	request := func(session, epoch int32, offset int64) []byte {
		req := fetchRequest(13, "", id, at{offset: offset})
		req.SessionID, req.SessionEpoch, req.MaxWaitMillis = session, epoch, int32(tooLongToWait.Milliseconds())
		return frameOf(req, 1)
	}
	consumer, producer := newLoop(t, n.addr), newLoop(t, n.addr)
	produce := produceRequest(13, "", 0, 1, plain(t, "news"))
	produce.Topics[0].TopicID = id
	producer.frame = frameOf(produce, 1)
	producer.round()

	begin := fetchRequest(13, "", id, at{})
	begin.SessionEpoch = 0
	session := ask[*kmsg.FetchResponse](p, begin).SessionID
	consumer.frame = request(session, 0, 0)
	atEpoch := endOfDifference(consumer.frame, request(session, 1, 0)) - 4
	atOffset := endOfDifference(consumer.frame, request(session, 0, 1)) - 8
	epoch, offset := uint32(0), uint64(0)
	if sum := allocations(hotRounds, func() {
		epoch, offset = epoch+1, offset+1
		binary.BigEndian.PutUint32(consumer.frame[atEpoch:], epoch)
		binary.BigEndian.PutUint64(consumer.frame[atOffset:], offset)
		if err := consumer.client.Send(consumer.frame); err != nil {
			t.Fatal(err)
		}
		producer.round()
		if b, err := consumer.client.Receive(); err != nil || len(b) < len(produce.Topics[0].Partitions[0].Records) {
			t.Fatalf("round %d: an answer of %d bytes, %v", epoch, len(b), err)
		}
	}); sum >= hotRounds/oneIn {
		t.Errorf("%.4f allocations for a record that is produced and delivered", float64(sum)/hotRounds)
	}
}
