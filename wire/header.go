package wire

import "math"

// API keys that this package encodes itself, and those that name a special case in a header.
const (
	KeyProduce     int16 = 0
	KeyFetch       int16 = 1
	KeyAPIVersions int16 = 18
)

// never marks an API that has no flexible version.
const never = math.MaxInt16

// flexibleFrom holds the first flexible version (KIP-482) of each API, at the index of its key. Keys 4 to 7 are
// retired: no version of them is valid, so none is flexible here.
// Source: validVersions and flexibleVersions of Kafka 4.4's message definitions.
var flexibleFrom = [...]int16{
	9, 12, 6, 9, never, never, never, never, 8, 6, // Produce, Fetch, ListOffsets, Metadata, –, OffsetCommit, …
	3, 6, 4, 4, 4, 5, 3, never, 3, 5, // FindCoordinator … SaslHandshake, ApiVersions, CreateTopics
	4, 2, 2, 4, 3, 3, 3, 1, 3, 2, // DeleteTopics, DeleteRecords, InitProducerId, … TxnOffsetCommit, DescribeAcls
	2, 2, 4, 2, 2, 2, 2, 2, 2, 2, // CreateAcls … RenewDelegationToken
	2, 2, 2, 2, 1, 0, 0, never, 1, 1, // ExpireDelegationToken … OffsetDelete, DescribeClientQuotas, AlterClientQuotas
	0, 0, 0, 1, 1, 0, 0, 0, 0, 0, // from here on all but BeginQuorumEpoch and EndQuorumEpoch were flexible at birth
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0,
}

// MaxKey is the highest API key known.
const MaxKey = int16(len(flexibleFrom) - 1)

// Flexible reports whether this version of the API is flexible; an unknown key is not.
func Flexible(key, version int16) bool {
	return key >= 0 && key <= MaxKey && version >= flexibleFrom[key]
}

// RequestHeader is what stands before the body of every request. Header version 1 has no tagged fields, version 2,
// used by flexible requests, has. Version 0 died with ControlledShutdown.
type RequestHeader struct {
	Key, Version  int16
	CorrelationID int32
	ClientID      []byte // aliases the frame; nil is null
}

// ParseRequestHeader reads the header of a frame (without its length prefix) and returns the body behind it. For an
// unknown key it returns ErrKey and a header of which Key, Version and CorrelationID can be reported. An unknown
// version is not an error here: the caller knows what it serves.
func ParseRequestHeader(frame []byte) (h RequestHeader, body []byte, err error) {
	r := Reader{buf: frame}
	h.Key, h.Version, h.CorrelationID = r.Int16(), r.Int16(), r.Int32()
	if r.err == 0 && (h.Key < 0 || h.Key > MaxKey) {
		return h, nil, ErrKey
	}
	// The client id keeps its classic form even in flexible headers, so that an old broker can read the header of
	// an ApiVersions request that is too new for it.
	h.ClientID = r.NullableString()
	r.tags(Flexible(h.Key, h.Version))
	return h, r.Rest(), r.Err()
}

// AppendRequestHeader appends h in the header version that its key and version ask for.
func AppendRequestHeader(b []byte, h *RequestHeader) []byte {
	b = AppendInt16(b, h.Key)
	b = AppendInt16(b, h.Version)
	b = AppendInt32(b, h.CorrelationID)
	b = AppendNullableString(b, h.ClientID)
	return appendTags0(b, Flexible(h.Key, h.Version))
}

// flexibleResponse reports whether the response header has tagged fields. ApiVersions never has them: a client reads
// its response before it knows which versions the broker speaks (KIP-511).
func flexibleResponse(key, version int16) bool {
	return key != KeyAPIVersions && Flexible(key, version)
}

// AppendResponseHeader appends the header of a response to a request of the given key and version.
func AppendResponseHeader(b []byte, key, version int16, correlationID int32) []byte {
	return appendTags0(AppendInt32(b, correlationID), flexibleResponse(key, version))
}

// ParseResponseHeader reads the header of a response frame and returns the body behind it.
func ParseResponseHeader(frame []byte, key, version int16) (correlationID int32, body []byte, err error) {
	r := Reader{buf: frame}
	correlationID = r.Int32()
	r.tags(flexibleResponse(key, version))
	return correlationID, r.Rest(), r.Err()
}
