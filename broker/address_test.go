package broker_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// told is where Metadata and DescribeCluster send a client that came in at an address.
func told(t *testing.T, addr string) (metadata, describe string) {
	t.Helper()
	p := dial(t, addr)
	m := ask[*kmsg.MetadataResponse](p, kmsg.NewPtrMetadataRequest())
	req := kmsg.NewPtrDescribeClusterRequest()
	req.Version, req.EndpointType = 2, 1
	d := ask[*kmsg.DescribeClusterResponse](p, req)
	if len(m.Brokers) != 1 || len(d.Brokers) != 1 || m.Brokers[0].NodeID != d.Brokers[0].NodeID {
		t.Fatalf("Metadata: %+v, DescribeCluster: %+v", m.Brokers, d.Brokers)
	}
	return net.JoinHostPort(m.Brokers[0].Host, strconv.Itoa(int(m.Brokers[0].Port))),
		net.JoinHostPort(d.Brokers[0].Host, strconv.Itoa(int(d.Brokers[0].Port)))
}

func toldSame(t *testing.T, came, want string) {
	t.Helper()
	if m, d := told(t, came); m != want || d != want {
		t.Errorf("came in at %s: Metadata says %s, DescribeCluster %s, want %s", came, m, d, want)
	}
}

// TestAddressIsTheOneThatWasUsed: with nothing advertised, a client is sent to where it has just got through.
func TestAddressIsTheOneThatWasUsed(t *testing.T) {
	n := start(t, "listeners=PLAINTEXT://[::]:0")
	_, port, err := net.SplitHostPort(n.addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "::1"} {
		came := net.JoinHostPort(host, port)
		if host == "::1" && !reachable(came) {
			continue // a machine without IPv6
		}
		toldSame(t, came, came)
	}
	both := start(t, "listeners=PLAINTEXT://127.0.0.1:0,PLAINTEXT://[::1]:0")
	for _, came := range both.Addrs() {
		toldSame(t, came, came)
	}
}

func reachable(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// TestDescribeCluster: brokers have an endpoint, controllers have none that a client could ask.
func TestDescribeCluster(t *testing.T) {
	p := dial(t, serve(t).addr)
	for kind, want := range map[int8]errcode.Code{
		1: errcode.None, 2: errcode.MismatchedEndpointType, 9: errcode.UnsupportedEndpointType,
	} {
		req := kmsg.NewPtrDescribeClusterRequest()
		req.Version, req.EndpointType, req.IncludeClusterAuthorizedOperations = 2, kind, true
		r := ask[*kmsg.DescribeClusterResponse](p, req)
		code(t, "endpoint type", r.ErrorCode, want)
		if want == errcode.None && r.ClusterAuthorizedOperations != 0b1_1111_1010_0000 {
			t.Errorf("authorized operations %b", r.ClusterAuthorizedOperations)
		}
	}
}

// TestAddressIsTheAdvertisedOne: each listener has its own.
func TestAddressIsTheAdvertisedOne(t *testing.T) {
	n := start(t, "listeners=PLAINTEXT://127.0.0.1:0,INSIDE://127.0.0.1:0",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT",
		"advertised.listeners=PLAINTEXT://kafka.example.com:19092,INSIDE://10.1.2.3:29092")
	for i, want := range []string{"kafka.example.com:19092", "10.1.2.3:29092"} {
		toldSame(t, n.Addrs()[i], want)
	}
}
