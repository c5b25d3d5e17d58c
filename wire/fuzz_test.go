package wire_test

import (
	"bytes"
	"testing"

	"tailrace/wire"
	"tailrace/wire/randmsg"
)

// fuzzCodec feeds arbitrary bytes to one codec; judge says what must be true of the outcome.
func fuzzCodec(f *testing.F, name string) {
	for _, c := range codecs() {
		if c.name != name {
			continue
		}
		fill := randmsg.New(7)
		for v := c.min; v <= c.max; v++ {
			f.Add(v, c.encoded(v))
			for i := range 4 {
				fill.UnknownTags = i%2 == 1
				body, _ := c.random(fill, v)
				f.Add(v, body)
			}
		}
		f.Fuzz(func(t *testing.T, v int16, body []byte) {
			if v < c.min || v > c.max {
				v = c.min + int16(uint16(v)%uint16(c.max-c.min+1))
			}
			judge(t, c, v, body)
		})
	}
}

func FuzzAPIVersionsRequest(f *testing.F)  { fuzzCodec(f, "apiversions_request") }
func FuzzAPIVersionsResponse(f *testing.F) { fuzzCodec(f, "apiversions_response") }
func FuzzProduceRequest(f *testing.F)      { fuzzCodec(f, "produce_request") }
func FuzzProduceResponse(f *testing.F)     { fuzzCodec(f, "produce_response") }
func FuzzFetchRequest(f *testing.F)        { fuzzCodec(f, "fetch_request") }
func FuzzFetchResponse(f *testing.F)       { fuzzCodec(f, "fetch_response") }

func FuzzRequestHeader(f *testing.F) {
	f.Add([]byte{0, 3, 0, 9, 0, 0, 0, 5, 0, 2, 'm', 'e', 1, 0x51, 1, 0xee, 'b'})
	f.Add([]byte{0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := wire.ParseRequestHeader(frame)
		if err != nil {
			return
		}
		again, rest, err := wire.ParseRequestHeader(append(wire.AppendRequestHeader(nil, &h), body...))
		if err != nil || again.Key != h.Key || again.Version != h.Version || again.CorrelationID != h.CorrelationID ||
			!bytes.Equal(again.ClientID, h.ClientID) || (again.ClientID == nil) != (h.ClientID == nil) ||
			!bytes.Equal(rest, body) {
			t.Fatalf("%+v %x became %+v %x, %v", h, body, again, rest, err)
		}
	})
}
