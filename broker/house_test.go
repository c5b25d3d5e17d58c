package broker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"tailrace/batch"
	"tailrace/broker/config"
	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/netio"
	"tailrace/vfs"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// house is a broker without its door: everything below the sockets, over any
// file system. The crash tests live in it, under a synthetic clock.
type house struct {
	*Broker
	warnings *warnings
	appender partition.Appender
}

const (
	houseRetainMs = 20_000 // how often the house looks for old segments
	houseIdleMs   = 60_000 // when a log goes to rest
)

// houseSegment is a size of segments at which a short script meets many of
// them; no setting may be so small.
const houseSegment = 4 << 10

func houseSettings(c *partition.Config, segmentBytes int) *partition.Config {
	small := *c
	small.Log.SegmentBytes, small.Log.IndexIntervalBytes = segmentBytes, 512
	small.Log.RetentionBytes, small.Log.FileDeleteDelayMs = int64(segmentBytes)*5/2, 5_000
	return &small
}

// openHouse opens a broker's storage as Start does. On an error everything is
// closed again.
func openHouse(fsys vfs.FS, w *warnings) (*house, error) { return openHouseOf(fsys, w, houseSegment) }

func openHouseOf(fsys vfs.FS, w *warnings, segmentBytes int) (*house, error) {
	cfg, _, err := config.Load(config.Sources{
		Flags: config.DataDir("/data"),
		Sets: []string{
			fmt.Sprintf("log.retention.check.interval.ms=%d", houseRetainMs),
			fmt.Sprintf("tailrace.idle.log.close.ms=%d", houseIdleMs),
		},
	})
	if err != nil {
		return nil, err
	}
	b := &Broker{
		config: cfg, fs: fsys, logger: slog.New(w), jobs: newJobs(1), wheel: newWheel(),
		offline: make(chan error, 1), advertised: advertised(),
		listeners: []listener{{name: "PLAINTEXT", addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9092}}},
	}
	b.settings.none = houseSettings(b.partitionConfig(nil, ""), segmentBytes)
	for _, step := range []func() error{b.openDirs, b.openQuorum, b.register, b.openPartitions} {
		if err := step(); err != nil {
			(&house{Broker: b}).leave()
			return nil, err
		}
	}
	return &house{Broker: b, warnings: w}, nil
}

// stop is a clean stop.
func (h *house) stop() error {
	h.stopping.Store(true)
	return h.closeStorage(true)
}

// leave is the end without one: nothing is written any more that a killed
// process could not have written.
func (h *house) leave() {
	h.stopping.Store(true)
	_ = h.closeStorage(false)
}

// create makes a topic and waits until it can be produced to.
func (h *house) create(name string, partitions int32) error {
	var results []metadata.CreatedTopic
	settings := h.createSettings(false)
	err := h.proposeAndWait(func(img *metadata.Image, _ wire.Offset) (records []metadata.Record) {
		records, results = metadata.CreateTopics(img, []metadata.NewTopic{
			{Name: name, Partitions: partitions, ReplicationFactor: 1},
		}, settings)
		return records
	})
	if err == nil && !results[0].OK() {
		return fmt.Errorf("create %s: %s", name, results[0].Message)
	}
	return err
}

// drop deletes a topic.
func (h *house) drop(name string) error {
	var results []metadata.DeletedTopic
	err := h.proposeAndWait(func(img *metadata.Image, _ wire.Offset) (records []metadata.Record) {
		records, results = metadata.DeleteTopics(img, []metadata.TopicRef{{Name: &name}},
			metadata.DeleteSettings{Enabled: true, Version: 6})
		return records
	})
	if err == nil && !results[0].OK() {
		return fmt.Errorf("delete %s: %s", name, results[0].Message)
	}
	return err
}

// at finds an open partition.
func (h *house) at(topic string, index int32) (*partition.Partition, errcode.Code) {
	return h.topics.find(false, []byte(topic), wire.TopicID{}).partition(index)
}

// ackWait is a produce request that waits.
type ackWait chan errcode.Code

func (w ackWait) Acked(_ int32, _ uint32, code errcode.Code, _ *netio.Batch) { w <- code }

// produce appends a batch, and waits as a request with those acks does.
// appended says that the append itself went well, whatever the wait gave.
func (h *house) produce(topic string, index int32, records []byte, acks int16) (r partition.Result, appended bool) {
	p, code := h.at(topic, index)
	if code != errcode.None {
		return partition.Result{Code: code}, false
	}
	// The broker stamps the bytes it is given; the sender keeps its own.
	r = p.Append(&h.appender, append([]byte(nil), records...), acks, time.Now().UnixMilli())
	if r.Code != errcode.None || !r.Wait {
		return r, r.Code == errcode.None
	}
	done := make(ackWait, 1)
	if p.AwaitAck(r.Target, done, 0, 0) {
		r.Code = <-done
	}
	return r, true
}

// read returns every batch from the log start to the high watermark, each in
// bytes of its own.
func (h *house) read(topic string, index int32) (start wire.Offset, all []batch.View, err error) {
	p, code := h.at(topic, index)
	if code != errcode.None {
		return 0, nil, code
	}
	start = p.LogStart()
	for next := start; next < p.HighWatermark(); {
		r := p.Read(partition.ReadRequest{
			Offset: next, MaxBytes: 1 << 20, MinOne: true, CurrentLeaderEpoch: -1, LastFetchedEpoch: -1,
		})
		if r.Code != errcode.None {
			return start, all, fmt.Errorf("read at %d: %w", next, r.Code)
		}
		bytes := make([]byte, r.Span.N)
		_, err := r.Span.ReadAt(bytes, 0)
		r.Span.Release()
		if err != nil {
			return start, all, err
		}
		for rest := bytes; len(rest) > 0; {
			var v batch.View
			if v, rest, code = batch.Next(rest); code != errcode.None || v.CRC() != v.ComputeCRC() {
				return start, all, fmt.Errorf("what was read behind offset %d is no batch", next)
			}
			if v.LastOffset() < next {
				return start, all, fmt.Errorf("offset %d is read where %d is due", v.BaseOffset(), next)
			}
			all, next = append(all, v), v.LastOffset()+1
		}
		if len(bytes) == 0 {
			return start, all, fmt.Errorf("nothing is read at %d, the high watermark is %d", next, p.HighWatermark())
		}
	}
	return start, all, nil
}

// warnings is a slog.Handler that keeps what an operator would see.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler           { return w }
func (w *warnings) WithGroup(string) slog.Handler                { return w }

// Handle implements slog.Handler.
func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Level.String() + " " + r.Message)
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&line, " %s=%v", a.Key, a.Value); return true })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, line.String())
	return nil
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.list...)
}

func (w *warnings) String() string { return strings.Join(w.all(), "\n") }
