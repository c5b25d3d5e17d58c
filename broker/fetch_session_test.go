package broker_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// fetcher is a client with a fetch session.
type fetcher struct {
	*peer
	version int16
	topic   string
	id      [16]byte
	session int32
	epoch   int32
}

func newFetcher(t testing.TB, addr string, version int16, partitions int32) *fetcher {
	f := &fetcher{peer: dial(t, addr), version: version, topic: fresh(t)}
	f.id = f.create(f.topic, partitions)
	return f
}

// request is the next one of the session, naming only these partitions.
func (f *fetcher) request(parts ...at) *kmsg.FetchRequest {
	req := fetchRequest(f.version, f.topic, f.id, parts...)
	req.SessionID, req.SessionEpoch = f.session, f.epoch
	return req
}

// next sends the session's next request and reports which partitions the answer holds.
func (f *fetcher) next(req *kmsg.FetchRequest) (*kmsg.FetchResponse, []int32) {
	f.t.Helper()
	r := ask[*kmsg.FetchResponse](f.peer, req)
	code(f.t, "fetch in a session", r.ErrorCode, errcode.None)
	f.epoch++
	parts := []int32{}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			parts = append(parts, p.Partition)
		}
	}
	slices.Sort(parts) // in which order they come is the broker's way of being fair
	return r, parts
}

// begin makes a session of these partitions.
func (f *fetcher) begin(parts ...at) []int32 {
	f.t.Helper()
	f.session, f.epoch = 0, 0
	r, got := f.next(f.request(parts...))
	if f.session = r.SessionID; f.session == 0 {
		f.t.Fatal("no session was made")
	}
	return got
}

func wantParts(t testing.TB, what string, got []int32, want ...int32) {
	t.Helper()
	if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%s: the answer holds partitions %v, want %v", what, got, want)
	}
}

// sessionVersions are one that speaks names and one that speaks ids.
var sessionVersions = []int16{7, 12, 13, 18}

// TestFetchSession: a full answer first, then only what has news.
func TestFetchSession(t *testing.T) {
	n := serve(t)
	for _, version := range sessionVersions {
		f := newFetcher(t, n.addr, version, 3)
		f.wrote(f.topic, 1, plain(t, "old"))
		wantParts(t, "first request", f.begin(at{}, at{partition: 1, offset: 1}, at{partition: 2}), 0, 1, 2)
		_, got := f.next(f.request())
		wantParts(t, "nothing new", got)

		f.wrote(f.topic, 2, plain(t, "new"))
		r, got := f.next(f.request())
		wantParts(t, "one append", got, 2)
		if v := values(t, r.Topics[0].Partitions[0].RecordBatches); !reflect.DeepEqual(v, []string{"new"}) {
			t.Errorf("v%d: records %q", version, v)
		}
		if r.SessionID != f.session {
			t.Errorf("v%d: session %d answers as %d", version, f.session, r.SessionID)
		}
		// As long as the client does not move on, the records are there to be had.
		_, got = f.next(f.request())
		wantParts(t, "not moved on", got, 2)
		_, got = f.next(f.request(at{partition: 2, offset: 1}))
		wantParts(t, "moved on", got)
		_, got = f.next(f.request(at{partition: 1, offset: 0}))
		wantParts(t, "moved back", got, 1)
	}
}

// TestFetchSessionForgets partitions that the client drops, and takes in new ones.
func TestFetchSessionForgets(t *testing.T) {
	n := serve(t)
	for _, version := range sessionVersions {
		f := newFetcher(t, n.addr, version, 3)
		f.begin(at{}, at{partition: 1})
		for p := range int32(3) {
			f.wrote(f.topic, p, plain(t, "x"))
		}
		req := f.request(at{partition: 2})
		forgotten := kmsg.NewFetchRequestForgottenTopic()
		forgotten.Topic, forgotten.TopicID, forgotten.Partitions = f.topic, f.id, []int32{0}
		req.ForgottenTopics = append(req.ForgottenTopics, forgotten)
		_, got := f.next(req)
		wantParts(t, "one forgotten, one new", got, 1, 2)
	}
}

