package wire

import "tailrace/wire/errcode"

// Versions of ApiVersions. A request of a version that the broker does not know is answered in version 0 with
// UNSUPPORTED_VERSION and the range of ApiVersions itself (KIP-511).
const (
	MinAPIVersions = 0
	MaxAPIVersions = 5

	apiVersionsFlexible  = 3
	apiVersionsClusterID = 5
)

// APIVersionsRequest is the first request of most connections. The fields alias the frame.
type APIVersionsRequest struct {
	ClientSoftwareName    []byte // from version 3 (KIP-511)
	ClientSoftwareVersion []byte // from version 3
	ClusterID             []byte // the cluster that the client means to reach, from version 5 (KIP-1242); nil: any
	NodeID                int32  // the node that the client means to reach, from version 5; -1: any
}

// Parse reads body, the whole of an ApiVersions request of that version behind its header. Its errors are of type
// Error.
func (q *APIVersionsRequest) Parse(version int16, body []byte) error {
	*q = APIVersionsRequest{NodeID: -1}
	if version < MinAPIVersions || version > MaxAPIVersions {
		return ErrVersion
	}
	r := Reader{buf: body}
	if version >= apiVersionsFlexible {
		q.ClientSoftwareName = r.CompactString()
		q.ClientSoftwareVersion = r.CompactString()
		if version >= apiVersionsClusterID {
			q.ClusterID = r.CompactNullableString()
			q.NodeID = r.Int32()
		}
		r.SkipTags()
	}
	return r.Finish()
}

// AppendAPIVersionsRequest appends the body of an ApiVersions request.
func AppendAPIVersionsRequest(b []byte, version int16, q *APIVersionsRequest) []byte {
	if version < apiVersionsFlexible {
		return b
	}
	b = AppendCompactString(b, q.ClientSoftwareName)
	b = AppendCompactString(b, q.ClientSoftwareVersion)
	if version >= apiVersionsClusterID {
		b = AppendCompactNullableString(b, q.ClusterID)
		b = AppendInt32(b, q.NodeID)
	}
	return AppendTags0(b)
}

// APIRange says that the versions Min to Max of an API are served.
type APIRange struct{ Key, Min, Max int16 }

// FeatureRange says that the levels Min to Max of a feature are supported by the broker (KIP-584).
type FeatureRange struct {
	Name     string
	Min, Max int16
}

// FinalizedFeature is the level of a feature that the cluster has agreed on.
type FinalizedFeature struct {
	Name               string
	MaxLevel, MinLevel int16
}

// APIVersionsResponse says what a broker serves.
type APIVersionsResponse struct {
	Code       errcode.Code
	APIs       []APIRange
	ThrottleMs int32 // from version 1

	// Tagged fields, from version 3. Empty lists, an epoch of -1 and false are not sent.
	Supported        []FeatureRange // version 3 cannot hold a Min of 0: such features are left out (KAFKA-17011)
	FinalizedEpoch   int64          // -1: not known
	Finalized        []FinalizedFeature
	ZkMigrationReady bool
}

// AppendAPIVersionsResponse appends the body of an ApiVersions response.
func AppendAPIVersionsResponse(b []byte, version int16, s *APIVersionsResponse) []byte {
	flexible := version >= apiVersionsFlexible
	b = AppendInt16(b, int16(s.Code))
	b = appendArrayLen(b, flexible, len(s.APIs))
	for _, a := range s.APIs {
		b = AppendInt16(AppendInt16(AppendInt16(b, a.Key), a.Min), a.Max)
		b = appendTags0(b, flexible)
	}
	if version >= 1 {
		b = AppendInt32(b, s.ThrottleMs)
	}
	if !flexible {
		return b
	}
	lowest := int16(-1 << 15)
	if version == 3 {
		lowest = 1
	}
	supported, size := s.supported(lowest)
	b = AppendUvarint(b, count(supported > 0)+count(s.FinalizedEpoch != -1)+
		count(len(s.Finalized) > 0)+count(s.ZkMigrationReady))
	if supported > 0 {
		b = AppendCompactArrayLen(appendTag(b, 0, size), supported)
		for _, f := range s.Supported {
			if f.Min >= lowest {
				b = appendFeature(b, f.Name, f.Min, f.Max)
			}
		}
	}
	if s.FinalizedEpoch != -1 {
		b = AppendInt64(appendTag(b, 1, 8), s.FinalizedEpoch)
	}
	if n := len(s.Finalized); n > 0 {
		b = AppendCompactArrayLen(appendTag(b, 2, s.finalizedSize()), n)
		for _, f := range s.Finalized {
			b = appendFeature(b, f.Name, f.MaxLevel, f.MinLevel)
		}
	}
	if s.ZkMigrationReady {
		b = AppendBool(appendTag(b, 3, 1), true)
	}
	return b
}

