package drive

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"tailrace/batch"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
	"tailrace/wire"
)

// readBy adds consumers to a raw load, as a run does.
func readBy(r *Raw) *RawConsuming {
	r.Stamper = payload.NewStamper(77, time.Now().Add(-time.Second))
	if r.Plan.Compression.Name != "none" {
		r.Dues = NewDues(len(r.Leaders), r.Plan.Consumers)
	}
	return &RawConsuming{
		Plan: r.Plan, Meter: r.Meter, Stamper: r.Stamper, Dues: r.Dues, Topic: r.Topic, Leaders: r.Leaders,
		Starts: make([]wire.Offset, len(r.Leaders)), Dial: r.Dial, From: r.Meter.Start().Add(r.Plan.Warmup),
		Trouble: r.Trouble,
	}
}

// finish waits until the consumers have everything.
func finish(t *testing.T, r *Raw, c *RawConsuming) {
	t.Helper()
	for begin := time.Now(); c.Received() < r.Acked()*int64(r.Plan.Consumers); time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d records received, %d acknowledged", c.Received(), r.Acked())
		}
	}
	c.Stop()
}

// TestRawReadsWhatIsAcknowledged: each consumer times every record that was due behind the warm-up, stamped or not, in
// batches of several, in partitions with several leaders.
func TestRawReadsWhatIsAcknowledged(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"stamped":            {},
		"stamped, with keys": {"keys": "uniform:1k"},
		"without answers":    {"acks": "0"},
		"lz4":                {"compression": "lz4"},
		"zstd, with keys":    {"compression": "zstd:1", "keys": "uniform:1k", "payload": "ratio:3"},
	} {
		t.Run(name, func(t *testing.T) {
			all := map[string]string{"rate": "10k", "duration": "1s", "warmup": "500ms", "record-size": "100",
				"batch-size": "1KiB", "connections": "3", "consumers": "2", "acks": "1"}
			for k, v := range set {
				all[k] = v
			}
			r, errs := newRaw(t, "t", all)
			c := readBy(r)
			if err := c.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			finish(t, r, c)
			iv := r.Meter.Cut(time.Now())
			n := iv.Counts
			if n[meter.Acked] < 9_000 || r.Records() < 5 || n[meter.Consumed] != 2*n[meter.Acked] ||
				n[meter.ConsumedBytes] != 2*n[meter.AckedBytes] || n[meter.Unstamped] != 0 || n[meter.Negative] != 0 {
				t.Errorf("in requests of %d: %d records of %d bytes acknowledged, %d of %d consumed, %d unstamped, %d negative",
					r.Records(), n[meter.Acked], n[meter.AckedBytes], n[meter.Consumed], n[meter.ConsumedBytes],
					n[meter.Unstamped], n[meter.Negative])
			}
			if iv.Hist[meter.EndToEnd] == nil {
				t.Fatal("no end-to-end time")
			}
			if got := iv.Hist[meter.EndToEnd].TotalCount(); got != 2*n[meter.Acked] || len(errs()) > 0 {
				t.Errorf("%d end-to-end times for %d records and 2 consumers, %v", got, n[meter.Acked], errs())
			}
			if c.Received() <= n[meter.Consumed] {
				t.Errorf("%d received, the warm-up's among them, %d measured", c.Received(), n[meter.Consumed])
			}
		})
	}
}

// TestRawEndToEndCountsFromTheDueMoment: a stamp is that of the request it was sent with, not of one before. When the
// broker is behind, end-to-end times therefore grow with the response times.
func TestRawEndToEndCountsFromTheDueMoment(t *testing.T) {
	r, _ := newRaw(t, "t", map[string]string{"rate": "200k", "records": "20k", "duration": "0", "warmup": "0",
		"record-size": "10", "batch-size": "1", "in-flight": "1", "acks": "1"})
	c := readBy(r)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	finish(t, r, c)
	iv := r.Meter.Cut(time.Now())
	response, e2e := iv.Hist[meter.Response].ValueAtPercentile(50), iv.Hist[meter.EndToEnd].ValueAtPercentile(50)
	if e2e < response/2 {
		t.Errorf("the median end to end is %v, and that of responses %v", time.Duration(e2e), time.Duration(response))
	}
}

