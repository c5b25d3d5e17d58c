package broker

import (
	"regexp"

	"tailrace/broker/metadata"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// ApiVersions, key 18, versions 0 to 5.
//
// Behaviour: the API table and the features. A version that is not served is
// answered in version 0 with UNSUPPORTED_VERSION and our range for this API,
// from which clients learn what to ask next. The response header is version 0
// in every version.
//
// Versions: 3 flexible, client software name and version (INVALID_REQUEST if
// they are malformed), features; 4 features whose minimum is 0; 5 the cluster
// and node that the client means to reach (KIP-1242): another one answers
// REBOOTSTRAP_REQUIRED.
//
// Departures: none.

var softwareName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$`)

func (b *Broker) apiVersions(q *request) {
	var req wire.APIVersionsRequest
	if err := req.Parse(q.hdr.Version, q.body); err != nil {
		q.Fail(&protocolError{"malformed ApiVersions request: " + err.Error()})
		return
	}
	resp := wire.APIVersionsResponse{APIs: b.advertised, FinalizedEpoch: -1}
	if q.hdr.Version >= 3 {
		if !softwareName.Match(req.ClientSoftwareName) || !softwareName.Match(req.ClientSoftwareVersion) {
			resp.Code = errcode.InvalidRequest
		} else {
			q.conn.softwareName, q.conn.softwareVersion = string(req.ClientSoftwareName), string(req.ClientSoftwareVersion)
		}
		b.features(&resp)
	}
	if req.ClusterID != nil && (string(req.ClusterID) != b.clusterID || req.NodeID != int32(b.config.NodeID)) {
		resp.Code = errcode.RebootstrapRequired
	}
	q.Out.Buf = wire.AppendResponseHeader(q.Out.Buf, keyAPIVersions, q.hdr.Version, q.hdr.CorrelationID)
	q.Out.Buf = wire.AppendAPIVersionsResponse(q.Out.Buf, q.hdr.Version, &resp)
	q.Done()
}

// features fills in what the cluster has finalized. transaction.version and
// group.version follow when they are served.
func (b *Broker) features(resp *wire.APIVersionsResponse) {
	img := b.quorum.Image()
	resp.Supported = []wire.FeatureRange{{
		Name: metadata.FeatureMetadataVersion, Min: metadata.MinLevel, Max: metadata.LatestLevel,
	}}
	for name, level := range img.Features() {
		resp.Finalized = append(resp.Finalized, wire.FinalizedFeature{Name: name, MaxLevel: level, MinLevel: level})
	}
	resp.FinalizedEpoch = int64(img.Offset)
}

// apiVersionsUnsupported answers a version that we do not know, in version 0.
func (b *Broker) apiVersionsUnsupported(q *request) {
	resp := wire.APIVersionsResponse{
		Code: errcode.UnsupportedVersion,
		APIs: []wire.APIRange{{Key: keyAPIVersions, Min: findAPI(keyAPIVersions).min, Max: findAPI(keyAPIVersions).max}},
	}
	q.Out.Buf = wire.AppendResponseHeader(q.Out.Buf, keyAPIVersions, 0, q.hdr.CorrelationID)
	q.Out.Buf = wire.AppendAPIVersionsResponse(q.Out.Buf, 0, &resp)
	q.Done()
}
