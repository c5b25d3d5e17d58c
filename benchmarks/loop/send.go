package loop

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// sender puts a fetch response on a socket: header, bytes of a file, trailer, by one of four paths.
type sender struct {
	conn *net.TCPConn
	raw  syscall.RawConn
	mode string
	pipe [2]int

	// step is the work of the current call, and write the closure around it, made once per connection: it returns true
	// when the socket would take no more, and Go's poller waits until it takes some again.
	step  func(fd int) error
	write func(fd uintptr) bool
	err   error
	vecs  net.Buffers
}

// pipeBytes is how much splice moves at once; the kernel's default limit for unprivileged users.
const pipeBytes = 1 << 20

func (s *sender) open(c *net.TCPConn, mode string) (err error) {
	s.conn, s.mode = c, mode
	if s.raw, err = c.SyscallConn(); err != nil {
		return err
	}
	s.write = func(fd uintptr) bool {
		s.err = s.step(int(fd))
		return !errors.Is(s.err, unix.EAGAIN)
	}
	if mode != "splice" {
		return nil
	}
	if err := unix.Pipe2(s.pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return err
	}
	_, err = unix.FcntlInt(uintptr(s.pipe[1]), unix.F_SETPIPE_SZ, pipeBytes)
	return err
}

// do runs one step on the socket until it is through.
func (s *sender) do(step func(fd int) error) error {
	s.step = step
	if err := s.raw.Write(s.write); err != nil {
		return err
	}
	return s.err
}

func (s *sender) reply(head []byte, f *file, pos int64, n int) error {
	switch s.mode {
	case "writev":
		s.vecs = append(s.vecs[:0], head, f.mapped[pos:pos+int64(n)], fetchTrailer)
		vecs := s.vecs
		_, err := vecs.WriteTo(s.conn)
		return err
	case "splice":
		return s.splice(head, f, pos, n)
	case "cork":
		return s.cork(head, f, pos, n)
	}
	return s.sendfile(head, f, pos, n)
}

// sendFlags sends all of b, and cuts from it what is sent.
func sendFlags(fd int, b *[]byte, flags int) error {
	for len(*b) > 0 {
		n, err := unix.SendmsgN(fd, *b, nil, nil, flags)
		if err != nil {
			return err
		}
		*b = (*b)[n:]
	}
	return nil
}

func sendFile(fd, from int, pos *int64, n *int) error {
	for *n > 0 {
		sent, err := unix.Sendfile(fd, from, pos, *n)
		if err != nil {
			return err
		}
		if sent == 0 {
			return fmt.Errorf("the file ends %d bytes early", *n)
		}
		*n -= sent
	}
	return nil
}

// sendfile holds the header back by MSG_MORE until the file's bytes follow. The trailer goes out on its own.
func (s *sender) sendfile(head []byte, f *file, pos int64, n int) error {
	tail := fetchTrailer
	return s.do(func(fd int) error {
		if err := sendFlags(fd, &head, unix.MSG_MORE); err != nil {
			return err
		}
		if err := sendFile(fd, f.fd, &pos, &n); err != nil {
			return err
		}
		return sendFlags(fd, &tail, 0)
	})
}

// cork is sendfile between TCP_CORK and its end, so that the trailer shares a segment with the last bytes of the file.
func (s *sender) cork(head []byte, f *file, pos int64, n int) error {
	tail := fetchTrailer
	corked := false
	return s.do(func(fd int) error {
		if !corked {
			corked = true
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_CORK, 1)
		}
		if err := sendFlags(fd, &head, 0); err != nil {
			return err
		}
		if err := sendFile(fd, f.fd, &pos, &n); err != nil {
			return err
		}
		if err := sendFlags(fd, &tail, 0); err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_CORK, 0)
	})
}

// splice moves pages file → pipe → socket; SPLICE_F_MORE lets the trailer join the last segment.
func (s *sender) splice(head []byte, f *file, pos int64, n int) error {
	tail, inPipe := fetchTrailer, 0
	return s.do(func(fd int) error {
		if err := sendFlags(fd, &head, unix.MSG_MORE); err != nil {
			return err
		}
		for n > 0 || inPipe > 0 {
			if inPipe == 0 {
				got, err := unix.Splice(f.fd, &pos, s.pipe[1], nil, n, 0)
				if err != nil {
					return fmt.Errorf("splice %s at %d: %w", f.path, pos, err)
				}
				if got == 0 {
					return fmt.Errorf("%s ends %d bytes early", f.path, n)
				}
				inPipe, n = int(got), n-int(got)
			}
			sent, err := unix.Splice(s.pipe[0], nil, fd, nil, inPipe, unix.SPLICE_F_MORE|unix.SPLICE_F_NONBLOCK)
			if err != nil {
				return err
			}
			inPipe -= int(sent)
		}
		return sendFlags(fd, &tail, 0)
	})
}
