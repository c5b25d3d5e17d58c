package drive

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"time"

	"tailrace/batch"
	"tailrace/loadgen/meter"
	"tailrace/loadgen/payload"
)

// listening is a connection that keeps what is written to it, write by write.
type listening struct {
	net.Conn
	writes [][]byte
}

func (c *listening) Write(b []byte) (int, error) {
	c.writes = append(c.writes, slices.Clone(b))
	return len(b), nil
}

func (c *listening) Close() error { return nil }

// sentLate are the writes of a load whose requests were all due a while ago.
func sentLate(t *testing.T, set map[string]string) (r *Raw, writes [][]byte) {
	t.Helper()
	r, errs := newRaw(t, "t", set)
	r.Meter = meter.New(time.Now().Add(-time.Minute), 1)
	r.Stamper = payload.NewStamper(77, r.Meter.Start().Add(-time.Second))
	r.Leaders = []string{"anywhere"}
	var c listening
	r.Dial = func(context.Context, string, string) (net.Conn, error) { return &c, nil }
	if err := r.Run(t.Context()); err != nil || len(errs()) > 0 {
		t.Fatal(err, errs())
	}
	return r, c.writes
}

// TestRawRequestsGoTogether: those that are late share system calls, and each has its own due moment and a right CRC.
func TestRawRequestsGoTogether(t *testing.T) {
	for together, set := range map[int]map[string]string{
		5: {"batch-size": "1"},
		1: {"batch-size": "1", "in-flight": "1"},
		2: {"batch-size": "1", "record-size": "30KiB"},
		3: {"batch-size": "1", "rate": "max", "in-flight": "3"},
	} {
		all := map[string]string{"rate": "1k", "records": "20", "duration": "0", "warmup": "0", "record-size": "100",
			"acks": "0"}
		for k, v := range set {
			all[k] = v
		}
		r, writes := sentLate(t, all)
		if want := (20 + together - 1) / together; len(writes) != want {
			t.Errorf("20 requests, %d together, went in %d writes, want %d", together, len(writes), want)
		}
		i := 0
		for _, rest := range writes {
			for ; len(rest) > 0; i++ {
				size := 4 + int(binary.BigEndian.Uint32(rest))
				frame := rest[:size]
				rest = rest[size:]
				checkStamp(t, r, frame, i)
			}
		}
		if n := r.Meter.Counts(); i != 20 || n[meter.Acked] != 20 || n[meter.Requests] != 20 {
			t.Errorf("%d requests sent, %d acknowledged", i, n[meter.Acked])
		}
	}
}

// checkStamp finds the batch at the end of request i.
func checkStamp(t *testing.T, r *Raw, frame []byte, i int) {
	t.Helper()
	for at := range frame {
		v, _, code := batch.Next(frame[at:])
		if code != 0 || v.CRC() != v.ComputeCRC() {
			continue
		}
		var w batch.Walker
		var rec batch.Record
		w.Reset(v, 0)
		if !w.Next(&rec) {
			t.Fatal(w.Err())
		}
		due, ok := r.Stamper.Get(rec.Value)
		want := r.Meter.Start().Add(r.Schedule.At(int64(i)))
		if full := r.Schedule.Full(); !ok || !full && !due.Equal(want) || full && time.Since(due) > time.Minute {
			t.Errorf("request %d was due at %v, its stamp says %v, %v", i, want, due, ok)
		}
		return
	}
	t.Errorf("request %d holds no batch with a right CRC", i)
}

// TestRoom: nobody takes more than was given, and who waits goes on.
func TestRoom(t *testing.T) {
	r := newRoom(2)
	if !r.take() || !r.take() || r.take() {
		t.Fatal("room for two is not room for two")
	}
	const rounds = 10_000
	go func() {
		for range rounds {
			r.give(3)
		}
	}()
	for i := range 3 * rounds {
		if !r.await(t.Context()) {
			t.Fatalf("no room for %d of %d", i, 3*rounds)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r.await(ctx) || r.take() {
		t.Error("room that nobody has given")
	}
}
