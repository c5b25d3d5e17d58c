package netio

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// rawSocket is a client that costs no Go memory but its number, so that a server's can be measured beside it.
type rawSocket struct{ fd int }

func (s *rawSocket) dial(t *testing.T, addr string) {
	t.Helper()
	a := netip.MustParseAddrPort(addr)
	var err error
	if s.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	if err = unix.Connect(s.fd, &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}); err != nil {
		t.Fatal(err)
	}
}

// ping makes the server use its buffers for this connection once.
func (s *rawSocket) ping(t *testing.T) {
	t.Helper()
	msg := []byte{0, 0, 0, 1, 'x'}
	if _, err := unix.Write(s.fd, msg); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(s.fd, msg); n != len(msg) || err != nil {
		t.Fatal(n, err)
	}
}

func (s *rawSocket) close() { _ = unix.Close(s.fd) }