// TestFetchSessionRefuses: requests that do not fit their session.
func TestFetchSessionRefuses(t *testing.T) {
	n := serve(t)
	for _, version := range sessionVersions {
		f := newFetcher(t, n.addr, version, 2)
		f.begin(at{}, at{partition: 1})
		refused := func(what string, session, epoch int32, version int16, want errcode.Code) {
			t.Helper()
			req := fetchRequest(version, f.topic, f.id)
			req.SessionID, req.SessionEpoch = session, epoch
			r := ask[*kmsg.FetchResponse](f.peer, req)
			code(t, what, r.ErrorCode, want)
			if len(r.Topics) > 0 {
				t.Errorf("%s: %d topics came with the error", what, len(r.Topics))
			}
		}
		refused("epoch ahead", f.session, 5, version, errcode.InvalidFetchSessionEpoch)
		refused("unknown session", f.session^0x5a5a5a, 1, version, errcode.FetchSessionIDNotFound)
		if other := int16(25) - version; version == 12 || version == 13 { // 12 speaks names, 13 ids
			refused("names and ids mixed", f.session, f.epoch, other, errcode.FetchSessionTopicIDError)
		}
		_, got := f.next(f.request())
		wantParts(t, "the session lives on", got)
		refused("epoch behind", f.session, 1, version, errcode.InvalidFetchSessionEpoch)
	}
}

// TestFetchSessionEnds: epoch -1 with the id drops the session and answers in full; epoch 0 with the id replaces it.
func TestFetchSessionEnds(t *testing.T) {
	n := serve(t)
	for _, version := range sessionVersions {
		f := newFetcher(t, n.addr, version, 1)
		f.begin(at{})
		first := f.session
		f.epoch = 0
		r, got := f.next(f.request(at{}))
		wantParts(t, "a new session in place of the old", got, 0)
		if r.SessionID == 0 || r.SessionID == first {
			t.Errorf("v%d: session %d follows %d", version, r.SessionID, first)
		}
		f.session, f.epoch = r.SessionID, -1
		r, got = f.next(f.request(at{}))
		wantParts(t, "the last request", got, 0)
		if r.SessionID != 0 {
			t.Errorf("v%d: session %d after the end", version, r.SessionID)
		}
		for _, gone := range []int32{first, f.session} {
			req := f.request()
			req.SessionID, req.SessionEpoch = gone, 1
			code(t, "an ended session", ask[*kmsg.FetchResponse](f.peer, req).ErrorCode, errcode.FetchSessionIDNotFound)
		}
	}
}

// TestFetchSessionWaits: an incremental fetch without news parks like any other, and is woken by any of the session's
// partitions.
func TestFetchSessionWaits(t *testing.T) {
	n := serve(t)
	writer := dial(t, n.addr)
	f := newFetcher(t, n.addr, 13, 3)
	f.begin(at{}, at{partition: 1}, at{partition: 2})
	req := f.request()
	req.MaxWaitMillis = int32(tooLongToWait / time.Millisecond)
	f.send(req)
	writer.wrote(f.topic, 1, plain(t, "x"))
	r := f.receive(req).(*kmsg.FetchResponse)
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 || r.Topics[0].Partitions[0].Partition != 1 {
		t.Errorf("woken with %+v, want partition 1", r.Topics)
	}
}

// TestFetchSessionTellsOfErrors: a partition in error is in every answer; one of a topic that was deleted and made
// anew is known as another by its id.
func TestFetchSessionTellsOfErrors(t *testing.T) {
	n := serve(t)
	f := newFetcher(t, n.addr, 13, 1)
	f.begin(at{}, at{partition: 4})
	for range 3 {
		r, got := f.next(f.request())
		wantParts(t, "with an unknown partition", got, 4)
		code(t, "unknown partition", r.Topics[0].Partitions[0].ErrorCode, errcode.UnknownTopicOrPartition)
	}
	old := f.id
	ask[*kmsg.DeleteTopicsResponse](f.peer, deleteRequest(6, f.topic))
	f.create(f.topic, 1)
	req := f.request()
	r, got := f.next(req)
	if otherBroker == "" {
		wantParts(t, "after the topic was made anew", got, 0, 4)
	}
	for _, topic := range r.Topics {
		if topic.TopicID != old {
			t.Errorf("the answer is about topic %x, asked was %x", topic.TopicID, old)
		}
		for _, p := range topic.Partitions {
			c := errcode.Code(p.ErrorCode)
			if p.Partition == 0 && c != errcode.UnknownTopicID && c != errcode.InconsistentTopicID {
				t.Errorf("a partition of the old topic: %v", c)
			}
		}
	}
}
