package netio

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tailrace/vfs"
)

// childEnv makes the test binary a server process of the kind it names, so that its CPU time can be told from the
// client's. The child prints its address, and its CPU time in microseconds for each line it reads.
const childEnv = "NETIO_TIMING_CHILD"

// Requests begin with what is wanted.
const (
	wantAck     = 'a' // 60 bytes
	wantWritev  = 'w' // 20 spans of 1 KiB
	wantFile64K = 's'
	wantFile1M  = 'S'
)

var timings = []struct {
	name        string
	want        byte
	size, depth int // of a request, with prefix; requests in flight
	conns       int
}{
	{"ping64B", wantAck, 64, 1, 1},
	{"ping64Bx16", wantAck, 64, 16, 1},
	{"ping64B/64conns", wantAck, 64, 1, 64},
	{"receive64K", wantAck, 64 << 10, 1, 1},
	{"receive64Kx5", wantAck, 64 << 10, 5, 1},
	{"receive1Mx5", wantAck, 1 << 20, 5, 1},
	{"writev20x1K", wantWritev, 64, 1, 1},
	{"sendfile64K", wantFile64K, 64, 1, 1},
	{"sendfile1M", wantFile1M, 64, 1, 1},
}

// BenchmarkServer compares netio with a loop of a page that does the same work and nothing else. server-ns/op is the
// server's CPU time alone: it runs on core 0, the client on core 1.
func BenchmarkServer(b *testing.B) {
	for _, test := range timings {
		for _, kind := range []string{"netio", "bare"} {
			b.Run(test.name+"/"+kind, func(b *testing.B) {
				child := startChild(b, kind)
				msg := binary.BigEndian.AppendUint32(nil, uint32(test.size-prefixLen))
				msg = append(msg, make([]byte, test.size-prefixLen)...)
				msg[prefixLen] = test.want
				msg = bytes.Repeat(msg, test.depth)
				var clients []*Client
				for range test.conns {
					c := must[*Client](b)(Dial(b.Context(), child.addr))
					defer c.Close()
					c.buf = make([]byte, 2<<20)
					clients = append(clients, c)
				}
				exchange := func(n int) {
					for done := 0; done < n; done += test.conns * test.depth {
						for _, c := range clients {
							send(b, c, msg)
						}
						for i := range test.conns * test.depth {
							if _, err := clients[i/test.depth].Receive(); err != nil {
								b.Fatal(err)
							}
						}
					}
				}
				exchange(200)
				before := child.cpuMicros(b)
				b.ResetTimer()
				exchange(b.N)
				b.StopTimer()
				b.ReportMetric(float64(child.cpuMicros(b)-before)*1000/float64(b.N), "server-ns/op")
			})
		}
	}
}

type child struct {
	addr string
	ask  io.Writer
	told *bufio.Scanner
}

func startChild(b *testing.B, kind string) *child {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+kind, "GOMAXPROCS=1")
	in := must[io.WriteCloser](b)(cmd.StdinPipe())
	out := must[io.ReadCloser](b)(cmd.StdoutPipe())
	cmd.Stderr = os.Stderr
	runtime.LockOSThread()
	pin(0, 0) // the child inherits it
	err := cmd.Start()
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		pin(tid, runtime.NumCPU()-1)
	}
	runtime.UnlockOSThread()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	c := &child{ask: in, told: bufio.NewScanner(out)}
	c.told.Scan()
	c.addr = c.told.Text()
	return c
}

func pin(tid, core int) {
	var set unix.CPUSet
	set.Set(core)
	_ = unix.SchedSetaffinity(tid, &set)
}

func (c *child) cpuMicros(b *testing.B) int64 {
	fmt.Fprintln(c.ask)
	c.told.Scan()
	return must[int64](b)(strconv.ParseInt(strings.TrimSpace(c.told.Text()), 10, 64))
}

// runChild is the server process. It ends with its standard input.
func runChild(kind string) int {
	file, m, err := timingFile()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var addr string
	switch kind {
	case "netio":
		addr, err = serveNetio(vfs.NewRef(file, m, nil))
	case "bare":
		addr, err = serveBare(file, m)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(addr)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var u unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
		fmt.Println((u.Utime.Sec+u.Stime.Sec)*1e6 + u.Utime.Usec + u.Stime.Usec)
	}
	return 0
}

func timingFile() (vfs.File, vfs.Mapping, error) {
	dir, err := os.MkdirTemp("", "netio-timing-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	f, err := vfs.OS.OpenFile(filepath.Join(dir, "f"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	const size = 4 << 20
	if _, err = f.WriteAt(make([]byte, size), 0); err != nil {
		return nil, nil, err
	}
	m, err := f.Map(size)
	if err == nil {
		m.Reserve(size)
	}
	return f, m, err
}

func serveNetio(ref *vfs.Ref) (string, error) {
	span := func(r *Request, pos vfs.Pos, n int, hot bool) {
		ref.Acquire()
		r.Out.AddSpan(vfs.Span{Ref: ref, Pos: pos, N: n, Hot: hot})
	}
	h := &testHandler{closed: make(chan error, 1000), handle: func(r *Request) {
		switch r.Body[0] {
		case wantAck:
			r.Out.Buf = append(r.Out.Buf, make([]byte, 60)...)
		case wantWritev:
			for i := range 20 {
				r.Out.Buf = append(r.Out.Buf, "0123456789012345"...)
				span(r, vfs.Pos(i*100_000), 1024, true)
			}
		case wantFile64K:
			r.Out.Buf = append(r.Out.Buf, make([]byte, 60)...)
			span(r, 4096, 64<<10, false)
		case wantFile1M:
			r.Out.Buf = append(r.Out.Buf, make([]byte, 60)...)
			span(r, 4096, 1<<20, false)
		}
		r.Done()
	}}
	s := New(Config{}, h)
	l, err := s.Listen(context.Background(), "timing", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = l.Serve() }()
	return l.Addr().String(), nil
}
