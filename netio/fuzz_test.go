package netio

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"
)

// FuzzFrames sends any bytes in any pieces: complete frames are answered in order, and nothing else is, whatever the
// rest is.
func FuzzFrames(f *testing.F) {
	f.Add(AppendFrame(AppendFrame(nil, []byte("a")), nil), uint16(3))
	f.Add(AppendFrame(nil, make([]byte, 70_000)), uint16(16_384))
	f.Add([]byte("\x00\x00\x00\x01x\x16\x03\x01\x02\x00"), uint16(1))
	f.Add(append(AppendFrame(nil, make([]byte, 16_380)), 0, 0, 0x80, 0, 1), uint16(16_383))
	budget := NewBudget(1 << 20)
	s := serve(f, Config{MaxFrameBytes: 100_000, Budget: budget}, echo)
	f.Fuzz(func(t *testing.T, data []byte, piece uint16) {
		var want []byte
		rest, refused := data, false
		for len(rest) >= prefixLen {
			n := binary.BigEndian.Uint32(rest)
			if refused = n > 100_000; refused || len(rest)-prefixLen < int(n) {
				break
			}
			want = append(want, rest[:prefixLen+n]...)
			rest = rest[prefixLen+n:]
		}
		c, err := Dial(t.Context(), s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		go func() {
			step := max(int(piece)+1, len(data)/100) // not a minute for one input
			for at := 0; at < len(data); at += step {
				if c.Send(data[at:min(len(data), at+step)]) != nil {
					return
				}
			}
			_ = c.Conn().CloseWrite()
		}()
		got, err := io.ReadAll(c.Conn())
		if refused { // the reset may overtake replies
			if !bytes.HasPrefix(want, got) {
				t.Errorf("got %x, want %x", got, want)
			}
		} else if err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %x, %v, want %x", got, err, want)
		}
		_ = s.waitClosed(t)
		if used := budget.Used(); used != 0 {
			t.Errorf("%d bytes are still charged", used)
		}
	})
}
