package broker

import (
	"tailrace/wire"
)

// api is one row of the API table: it drives dispatch, ApiVersions and the
// compatibility page (docs/COMPATIBILITY.md), which takes the departures from
// the head comments of the handlers.
type api struct {
	key      int16
	name     string
	min, max int16
	// advertisedMin is what ApiVersions says instead of min. librdkafka turns
	// compression off without a word when Produce does not begin at 0
	// (KAFKA-18659), so Kafka advertises 0 and refuses 0 to 2.
	advertisedMin int16
	handle        func(b *Broker, q *request)
}

// apis is the table. Versions are the stable ones of Kafka 4.4.
var apis = []api{
	{key: 0, name: "Produce", min: 3, max: 13, advertisedMin: 0, handle: (*Broker).produce},
	{key: 1, name: "Fetch", min: 4, max: 18, advertisedMin: 4, handle: (*Broker).fetch},
	{key: 2, name: "ListOffsets", min: 1, max: 11, advertisedMin: 1, handle: (*Broker).listOffsets},
	{key: 3, name: "Metadata", min: 0, max: 13, advertisedMin: 0, handle: (*Broker).metadata},
	{key: 8, name: "OffsetCommit", min: 2, max: 10, advertisedMin: 2, handle: (*Broker).offsetCommit},
	{key: 9, name: "OffsetFetch", min: 1, max: 10, advertisedMin: 1, handle: (*Broker).offsetFetch},
	{key: 10, name: "FindCoordinator", min: 0, max: 6, advertisedMin: 0, handle: (*Broker).findCoordinator},
	{key: 11, name: "JoinGroup", min: 0, max: 9, advertisedMin: 0, handle: (*Broker).joinGroup},
	{key: 12, name: "Heartbeat", min: 0, max: 4, advertisedMin: 0, handle: (*Broker).heartbeat},
	{key: 13, name: "LeaveGroup", min: 0, max: 5, advertisedMin: 0, handle: (*Broker).leaveGroup},
	{key: 14, name: "SyncGroup", min: 0, max: 5, advertisedMin: 0, handle: (*Broker).syncGroup},
	{key: 15, name: "DescribeGroups", min: 0, max: 6, advertisedMin: 0, handle: (*Broker).describeGroups},
	{key: 16, name: "ListGroups", min: 0, max: 5, advertisedMin: 0, handle: (*Broker).listGroups},
	{key: 18, name: "ApiVersions", min: 0, max: 5, advertisedMin: 0, handle: (*Broker).apiVersions},
	{key: 19, name: "CreateTopics", min: 2, max: 7, advertisedMin: 2, handle: (*Broker).createTopics},
	{key: 20, name: "DeleteTopics", min: 1, max: 6, advertisedMin: 1, handle: (*Broker).deleteTopics},
	{key: 21, name: "DeleteRecords", min: 0, max: 2, advertisedMin: 0, handle: (*Broker).deleteRecords},
	{key: 22, name: "InitProducerId", min: 0, max: 5, advertisedMin: 0, handle: (*Broker).initProducerID},
	{key: 23, name: "OffsetForLeaderEpoch", min: 2, max: 4, advertisedMin: 2, handle: (*Broker).offsetForLeaderEpoch},
	{key: 32, name: "DescribeConfigs", min: 1, max: 4, advertisedMin: 1, handle: (*Broker).describeConfigs},
	{key: 33, name: "AlterConfigs", min: 0, max: 2, advertisedMin: 0, handle: (*Broker).alterConfigs},
	{key: 35, name: "DescribeLogDirs", min: 1, max: 5, advertisedMin: 1, handle: (*Broker).describeLogDirs},
	{key: 37, name: "CreatePartitions", min: 0, max: 3, advertisedMin: 0, handle: (*Broker).createPartitions},
	{key: 42, name: "DeleteGroups", min: 0, max: 3, advertisedMin: 0, handle: (*Broker).deleteGroups},
	{key: 44, name: "IncrementalAlterConfigs", min: 0, max: 1, handle: (*Broker).incrementalAlterConfigs},
	{key: 47, name: "OffsetDelete", min: 0, max: 0, advertisedMin: 0, handle: (*Broker).offsetDelete},
	{key: 60, name: "DescribeCluster", min: 0, max: 2, advertisedMin: 0, handle: (*Broker).describeCluster},
	{key: 74, name: "ListConfigResources", min: 0, max: 1, handle: (*Broker).listConfigResources},
	{key: 75, name: "DescribeTopicPartitions", min: 0, max: 0, handle: (*Broker).describeTopicPartitions},
}

// The keys that code names; the table has them all.
const (
	keyProduce     = 0
	keyFetch       = 1
	keyAPIVersions = 18
)

// byKey finds a row by API key without searching. It is filled by init because
// handlers, which the table names, look into it.
var byKey [wire.MaxKey + 1]*api

func init() {
	for i := range apis {
		byKey[apis[i].key] = &apis[i]
	}
}

func findAPI(key int16) *api {
	if key < 0 || int(key) >= len(byKey) {
		return nil
	}
	return byKey[key]
}

// advertised is the table as ApiVersions sends it.
func advertised() []wire.APIRange {
	list := make([]wire.APIRange, len(apis))
	for i, a := range apis {
		list[i] = wire.APIRange{Key: a.key, Min: a.advertisedMin, Max: a.max}
	}
	return list
}
