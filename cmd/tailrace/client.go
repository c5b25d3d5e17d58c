package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/wire"
)

// answerWithin is how long a command waits for the first answer of a broker before it says that there is none.
var answerWithin = 4500 * time.Millisecond

const clientID = "tailrace-cli"

// address is the flag --bootstrap-server, named as all of Kafka's tools name it (KIP-1147).
type address struct{ text string }

func (a *address) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.text, "bootstrap-server", "b", "127.0.0.1:9092",
		"`HOST:PORT` of a broker; several: comma-separated")
}

// servers are the addresses given, each with a port.
func (a *address) servers() ([]string, error) {
	var list []string
	for s := range strings.SplitSeq(a.text, ",") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		host, port, err := net.SplitHostPort(s)
		if err != nil {
			host, port = strings.Trim(s, "[]"), "9092"
		}
		if host == "" || port == "" {
			return nil, usage("--bootstrap-server: %q is not HOST:PORT", s)
		}
		list = append(list, net.JoinHostPort(host, port))
	}
	if len(list) == 0 {
		return nil, usage("--bootstrap-server: no address given")
	}
	return list, nil
}

// connect gives a client that a broker has answered, or says within answerWithin which address failed and why. The
// context that comes with it ends when a broker that is needed stays away for too long; its cause says so.
func (a *address) connect(
	ctx context.Context, warn func(string), opts ...kgo.Opt,
) (context.Context, *kgo.Client, error) {
	servers, err := a.servers()
	if err != nil {
		return ctx, nil, err
	}
	seed, err := reach(ctx, servers)
	if err != nil {
		return ctx, nil, err
	}
	ctx, fail := context.WithCancelCause(ctx)
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(seed),
		kgo.ClientID(clientID),
		kgo.SoftwareNameAndVersion(clientID, strings.ReplaceAll(version(), "+", "-")),
		kgo.DialTimeout(answerWithin),
		kgo.RetryTimeout(10 * time.Second),
		kgo.WithHooks(&link{seed: seed, fail: fail, warn: warn}),
		kgo.DisableClientMetrics(),
	}, opts...)
	cl, err := kgo.NewClient(opts...)
	return ctx, cl, err
}

// reach finds the first address where a broker answers.
func reach(ctx context.Context, servers []string) (string, error) {
	var failures []string
	for _, s := range servers {
		err := greet(ctx, s, answerWithin/time.Duration(len(servers)))
		if err == nil {
			return s, nil
		}
		failures = append(failures, fmt.Sprintf("%s: %s", s, dialCause(err)))
	}
	return "", fmt.Errorf("no broker can be reached at %s; start one with `tailrace serve`, or give --bootstrap-server",
		strings.Join(failures, ", "))
}

// greet asks for ApiVersions, which every broker answers before anything else. The client could do the same, but it
// waits for longer and says less.
func greet(ctx context.Context, server string, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	const correlation = 0x7461_696c
	hello := wire.AppendRequestHeader(make([]byte, 4), &wire.RequestHeader{
		Key: wire.KeyAPIVersions, CorrelationID: correlation, ClientID: []byte(clientID),
	})
	binary.BigEndian.PutUint32(hello, uint32(len(hello)-4))
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	var head [8]byte
	n, err := io.ReadFull(conn, head[:])
	switch {
	case n > 0 && (head[0] == 0x15 || head[0] == 0x16): // an alert, or a handshake
		return errors.New("it speaks TLS, which this command does not")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("it accepts connections, but nothing answered within %s", wait)
	case err != nil:
		return errors.New("it closed the connection without an answer: is it a Kafka listener, and one without TLS?")
	case binary.BigEndian.Uint32(head[4:]) != correlation:
		return errors.New("what answers there is no Kafka broker")
	}
	return nil
}

// dialCause is why a connection failed, without the address and the names of system calls.
func dialCause(err error) string {
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", answerWithin)
	case errors.As(err, &op):
		text := op.Err.Error()
		return strings.TrimPrefix(text, "connect: ")
	}
	return err.Error()
}

// reason is a broker's refusal in words: what it says itself, else what its code means.
func reason(err error, message string) string {
	var code *kerr.Error
	if !errors.As(err, &code) {
		return err.Error()
	}
	if message == "" {
		message = code.Description
	}
	return code.Message + ": " + strings.TrimSuffix(message, ".")
}

// cause prefers what ended a context over the error that followed from it.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) {
		return c
	}
	return err
}
