package shape

import (
	stdbytes "bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
	"tailrace/wire/randmsg"
)

// eachVersion runs a test for each version of each API in the table.
func eachVersion(t *testing.T, run func(t *testing.T, key, v int16)) {
	t.Helper()
	for key := range int16(len(apis)) {
		first, last, ok := Versions(key)
		for v := first; ok && v <= last; v++ {
			t.Run(fmt.Sprintf("%s/v%d", apis[key].name, v), func(t *testing.T) { run(t, key, v) })
		}
	}
}

// The versions that the broker advertises for the APIs of the table (Kafka 4.4, stable).
func TestTableHasEveryVersion(t *testing.T) {
	for _, c := range []struct{ key, first, last int16 }{
		{2, 1, 11}, {3, 0, 13}, {10, 0, 6}, {17, 0, 1}, {19, 2, 7}, {20, 1, 6}, {22, 0, 5}, {23, 2, 4}, {36, 0, 2},
		{60, 0, 2},
		{21, 0, 2}, {32, 1, 4}, {33, 0, 2}, {35, 1, 5}, {37, 0, 3}, {44, 0, 1}, {74, 0, 1}, {75, 0, 0},
	} {
		first, last, ok := Versions(c.key)
		if first != c.first || last != c.last || !ok {
			t.Errorf("key %d: %d to %d, %t; want %d to %d", c.key, first, last, ok, c.first, c.last)
		}
		for v := first; v <= last; v++ {
			if flexible := apis[c.key].versions[v-first].flexible; flexible != wire.Flexible(c.key, v) {
				t.Errorf("key %d v%d: flexible %t", c.key, v, flexible)
			}
		}
		if name := kmsg.NameForKey(c.key); !strings.EqualFold(apis[c.key].name, name) {
			t.Errorf("key %d is %s, not %s", c.key, name, apis[c.key].name)
		}
	}
}

// TestElements: a request has so many elements and no more, wherever they stand.
func TestElements(t *testing.T) {
	for n, want := range map[int]error{MaxElements: nil, MaxElements + 1: wire.ErrCount} {
		names := kmsg.NewPtrDescribeGroupsRequest()
		names.Version, names.Groups = 5, make([]string, n)
		nested := kmsg.NewPtrOffsetFetchRequest()
		nested.Version = 9
		for _, partitions := range []int{n / 2, n - n/2 - 4} { // two groups, a topic each, and its partitions
			g, topic := kmsg.NewOffsetFetchRequestGroup(), kmsg.NewOffsetFetchRequestGroupTopic()
			topic.Partitions = make([]int32, partitions)
			g.Topics = append(g.Topics, topic)
			nested.Groups = append(nested.Groups, g)
		}
		for _, req := range []kmsg.Request{names, nested} {
			if err := Check(req.Key(), req.GetVersion(), req.AppendTo(nil)); !errors.Is(err, want) {
				t.Errorf("%s with %d elements: %v", kmsg.NameForKey(req.Key()), n, err)
			}
		}
	}
}

func random(f *randmsg.Filler, key, v int16) []byte {
	k := kmsg.RequestForKey(key)
	f.Fill(k)
	k.SetVersion(v)
	return k.AppendTo(nil)
}

func TestRandomRequestsPass(t *testing.T) {
	eachVersion(t, func(t *testing.T, key, v int16) {
		f := randmsg.New(uint64(key)<<8 | uint64(v))
		for i := range 200 {
			f.UnknownTags = i%2 == 1
			body := random(f, key, v)
			if err := Check(key, v, body); err != nil {
				t.Fatalf("%x: %v", body, err)
			}
			for n := range body {
				if Check(key, v, body[:n]) == nil {
					t.Fatalf("%d bytes of %x were accepted", n, body)
				}
			}
			if err := Check(key, v, append(body, 0)); !errors.Is(err, wire.ErrTrailing) {
				t.Fatalf("%x and a byte: %v", body, err)
			}
		}
	})
}

