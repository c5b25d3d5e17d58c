package partition

import (
	"io/fs"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tailrace/batch"
	"tailrace/broker/logdir"
	"tailrace/netio"
	"tailrace/segment"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// one is a batch of one record; id -1 is no idempotent producer.
func one(t *testing.T, id int64, sequence int32) []byte {
	t.Helper()
	var b batch.Builder
	o := batch.Options{LeaderEpoch: -1}
	if id >= 0 {
		o.Producer = &batch.Producer{ID: id, Sequence: sequence}
	}
	b.Reset(o)
	b.Append(time.Now().UnixMilli(), nil, []byte("v"))
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(nil), v...)
}

// leading opens a partition in memory and leads it, with these settings changed.
func leading(t *testing.T, change func(*Config)) *Partition {
	t.Helper()
	p := openNew(t)
	c := *p.Config()
	c.Rules = batch.Rules{FromClient: true, MaxMessageBytes: 1 << 20, BeforeMaxMs: math.MaxInt64,
		AfterMaxMs: math.MaxInt64, MaxInflatedBytes: 1 << 20}
	c.Rules.Compression.Producer = true
	c.FlushMessages, c.FlushMs = math.MaxInt64, math.MaxInt64
	if change != nil {
		change(&c)
	}
	p.Reconfigure(&c)
	p.Lead(0, 1, true)
	return p
}

func appended(t *testing.T, p *Partition, a *Appender, records []byte, acks int16) Result {
	t.Helper()
	r := p.Append(a, records, acks, time.Now().UnixMilli())
	if r.Code != errcode.None {
		t.Fatalf("append: %v %s", r.Code, r.Message)
	}
	return r
}

// TestRetryBesideAppends: the answer to a retry is the old batch's offset, also
// while the producer's next batches move it in memory.
func TestRetryBesideAppends(t *testing.T) {
	p := leading(t, nil)
	var a Appender
	appended(t, p, &a, one(t, 7, 0), 1)
	const batches = 2000
	var last atomic.Int32
	var wg sync.WaitGroup
	wg.Go(func() {
		var a Appender
		for last.Load() < batches {
			sequence := last.Load()
			r := p.Append(&a, one(t, 7, sequence), 1, 0)
			if r.Code == errcode.None && r.BaseOffset != wire.Offset(sequence) {
				t.Errorf("a retry of the batch at offset %d is answered with offset %d", sequence, r.BaseOffset)
			}
		}
	})
	for i := int32(1); i <= batches; i++ {
		appended(t, p, &a, one(t, 7, i), 1)
		last.Store(i)
	}
	wg.Wait()
}

// TestFlushMessagesWithoutAnswers: flush.messages counts what acks=0 wrote.
func TestFlushMessagesWithoutAnswers(t *testing.T) {
	p := leading(t, func(c *Config) { c.FlushMessages, c.Flush = 2, FlushNever })
	var a Appender
	appended(t, p, &a, one(t, -1, 0), 0)
	appended(t, p, &a, one(t, -1, 0), 0)
	for until := time.Now().Add(10 * time.Second); p.DurableEnd() < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("nothing was flushed")
		}
	}
}

type told chan errcode.Code

func (c told) Acked(_ int32, _ uint32, code errcode.Code, _ *netio.Batch) { c <- code }

// TestWaiterOfARetiredPartition that comes when all others have been told is
// told as well.
func TestWaiterOfARetiredPartition(t *testing.T) {
	p := leading(t, nil)
	var a Appender
	r := appended(t, p, &a, one(t, -1, 0), -1)
	p.Retire()
	c := make(told, 1)
	if p.AwaitAck(r.Target, c, 0, 0) {
		select {
		case code := <-c:
			if code != errcode.NotLeaderOrFollower {
				t.Errorf("told %v", code.Name())
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the waiter was forgotten")
		}
	}
	if r := p.Append(&a, one(t, -1, 0), 1, 0); r.Code != errcode.NotLeaderOrFollower {
		t.Errorf("append to a retired partition: %v", r.Code.Name())
	}
}

// meddling is a file system in which something happens when a file is opened.
type meddling struct {
	*faultfs.FS
	part string
	do   func()
}

func (m *meddling) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if do := m.do; do != nil && strings.HasSuffix(name, m.part) {
		m.do = nil
		do()
	}
	return m.FS.OpenFile(name, flag, perm)
}

// TestEpochsOfDurableBatchesAreInTheFile: a batch of a new leader epoch that is
// appended in the middle of a sync round counts as durable only when its epoch
// can be read again.
func TestEpochsOfDurableBatchesAreInTheFile(t *testing.T) {
	key, logger := logdir.Key{Topic: "t"}, slog.New(slog.DiscardHandler)
	fsys := &meddling{FS: faultfs.New(), part: logdir.PartitionMetadataFile}
	dir, err := logdir.Open(logdir.Options{FS: fsys, Path: "/log", NodeID: 1, Parallel: 1, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	path, err := dir.CreatePartition(key, wire.TopicID{1})
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{Log: segment.Config{SegmentBytes: 1 << 20, IndexBytes: 1 << 20, IndexIntervalBytes: 4096},
		Rules: batch.Rules{FromClient: true, MaxMessageBytes: 1 << 20, BeforeMaxMs: math.MaxInt64,
			AfterMaxMs: math.MaxInt64, MaxInflatedBytes: 1 << 20},
		FlushMessages: math.MaxInt64, FlushMs: math.MaxInt64}
	c.Rules.Compression.Producer = true
	p, err := Open(Options{Dir: dir, Key: key, ID: wire.TopicID{1}, Path: path, Fresh: true, Logger: logger, Config: c})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = p.Close()
		_ = dir.Close(false, 0)
	}()
	p.Lead(0, 1, true)
	var a Appender
	appended(t, p, &a, one(t, -1, 0), 1)
	fsys.do = func() { // the directory of a new partition is being settled
		p.Lead(1, 1, true)
		appended(t, p, &a, one(t, -1, 0), 1)
	}
	if err := p.SyncNow(); err != nil {
		t.Fatal(err)
	}
	data, err := vfs.ReadFile(fsys, path+"/"+epochFile)
	if err != nil {
		t.Fatal(err)
	}
	list, err := decodeEpochs(data)
	if err != nil {
		t.Fatal(err)
	}
	onDisk := epochs{list: list}
	for off := range p.DurableEnd() {
		if got, want := onDisk.at(off), p.epochs.at(off); got != want {
			t.Errorf("offset %d is durable; its epoch is %d, the file says %d", off, want, got)
		}
	}
}
