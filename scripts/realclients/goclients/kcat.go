package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// kcat drives the program kcat, which is librdkafka in C. kcat gives all records of a run the same headers, and takes
// either all empty keys and values for null or none: records that differ in that are written by runs of their own.
type kcat struct{}

// Delimiters that no record has.
const (
	keyEnds    = "\x01key\x02ends\x03"
	recordEnds = "\x01record\x02ends\x03"
)

func (kcat) about() about {
	client := "kcat"
	out, _ := exec.Command("kcat", "-V").Output() // "Version 1.7.1 (JSON, ..., librdkafka 2.0.2 builtin.features=...)"
	words := strings.Fields(string(out))
	for i, w := range words[:max(len(words)-1, 0)] {
		switch w {
		case "Version":
			client += " " + words[i+1]
		case "librdkafka":
			client += " (librdkafka " + words[i+1] + ")"
		}
	}
	// It looks whether it was told to end between taking a record and printing it, and has stored its offset by then.
	return about{client: client, codecs: allCodecs, lacks: []string{"consume:last-record"}}
}

func (kcat) produce(addr, topic, codec string, records []record) error {
	type class struct {
		headers   string
		emptyNull bool
	}
	runs := map[class]*bytes.Buffer{}
	var order []class
	for i, r := range records {
		var c class
		for _, h := range r.headers {
			c.headers += h.name
			if h.value != nil {
				c.headers += "=" + string(h.value)
			}
			c.headers += "\n"
		}
		c.emptyNull = r.key == nil || r.value == nil
		if c.emptyNull && (r.key != nil && len(r.key) == 0 || r.value != nil && len(r.value) == 0) {
			return fmt.Errorf("record %d has both null and empty, which kcat cannot write", i+1)
		}
		if runs[c] == nil {
			runs[c] = new(bytes.Buffer)
			order = append(order, c)
		}
		fmt.Fprintf(runs[c], "%s%s%s%s", r.key, keyEnds, r.value, recordEnds)
	}
	for _, c := range order {
		args := []string{"-b", addr, "-P", "-t", topic, "-z", codec, "-K", keyEnds, "-D", recordEnds,
			"-X", "enable.idempotence=true"}
		if c.emptyNull {
			args = append(args, "-Z")
		}
		for h := range strings.Lines(c.headers) {
			args = append(args, "-H", strings.TrimSuffix(h, "\n"))
		}
		cmd := exec.Command("kcat", args...)
		cmd.Stdin = runs[c]
		if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("ERROR")) {
			return fmt.Errorf("kcat: %v\n%s", err, out)
		}
	}
	return nil
}

// format lets kcat print a record so that it can be cut by its lengths; -1 stands for null.
const format = `%p %o %K %S [%h] %k%s\n`

func (k kcat) consume(ctx context.Context, addr, topic string, out *sink) error {
	// To the end, where kcat flushes what it prints. With its own limits on what waits to be printed it pauses.
	return k.run(ctx, out, "-b", addr, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", format,
		"-X", "queued.min.messages=10000000", "-X", "queued.max.messages.kbytes=1000000")
}

func (k kcat) group(ctx context.Context, addr, topic, group string, out *sink) error {
	return k.run(ctx, out, "-b", addr, "-G", group, "-q", "-u", "-f", format,
		"-X", "auto.offset.reset=earliest", "-X", fmt.Sprint("auto.commit.interval.ms=", commitEvery.Milliseconds()),
		"-X", fmt.Sprint("heartbeat.interval.ms=", heartbeatEvery.Milliseconds()),
		"-X", fmt.Sprint("session.timeout.ms=", sessionTimeout.Milliseconds()), topic)
}

// run hands on what kcat prints until ctx ends, then ends kcat in order.
func (kcat) run(ctx context.Context, out *sink, args ...string) error {
	cmd := exec.Command("kcat", args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	err = cutRecords(bufio.NewReaderSize(pipe, 1<<20), out)
	io.Copy(io.Discard, pipe)
	ended := cmd.Wait()
	if ctx.Err() != nil && err == nil {
		return nil
	}
	return fmt.Errorf("kcat: %w\n%s", errors.Join(err, ended), complaint.Bytes())
}

func cutRecords(in *bufio.Reader, out *sink) error {
	for {
		words := make([]string, 4)
		for i := range words {
			w, err := in.ReadString(' ')
			if err == io.EOF && i == 0 && w == "" {
				return nil
			}
			if err != nil {
				return fmt.Errorf("within a record: %w", err)
			}
			words[i] = w[:len(w)-1]
		}
		at := time.Now()
		var n [4]int64
		for i, w := range words {
			v, err := strconv.ParseInt(w, 10, 64)
			if err != nil {
				return err
			}
			n[i] = v
		}
		list, err := in.ReadString(']')
		if err != nil {
			return err
		}
		var r record
		for h := range strings.SplitSeq(strings.Trim(list, "[]"), ",") {
			name, value, _ := strings.Cut(h, "=")
			switch {
			case name == "":
			case value == "NULL":
				r.headers = append(r.headers, header{name, nil})
			default:
				r.headers = append(r.headers, header{name, []byte(value)})
			}
		}
		rest := make([]byte, 1+max(n[2], 0)+max(n[3], 0)+1)
		if _, err := io.ReadFull(in, rest); err != nil {
			return err
		}
		rest = rest[1 : len(rest)-1]
		if n[2] >= 0 {
			r.key = rest[:n[2]:n[2]]
		}
		if n[3] >= 0 {
			r.value = rest[max(n[2], 0):]
		}
		out.add(at, int32(n[0]), n[1], r)
	}
}
