//go:build realclients

package group

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// kafkaPartner answers out of a running Kafka.
type kafkaPartner struct {
	t    *testing.T
	addr string

	mu   sync.Mutex
	came map[string]kmsg.Response
}

const settle = settleMs * time.Millisecond

var only = flag.String("only", "", "play conversations with this in their names, and write no records down")

func (p *kafkaPartner) call(name, client string, req kmsg.Request) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	b := kmsg.NewRequestFormatter(kmsg.FormatterClientID(client)).AppendRequest(nil, req, 7)
	if _, err := conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return // the end of the test
		}
		body := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		body = body[4:] // the correlation id
		if req.IsFlexible() {
			body = body[1:] // no tags
		}
		r := req.ResponseKind()
		r.SetVersion(req.GetVersion())
		if err := r.ReadFrom(body); err != nil {
			p.t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.came[name] = r
	}()
	time.Sleep(settle)
	switch req.(type) {
	case *kmsg.JoinGroupRequest, *kmsg.SyncGroupRequest:
		return // it may wait for others
	}
	for !p.has(name) {
		time.Sleep(10 * time.Millisecond) // a slow machine
	}
}

func (p *kafkaPartner) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.came[name] != nil
}

func (p *kafkaPartner) wait(ms int64) { time.Sleep(time.Duration(ms)*time.Millisecond + settle) }

func (p *kafkaPartner) answers() map[string]kmsg.Response {
	p.mu.Lock()
	defer p.mu.Unlock()
	came := p.came
	p.came = map[string]kmsg.Response{}
	return came
}

// kafka starts Apache Kafka with the settings of oracleConfig. TAILRACE_TEST_BROKER names a broker that runs already,
// with these settings and no groups: a Tailrace is held to Kafka's answers so, over sockets.
func kafka(t *testing.T) string {
	if addr := os.Getenv("TAILRACE_TEST_BROKER"); addr != "" {
		return addr
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := probe.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	probe.Close()
	dir := filepath.Join(t.TempDir(), "kafka")
	up := exec.Command("../../scripts/kafka", "up", dir, port, "offsets.topic.num.partitions=1", "group.max.size=4",
		"group.initial.rebalance.delay.ms=500", "group.min.session.timeout.ms=100")
	up.Env = append(os.Environ(), "KAFKA_HEAP=512m")
	if err := up.Run(); err != nil { // without pipes, which the broker would inherit
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = exec.Command("../../scripts/kafka", "down", dir).Run() })
	return addr
}

// ready makes the two topics of the conversations, and waits until groups are served.
func ready(t *testing.T, addr string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopics(context.Background(), 2, 1, nil, "t1", "t2"); err != nil {
		t.Fatal(err)
	}
	// The first question for a coordinator makes the topic of offsets, which is then loaded.
	for {
		r := kmsg.NewPtrDescribeGroupsRequest()
		r.Groups = []string{"g"}
		if a, err := r.RequestWith(context.Background(), cl); err == nil &&
			a.Groups[0].ErrorCode == int16(errcode.GroupIDNotFound) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestRecord plays the conversations to Kafka. With -update what it answers is written down, and so are the bytes of
// the records it made (testdata/kafka/records.hex).
func TestRecord(t *testing.T) {
	addr := kafka(t)
	ready(t, addr)
	names, err := filepath.Glob("testdata/kafka/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(name, *only) {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p := &kafkaPartner{t: t, addr: addr, came: map[string]kmsg.Response{}}
		got := (&conversation{t: t, with: p}).play(string(data))
		if got == string(data) {
			continue
		}
		if !*update {
			t.Errorf("%s:\nKafka now:\n%s\nwritten down:\n%s", name, got, data)
		} else if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if *update && *only == "" {
		if err := os.WriteFile("testdata/kafka/records.hex", []byte(records(t, addr)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// records reads the topic of offsets: a line for each record, key and value in hexadecimal, "-" for a tombstone.
func records(t *testing.T, addr string) string {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		"__consumer_offsets": {0: kgo.NewOffset().AtStart()},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(context.Background(), "__consumer_offsets")
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup("__consumer_offsets", 0)
	var out strings.Builder
	for at := int64(0); at < end.Offset; {
		cl.PollFetches(context.Background()).EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			value := "-"
			if r.Value != nil {
				value = fmt.Sprintf("%x", r.Value)
			}
			fmt.Fprintf(&out, "%x %s %s\n", r.Key, value, strconv.FormatInt(r.Timestamp.UnixMilli(), 10))
		})
	}
	return out.String()
}