// judge holds that kmsg decodes what passes, in the same way for its own encoding of it.
func judge(t *testing.T, key, v int16, body []byte) {
	t.Helper()
	if Check(key, v, body) != nil {
		return
	}
	k := kmsg.RequestForKey(key)
	k.SetVersion(v)
	if err := k.ReadFrom(body); err != nil {
		t.Fatalf("%s v%d %x passes, but kmsg says: %v", apis[key].name, v, body, err)
	}
	if err := Check(key, v, k.AppendTo(nil)); err != nil {
		t.Fatalf("%s v%d %x passes, but not kmsg's encoding of it: %v", apis[key].name, v, body, err)
	}
}

func TestMutationsNeverPanic(t *testing.T) {
	eachVersion(t, func(t *testing.T, key, v int16) {
		f := randmsg.New(5)
		f.UnknownTags = true
		for range 300 {
			body := random(f, key, v)
			for range 1 + f.Rand.IntN(4) {
				if len(body) > 0 {
					body[f.Rand.IntN(len(body))] = byte(f.Rand.Uint32())
				}
			}
			judge(t, key, v, body)
		}
	})
}

// The walker and the hand-written parser of Fetch, the request with the most of everything, must agree on what is
// well-formed.
const fetchTable = `
1 Fetch 4-18 flexible 12
	ClusterId         string   12+ null 12+ tag 0
	ReplicaId         int32    0-14
	ReplicaState      struct   15+ tag 1
		ReplicaId     int32
		ReplicaEpoch  int64
	MaxWaitMs         int32
	MinBytes          int32
	MaxBytes          int32
	IsolationLevel    int8
	SessionId         int32    7+
	SessionEpoch      int32    7+
	Topics            []struct
		Topic         string   0-12
		TopicId       uuid     13+
		Partitions    []struct
			Partition          int32
			CurrentLeaderEpoch int32 9+
			FetchOffset        int64
			LastFetchedEpoch   int32 12+
			LogStartOffset     int64 5+
			PartitionMaxBytes  int32
			ReplicaDirectoryId uuid  17+ tag 0
			HighWatermark      int64 18+ tag 1
	ForgottenTopics   []struct 7+
		Topic         string   0-12
		TopicId       uuid     13+
		Partitions    []int32
	RackId            string   11+
`

