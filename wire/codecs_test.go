package wire_test

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
)

// message is what kmsg requests and responses have in common.
type message interface {
	SetVersion(int16)
	AppendTo([]byte) []byte
	ReadFrom([]byte) error
}

// codec puts one hand-written codec beside the kmsg message that judges it.
type codec struct {
	name     string
	min, max int16
	kmsg     func() message
	// tidy takes out of a random message what Kafka does not have in that version but kmsg writes all the same.
	tidy func(message, int16)
	// read parses body, walks it into a tree of plain values, and returns the two encodings of the tree: ours, and
	// that of the kmsg message which is filled from it field by field.
	read func(version int16, body []byte) (ours, oracle []byte, err error)
	// parse only parses.
	parse func(version int16, body []byte) error
	// sample is the fixed message of the golden files, and the least size of an encoded one.
	sample message
}

func codecs() []codec {
	return []codec{
		{
			name: "apiversions_request", min: wire.MinAPIVersions, max: wire.MaxAPIVersions,
			kmsg: func() message { return kmsg.NewPtrApiVersionsRequest() },
			read: readAPIVersionsRequest, sample: sampleAPIVersionsRequest(),
			parse: func(v int16, b []byte) error { return new(wire.APIVersionsRequest).Parse(v, b) },
		},
		{
			name: "apiversions_response", min: wire.MinAPIVersions, max: wire.MaxAPIVersions,
			kmsg: func() message { return kmsg.NewPtrApiVersionsResponse() },
			tidy: tidyAPIVersionsResponse,
			read: readAPIVersionsResponse, sample: sampleAPIVersionsResponse(),
			parse: func(v int16, b []byte) error { return new(wire.APIVersionsResponse).Parse(v, b) },
		},
		{
			name: "produce_request", min: wire.MinProduce, max: wire.MaxProduce,
			kmsg: func() message { return kmsg.NewPtrProduceRequest() },
			read: readProduceRequest, sample: sampleProduceRequest(),
			parse: func(v int16, b []byte) error { return new(wire.ProduceRequest).Parse(v, b) },
		},
		{
			name: "produce_response", min: wire.MinProduce, max: wire.MaxProduce,
			kmsg: func() message { return kmsg.NewPtrProduceResponse() },
			tidy: tidyProduceResponse,
			read: readProduceResponse, sample: sampleProduceResponse(),
			parse: func(v int16, b []byte) error { return new(wire.ProduceResponse).Parse(v, b) },
		},
		{
			name: "fetch_request", min: wire.MinFetch, max: wire.MaxFetch,
			kmsg: func() message { return kmsg.NewPtrFetchRequest() },
			tidy: tidyFetchRequest,
			read: readFetchRequest, sample: sampleFetchRequest(),
			parse: func(v int16, b []byte) error { return new(wire.FetchRequest).Parse(v, b) },
		},
		{
			name: "fetch_response", min: wire.MinFetch, max: wire.MaxFetch,
			kmsg: func() message { return kmsg.NewPtrFetchResponse() },
			tidy: tidyFetchResponse,
			read: readFetchResponse, sample: sampleFetchResponse(),
			parse: func(v int16, b []byte) error { return new(wire.FetchResponse).Parse(v, b) },
		},
	}
}

// nullable turns an aliased nullable string into kmsg's form.
func nullable(b []byte) *string {
	if b == nil {
		return nil
	}
	return kmsg.StringPtr(string(b))
}

// said turns a string whose empty value is null into kmsg's form.
func said(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// dropEmpty makes an empty nullable string null: our writers do not tell the two apart where they carry a message
// or a rack, because Kafka never sends an empty one.
func dropEmpty(s **string) {
	if *s != nil && **s == "" {
		*s = nil
	}
}
