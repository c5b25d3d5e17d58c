package loop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Serve runs a loop until SIGTERM or SIGINT.
func Serve(o Options) error {
	st, err := openStore(o)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err
	}
	if o.ReadyFile != "" {
		if err := os.WriteFile(o.ReadyFile, []byte(ln.Addr().String()+"\n"), 0o644); err != nil {
			return err
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		_ = ln.Close()
	}()
	for {
		nc, err := ln.Accept()
		if err != nil {
			return nil // closed by the signal
		}
		// TCP_NODELAY is Go's default; the buffers are left to the kernel's tuning, as the broker leaves them.
		c := &conn{TCPConn: nc.(*net.TCPConn), o: &o, store: st}
		go c.serve()
	}
}

// conn is one connection and its goroutine.
type conn struct {
	*net.TCPConn
	o     *Options
	store *store
	in    frames
	out   []byte // acks that wait to be joined
	ack   canned // rounds write it where the acks wait for a sync, the connection's goroutine otherwise
	fetch fetchHead
	send  sender
}

func (c *conn) serve() {
	defer c.Close()
	if err := c.loop(); !errors.Is(err, io.EOF) {
		fmt.Fprintln(os.Stderr, "limits:", c.RemoteAddr(), err)
	}
}

func (c *conn) loop() error {
	if err := c.in.open(c.TCPConn, c.o.Read); err != nil {
		return err
	}
	if err := c.send.open(c.TCPConn, c.o.Send); err != nil {
		return err
	}
	var r request
	for {
		frame, err := c.in.next()
		if err != nil {
			return err
		}
		if err := r.parse(frame); err != nil {
			return err
		}
		if c.ack.bytes == nil {
			c.ack, c.fetch = produceAck(r.name), newFetchHead(r.name)
		}
		if r.key == keyFetch {
			err = c.reply(&r)
		} else {
			err = c.produce(&r)
		}
		if err != nil {
			return err
		}
	}
}

// produce checks and appends one batch, and answers, now or when the next round has synced it.
func (c *conn) produce(r *request) error {
	b := r.records
	if crc32.Checksum(b[batchAttributes:], castagnoli) != binary.BigEndian.Uint32(b[batchCRC:]) {
		return fmt.Errorf("a batch whose CRC is wrong")
	}
	f, err := c.store.append(r.partition, b)
	if err != nil {
		return err
	}
	if c.o.Sync {
		c.store.rounds.wait(f, c, r)
		return nil
	}
	ack := c.ack.patch(r.correlation, r.partition)
	if !c.o.JoinAcks {
		_, err = c.Write(ack)
		return err
	}
	c.out = append(c.out, ack...)
	if c.in.another() {
		return nil
	}
	_, err = c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// reply sends the bytes from the fetch offset on, as many as were asked for.
func (c *conn) reply(r *request) error {
	f, err := c.store.file(r.partition)
	if err != nil {
		return err
	}
	pos := r.offset / int64(c.o.BatchRecords) * int64(c.o.BatchBytes)
	n := int(min(int64(r.maxBytes), f.end-pos))
	return c.send.reply(c.fetch.patch(r.correlation, r.partition, n), f, pos, n)
}
