package broker

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/logdir"
	"tailrace/broker/partition"
	"tailrace/wire/errcode"
)

// DescribeLogDirs, key 35, versions 1 to 5.
//
// Behaviour: every log directory with the partitions that lie there, or those
// of them that are named, and their sizes. A directory that has failed has
// KAFKA_STORAGE_ERROR and nothing else. Partitions do not move between
// directories, so none is a future one, and none lags.
//
// Versions: 2 flexible, 3 top-level error code, 4 size of the file system, 5
// cordoned directories.
//
// Departures: none.
func (b *Broker) describeLogDirs(q *request) {
	req := kmsg.NewPtrDescribeLogDirsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	here := b.partitionsByDir(req)
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	for _, d := range b.dirs {
		resp.Dirs = append(resp.Dirs, describedDir(d, here[d]))
	}
	q.reply(resp)
}

// partitionsByDir gathers the open partitions that a request is about, by
// topic and number.
func (b *Broker) partitionsByDir(req *kmsg.DescribeLogDirsRequest) map[*logdir.Dir][]*partition.Partition {
	here := map[*logdir.Dir][]*partition.Partition{}
	add := func(t *topic, index int32) {
		if p, code := t.partition(index); code == errcode.None {
			here[p.Dir()] = append(here[p.Dir()], p)
		}
	}
	topics := b.topics.load()
	for i := range req.Topics {
		for _, index := range req.Topics[i].Partitions {
			add(topics.byName[req.Topics[i].Topic], index)
		}
	}
	if req.Topics == nil {
		for _, t := range topics.byName {
			for index := range t.parts {
				add(t, int32(index))
			}
		}
	}
	for d, list := range here {
		slices.SortFunc(list, func(a, b *partition.Partition) int {
			if n := strings.Compare(a.Topic, b.Topic); n != 0 {
				return n
			}
			return int(a.Index) - int(b.Index)
		})
		here[d] = slices.Compact(list) // named twice
	}
	return here
}

func describedDir(d *logdir.Dir, partitions []*partition.Partition) kmsg.DescribeLogDirsResponseDir {
	out := kmsg.NewDescribeLogDirsResponseDir()
	out.Dir = d.Path()
	if path, err := filepath.Abs(d.Path()); err == nil {
		out.Dir = path
	}
	usage, err := d.FS().Usage(d.Path())
	if d.Offline() != nil || err != nil {
		out.ErrorCode = int16(errcode.KafkaStorageError)
		return out
	}
	out.TotalBytes, out.UsableBytes = usage.TotalBytes, usage.FreeBytes
	for _, p := range partitions {
		if n := len(out.Topics); n == 0 || out.Topics[n-1].Topic != p.Topic {
			t := kmsg.NewDescribeLogDirsResponseDirTopic()
			t.Topic = p.Topic
			out.Topics = append(out.Topics, t)
		}
		t := &out.Topics[len(out.Topics)-1]
		o := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		o.Partition, o.Size = p.Index, p.SizeBytes()
		t.Partitions = append(t.Partitions, o)
	}
	return out
}
