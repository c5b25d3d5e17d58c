package proc

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports that Ports chooses from. They lie below those that the kernel gives out by itself (32768 and up), so
// that no connection of anybody takes one between the choice and its use.
const (
	firstPort = 20_000
	lastPort  = 32_000
)

// Ports finds n ports in a row on loopback that nobody listens on. Programs that take a port by number, and the next
// one for something else, can be given the first.
func Ports(n int) (first int, err error) {
	for range 1000 {
		first = firstPort + rand.IntN(lastPort-firstPort-n)
		if allFree(first, n) {
			return first, nil
		}
	}
	return 0, fmt.Errorf("no %d free ports in a row between %d and %d", n, firstPort, lastPort)
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		defer l.Close()
	}
	return true
}
