package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Server is a started process that listens.
type Server struct {
	*Process
	Addr    string        // HOST:PORT of its first listener
	Dir     string        // an empty directory of its own, removed by Discard
	ReadyIn time.Duration // from exec until the ready file named the address
}

// readyWithin is how long a server may take until it listens.
const readyWithin = 60 * time.Second

// StartServer runs a server that takes the flags --data and --ready-file, pinned to a core, with a new data directory
// (or the given one, if dir is not empty), and waits until its ready file names an address.
func StartServer(core int, dir, name string, args ...string) (s *Server, err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "tailrace-bench-"); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, os.RemoveAll(dir))
			}
		}()
	}
	ready := filepath.Join(dir, "ready")
	if err := os.RemoveAll(ready); err != nil {
		return nil, err
	}
	args = append(args, "--data", filepath.Join(dir, "data"), "--ready-file", ready)
	at := time.Now()
	p, err := Start(core, name, args...)
	if err != nil {
		return nil, err
	}
	s = &Server{Process: p, Dir: dir}
	address := regexp.MustCompile(`(?m)(\S+:[1-9][0-9]*)$`)
	for time.Since(at) < readyWithin {
		if text, err := os.ReadFile(ready); err == nil {
			if m := address.FindSubmatch(text); m != nil {
				s.ReadyIn = time.Since(at)
				s.Addr = regexp.MustCompile(`^\w+://`).ReplaceAllString(string(m[1]), "")
				return s, nil
			}
		}
		select {
		case <-p.Ended():
			return nil, fmt.Errorf("%s ended before it listened; it printed:\n%s", name, p.Output())
		case <-time.After(time.Millisecond / 2):
		}
	}
	p.Kill()
	return nil, fmt.Errorf("%s wrote no address into %s within %s", name, ready, readyWithin)
}

// Discard stops the server and removes its directory.
func (s *Server) Discard() error {
	err := s.Stop()
	if removed := os.RemoveAll(s.Dir); err == nil {
		err = removed
	}
	return err
}
