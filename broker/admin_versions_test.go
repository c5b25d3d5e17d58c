package broker_test

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire/errcode"
)

// The conversations of the admin APIs (versions_test.go).

func deleteRecordsRequest(version int16, topic string, partition int32, offset int64) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Version, req.TimeoutMillis = version, 10_000
	t, p := kmsg.NewDeleteRecordsRequestTopic(), kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, offset
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func askDeleteRecords(s *subject, v int16) kmsg.Request {
	return deleteRecordsRequest(v, s.topic, 0, 0) // the other conversations want the records
}

func checkDeleteRecords(s *subject, v int16, resp kmsg.Response) {
	p := resp.(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0]
	if p.ErrorCode != 0 || p.LowWatermark != 0 {
		s.t.Errorf("DeleteRecords v%d: %+v, want a log from 0 on", v, p)
	}
}

// The types of resources that have configs.
const (
	typeTopic         = 2
	typeBroker        = 4
	typeLogger        = 8
	typeClientMetrics = 16
	typeGroup         = 32
)

func describeConfigsRequest(version int16, kind int8, name string, keys ...string) *kmsg.DescribeConfigsRequest {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Version, req.IncludeSynonyms, req.IncludeDocumentation = version, true, true
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceType(kind), name, keys
	req.Resources = append(req.Resources, r)
	return req
}

func askDescribeConfigs(s *subject, v int16) kmsg.Request {
	req := describeConfigsRequest(v, typeTopic, s.topic)
	req.Resources = append(req.Resources, describeConfigsRequest(v, typeBroker, "1").Resources[0])
	return req
}

func checkDescribeConfigs(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.DescribeConfigsResponse)
	if len(r.Resources) != 2 || len(r.Resources[0].Configs) < 20 || len(r.Resources[1].Configs) < 200 {
		s.t.Fatalf("DescribeConfigs v%d: %d resources", v, len(r.Resources))
	}
	for _, out := range r.Resources {
		code(s.t, "DescribeConfigs", out.ErrorCode, errcode.None)
		for _, c := range out.Configs {
			if v >= 3 && c.ConfigType == 0 || v >= 1 && c.Source == 0 {
				s.t.Errorf("DescribeConfigs v%d: %+v", v, c)
			}
		}
	}
}

func askAlterConfigs(s *subject, v int16) kmsg.Request {
	req := kmsg.NewPtrAlterConfigsRequest()
	r := kmsg.NewAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = typeTopic, s.topic
	c := kmsg.NewAlterConfigsRequestResourceConfig()
	c.Name, c.Value = "file.delete.delay.ms", kmsg.StringPtr("1000")
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	return req
}

func checkAlterConfigs(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.AlterConfigsResponse)
	if len(r.Resources) != 1 || r.Resources[0].ErrorCode != 0 || r.Resources[0].ResourceName != s.topic {
		s.t.Errorf("AlterConfigs v%d: %+v", v, r)
	}
}

// changes of configs, written key=value, key- (delete), key+=value, key-=value.
func alterResource(kind int8, name string, changes ...string) kmsg.IncrementalAlterConfigsRequestResource {
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceType(kind), name
	for _, text := range changes {
		r.Configs = append(r.Configs, configChange(text))
	}
	return r
}

func alterRequest(
	version int16, r ...kmsg.IncrementalAlterConfigsRequestResource,
) *kmsg.IncrementalAlterConfigsRequest {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Version, req.Resources = version, r
	return req
}

func askIncrementalAlter(s *subject, v int16) kmsg.Request {
	return alterRequest(v, alterResource(typeTopic, s.topic, "file.delete.delay.ms=1000", "segment.ms-"),
		alterResource(typeTopic, "no-such-topic", "segment.ms=1"))
}

func checkIncrementalAlter(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.IncrementalAlterConfigsResponse)
	if len(r.Resources) != 2 || r.Resources[0].ErrorCode != 0 {
		s.t.Fatalf("IncrementalAlterConfigs v%d: %+v", v, r)
	}
	code(s.t, "alter a topic that does not exist", r.Resources[1].ErrorCode, errcode.UnknownTopicOrPartition)
}

