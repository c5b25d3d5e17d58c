package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// eachSegment opens the segments of all partitions of a topic, one after another. Both brokers name them alike.
func (s *served) eachSegment(topic string, do func(f *os.File) error) error {
	files, err := filepath.Glob(filepath.Join(s.logs(), topic+"-*", "*.log"))
	if err != nil || len(files) == 0 {
		return errors.Join(err, fmt.Errorf("no segments of %s below %s", topic, s.logs()))
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(do(f), f.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// cached is how many bytes of a topic the page cache holds, and how many there are.
func (s *served) cached(topic string) (kept, size int64, err error) {
	err = s.eachSegment(topic, func(f *os.File) error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		var in unix.Cachestat_t
		if err := unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &in, 0); err != nil {
			return fmt.Errorf("ask what the page cache holds: %w", err)
		}
		kept, size = kept+int64(in.Cache)*int64(os.Getpagesize()), size+info.Size()
		return nil
	})
	return kept, size, err
}
