package broker

import (
	"net/netip"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/netio"
	"tailrace/wire/errcode"
)

// TestRefusedCalls: what a client is told when its call did not reach a machine.
func TestRefusedCalls(t *testing.T) {
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Version, fetch.Groups = 8, append(fetch.Groups, kmsg.NewOffsetFetchRequestGroup())
	for _, c := range []struct {
		req       kmsg.Request
		why, want errcode.Code
	}{
		{kmsg.NewPtrHeartbeatRequest(), errcode.CoordinatorLoadInProgress, errcode.None},
		{kmsg.NewPtrHeartbeatRequest(), errcode.NotCoordinator, errcode.NotCoordinator},
		{kmsg.NewPtrJoinGroupRequest(), errcode.CoordinatorLoadInProgress, errcode.CoordinatorLoadInProgress},
		{kmsg.NewPtrSyncGroupRequest(), errcode.CoordinatorNotAvailable, errcode.CoordinatorNotAvailable},
		{fetch, errcode.CoordinatorNotAvailable, errcode.NotCoordinator},
		{fetch, errcode.CoordinatorLoadInProgress, errcode.CoordinatorLoadInProgress},
	} {
		p := groupPart{ask: &groupAsk{}, req: c.req}
		p.ask.left.Store(2) // the answer is not complete
		p.Refuse(c.why, new(netio.Batch))
		var got int16
		switch r := p.resp.(type) {
		case *kmsg.HeartbeatResponse:
			got = r.ErrorCode
		case *kmsg.JoinGroupResponse:
			got = r.ErrorCode
		case *kmsg.SyncGroupResponse:
			got = r.ErrorCode
		case *kmsg.OffsetFetchResponse:
			got = r.Groups[0].ErrorCode
		}
		if errcode.Code(got) != c.want {
			t.Errorf("%s refused with %v is answered %v, want %v",
				kmsg.NameForKey(c.req.Key()), c.why.Name(), errcode.Code(got).Name(), c.want.Name())
		}
	}
}

// TestJavaAddress: members of a group are shown where Kafka says they are.
func TestJavaAddress(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1": "127.0.0.1", "::1": "0:0:0:0:0:0:0:1", "2001:db8::ff00:42:8329": "2001:db8:0:0:0:ff00:42:8329",
		"fe80::1%eth0": "fe80:0:0:0:0:0:0:1%eth0",
	} {
		if got := javaAddress(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
}
