package broker_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// answerWithin bounds every wait for an answer; it says "never" and measures nothing.
const answerWithin = 30 * time.Second

// peer is a client that speaks the protocol message by message.
type peer struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	last int32 // correlation id of the last request sent
	seen int32 // of the last answer received: answers come in order
}

func dial(t testing.TB, addr string) *peer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, answerWithin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t: t, conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
}

var formatter = kmsg.NewRequestFormatter(kmsg.FormatterClientID("broker-test"))

// frameOf is a request with its length prefix and header.
func frameOf(req kmsg.Request, correlationID int32) []byte {
	return formatter.AppendRequest(nil, req, correlationID)
}

func (p *peer) send(req kmsg.Request) {
	p.t.Helper()
	p.last++
	p.write(frameOf(req, p.last))
}

func (p *peer) write(frame []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(frame); err != nil {
		p.t.Fatalf("send: %v", err)
	}
}

// frame reads the next frame without its length.
func (p *peer) frame() ([]byte, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(answerWithin))
	var size [4]byte
	if _, err := io.ReadFull(p.in, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(p.in, b)
	return b, err
}

// receive reads the answer to the oldest request that is not answered yet, which must be req, and decodes it.
func (p *peer) receive(req kmsg.Request) kmsg.Response {
	p.t.Helper()
	b, err := p.frame()
	if err != nil {
		p.t.Fatalf("no answer to %s v%d: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	p.seen++
	resp, err := decode(req, b, p.seen)
	if err != nil {
		p.t.Fatalf("answer to %s v%d: %v", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	return resp
}

// decode reads an answer with kmsg and holds every byte to it: what kmsg makes of the decoded answer must be the bytes
// that came.
func decode(req kmsg.Request, frame []byte, correlationID int32) (kmsg.Response, error) {
	id, body, err := wire.ParseResponseHeader(frame, req.Key(), req.GetVersion())
	if err != nil || id != correlationID {
		return nil, fmt.Errorf("header with correlation id %d, want %d: %v", id, correlationID, err)
	}
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("kmsg refuses %x: %w", body, err)
	}
	if again := resp.AppendTo(nil); !bytes.Equal(again, body) {
		return nil, fmt.Errorf("the answer is\n%x, and what kmsg read of it is\n%x", body, again)
	}
	return resp, nil
}

// ask sends a request and waits for its answer.
func ask[R kmsg.Response](p *peer, req kmsg.Request) R {
	p.t.Helper()
	p.send(req)
	return p.receive(req).(R)
}

// closedWithoutAnswer waits until the broker has closed the connection, and fails if it said anything before.
func (p *peer) closedWithoutAnswer(what string) {
	p.t.Helper()
	b, err := p.frame()
	var timeout net.Error
	switch {
	case err == nil:
		p.t.Fatalf("%s was answered with %x, want a closed connection", what, b)
	case errors.As(err, &timeout) && timeout.Timeout():
		p.t.Fatalf("%s: the connection stays open and silent", what)
	}
}

// alive fails unless the broker answers on this connection.
func (p *peer) alive() {
	p.t.Helper()
	req := kmsg.NewPtrApiVersionsRequest()
	if r := ask[*kmsg.ApiVersionsResponse](p, req); r.ErrorCode != 0 {
		p.t.Fatalf("ApiVersions: %v", errcode.Code(r.ErrorCode))
	}
}

// fresh is a topic name that no test has used.
func fresh(t testing.TB) string {
	keep := func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}
	return fmt.Sprintf("%.100s-%08x", strings.Map(keep, t.Name()), rand.Uint32())
}

// create makes a topic and returns its id. Configs are key=value.
func (p *peer) create(name string, partitions int32, configs ...string) [16]byte {
	p.t.Helper()
	req := createRequest(7, newTopic(name, partitions, configs...))
	r := ask[*kmsg.CreateTopicsResponse](p, req)
	if len(r.Topics) != 1 || r.Topics[0].ErrorCode != 0 {
		p.t.Fatalf("create %s: %+v", name, r.Topics)
	}
	p.settled(name, partitions)
	return r.Topics[0].TopicID
}

func newTopic(name string, partitions int32, configs ...string) kmsg.CreateTopicsRequestTopic {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	for _, c := range configs {
		k, v, _ := strings.Cut(c, "=")
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = k, &v
		topic.Configs = append(topic.Configs, config)
	}
	return topic
}

func createRequest(version int16, topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.Topics, req.TimeoutMillis = version, topics, 10_000
	return req
}

// rec is a record to be written; nil is null.
type rec struct {
	key, value []byte
	ms         int64 // 0: now
	headers    []batch.Header
}

// build makes a record batch as a client sends it.
func build(t testing.TB, o batch.Options, recs ...rec) []byte {
	t.Helper()
	var b batch.Builder
	o.Level, o.LeaderEpoch = codec.DefaultLevel(o.Codec), -1
	b.Reset(o)
	for _, r := range recs {
		if r.ms == 0 {
			r.ms = time.Now().UnixMilli()
		}
		b.Append(r.ms, r.key, r.value, r.headers...)
	}
	v, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// plain is a batch of records with these values, without keys and compression.
func plain(t testing.TB, values ...string) []byte {
	t.Helper()
	recs := make([]rec, len(values))
	for i, v := range values {
		recs[i].value = []byte(v)
	}
	return build(t, batch.Options{}, recs...)
}

// produceRequest is a request of one partition, by name.
func produceRequest(version int16, topic string, partition int32, acks int16, records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = version, acks, 30_000
	t, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, records
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// produce writes a batch and returns the answer for its partition.
func (p *peer) produce(topic string, partition int32, acks int16, records []byte) kmsg.ProduceResponseTopicPartition {
	p.t.Helper()
	r := ask[*kmsg.ProduceResponse](p, produceRequest(11, topic, partition, acks, records))
	return r.Topics[0].Partitions[0]
}

// wrote is produce with acks=all that must succeed; it returns the base offset.
func (p *peer) wrote(topic string, partition int32, records []byte) int64 {
	p.t.Helper()
	r := p.produce(topic, partition, -1, records)
	if r.ErrorCode != 0 {
		p.t.Fatalf("produce to %s-%d: %v %s", topic, partition, errcode.Code(r.ErrorCode), text(r.ErrorMessage))
	}
	return r.BaseOffset
}

func text(s *string) string {
	if s == nil {
		return "(null)"
	}
	return *s
}

// code fails unless an error code is the one that is wanted.
func code(t testing.TB, what string, got int16, want errcode.Code) {
	t.Helper()
	if errcode.Code(got) != want {
		t.Errorf("%s: %v, want %v", what, errcode.Code(got).Name(), want.Name())
	}
}
