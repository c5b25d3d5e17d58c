package loop

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/benchmarks/rawclient"
)

// loop runs a loop in this process and returns its address. It is never stopped: it ends with the test binary.
func loop(t *testing.T, o Options) string {
	t.Helper()
	o.Listen, o.Data, o.ReadyFile = "127.0.0.1:0", t.TempDir(), filepath.Join(t.TempDir(), "ready")
	o.FileBytes, o.Syncers = 1<<20, 4
	ended := make(chan error, 1)
	go func() { ended <- Serve(o) }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if addr, err := os.ReadFile(o.ReadyFile); err == nil && bytes.HasSuffix(addr, []byte("\n")) {
			return string(bytes.TrimSpace(addr))
		}
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-ctx.Done():
			t.Fatal("the loop does not listen")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestLoopsAnswer drives each way of receiving, appending and sending, beyond the end of a file, and reads the bytes
// of a fetch back.
func TestLoopsAnswer(t *testing.T) {
	small := rawclient.NewBatch(0, 100)
	large := rawclient.NewBatch(100<<10, 1000)
	for _, o := range []Options{
		{Read: "frame", Store: "pwrite", Send: "sendfile"},
		{Read: "lowat", Store: "mapped", Send: "cork"},
		{Read: "buffered", Store: "mapped", Populate: 1 << 18, JoinAcks: true, Send: "splice"},
		{Read: "buffered", Store: "pwrite", JoinAcks: true, Keep: true, Send: "writev"},
		{Read: "buffered", Store: "pwrite", Sync: true, Send: "writev"},
		{Read: "buffered", Store: "pwrite", Sync: true, SyncfsAbove: 1, Send: "writev"},
		{Read: "buffered", Store: "none", JoinAcks: true, Send: "sendfile"},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			o.BatchBytes, o.BatchRecords = len(large.Bytes), large.Records
			addr := loop(t, o)
			for _, batch := range []rawclient.Batch{small, large} {
				load := rawclient.Produce("other", 3, 1, batch)
				load.Addr, load.Conns, load.InFlight = addr, 2, 1
				if err := rawclient.Run(load, 30); err != nil {
					t.Fatal(err)
				}
			}
			if o.Store != "none" {
				fetchBack(t, addr, large)
			}
		})
	}
}

// fetchBack writes eight batches to a new partition and fetches the last six.
func fetchBack(t *testing.T, addr string, batch rawclient.Batch) {
	t.Helper()
	c, err := rawclient.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const partition = 5
	for range 8 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(rawclient.ProduceFrame("topic", partition, batch.Bytes, 1)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	req := kmsg.NewPtrFetchRequest()
	req.Version = 12
	topic, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = partition, int64(2*batch.Records), int32(6*len(batch.Bytes))
	topic.Topic, topic.Partitions = "topic", append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	resp, err := c.Call(req)
	if err != nil {
		t.Fatal(err)
	}
	got := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
	if got.Partition != partition || !bytes.Equal(got.RecordBatches, bytes.Repeat(batch.Bytes, 6)) {
		t.Errorf("partition %d: %d bytes that are not what was sent", got.Partition, len(got.RecordBatches))
	}
}

// FuzzParse holds that no frame makes the parser panic or point outside of it.
func FuzzParse(f *testing.F) {
	batch := rawclient.NewBatch(0, 10)
	f.Add(rawclient.ProduceFrame("topic", 1, batch.Bytes, 1)[4:])
	f.Add(rawclient.FetchFrame("topic", 1, 7, 100)[4:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, frame []byte) {
		var r request
		if err := r.parse(frame); err == nil && len(r.name)+len(r.records) > len(frame) {
			t.Errorf("%d bytes found in a frame of %d", len(r.name)+len(r.records), len(frame))
		}
	})
}
