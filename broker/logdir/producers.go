package logdir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"tailrace/vfs"
)

// Kafka's producer snapshot holds only the last batch of each producer, so a
// Kafka broker that restarts has forgotten four of the five batches whose
// retries it promises to recognise. tailrace-producers keeps them, for all
// partitions of the directory:
//
//	u32 CRC-32C of all that follows
//	repeated: u16 topic length, topic, i32 partition, u32 length, bytes
//
// What the bytes say is the business of broker/partition; they are facts about
// batches in the log, so they stay true however old the file is. If the file
// is absent or damaged, retries are recognised as Kafka does.

// sidecar is the memory of tailrace-producers.
type sidecar struct {
	fs   vfs.FS
	name string

	mu   sync.Mutex
	blob map[Key][]byte
	sets int // how often blob was changed

	saving sync.Mutex // held by the one who replaces the file; before mu
	saved  int        // what sets was in the file
}

func openSidecar(fsys vfs.FS, dir string) (*sidecar, error) {
	s := &sidecar{fs: fsys, name: filepath.Join(dir, producersFile), blob: map[Key][]byte{}}
	data, err := vfs.ReadFile(fsys, s.name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := s.parse(data); err != nil {
		clear(s.blob)
		return s, fmt.Errorf("%s: %w: %w", s.name, err, errDamaged)
	}
	return s, nil
}

func (s *sidecar) parse(data []byte) error {
	if len(data) < 4 || binary.BigEndian.Uint32(data) != crc32.Checksum(data[4:], castagnoli) {
		return errors.New("checksum does not match")
	}
	for b := data[4:]; len(b) > 0; {
		if len(b) < 2 {
			return errors.New("cut short")
		}
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n+8 {
			return errors.New("cut short")
		}
		k := Key{Topic: string(b[2 : 2+n]), Partition: int32(binary.BigEndian.Uint32(b[2+n:]))}
		size := int(binary.BigEndian.Uint32(b[2+n+4:]))
		b = b[2+n+8:]
		if size > len(b) {
			return errors.New("cut short")
		}
		s.blob[k] = b[:size:size]
		b = b[size:]
	}
	return nil
}

// get returns what is remembered for a partition; the bytes are not changed
// afterwards.
func (s *sidecar) get(k Key) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blob[k]
}

// set remembers bytes for a partition (none: forgets it) until the next save.
func (s *sidecar) set(k Key, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets++
	if len(b) == 0 {
		delete(s.blob, k)
		return
	}
	s.blob[k] = b
}

// save makes what was set before the call durable. Partitions roll at the same
// time: who had to wait for another's turn finds its own work done, mostly.
func (s *sidecar) save() error {
	s.mu.Lock()
	wanted := s.sets
	s.mu.Unlock()
	s.saving.Lock()
	defer s.saving.Unlock()
	if s.saved >= wanted {
		return nil
	}
	data, sets := s.encode()
	if err := vfs.WriteFileAtomic(s.fs, s.name, data); err != nil {
		return err
	}
	s.saved = sets
	return nil
}

func (s *sidecar) encode() (data []byte, sets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]Key, 0, len(s.blob))
	for k := range s.blob {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Key) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition) - int(b.Partition)
	})
	data = make([]byte, 4)
	for _, k := range keys {
		data = binary.BigEndian.AppendUint16(data, uint16(len(k.Topic)))
		data = append(data, k.Topic...)
		data = binary.BigEndian.AppendUint32(data, uint32(k.Partition))
		data = binary.BigEndian.AppendUint32(data, uint32(len(s.blob[k])))
		data = append(data, s.blob[k]...)
	}
	binary.BigEndian.PutUint32(data, crc32.Checksum(data[4:], castagnoli))
	return data, s.sets
}