func askDescribeLogDirs(s *subject, v int16) kmsg.Request {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	if v%2 == 1 {
		t := kmsg.NewDescribeLogDirsRequestTopic()
		t.Topic, t.Partitions = s.topic, []int32{1, 0, 9}
		req.Topics = append(req.Topics, t)
	}
	return req
}

func checkDescribeLogDirs(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.DescribeLogDirsResponse)
	if r.ErrorCode != 0 || len(r.Dirs) != 1 || r.Dirs[0].ErrorCode != 0 {
		s.t.Fatalf("DescribeLogDirs v%d: %+v", v, r)
	}
	d := r.Dirs[0]
	at := slices.IndexFunc(d.Topics, func(t kmsg.DescribeLogDirsResponseDirTopic) bool { return t.Topic == s.topic })
	if at < 0 || len(d.Topics[at].Partitions) != 2 || v >= 4 && (d.TotalBytes <= 0 || d.UsableBytes <= 0) {
		s.t.Fatalf("DescribeLogDirs v%d: %+v", v, d)
	}
	for _, p := range d.Topics[at].Partitions {
		if p.Partition == 0 && p.Size <= 0 || p.OffsetLag != 0 || p.IsFuture {
			s.t.Errorf("DescribeLogDirs v%d: %+v", v, p)
		}
	}
}

func createPartitionsRequest(version int16, topic string, count int32) *kmsg.CreatePartitionsRequest {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Version, req.TimeoutMillis = version, 10_000
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, count
	req.Topics = append(req.Topics, t)
	return req
}

func askCreatePartitions(s *subject, v int16) kmsg.Request {
	name := fresh(s.t)
	s.p.create(name, 1)
	return createPartitionsRequest(v, name, 3)
}

func checkCreatePartitions(s *subject, v int16, resp kmsg.Response) {
	if r := resp.(*kmsg.CreatePartitionsResponse); len(r.Topics) != 1 || r.Topics[0].ErrorCode != 0 {
		s.t.Errorf("CreatePartitions v%d: %+v", v, r)
	}
}

func askListConfigResources(s *subject, v int16) kmsg.Request {
	set := alterRequest(1, alterResource(typeClientMetrics, "versions", "interval.ms=1000"))
	r := ask[*kmsg.IncrementalAlterConfigsResponse](s.p, set)
	code(s.t, "a client-metrics subscription", r.Resources[0].ErrorCode, errcode.None)
	return kmsg.NewPtrListConfigResourcesRequest()
}

func checkListConfigResources(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.ListConfigResourcesResponse)
	has := func(kind int8, name string) bool {
		return slices.ContainsFunc(r.ConfigResources, func(c kmsg.ListConfigResourcesResponseConfigResource) bool {
			return c.Name == name && (v == 0 || c.Type == kind)
		})
	}
	if r.ErrorCode != 0 || !has(typeClientMetrics, "versions") || has(typeTopic, s.topic) != (v > 0) {
		s.t.Errorf("ListConfigResources v%d: %+v", v, r)
	}
}

func describeTopicsRequest(limit int32, cursor *kmsg.DescribeTopicPartitionsRequestCursor, names ...string,
) *kmsg.DescribeTopicPartitionsRequest {
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	req.ResponsePartitionLimit, req.Cursor = limit, cursor
	for _, n := range names {
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = n
		req.Topics = append(req.Topics, t)
	}
	return req
}

func askDescribeTopicPartitions(s *subject, _ int16) kmsg.Request {
	return describeTopicsRequest(2000, nil, s.topic, "no-such-topic")
}

func checkDescribeTopicPartitions(s *subject, v int16, resp kmsg.Response) {
	r := resp.(*kmsg.DescribeTopicPartitionsResponse)
	if len(r.Topics) != 2 || r.NextCursor != nil {
		s.t.Fatalf("DescribeTopicPartitions v%d: %+v", v, r)
	}
	for _, t := range r.Topics {
		if *t.Topic != s.topic {
			code(s.t, "describe a topic that does not exist", t.ErrorCode, errcode.UnknownTopicOrPartition)
		} else if t.ErrorCode != 0 || t.TopicID != s.id || len(t.Partitions) != 2 {
			s.t.Errorf("DescribeTopicPartitions v%d: %+v", v, t)
		}
	}
}
