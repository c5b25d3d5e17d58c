package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// lineReader cuts a stream into lines of at most maxLine bytes.
type lineReader struct {
	in   *bufio.Reader
	long []byte // a line that did not fit into in
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 64<<10)}
}

// next returns a line without its newline, valid until the next call; io.EOF when there is none. A carriage return
// before the newline is part of the line: what goes in comes out.
func (r *lineReader) next() ([]byte, error) {
	r.long = r.long[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		switch {
		case err == nil:
			part = part[:len(part)-1]
		case errors.Is(err, io.EOF) && len(part)+len(r.long) > 0:
			err = nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return nil, err
		}
		if len(r.long)+len(part) > maxLine {
			return nil, fmt.Errorf("it is longer than %d bytes; produce sends lines of up to 1 MiB", maxLine)
		}
		if err == nil && len(r.long) == 0 {
			return part, nil
		}
		r.long = append(r.long, part...)
		if err == nil {
			return r.long, nil
		}
	}
}