// supported returns how many supported features have at least this Min, and the size of their tag.
func (s *APIVersionsResponse) supported(lowest int16) (n, size int) {
	for _, f := range s.Supported {
		if f.Min >= lowest {
			n, size = n+1, size+featureSize(f.Name)
		}
	}
	return n, size + UvarintLen(uint32(n)+1)
}

func (s *APIVersionsResponse) finalizedSize() int {
	size := UvarintLen(uint32(len(s.Finalized)) + 1)
	for _, f := range s.Finalized {
		size += featureSize(f.Name)
	}
	return size
}

// featureSize is the size of a feature: its name, two int16 and an empty tag section.
func featureSize(name string) int { return compactLen(len(name)) + 5 }

func appendFeature(b []byte, name string, first, second int16) []byte {
	b = AppendCompactString(b, name)
	return AppendTags0(AppendInt16(AppendInt16(b, first), second))
}

// Parse reads body, the whole of an ApiVersions response of that version behind its header, into s, whose lists it
// reuses. Names are copies. Its errors are of type Error.
func (s *APIVersionsResponse) Parse(version int16, body []byte) error {
	*s = APIVersionsResponse{
		APIs: s.APIs[:0], Supported: s.Supported[:0], Finalized: s.Finalized[:0], FinalizedEpoch: -1,
	}
	if version < MinAPIVersions || version > MaxAPIVersions {
		return ErrVersion
	}
	flexible := version >= apiVersionsFlexible
	r := Reader{buf: body}
	s.Code = errcode.Code(r.Int16())
	for n := r.arrayLen(flexible, 6); n > 0 && r.err == 0; n-- {
		s.APIs = append(s.APIs, APIRange{Key: r.Int16(), Min: r.Int16(), Max: r.Int16()})
		r.tags(flexible)
	}
	if version >= 1 {
		s.ThrottleMs = r.Int32()
	}
	if flexible {
		for n := r.TagCount(); n > 0 && r.err == 0; n-- {
			tag, body := r.Tag()
			if r.err == 0 && !s.parseTag(tag, body) {
				r.Fail(ErrTag)
			}
		}
	}
	return r.Finish()
}

// parseTag reads one tagged field; it is false if its bytes do not fit.
func (s *APIVersionsResponse) parseTag(tag uint32, body []byte) bool {
	r := Reader{buf: body}
	switch tag {
	case 0:
		s.Supported = s.Supported[:0]
		for n := r.CompactArrayLen(1 + 5); n > 0 && r.err == 0; n-- {
			name, first, second := r.CompactString(), r.Int16(), r.Int16()
			r.SkipTags()
			s.Supported = append(s.Supported, FeatureRange{Name: string(name), Min: first, Max: second})
		}
	case 1:
		s.FinalizedEpoch = r.Int64()
	case 2:
		s.Finalized = s.Finalized[:0]
		for n := r.CompactArrayLen(1 + 5); n > 0 && r.err == 0; n-- {
			name, first, second := r.CompactString(), r.Int16(), r.Int16()
			r.SkipTags()
			s.Finalized = append(s.Finalized, FinalizedFeature{Name: string(name), MaxLevel: first, MinLevel: second})
		}
	case 3:
		s.ZkMigrationReady = r.Bool()
	default:
		return true
	}
	return r.Finish() == nil
}
