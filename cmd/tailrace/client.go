package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// answerWithin is how long a command waits for the first answer of a broker before it says that there is none.
var answerWithin = 4500 * time.Millisecond

// address is the flag --bootstrap-server, named as all of Kafka's tools name it (KIP-1147).
type address struct{ text string }

func (a *address) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.text, "bootstrap-server", "b", "127.0.0.1:9092", "`HOST:PORT` of a broker; several: comma-separated")
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
func (a *address) connect(ctx context.Context, warn func(string), opts ...kgo.Opt) (context.Context, *kgo.Client, error) {
	servers, err := a.servers()
	if err != nil {
		return ctx, nil, err
	}
	first, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	seed, err := reach(first, servers)
	if err != nil {
		return ctx, nil, err
	}
	ctx, fail := context.WithCancelCause(ctx)
	opts = append([]kgo.Opt{
		kgo.SeedBrokers(seed),
		kgo.ClientID("tailrace-cli"),
		kgo.SoftwareNameAndVersion("tailrace-cli", strings.ReplaceAll(version(), "+", "-")),
		kgo.DialTimeout(answerWithin),
		kgo.RetryTimeout(10 * time.Second),
		kgo.WithHooks(&link{seed: seed, fail: fail, warn: warn}),
		kgo.DisableClientMetrics(),
	}, opts...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return ctx, nil, err
	}
	if err := cl.Ping(first); err != nil {
		cl.Close()
		if first.Err() != nil {
			return ctx, nil, fmt.Errorf("%s accepts connections, but nothing answered within %s: "+
				"is it a Kafka listener, and one without TLS?", seed, answerWithin)
		}
		return ctx, nil, fmt.Errorf("%s does not answer as a Kafka broker: %w", seed, err)
	}
	return ctx, cl, nil
}

// reach finds the first address that takes a connection.
func reach(ctx context.Context, servers []string) (string, error) {
	dialer := net.Dialer{Timeout: answerWithin / time.Duration(len(servers))}
	var failures []string
	for _, s := range servers {
		conn, err := dialer.DialContext(ctx, "tcp", s)
		if err == nil {
			return s, conn.Close()
		}
		failures = append(failures, fmt.Sprintf("%s: %s", s, dialCause(err)))
	}
	return "", fmt.Errorf("no broker can be reached at %s; start one with `tailrace serve`, or give --bootstrap-server",
		strings.Join(failures, ", "))
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
