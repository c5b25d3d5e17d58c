package codec

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipWriter keeps an encoder and the sink it writes to.
type gzipWriter struct {
	gz  *gzip.Writer
	out []byte
}

// Write appends p; it lets the encoder append to the caller's buffer.
func (w *gzipWriter) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// gzipWriters has one pool per level, -1 first.
var gzipWriters [1 + 1 + 9]sync.Pool

func compressGzip(dst, src []byte, level int) ([]byte, error) {
	pool := &gzipWriters[level+1]
	w, _ := pool.Get().(*gzipWriter)
	if w == nil {
		w = new(gzipWriter)
		gz, err := gzip.NewWriterLevel(w, level)
		if err != nil {
			return dst, err
		}
		w.gz = gz
	} else {
		w.gz.Reset(w)
	}
	w.out = dst
	if _, err := w.gz.Write(src); err != nil {
		return dst, err
	}
	if err := w.gz.Close(); err != nil {
		return dst, err
	}
	dst, w.out = w.out, nil
	pool.Put(w)
	return dst, nil
}

// gzipReader keeps a decoder, its source, and the byte that tells a full buffer from one that is too small.
type gzipReader struct {
	gz    gzip.Reader
	src   bytes.Reader
	probe [1]byte
}

var gzipReaders = sync.Pool{New: func() any { return new(gzipReader) }}

func inflateGzip(dst, src []byte, maxOut int) ([]byte, error) {
	r := gzipReaders.Get().(*gzipReader)
	r.src.Reset(src)
	err := r.gz.Reset(&r.src)
	if err == nil {
		dst, err = r.readAll(dst, firstRoom(len(src), maxOut), len(dst)+maxOut)
	}
	r.src.Reset(nil) // the pool must not keep the caller's bytes
	gzipReaders.Put(r)
	if err != nil && err != ErrTooLarge {
		err = corrupt(Gzip, err.Error())
	}
	return dst, err
}

// readAll appends the decoder's output to dst up to length limit, beginning with room bytes.
func (r *gzipReader) readAll(dst []byte, room, limit int) ([]byte, error) {
	for {
		dst = withRoom(dst, min(room, limit-len(dst)))
		space := dst[len(dst):min(cap(dst), limit)]
		if len(space) == 0 {
			space = r.probe[:] // the limit is reached: is there one byte more?
		}
		n, err := r.gz.Read(space)
		if len(dst) == limit && n > 0 {
			return dst, ErrTooLarge
		}
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
		room = 1
		if len(dst) == cap(dst) {
			room = len(dst) // double what came out
		}
	}
}