func TestWalkerAgreesWithFetchParser(t *testing.T) {
	fetch := compile(fetchTable)[1]
	f := randmsg.New(11)
	f.UnknownTags = true
	refused := 0
	for v := int16(wire.MinFetch); v <= wire.MaxFetch; v++ {
		for i := range 600 {
			body := random(f, wire.KeyFetch, v)
			for range i % 3 {
				body[f.Rand.IntN(len(body))] = byte(f.Rand.IntN(8))
			}
			var q wire.FetchRequest
			parsed, checked := q.Parse(v, body), fetch.check(v, body)
			if (parsed == nil) != (checked == nil) {
				t.Fatalf("v%d %x: the parser says %v, the walker %v", v, body, parsed, checked)
			}
			if parsed != nil {
				refused++
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d bodies were refused: the test compares too little", refused)
	}
}

func TestErrorsNameTheField(t *testing.T) {
	listOffsets := []byte{
		0xff, 0xff, 0xff, 0xff, 0, // replica, isolation
		2, 2, 't', // one topic
		2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, // one partition
		0, // tagged fields of the topic
		0, // tagged fields of the request
	}
	if err := Check(2, 6, listOffsets); err != nil {
		t.Fatal(err)
	}
	set := func(at int, b byte) []byte {
		body := stdbytes.Clone(listOffsets)
		body[at] = b
		return body
	}
	for _, c := range []struct {
		key, v int16
		body   []byte
		field  string
		reason error
	}{
		{2, 6, set(6, 0), "Topics[0].Name", wire.ErrNull},
		{2, 6, set(6, 99), "Topics[0].Name", wire.ErrLength},
		{2, 6, set(5, 0), "Topics", wire.ErrNull},
		{2, 6, set(5, 99), "Topics", wire.ErrLength},
		{2, 6, set(8, 99), "Topics[0].Partitions", wire.ErrLength},
		{2, 6, set(8, 0), "Topics[0].Partitions", wire.ErrNull},
		{2, 6, set(25, 9), "Topics[0].Partitions[0].tagged fields", wire.ErrLength},
		{2, 6, listOffsets[:24], "Topics[0].Partitions", wire.ErrLength},
		{2, 6, listOffsets[:3], "ReplicaId", wire.ErrShort},
		{2, 6, listOffsets[:27], "tagged fields", wire.ErrShort},
		{2, 6, append(stdbytes.Clone(listOffsets), 1), "", wire.ErrTrailing},
		{3, 0, []byte{0xff, 0xff, 0xff, 0xff}, "Topics", wire.ErrNull},
		{20, 1, []byte{0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0}, "TopicNames[0]", wire.ErrNull},
		{36, 0, []byte{0xff, 0xff, 0xff, 0xff}, "AuthBytes", wire.ErrNull},
		{22, 6, nil, "", wire.ErrVersion},
		{22, -1, nil, "", wire.ErrVersion},
		{0, 9, nil, "", wire.ErrKey},
		{-1, 0, nil, "", wire.ErrKey},
		{32767, 0, nil, "", wire.ErrKey},
	} {
		err := Check(c.key, c.v, c.body)
		var e *Error
		if !errors.As(err, &e) || e.Field != c.field || !errors.Is(err, c.reason) || e.Pos > len(c.body) {
			t.Errorf("key %d v%d %x: %v; want %q, %v", c.key, c.v, c.body, err, c.field, c.reason)
		}
	}
	want := "ListOffsets v6: Topics[0].Name at byte 7: a length or count is larger than what is left of the frame"
	if got := Check(2, 6, set(6, 99)).Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A frame that announces 2^31 elements, or tagged fields, is refused at the announcement; a good one costs nothing.
func TestAllocations(t *testing.T) {
	big := make([]byte, 1<<20)
	hostile := []struct {
		key, v int16
		head   string
	}{
		{3, 1, "\x7f\xff\xff\xff"}, {3, 13, "\xff\xff\xff\xff\x07"}, {3, 12, "\xff\xff\xff\xff\x0f"},
		{60, 0, "\x00\xff\xff\xff\xff\x0f"}, {19, 2, "\x7f\xff\xff\xff"},
		{19, 5, "\x02\x02t\x00\x00\x00\x01\x00\x01\xff\xff\x7f"},
		{20, 5, "\x80\x80\x80\x02"}, {2, 1, "\xff\xff\xff\xff\x00\x20\x00\x00"},
	}
	for _, h := range hostile {
		copy(big, h.head)
		if err := Check(h.key, h.v, big); !errors.Is(err, wire.ErrLength) {
			t.Errorf("%s v%d: %v", apis[h.key].name, h.v, err)
		}
		// The error itself, its path and nothing else.
		if n := testing.AllocsPerRun(20, func() { _ = Check(h.key, h.v, big) }); n > 6 {
			t.Errorf("%s v%d: %v allocations to refuse", apis[h.key].name, h.v, n)
		}
	}
	body := random(randmsg.New(3), 2, 11)
	if n := testing.AllocsPerRun(100, func() { _ = Check(2, 11, body) }); n != 0 {
		t.Errorf("%v allocations for a good request", n)
	}
}

func TestMistakesInATablePanic(t *testing.T) {
	for _, table := range []string{
		"\tField int8", "1 Name 0-1 flexible", "1 Name 0-1 rigid 1", "x Name 0-1 flexible 1",
		"1 Name 0-1 flexible 1\n\tField", "1 Name 0-1 flexible 1\n\tField int9", "1 Name 0-1 flexible 1\n\tField int8 a+",
		"1 Name 0-1 flexible 1\n\tField []struct", "1 Name 0-1 flexible 1\n\tField int8\n\t\tBelow int8",
		"1 Name 0-1 flexible 1\n\tField int8\n\t\t\tDeep int8",
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was accepted", table)
				}
			}()
			compile(table)
		}()
	}
}

func FuzzCheck(f *testing.F) {
	fill := randmsg.New(13)
	for key := range int16(len(apis)) {
		first, last, ok := Versions(key)
		for v := first; ok && v <= last; v++ {
			fill.UnknownTags = v%2 == 0
			f.Add(key, v, random(fill, key, v))
		}
	}
	f.Fuzz(func(t *testing.T, key, v int16, body []byte) { judge(t, key, v, body) })
}
