package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
)

// retired says that Kafka 4 has no version of the API left, although kmsg still knows it.
func retired(key int16) bool { return key >= 4 && key <= 7 }

func TestHeadersOfEveryAPIAgreeWithKmsg(t *testing.T) {
	if kmsg.MaxKey != wire.MaxKey {
		t.Fatalf("kmsg knows keys up to %d, wire up to %d", kmsg.MaxKey, wire.MaxKey)
	}
	for key := range int16(wire.MaxKey + 1) {
		req := kmsg.RequestForKey(key)
		if req == nil || retired(key) {
			if wire.Flexible(key, 1) && req != nil {
				t.Errorf("key %d is retired but flexible", key)
			}
			continue
		}
		for v := int16(0); v <= req.MaxVersion(); v++ {
			req.SetVersion(v)
			if wire.Flexible(key, v) != req.IsFlexible() {
				t.Errorf("key %d v%d: Flexible = %t", key, v, wire.Flexible(key, v))
				continue
			}
			checkRequestHeader(t, req)
			checkResponseHeader(t, req)
		}
	}
}

func checkRequestHeader(t *testing.T, req kmsg.Request) {
	t.Helper()
	for _, client := range []*string{nil, kmsg.StringPtr(""), kmsg.StringPtr("rdkafka")} {
		f := kmsg.NewRequestFormatter()
		if client != nil {
			f = kmsg.NewRequestFormatter(kmsg.FormatterClientID(*client))
		}
		frame := f.AppendRequest(nil, req, 77)[4:]
		h, body, err := wire.ParseRequestHeader(frame)
		if err != nil || h.Key != req.Key() || h.Version != req.GetVersion() || h.CorrelationID != 77 ||
			(h.ClientID == nil) != (client == nil) || client != nil && string(h.ClientID) != *client {
			t.Fatalf("key %d v%d: %+v, %v", req.Key(), req.GetVersion(), h, err)
		}
		if want := req.AppendTo(nil); !bytes.Equal(body, want) {
			t.Fatalf("key %d v%d: body %x, want %x", req.Key(), req.GetVersion(), body, want)
		}
		if got := append(wire.AppendRequestHeader(nil, &h), body...); !bytes.Equal(got, frame) {
			t.Fatalf("key %d v%d: wrote %x, want %x", req.Key(), req.GetVersion(), got, frame)
		}
	}
}

func checkResponseHeader(t *testing.T, req kmsg.Request) {
	t.Helper()
	want := []byte{0, 0, 0, 77}
	if req.IsFlexible() && req.Key() != wire.KeyAPIVersions {
		want = append(want, 0)
	}
	got := wire.AppendResponseHeader(nil, req.Key(), req.GetVersion(), 77)
	if !bytes.Equal(got, want) {
		t.Fatalf("key %d v%d: response header %x, want %x", req.Key(), req.GetVersion(), got, want)
	}
	id, body, err := wire.ParseResponseHeader(append(got, "body"...), req.Key(), req.GetVersion())
	if id != 77 || string(body) != "body" || err != nil {
		t.Fatalf("key %d v%d: %d %q %v", req.Key(), req.GetVersion(), id, body, err)
	}
}

func TestRequestHeaderOddities(t *testing.T) {
	full := []byte{0, 3, 0, 9, 0, 0, 0, 5, 0, 2, 'm', 'e', 1, 0x51, 1, 0xee, 'b'}
	h, body, err := wire.ParseRequestHeader(full)
	if err != nil || string(h.ClientID) != "me" || string(body) != "b" {
		t.Errorf("a tagged field that is not known: %+v %q %v", h, body, err)
	}
	for n := range len(full) - 1 {
		if _, _, err := wire.ParseRequestHeader(full[:n]); err == nil {
			t.Errorf("%d bytes were accepted as a header", n)
		}
	}
	for _, key := range []int16{-1, wire.MaxKey + 1, 32767} {
		b := wire.AppendRequestHeader(nil, &wire.RequestHeader{Key: key, Version: 1, CorrelationID: 8})
		if h, _, err := wire.ParseRequestHeader(b); !errors.Is(err, wire.ErrKey) || h.CorrelationID != 8 || h.Key != key {
			t.Errorf("key %d: %+v, %v", key, h, err)
		}
	}
	// A version from the future is for the caller to answer, and its header is a flexible one.
	future := wire.RequestHeader{Key: wire.KeyAPIVersions, Version: 99, CorrelationID: 3, ClientID: []byte("x")}
	if h, body, err := wire.ParseRequestHeader(append(wire.AppendRequestHeader(nil, &future), 1, 2)); err != nil ||
		h.Version != 99 || len(body) != 2 {
		t.Errorf("ApiVersions 99: %+v %x %v", h, body, err)
	}
}
