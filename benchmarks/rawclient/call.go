package rawclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Caller sends one request after another over one connection, for what is not measured. Not safe for concurrent use.
type Caller struct {
	conn net.Conn
	next int32
}

// callWithin is how long one call may take.
const callWithin = 60 * time.Second

// Dial connects.
func Dial(addr string) (*Caller, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Caller{conn: conn}, nil
}

// Close closes the connection.
func (c *Caller) Close() error { return c.conn.Close() }

// Call sends a request, whose version the caller has set, and decodes the answer.
func (c *Caller) Call(req kmsg.Request) (kmsg.Response, error) {
	if err := c.conn.SetDeadline(time.Now().Add(callWithin)); err != nil {
		return nil, err
	}
	c.next++
	if _, err := c.conn.Write(formatter.AppendRequest(nil, req, c.next)); err != nil {
		return nil, err
	}
	frame, err := readReply(c.conn, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: no answer: %w", kmsg.NameForKey(req.Key()), err)
	}
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	skip := 4
	if resp.IsFlexible() && req.Key() != kmsg.ApiVersions.Int16() {
		skip++ // the header's tags: no broker sends any
	}
	if len(frame) < skip || int32(binary.BigEndian.Uint32(frame)) != c.next {
		return nil, fmt.Errorf("%s: the answer is not ours", kmsg.NameForKey(req.Key()))
	}
	return resp, resp.ReadFrom(frame[skip:])
}

// CreateTopics makes topics of so many partitions each and returns when all of them have a leader.
func (c *Caller) CreateTopics(partitions int, names ...string) error {
	for _, name := range names {
		if err := c.create(name, partitions, nil); err != nil {
			return err
		}
	}
	return c.AwaitTopics(partitions, false, names...)
}

// CreateTopic makes one topic, with settings of its own, and returns when all its partitions have a leader that knows
// it is one: Kafka tells of leaders before they serve, and a request that comes in between is refused.
func (c *Caller) CreateTopic(name string, partitions int, configs map[string]string) error {
	if err := c.create(name, partitions, configs); err != nil {
		return err
	}
	if err := c.AwaitTopics(partitions, false, name); err != nil {
		return err
	}
	for begin := time.Now(); ; lookAgain(begin) {
		_, err := c.EndOffsets(name, partitions)
		if err == nil || !kerr.IsRetriable(err) || time.Since(begin) > callWithin {
			return err
		}
	}
}

func (c *Caller) create(name string, partitions int, configs map[string]string) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = 7, int32(callWithin/time.Millisecond)
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, int32(partitions), 1
	for key, value := range configs {
		k := kmsg.NewCreateTopicsRequestTopicConfig()
		k.Name, k.Value = key, &value
		t.Configs = append(t.Configs, k)
	}
	req.Topics = append(req.Topics, t)
	resp, err := c.Call(req)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(resp.(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode); err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	return nil
}

// DeleteTopic deletes a topic.
func (c *Caller) DeleteTopic(name string) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TimeoutMillis = 6, int32(callWithin/time.Millisecond)
	t := kmsg.NewDeleteTopicsRequestTopic()
	t.Topic = &name
	req.Topics = append(req.Topics, t)
	resp, err := c.Call(req)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode)
}

var errNotYet = errors.New("not every partition has a leader")

// lookAgain waits a millisecond at first, and then ever longer, to a twenty-fifth of the time: each look costs the
// server, which for a thousand partitions is milliseconds of its one core.
func lookAgain(begin time.Time) { time.Sleep(max(time.Millisecond, time.Since(begin)/25)) }

// AwaitTopics asks for metadata until all partitions of all topics have a leader; create lets the broker make them.
func (c *Caller) AwaitTopics(partitions int, create bool, names ...string) error {
	for begin := time.Now(); ; lookAgain(begin) {
		err := c.metadata(partitions, create, names)
		if err == nil || time.Since(begin) > callWithin {
			return err
		}
		if retriable := errors.Is(err, errNotYet) || kerr.IsRetriable(err); !retriable {
			return err
		}
	}
}

func (c *Caller) metadata(partitions int, create bool, names []string) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Version, req.AllowAutoTopicCreation = 12, create
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	resp, err := c.Call(req)
	if err != nil {
		return err
	}
	topics := resp.(*kmsg.MetadataResponse).Topics
	if len(topics) != len(names) {
		return errNotYet
	}
	for _, t := range topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
		if len(t.Partitions) < partitions {
			return errNotYet
		}
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 || p.Leader < 0 {
				return errNotYet
			}
		}
	}
	return nil
}
