package adoption

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tailrace/broker/config"
	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

// The files of testdata/kafka-4.3.1 were written by Apache Kafka 4.3.1 and left by a kill: a snapshot, and a log that
// runs from below it to above it. Every kind of record of a cluster with access control is in them.
const (
	kafkaDir = "kafka/data"
	kafkaEnd = 66
)

func put(t testing.TB, fsys vfs.FS, name string, b []byte) {
	t.Helper()
	if err := errors.Join(fsys.MkdirAll(filepath.Dir(name), 0o755), vfs.WriteFileAtomic(fsys, name, b)); err != nil {
		t.Fatal(err)
	}
}

// kafkaDisk holds the directories of that Kafka: metadata, and the partitions that it speaks of.
func kafkaDisk(t testing.TB) *faultfs.FS {
	t.Helper()
	fsys := faultfs.New()
	base := filepath.Join("testdata", "kafka-4.3.1")
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(base, path)
		put(t, fsys, filepath.Join(kafkaDir, rel), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, fsys, filepath.Join(kafkaDir, logdir.LockFile), nil)
	put(t, fsys, filepath.Join(kafkaDir, logdir.CleanStopFile), []byte(`{"version":0,"brokerEpoch":13}`))
	src, err := ReadSource(fsys, quorum.LogDir(kafkaDir))
	if err != nil {
		t.Fatal(err)
	}
	partitionDirs(t, fsys, kafkaDir, src.Image)
	return fsys
}

func partitionDirs(t testing.TB, fsys vfs.FS, dir string, img *metadata.Image) {
	t.Helper()
	for topic := range img.Topics() {
		for i := range topic.Partitions {
			d := filepath.Join(dir, logdir.PartitionDir(topic.Name, int32(i)))
			put(t, fsys, filepath.Join(d, logdir.PartitionMetadataFile), []byte("version: 0\ntopic_id: "+topic.ID.String()))
			put(t, fsys, filepath.Join(d, "00000000000000000000.log"), nil)
		}
	}
}

func load(t testing.TB, sets ...string) *config.Server {
	t.Helper()
	cfg, _, err := config.Load(config.Sources{Sets: append([]string{"log.dirs=" + kafkaDir}, sets...)})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

const nowMs = 1_800_000_000_000

func options(t testing.TB, fsys vfs.FS, sets ...string) Options {
	return Options{FS: fsys, Config: load(t, sets...), NowMs: nowMs}
}

// plan makes a plan that is closed with the test.
func plan(t testing.TB, o Options) *Plan {
	t.Helper()
	p, err := MakePlan(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func adopted(t testing.TB, fsys vfs.FS) {
	t.Helper()
	p, err := MakePlan(options(t, fsys))
	if err == nil {
		err = errors.Join(p.Execute(), p.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// image opens the metadata log that was written and gives its image before and after: as `serve` would.
func image(fsys vfs.FS) (*metadata.Image, wire.LeaderEpoch, error) {
	l, err := quorum.OpenSingle(quorum.Options{
		FS: fsys, Dir: kafkaDir + ".meta", ClusterID: "AAAAAAAAQACAAAAAAAAAAQ", NodeID: 1,
		Now: func() int64 { return nowMs },
	})
	if err != nil {
		return nil, 0, err
	}
	img, term := l.Image(), l.LeaderEpoch()
	return img, term, l.Close()
}

// tree is a checksum of every file below a directory.
func tree(t testing.TB, fsys vfs.FS, dir string) string {
	t.Helper()
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			text += tree(t, fsys, path)
			continue
		}
		b, err := vfs.ReadFile(fsys, path)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%s %x\n", path, sha256.Sum256(b))
	}
	return text
}
