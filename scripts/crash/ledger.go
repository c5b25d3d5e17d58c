package crash

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// A ledger is a text file, appended to by the load process alone and read by the checking one:
//
//	a <topic> <partition> <offset> <writer> <sequence number>    acknowledged
//	! <text>                                                     a record was refused, or a client found data missing
//	= <topic> <partition> <writer> <sequence number>             the last record of a writer that has ended in order
//	.                                                            the end: every writer has ended in order

// Entry is one acknowledgement.
type Entry struct {
	Place
	Offset int64
	Identity
}

// LedgerWriter writes a ledger. Lines reach the file at Flush.
type LedgerWriter struct {
	mu  sync.Mutex
	f   *os.File
	buf *bufio.Writer
	err error
}

// CreateLedger begins a ledger.
func CreateLedger(name string) (*LedgerWriter, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return &LedgerWriter{f: f, buf: bufio.NewWriterSize(f, 1<<16)}, nil
}

func (w *LedgerWriter) line(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := fmt.Fprintf(w.buf, format+"\n", args...); err != nil && w.err == nil {
		w.err = err
	}
}

// Acknowledged books an acknowledgement.
func (w *LedgerWriter) Acknowledged(e Entry) {
	w.line("a %s %d %d %d %d", e.Topic, e.Partition, e.Offset, e.Writer, e.Seq)
}

// Trouble books what must not happen.
func (w *LedgerWriter) Trouble(text string) { w.line("! %s", strings.ReplaceAll(text, "\n", " ")) }

// Last books the last record of a writer.
func (w *LedgerWriter) Last(at Place, id Identity) {
	w.line("= %s %d %d %d", at.Topic, at.Partition, id.Writer, id.Seq)
}

// End books that all writers have ended, and closes the file.
func (w *LedgerWriter) End() error {
	w.line(".")
	err := w.Flush()
	return errors.Join(err, w.f.Close())
}

// Flush makes the lines so far readable.
func (w *LedgerWriter) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.err, w.buf.Flush())
}

// Ledger reads a ledger while it is written.
type Ledger struct {
	Acks    int      // acknowledgements read so far
	Trouble []string // what must not happen, and did
	Lasts   []Entry  // the last records of writers; Offset is not set
	Ended   bool

	f    *os.File
	buf  *bufio.Reader
	part string // of a line that is not complete yet
}

// OpenLedger opens a ledger, which must exist.
func OpenLedger(name string) (*Ledger, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return &Ledger{f: f, buf: bufio.NewReaderSize(f, 1<<20)}, nil
}

// Close gives the file up.
func (l *Ledger) Close() error { return l.f.Close() }

// Read hands the acknowledgements that were added since the last Read to fn.
func (l *Ledger) Read(fn func(Entry)) error {
	for {
		text, err := l.buf.ReadString('\n')
		l.part += text
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line := l.part
		l.part = ""
		if err := l.take(strings.TrimSuffix(line, "\n"), fn); err != nil {
			return fmt.Errorf("ledger line %q: %w", line, err)
		}
	}
}

func (l *Ledger) take(line string, fn func(Entry)) error {
	if line == "" {
		return errors.New("empty")
	}
	var e Entry
	var err error
	switch line[0] {
	case 'a':
		if _, err = fmt.Sscanf(line, "a %s %d %d %d %d", &e.Topic, &e.Partition, &e.Offset, &e.Writer, &e.Seq); err == nil {
			l.Acks++
			fn(e)
		}
	case '!':
		l.Trouble = append(l.Trouble, line[2:])
	case '=':
		_, err = fmt.Sscanf(line, "= %s %d %d %d", &e.Topic, &e.Partition, &e.Writer, &e.Seq)
		l.Lasts = append(l.Lasts, e)
	case '.':
		l.Ended = true
	default:
		err = errors.New("not one of ours")
	}
	return err
}
