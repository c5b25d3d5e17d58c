package wire_test

import (
	"bytes"
	"testing"

	"tailrace/wire"
	"tailrace/wire/errcode"
)

// noAllocs holds that run allocates nothing once it is warm.
func noAllocs(t *testing.T, name string, run func()) {
	t.Helper()
	run()
	if n := testing.AllocsPerRun(200, run); n != 0 {
		t.Errorf("%s: %v allocations", name, n)
	}
}

// sampleIn returns the sample of the named codec in the version.
func sampleIn(t *testing.T, name string, v int16) []byte {
	t.Helper()
	for _, c := range codecs() {
		if c.name == name {
			return c.encoded(v)
		}
	}
	t.Fatal(name)
	return nil
}

func TestHeadersAllocateNothing(t *testing.T) {
	buf := make([]byte, 0, 64)
	h := wire.RequestHeader{Key: wire.KeyFetch, Version: 18, ClientID: []byte("client")}
	noAllocs(t, "headers", func() {
		b := append(wire.AppendRequestHeader(buf, &h), 1, 2, 3)
		if got, body, err := wire.ParseRequestHeader(b); err != nil || got.Version != 18 || len(body) != 3 {
			t.Error(got, err)
		}
		b = wire.AppendResponseHeader(buf, wire.KeyFetch, 18, 4)
		if _, _, err := wire.ParseResponseHeader(b, wire.KeyFetch, 18); err != nil {
			t.Error(err)
		}
	})
}

func TestProduceAllocatesNothing(t *testing.T) {
	for v := int16(wire.MinProduce); v <= wire.MaxProduce; v++ {
		var (
			body = sampleIn(t, "produce_request", v)
			q    wire.ProduceRequest
			w    wire.ProduceWriter
			s    wire.ProduceResponse
			buf  = make([]byte, 0, 4096)
			errs = []wire.RecordError{{Index: 1, Message: "bad"}}
			lead = wire.LeaderHint{ID: 1, Epoch: 2}
			node = []wire.NodeEndpoint{{ID: 1, Host: "h", Port: 9092}}
			got  wire.ProducedPartition
		)
		noAllocs(t, "produce", func() {
			var (
				topic wire.ProduceTopic
				p     wire.ProducePartition
				at    int
			)
			if err := q.Parse(v, body); err != nil {
				t.Fatal(err)
			}
			b := w.Begin(buf, v, q.Topics)
			for q.NextTopic(&topic) {
				b = w.Topic(b, topic.Name, topic.ID, topic.Partitions)
				for q.NextPartition(&p) {
					res := wire.ProduceResult{Index: p.Index, RecordErrors: errs, Message: "m", Leader: &lead}
					b, at = w.Partition(b, &res)
				}
				b = w.EndTopic(b)
			}
			b = w.End(b, 0, node)
			wire.PatchCode(b, at, errcode.NotEnoughReplicas)
			if err := s.Parse(v, b); err != nil {
				t.Fatal(err)
			}
			for s.NextTopic(&topic) {
				for s.NextPartition(&got) {
				}
			}
		})
	}
}

func TestFetchAllocatesNothing(t *testing.T) {
	for v := int16(wire.MinFetch); v <= wire.MaxFetch; v++ {
		var (
			body    = sampleIn(t, "fetch_request", v)
			q       wire.FetchRequest
			w       wire.FetchWriter
			s       wire.FetchResponse
			buf     = make([]byte, 0, 4096)
			aborted = []wire.AbortedTxn{{ProducerID: 1, FirstOffset: 2}}
			got     wire.FetchedPartition
			end     = wire.EpochEnd{Epoch: 1, EndOffset: 2}
		)
		noAllocs(t, "fetch", func() {
			var (
				topic wire.FetchTopic
				gone  wire.ForgottenTopic
				p     wire.FetchPartition
			)
			if err := q.Parse(v, body); err != nil {
				t.Fatal(err)
			}
			for q.NextForgotten(&gone) {
			}
			b := w.Begin(buf, v, 0, errcode.None, 1, q.Topics)
			for q.NextTopic(&topic) {
				b = w.TopicNamed(b, "orders", topic.ID, topic.Partitions)
				for q.NextPartition(&p) {
					res := wire.FetchResult{Index: p.Index, Aborted: aborted, RecordsLen: 4, Diverging: &end}
					b = append(w.Partition(b, &res), "1234"...)
					b = w.AfterRecords(b, &res)
				}
				b = w.EndTopic(b)
			}
			b = w.End(b, nil)
			if err := s.Parse(v, b); err != nil {
				t.Fatal(err)
			}
			for s.NextTopic(&topic) {
				for s.NextPartition(&got) {
				}
			}
		})
	}
}

// A frame that announces more than it holds is refused at the announcement.
func TestHostileCounts(t *testing.T) {
	eachVersion(t, func(t *testing.T, c codec, v int16) {
		classic := []byte{0x7f, 0xff, 0xff, 0xff}
		compact := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
		body := c.encoded(v)
		for at := range body {
			for _, count := range [][]byte{classic, compact} {
				// The count is put over and in front of each byte, with a little left behind it.
				over := append(bytes.Clone(body[:at]), count...)
				judge(t, c, v, append(over, body[min(at+len(count), len(body)):]...))
				judge(t, c, v, append(append(bytes.Clone(body[:at]), count...), body[at:]...))
			}
		}
	})
	noAllocs(t, "hostile", func() {
		var (
			p wire.ProduceRequest
			f wire.FetchRequest
		)
		if p.Parse(9, hostileProduce) != wire.ErrLength || f.Parse(4, hostileFetch) != wire.ErrLength {
			t.Error("2^31-1 topics were accepted")
		}
	})
}

var (
	hostileProduce = []byte{0, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 7, 1, 1, 1}
	hostileFetch   = append(make([]byte, 17), 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0)
)

// A walk may leave out partitions, and may be repeated.
func TestWalkSkipsAndRewinds(t *testing.T) {
	for v := int16(wire.MinProduce); v <= wire.MaxProduce; v++ {
		var (
			q     wire.ProduceRequest
			topic wire.ProduceTopic
			p     wire.ProducePartition
		)
		if err := q.Parse(v, sampleIn(t, "produce_request", v)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if !q.NextTopic(&topic) || topic.Partitions != 2 || !q.NextTopic(&topic) || topic.Partitions != 0 ||
				q.NextPartition(&p) || q.NextTopic(&topic) || q.NextTopic(&topic) {
				t.Fatalf("v%d: a walk over topics alone", v)
			}
			q.Rewind()
			if !q.NextTopic(&topic) || !q.NextPartition(&p) || string(p.Records) != "batch" || p.Index != 0 ||
				!q.NextPartition(&p) || p.Records != nil || p.Index != 3 || q.NextPartition(&p) {
				t.Fatalf("v%d: the first topic after Rewind", v)
			}
			q.Rewind()
		}
	}
}
