package loop

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// store is the partitions' files: each reserved in full when it is made, its blocks unwritten, as a segment's would be.
type store struct {
	o      Options
	rounds *rounds
	mu     sync.RWMutex
	parts  []*part
}

// part is one partition: the file that takes appends, and the next one, made ahead of need.
type part struct {
	mu   sync.Mutex
	name string
	made int
	cur  *file
	next chan *file
}

// file is one reserved file. end and present belong to whoever holds the part's lock, round to the rounds' lock; a
// fetch reads end without a lock, because loops are filled before they are read.
type file struct {
	fd      int
	path    string
	mapped  []byte
	end     int64
	present int64 // bytes of the mapping that were made present
	round   int   // the last round that the file was asked into
}

func openStore(o Options) (*store, error) {
	st := &store{o: o}
	if o.Sync {
		st.rounds = startRounds(o)
	}
	if o.Data == "" && o.Store == "none" {
		return st, nil
	}
	return st, os.MkdirAll(o.Data, 0o755)
}

// part finds a partition, making its first file when it is new.
func (st *store) part(index int32) (*part, error) {
	st.mu.RLock()
	if int(index) < len(st.parts) && st.parts[index] != nil {
		defer st.mu.RUnlock()
		return st.parts[index], nil
	}
	st.mu.RUnlock()
	st.mu.Lock()
	defer st.mu.Unlock()
	for int(index) >= len(st.parts) {
		st.parts = append(st.parts, nil)
	}
	if st.parts[index] == nil {
		p := &part{name: filepath.Join(st.o.Data, fmt.Sprintf("loop-%d", index)), next: make(chan *file, 1)}
		f, err := st.create(p)
		if err != nil {
			return nil, err
		}
		p.cur, st.parts[index] = f, p
	}
	return st.parts[index], nil
}

func (st *store) file(index int32) (*file, error) {
	p, err := st.part(index)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cur, nil
}

func (st *store) create(p *part) (*file, error) {
	f := &file{path: fmt.Sprintf("%s.%d", p.name, p.made)}
	p.made++
	var err error
	if f.fd, err = unix.Open(f.path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	if err = unix.Fallocate(f.fd, 0, 0, st.o.FileBytes); err != nil {
		return nil, fmt.Errorf("%s: reserve %d bytes: %w", f.path, st.o.FileBytes, err)
	}
	if st.o.Store == "mapped" || st.o.Send == "writev" {
		f.mapped, err = unix.Mmap(f.fd, 0, int(st.o.FileBytes), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	return f, err
}

// append puts a batch behind the last one and returns the file that took it.
func (st *store) append(index int32, b []byte) (*file, error) {
	if st.o.Store == "none" {
		return nil, nil
	}
	p, err := st.part(index)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cur.end+int64(len(b)) > st.o.FileBytes {
		if err := st.roll(p); err != nil {
			return nil, err
		}
	}
	f := p.cur
	if st.o.Store == "mapped" {
		f.populate(f.end+int64(len(b)), int64(st.o.Populate))
		copy(f.mapped[f.end:], b)
	} else if n, err := unix.Pwrite(f.fd, b, f.end); err != nil || n != len(b) {
		return nil, fmt.Errorf("%s: wrote %d of %d bytes: %w", f.path, n, len(b), err)
	}
	f.end += int64(len(b))
	return f, nil
}

// populate makes the mapping present in steps, up to at least the given end.
func (f *file) populate(end, step int64) {
	for step > 0 && f.present < end {
		n := min(step, int64(len(f.mapped))-f.present)
		_ = unix.Madvise(f.mapped[f.present:f.present+n], unix.MADV_POPULATE_WRITE)
		f.present += n
	}
}

// roll takes the next file, which was made while the last one filled, and lets the old one go.
func (st *store) roll(p *part) error {
	var err error
	old := p.cur
	select {
	case p.cur = <-p.next:
	default:
		p.cur, err = st.create(p)
	}
	if err != nil {
		p.cur = old
		return err
	}
	go func() {
		if next, err := st.create(p); err == nil {
			p.next <- next
		}
		if st.o.Sync {
			time.Sleep(time.Second) // a round may still hold the file
		}
		if old.mapped != nil {
			_ = unix.Munmap(old.mapped)
		}
		if !st.o.Keep {
			_ = unix.Unlink(old.path)
		}
		_ = unix.Close(old.fd)
	}()
	return nil
}
