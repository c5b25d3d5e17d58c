package broker_test

import "github.com/twmb/franz-go/pkg/kmsg"

// adminSteps are the steps of TestDifferential about configs, partitions and deleted records.
func adminSteps() []step {
	describe := func(kind int8, name string, keys ...string) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request { return describeConfigsRequest(0, kind, name, keys...) }
	}
	alter := func(kind int8, name string, changes ...string) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request { return alterRequest(0, alterResource(kind, name, changes...)) }
	}
	grow := func(topic string, count int32) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request { return createPartitionsRequest(0, topic, count) }
	}
	remove := func(topic string, partition int32, to int64) func(*memory) kmsg.Request {
		return func(*memory) kmsg.Request { return deleteRecordsRequest(0, topic, partition, to) }
	}
	return []step{
		{"describe a topic's config", describe(typeTopic, "d", "retention.ms")},
		{"describe the config of a missing topic", describe(typeTopic, "missing")},
		{"describe what has no config", describe(99, "x")},
		{"alter a topic", alter(typeTopic, "d", "retention.ms=100000", "cleanup.policy=compact")},
		{"alter a missing topic", alter(typeTopic, "missing", "retention.ms=1")},
		{"alter to a bad value", alter(typeTopic, "d", "retention.ms=soon")},
		{"append to a number", alter(typeTopic, "d", "retention.ms+=1")},
		{"append to a list", alter(typeTopic, "d", "cleanup.policy+=delete")},
		{"delete configs", alter(typeTopic, "d", "retention.ms-", "cleanup.policy-", "segment.ms-")},
		{"alter the cluster", alter(typeBroker, "", "message.max.bytes=1000000")},
		{"alter a broker that is not there", alter(typeBroker, "77", "message.max.bytes=1000000")},
		{"alter what is read at start", alter(typeBroker, "", "node.id=7")},
		{"list config resources", func(*memory) kmsg.Request { return kmsg.NewPtrListConfigResourcesRequest() }},
		{"more partitions", grow("d", 3)},
		{"as many partitions", grow("d", 3)},
		{"fewer partitions", grow("d", 1)},
		{"partitions of a missing topic", grow("missing", 3)},
		{"describe topic partitions", func(*memory) kmsg.Request { return describeTopicsRequest(10, nil, "d", "missing") }},
		{"describe log directories", func(*memory) kmsg.Request { return kmsg.NewPtrDescribeLogDirsRequest() }},
		{"delete records", remove("d", 0, 4)},
		{"delete records again", remove("d", 0, 2)},
		{"delete records beyond the end", remove("d", 0, 99)},
		{"delete records of a missing partition", remove("d", 9, 0)},
		{"delete records of a missing topic", remove("missing", 0, 0)},
	}
}