// TestRawReadingTellsErrors: of a topic that is not there, and of a connection that breaks.
func TestRawReadingTellsErrors(t *testing.T) {
	r, errs := newRaw(t, "no-such-topic", map[string]string{})
	c := readBy(r)
	told := func() {
		t.Helper()
		for begin := time.Now(); len(errs()) == 0; time.Sleep(time.Millisecond) {
			if time.Since(begin) > time.Minute {
				t.Fatal("no error is told")
			}
		}
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	told()
	c.Stop()
	l := hangsUp(t)
	r, errs = newRaw(t, "t", map[string]string{})
	c = readBy(r)
	c.Leaders = []string{l.Addr().String()}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	told()
	c.Stop()
	l.Close()
	if err := c.Start(t.Context()); err == nil {
		t.Error("nobody listens, and that is no error")
	}
}

// TestDues: whoever comes first, producer or readers, each reader is told once, and nothing is kept after that.
func TestDues(t *testing.T) {
	for _, order := range [][]string{{"ack", "read", "read"}, {"read", "ack", "read"}, {"read", "read", "ack"}} {
		d := NewDues(2, 2)
		var got []arrival
		want := due{time.Now(), 5}
		for i, who := range order {
			if who == "ack" {
				d.acked(1, 10, want)
				continue
			}
			d.arrived(1, 10, arrival{time.Now(), int64(i + 1), func(a arrival, told due) {
				if told != want {
					t.Errorf("%v: told %v", order, told)
				}
				got = append(got, a)
			}})
		}
		if p := &d.partitions[1]; len(got) != 2 || got[0].records == got[1].records || len(p.due)+len(p.arrivals) > 0 {
			t.Errorf("%v: %d readers told, %d and %d kept", order, len(got), len(p.due), len(p.arrivals))
		}
		d.arrived(0, 10, arrival{time.Now(), 7, func(arrival, due) { t.Error("another partition's moment is told") }})
		if n := d.unknown(); n != 7 {
			t.Errorf("%d records without a moment, want 7", n)
		}
	}
}

// fetcherFor is a reader without a connection, and what it is told of.
func fetcherFor(t testing.TB, stamper *payload.Stamper) (f *fetcher, errs *[]error) {
	p := planOf(t, map[string]string{"raw": "true", "acks": "1", "record-size": "10"})
	errs = new([]error)
	c := &RawConsuming{
		Plan: p, Meter: meter.New(time.Now(), 1), Stamper: stamper, Topic: "t", Leaders: []string{"a", "a"},
		Starts: []wire.Offset{0, 0}, Trouble: func(err error) { *errs = append(*errs, err) },
	}
	return newFetcher(c, nil, "a"), errs
}

// fetched is an answer with records of partition 1.
func fetched(records []byte) []byte {
	b := wire.AppendResponseHeader(nil, wire.KeyFetch, fetchVersion, 1)
	var w wire.FetchWriter
	b = w.Begin(b, fetchVersion, 0, 0, 0, 1)
	b = w.TopicNamed(b, "t", wire.TopicID{}, 1)
	r := wire.FetchResult{Index: 1, LogStartOffset: 0, PreferredReplica: -1, RecordsLen: len(records)}
	b = w.Partition(b, &r)
	b = append(b, records...)
	b = w.AfterRecords(b, &r)
	return w.End(w.EndTopic(b), nil)
}

// batchAt is a batch of three records of which the first has a stamp.
func batchAt(t testing.TB, s *payload.Stamper, base wire.Offset) batch.View {
	var b batch.Builder
	b.Reset(batch.Options{BaseOffset: base})
	value := make([]byte, 10)
	s.Put(value, time.Now())
	for range 3 {
		b.Append(1, nil, value)
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(v)
}

// TestFetchedBatches: whole ones count once, a cut one is asked for again, and what is no batch is told.
func TestFetchedBatches(t *testing.T) {
	s := payload.NewStamper(1, time.Now().Add(-time.Second))
	f, errs := fetcherFor(t, s)
	first, second := batchAt(t, s, 0), batchAt(t, s, 3)
	take := func(records []byte) (good bool, err error) { return f.take(fetched(records), time.Now()) }
	at := func() wire.Offset { return f.want[0].Partitions[1].FetchOffset }
	if good, err := take(slices.Concat(first, second[:len(second)-1])); !good || err != nil || at() != 3 {
		t.Errorf("a batch and a piece: good %v, %v, at %d", good, err, at())
	}
	if good, err := take(slices.Concat(first, second)); !good || err != nil || at() != 6 || f.c.Received() != 6 {
		t.Errorf("one batch again: good %v, %v, at %d, %d received", good, err, at(), f.c.Received())
	}
	many := batchAt(t, s, 6)
	binary.BigEndian.PutUint32(many[57:], 1<<30) // the number of records
	if good, err := take(many); good || err != nil || at() != 6 || !errors.Is((*errs)[0], batch.ErrMalformed) {
		t.Errorf("more records than offsets: good %v, %v, at %d, told %v", good, err, at(), *errs)
	}
	if good, err := take(second[:30]); good || err != nil || len(*errs) != 2 {
		t.Errorf("no whole batch: good %v, %v, told %v", good, err, *errs)
	}
	if n := f.c.Meter.Counts(); n[meter.Consumed] != 6 || n[meter.ConsumedBytes] != 60 {
		t.Errorf("%d records of %d bytes", n[meter.Consumed], n[meter.ConsumedBytes])
	}
}

// FuzzFetched: no bytes of a broker make a reader panic, go backwards, or count more than the offsets hold.
func FuzzFetched(f *testing.F) {
	s := payload.NewStamper(1, time.Now().Add(-time.Second))
	good := fetched(slices.Concat(batchAt(f, s, 0), batchAt(f, s, 3)))
	f.Add(good)
	for _, cut := range []int{0, 5, 30, 80, len(good) - 1} {
		f.Add(good[:cut])
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		r, _ := fetcherFor(t, s)
		_, _ = r.take(frame, time.Now())
		read := wire.Offset(0)
		for _, p := range r.want[0].Partitions {
			if p.FetchOffset < 0 {
				t.Errorf("partition %d is read up to %d", p.Index, p.FetchOffset)
			}
			read += p.FetchOffset
		}
		if got := r.c.Received(); got < 0 || read >= 0 && got > int64(read) {
			t.Errorf("%d records in %d offsets", got, read)
		}
	})
}
