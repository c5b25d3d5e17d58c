package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// hurry lowers a wait for the length of a test.
func hurry(t *testing.T, wait *time.Duration, to time.Duration) {
	was := *wait
	*wait = to
	t.Cleanup(func() { *wait = was })
}

// TestNoBroker: what listens is no broker that this command can speak to. The error names address and cause.
func TestNoBroker(t *testing.T) {
	hurry(t, &answerWithin, 300*time.Millisecond)
	for _, c := range []struct{ answer, want string }{
		{"silence", "it accepts connections, but nothing answered within 300ms"},
		{"", "it closed the connection without an answer"},
		{"\x15\x03\x01\x00\x02\x02\x46", "it speaks TLS"},
		{"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is no Kafka broker"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err == nil && c.answer != "silence" {
				_, _ = conn.Read(make([]byte, 100))
				_, _ = io.WriteString(conn, c.answer)
				conn.Close()
			}
		}()
		_, stderr, code := cli(t, "", "topic", "list", "-b", l.Addr().String())
		if code != 1 || !strings.Contains(stderr, "no broker can be reached at "+l.Addr().String()+": "+c.want) {
			t.Errorf("%q: exit code %d: %s", c.answer, code, stderr)
		}
		l.Close()
	}
}

// TestWrongAdvertisedAddress is the trap that everybody falls into once: the error names both addresses.
func TestWrongAdvertisedAddress(t *testing.T) {
	hurry(t, &patienceUnknown, 100*time.Millisecond)
	addr, err := startBroker(t.Cleanup, filepath.Join(t.TempDir(), "data"),
		"advertised.listeners=PLAINTEXT://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	_, stderr, code := cli(t, "x\n", "produce", "t", "-b", addr)
	for _, want := range []string{addr, "127.0.0.1:1", "connection refused", "advertised.listeners"} {
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d, want %q: %s", code, want, stderr)
		}
	}
}

// TestBrokerGoesAway: a command does not wait for ever for a broker that has stopped.
func TestBrokerGoesAway(t *testing.T) {
	hurry(t, &patienceKnown, 100*time.Millisecond)
	var stop func()
	addr, err := startBroker(func(f func()) { stop = f }, filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := cli(t, "x\n", "produce", "t", "-b", addr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	out, in := io.Pipe()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_, _ = io.ReadFull(out, make([]byte, 2)) // the reader is at work
		stop()
	}()
	root := newRoot()
	var errs bytes.Buffer
	root.SetOut(in)
	root.SetErr(&errs)
	if code := execute(root, []string{"consume", "t", "-b", addr, "--from-beginning"}); code != 1 {
		t.Errorf("exit code %d", code)
	}
	<-stopped
	if !strings.Contains(errs.String(), "the broker at "+addr+" is gone: connection refused") {
		t.Error(errs.String())
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		in   string
		want []string
		fail bool
	}{
		{"", nil, false},
		{"\n", []string{""}, false},
		{"a\r\n\nb", []string{"a\r", "", "b"}, false},
		{long + "\nb\n" + long, []string{long, "b", long}, false},
		{"a\n" + long + "x\n", []string{"a"}, true},
	} {
		r := newLineReader(strings.NewReader(c.in))
		for i := 0; ; i++ {
			line, err := r.next()
			if i == len(c.want) {
				if c.fail == errors.Is(err, io.EOF) || err == nil {
					t.Errorf("%.10q: ended with %v", c.in, err)
				}
				break
			}
			if err != nil || string(line) != c.want[i] {
				t.Errorf("%.10q: line %d is %.10q, %v", c.in, i, line, err)
				break
			}
		}
	}
}

func TestTemplate(t *testing.T) {
	r := &kgo.Record{
		Topic: "t", Partition: 3, Offset: 9, Key: []byte("k"), Timestamp: time.UnixMilli(-1),
		Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b"}},
	}
	for _, c := range []struct{ template, want string }{
		{`%t %p %o %k %s %h %T\n`, "t 3 9 k  a=1,b=NULL -1\n"},
		{`%K,%S%%\t\\\r\x00`, "1,-1%\t\\\r\x00"},
		{``, ``},
	} {
		p, err := parseTemplate(c.template)
		if err != nil || string(p.append(nil, r)) != c.want {
			t.Errorf("%q gives %q, want %q (%v)", c.template, p.append(nil, r), c.want, err)
		}
	}
	for _, bad := range []string{`%`, `%z`, `\`, `\x1`, `\q`} {
		if _, err := parseTemplate(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
