package netio

import (
	"context"
	"encoding/binary"
	"net"

	"golang.org/x/sys/unix"

	"tailrace/vfs"
)

// The bare loop: a goroutine per connection that reads, answers what is in its buffer, and does nothing else.

func serveBare(f vfs.File, m vfs.Mapping) (string, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go bareLoop(conn.(*net.TCPConn), f, m)
		}
	}()
	return l.Addr().String(), nil
}

func bareLoop(conn *net.TCPConn, f vfs.File, m vfs.Mapping) {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	buf, end := make([]byte, 2<<20), 0
	var out []byte
	var vectors [][]byte
	for {
		n, err := conn.Read(buf[end:])
		if err != nil {
			return
		}
		end += n
		start := 0
		out = out[:0]
		for end-start >= prefixLen {
			size := prefixLen + int(binary.BigEndian.Uint32(buf[start:]))
			if end-start < size {
				break
			}
			switch buf[start+prefixLen] {
			case wantAck:
				out = append(out, 0, 0, 0, 60)
				out = append(out, make([]byte, 60)...)
			case wantWritev:
				vectors = bareVectors(vectors[:0], m)
				_ = raw.Write(func(fd uintptr) bool { _, err := unix.Writev(int(fd), vectors); return err == nil })
			case wantFile64K:
				bareFile(raw.Write, f, 64<<10)
			case wantFile1M:
				bareFile(raw.Write, f, 1<<20)
			}
			start += size
		}
		if len(out) > 0 {
			if _, err := conn.Write(out); err != nil {
				return
			}
		}
		end = copy(buf, buf[start:end])
	}
}

func bareVectors(v [][]byte, m vfs.Mapping) [][]byte {
	head := binary.BigEndian.AppendUint32(nil, 20*(16+1024))
	for i := range 20 {
		v = append(v, append(head, "0123456789012345"...), m.View(vfs.Pos(i*100_000), 1024))
		head = nil
	}
	return v
}

func bareFile(write func(func(uintptr) bool) error, f vfs.File, n int) {
	source, _ := f.Fd()
	head := append(binary.BigEndian.AppendUint32(nil, uint32(60+n)), make([]byte, 60)...)
	sent := false
	pos, left := int64(4096), n
	_ = write(func(fd uintptr) bool {
		if !sent {
			sent = unix.Send(int(fd), head, unix.MSG_MORE) == nil
		}
		for left > 0 {
			k, err := unix.Sendfile(int(fd), int(source), &pos, left)
			if err != nil {
				return err != unix.EAGAIN
			}
			left -= k
		}
		return true
	})
}
