package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// record is one record as the lines of DRIVERS.md have it. Null is nil; empty bytes are not nil.
type record struct {
	key, value []byte
	headers    []header
}

type header struct {
	name  string
	value []byte
}

func readRecords(file string) ([]record, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []record
	for line := range strings.Lines(string(text)) {
		r, err := parseRecord(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s: record %d: %w", file, len(all)+1, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func parseRecord(line string) (r record, err error) {
	fields := strings.Split(line, " ")
	if len(fields) < 2 {
		return r, errors.New("a line has at least a key and a value")
	}
	if r.key, err = parseBytes(fields[0]); err != nil {
		return r, err
	}
	if r.value, err = parseBytes(fields[1]); err != nil {
		return r, err
	}
	for _, f := range fields[2:] {
		name, value, _ := strings.Cut(f, "=")
		n, err := parseBytes(name)
		if err != nil {
			return r, err
		}
		v, err := parseBytes(value)
		if err != nil {
			return r, err
		}
		r.headers = append(r.headers, header{string(n), v})
	}
	return r, nil
}

func parseBytes(field string) ([]byte, error) {
	if field == "-" {
		return nil, nil
	}
	digits, ok := strings.CutPrefix(field, "x")
	if !ok {
		return nil, fmt.Errorf("%.20q is neither - nor x and hex", field)
	}
	return hex.DecodeString(digits) // not nil for no digits
}

func (r *record) appendLine(b []byte) []byte {
	b = append(appendBytes(b, r.key), ' ')
	b = appendBytes(b, r.value)
	for _, h := range r.headers {
		b = append(appendBytes(append(b, ' '), []byte(h.name)), '=')
		b = appendBytes(b, h.value)
	}
	return append(b, '\n')
}

func appendBytes(b, field []byte) []byte {
	if field == nil {
		return append(b, '-')
	}
	return hex.AppendEncode(append(b, 'x'), field)
}

// errDone ends a context in which everything was done.
var errDone = errors.New("done")

// sink writes what a client has read, and ends the client's context when that is all, or when it makes no sense.
type sink struct {
	mu      sync.Mutex
	file    *os.File
	w       *bufio.Writer
	line    []byte
	left    int  // records to come; negative: until somebody else ends the context
	inGroup bool // lines then begin with the time, partition and offset
	next    map[int32]int64
	touched time.Time
	err     error
	cancel  context.CancelCauseFunc
}

func newSink(name string, count int, inGroup bool, cancel context.CancelCauseFunc) (*sink, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return &sink{file: f, w: bufio.NewWriterSize(f, 1<<20), left: count, inGroup: inGroup, next: map[int32]int64{},
		touched: time.Now(), cancel: cancel}, nil
}

// add takes a record that the library handed out at this moment. It is in the file when add returns if the sink is that
// of a group; else it is there after close. r is not kept.
func (s *sink) add(at time.Time, partition int32, offset int64, r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 {
		return
	}
	s.touched = at
	s.line = s.line[:0]
	if s.inGroup {
		s.line = append(strconv.AppendInt(s.line, at.UnixMilli(), 10), ' ')
		s.line = append(strconv.AppendInt(s.line, int64(partition), 10), ' ')
		s.line = append(strconv.AppendInt(s.line, offset, 10), ' ')
	} else if offset != s.next[partition] {
		s.fail(fmt.Errorf("partition %d: offset %d where %d should come", partition, offset, s.next[partition]))
	}
	s.next[partition] = offset + 1
	s.line = r.appendLine(s.line)
	if _, err := s.w.Write(s.line); err != nil {
		s.fail(err)
	}
	if s.inGroup {
		if err := s.w.Flush(); err != nil {
			s.fail(err)
		}
	}
	if s.left--; s.left == 0 {
		s.cancel(errDone)
	}
}

func (s *sink) fail(err error) {
	s.err = errors.Join(s.err, err)
	s.cancel(err)
}

// watch ends the context when nothing has come for so long.
func (s *sink) watch(ctx context.Context, most time.Duration) {
	for tick := time.Tick(time.Second); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			s.mu.Lock()
			if time.Since(s.touched) > most {
				s.fail(fmt.Errorf("nothing came for %v, with %d records to come", most, s.left))
			}
			s.mu.Unlock()
		}
	}
}

func (s *sink) close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := errors.Join(s.err, s.w.Flush(), s.file.Close())
	if cause := context.Cause(ctx); err == nil && cause != errDone {
		err = fmt.Errorf("the client ended by itself (%v), with %d records to come", cause, s.left)
	}
	return err
}

// version is the release of a module that this program was built with.
func version(module string) string {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		if i := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == module }); i >= 0 {
			return info.Deps[i].Version
		}
	}
	return "(unknown)"
}
