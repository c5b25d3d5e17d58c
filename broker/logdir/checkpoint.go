package logdir

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tailrace/vfs"
	"tailrace/wire"
)

// A checkpoint file is Kafka's text form:
//
//	0                      version
//	2                      number of entries
//	orders 0 1812          topic, partition, offset
//	orders 1 99
//
// tailrace-checksums beside it holds, for each file, the CRC-32C of its
// present and of its previous content. It is written first, so that a crash
// between the two replacements still finds a content that one of the sums
// covers:
//
//	recovery-point-offset-checkpoint 1c291ca3 9a2f00d1

// Key names a partition inside a log directory.
type Key struct {
	Topic     string
	Partition int32
}

// Offsets maps partitions to the offset a checkpoint remembers for them.
type Offsets map[Key]wire.Offset

// offsetSet is the content of the three checkpoint files.
type offsetSet [3]Offsets

// checkpointFiles names them, in the order of an offsetSet.
var checkpointFiles = [3]string{RecoveryPointFile, LogStartFile, HighWatermarkFile}

func (s *offsetSet) clone() (c offsetSet) {
	for i, o := range s {
		c[i] = maps.Clone(o)
	}
	return c
}

func (s *offsetSet) has(k Key) bool {
	for _, o := range s {
		if _, ok := o[k]; ok {
			return true
		}
	}
	return false
}

func (s *offsetSet) forget(k Key) {
	for _, o := range s {
		delete(o, k)
	}
}

// errDamaged marks a checkpoint that is there but cannot be believed.
var errDamaged = errors.New("damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkpoints reads and replaces the checkpoint files of one directory.
type checkpoints struct {
	fs   vfs.FS
	path string

	mu   sync.Mutex
	sums map[string][2]uint32 // file → present, previous
}

func openCheckpoints(fsys vfs.FS, path string) *checkpoints {
	c := &checkpoints{fs: fsys, path: path, sums: map[string][2]uint32{}}
	data, err := vfs.ReadFile(fsys, filepath.Join(path, checksumsFile))
	if err != nil {
		return c
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue
		}
		now, err1 := strconv.ParseUint(f[1], 16, 32)
		before, err2 := strconv.ParseUint(f[2], 16, 32)
		if err1 == nil && err2 == nil {
			c.sums[f[0]] = [2]uint32{uint32(now), uint32(before)}
		}
	}
	return c
}

// read returns the offsets of one checkpoint file. A missing file is empty. A
// file that does not parse, or whose sum is on record and differs, gives
// errDamaged (wrapped, with the place).
func (c *checkpoints) read(name string) (Offsets, error) {
	path := filepath.Join(c.path, name)
	data, err := vfs.ReadFile(c.fs, path)
	if errors.Is(err, fs.ErrNotExist) {
		return Offsets{}, nil
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	sums, known := c.sums[name]
	c.mu.Unlock()
	if sum := crc32.Checksum(data, castagnoli); known && sum != sums[0] && sum != sums[1] {
		return nil, fmt.Errorf("%s: checksum %08x is not the one written: %w", path, sum, errDamaged)
	}
	o, err := parseOffsets(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, errDamaged)
	}
	return o, nil
}

// write replaces one checkpoint file.
func (c *checkpoints) write(name string, o Offsets) error {
	data := appendOffsets(nil, o)
	sum := crc32.Checksum(data, castagnoli)
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.sums[name]
	if old[0] != sum {
		c.sums[name] = [2]uint32{sum, old[0]}
		if err := c.writeSums(); err != nil {
			c.sums[name] = old // or the next attempt would take the sum for written
			return err
		}
	}
	return vfs.WriteFileAtomic(c.fs, filepath.Join(c.path, name), data)
}

func (c *checkpoints) writeSums() error {
	names := make([]string, 0, len(c.sums))
	for n := range c.sums {
		names = append(names, n)
	}
	slices.Sort(names)
	var b bytes.Buffer
	for _, n := range names {
		fmt.Fprintf(&b, "%s %08x %08x\n", n, c.sums[n][0], c.sums[n][1])
	}
	return vfs.WriteFileAtomic(c.fs, filepath.Join(c.path, checksumsFile), b.Bytes())
}

func appendOffsets(b []byte, o Offsets) []byte {
	keys := make([]Key, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	b = append(b, "0\n"...)
	b = strconv.AppendInt(b, int64(len(keys)), 10)
	b = append(b, '\n')
	for _, k := range keys {
		b = append(b, k.Topic...)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(k.Partition), 10)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(o[k]), 10)
		b = append(b, '\n')
	}
	return b
}

func parseOffsets(data []byte) (Offsets, error) {
	if len(data) == 0 {
		return Offsets{}, nil // Kafka leaves these when it is killed before it first writes one
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) < 2 {
		return nil, fmt.Errorf("%d lines where at least version and count are expected", len(lines))
	}
	if lines[0] != "0" {
		return nil, fmt.Errorf("version %q is not 0", lines[0])
	}
	n, err := strconv.Atoi(lines[1])
	if err != nil || n != len(lines)-2 {
		return nil, fmt.Errorf("line 2 announces %q entries, %d follow", lines[1], len(lines)-2)
	}
	o := make(Offsets, n)
	for i, line := range lines[2:] {
		f := strings.Split(line, " ")
		if len(f) != 3 {
			return nil, fmt.Errorf("line %d is not \"topic partition offset\"", i+3)
		}
		p, err1 := strconv.ParseInt(f[1], 10, 32)
		off, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 != nil || err2 != nil || p < 0 || off < 0 {
			return nil, fmt.Errorf("line %d holds no partition and offset: %q", i+3, line)
		}
		o[Key{Topic: f[0], Partition: int32(p)}] = wire.Offset(off)
	}
	return o, nil
}
