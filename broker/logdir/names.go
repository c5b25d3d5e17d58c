package logdir

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
)

// The files of a log directory. The first group is Kafka's, the second ours.
const (
	RecoveryPointFile = "recovery-point-offset-checkpoint"
	LogStartFile      = "log-start-offset-checkpoint"
	HighWatermarkFile = "replication-offset-checkpoint"
	CleanerFile       = "cleaner-offset-checkpoint"
	MetaFile          = "meta.properties"
	CleanStopFile     = ".kafka_cleanshutdown"
	LockFile          = ".lock"

	checksumsFile = "tailrace-checksums"
	bootFile      = "tailrace-boot"
	producersFile = "tailrace-producers"
)

// Suffixes that Kafka gives to partition directories it is about to drop.
const (
	DeleteSuffix = "-delete"
	futureSuffix = "-future"
	StraySuffix  = "-stray"
)

// MetadataLogName is the directory of Kafka's own metadata log. A log
// directory that has it was written by Kafka and must be adopted first.
const MetadataLogName = "__cluster_metadata-0"

// PartitionDir is the name of a partition's directory.
func PartitionDir(topic string, partition int32) string {
	return topic + "-" + strconv.Itoa(int(partition))
}

// ParsePartitionDir splits a directory name into topic and partition. Names
// that Kafka gives to directories on their way out are not partitions.
func ParsePartitionDir(name string) (topic string, partition int32, ok bool) {
	for _, s := range [...]string{DeleteSuffix, futureSuffix, StraySuffix} {
		if strings.HasSuffix(name, s) && strings.Contains(name, ".") {
			return "", 0, false
		}
	}
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || i == len(name)-1 {
		return "", 0, false
	}
	n, err := strconv.ParseInt(name[i+1:], 10, 32)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != name[i+1:] {
		return "", 0, false
	}
	return name[:i], int32(n), true
}

// uniqueDir is the name under which a dropped partition waits for its files to
// be unlinked, or a stray one for somebody to look at it:
// "<topic>-<p>.<uuid without dashes>-delete", cut so that it stays within the
// 255 bytes of a file name, as Kafka does.
func uniqueDir(k Key, suffix string) string {
	var unique [16]byte
	rand.Read(unique[:])
	topic, tail := k.Topic, fmt.Sprintf("-%d.%x%s", k.Partition, unique, suffix)
	if room := 255 - len(tail); len(topic) > room {
		topic = topic[:room]
	}
	return topic + tail
}
