package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/broker"
	"tailrace/broker/adoption"
	"tailrace/broker/config"
	"tailrace/broker/logdir"
	"tailrace/broker/quorum"
	"tailrace/vfs"
)

// kafkaData is a log directory that Apache Kafka wrote, in a directory of the test, and the settings to serve it with.
func kafkaData(t *testing.T) (dir string, cfg *config.Server) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS("adoption/testdata/kafka-4.3.1")); err != nil {
		t.Fatal(err)
	}
	src, err := adoption.ReadSource(vfs.OS, quorum.LogDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for topic := range src.Image.Topics() {
		for i := range topic.Partitions {
			path := filepath.Join(dir, logdir.PartitionDir(topic.Name, int32(i)))
			err := errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, logdir.PartitionMetadataFile),
				[]byte("version: 0\ntopic_id: "+topic.ID.String()), 0o644))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	cfg, _, err = config.Load(config.Sources{Sets: []string{"log.dirs=" + dir, "listeners=PLAINTEXT://127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	return dir, cfg
}

func startOn(cfg *config.Server) (*broker.Broker, error) {
	return broker.Start(broker.Options{Config: cfg, Logger: slog.New(slog.DiscardHandler)})
}

// refused expects a start to fail with this in its error.
func refused(t *testing.T, cfg *config.Server, want string) {
	t.Helper()
	b, err := startOn(cfg)
	if err == nil {
		err = b.Stop(context.Background())
		t.Fatalf("it starts, and stops with %v; want an error with %q", err, want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %q in it", err, want)
	}
}

func adoptNow(t *testing.T, cfg *config.Server, again bool) {
	t.Helper()
	p, err := adoption.MakePlan(adoption.Options{FS: vfs.OS, Config: cfg, NowMs: 1_800_000_000_000, Again: again})
	if err == nil {
		err = errors.Join(p.Execute(), p.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestKafkasDirectoryIsServedOnceAdopted(t *testing.T) {
	dir, cfg := kafkaData(t)
	refused(t, cfg, "`tailrace storage adopt --log-dir "+dir+"`")
	adoptNow(t, cfg, false)
	for range 2 {
		b, err := startOn(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p := dial(t, b.Addrs()[0])
		for topic, partitions := range map[string]int32{"orders": 8, "wide": 12, "late": 2, "__consumer_offsets": 2} {
			for i := range partitions {
				if o := p.listOffset(10, topic, i, -1); o.ErrorCode != 0 || o.Offset != 0 {
					t.Errorf("%s-%d: error %d, end %d", topic, i, o.ErrorCode, o.Offset)
				}
			}
		}
		if err := b.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		s, err := logdir.Look(vfs.OS, dir)
		if err != nil || !s.Clean || s.Epoch != 11 {
			t.Errorf("the stop leaves epoch %d, clean %v, %v; Kafka knows this broker by epoch 11", s.Epoch, s.Clean, err)
		}
	}
	if err := os.WriteFile(filepath.Join(quorum.LogDir(dir), "00000000000000000066.log"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := startOn(cfg) // an empty file is no record
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestKafkaHasRunSince(t *testing.T) {
	dir, cfg := kafkaData(t)
	adoptNow(t, cfg, false)
	log := filepath.Join(quorum.LogDir(dir), "00000000000000000000.log")
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	next := append([]byte(nil), b[:12+int(b[11])]...) // its first batch once more, with the next offset
	next[7] = 66
	if err := os.WriteFile(log, append(b, next...), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, cfg, "`tailrace storage adopt --again`")
	adoptNow(t, cfg, true)
	running, err := startOn(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := running.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(quorum.LogDir(dir)); err != nil { // by somebody who stays
		t.Fatal(err)
	}
	if running, err = startOn(cfg); err != nil {
		t.Fatal(err)
	}
	if err := running.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestKafkasPartitionsWithoutTheirMetadata: where Kafka's metadata log lies elsewhere, its partitions must not meet an
// empty cluster.
func TestKafkasPartitionsWithoutTheirMetadata(t *testing.T) {
	dir, cfg := kafkaData(t)
	if err := os.RemoveAll(quorum.LogDir(dir)); err != nil {
		t.Fatal(err)
	}
	refused(t, cfg, "storage adopt")
	if _, err := os.Stat(cfg.MetadataDir); err == nil {
		t.Error("a metadata log was begun")
	}
}
