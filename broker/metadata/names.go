package metadata

import (
	"strconv"
	"strings"
)

// Topics that brokers keep their own state in (Topic.java). ClusterMetadataTopic is the metadata log itself, which
// cannot be created as a topic.
const (
	ConsumerOffsetsTopic  = "__consumer_offsets"
	TransactionStateTopic = "__transaction_state"
	ShareGroupStateTopic  = "__share_group_state"
	ClusterMetadataTopic  = "__cluster_metadata"
)

// maxNameLength leaves room for "-<partition>" and the suffix of a directory on its way out in 255 bytes.
const maxNameLength = 249

// IsInternal reports whether a topic holds the state of brokers.
func IsInternal(topic string) bool {
	return topic == ConsumerOffsetsTopic || topic == TransactionStateTopic || topic == ShareGroupStateTopic
}

// CheckTopicName returns what is wrong with a topic's name, in the words that Kafka's clients know, "" if nothing is.
func CheckTopicName(name string) string {
	const invalid = "Topic name is invalid: "
	switch {
	case name == "":
		return invalid + "the empty string is not allowed"
	case name == "." || name == "..":
		return invalid + "'" + name + "' is not allowed"
	case len(name) > maxNameLength:
		return invalid + "the length of '" + name + "' is longer than the max allowed length " +
			strconv.Itoa(maxNameLength)
	}
	for i := range len(name) {
		if !legalInName(name[i]) {
			return invalid + "'" + name + "' contains one or more characters other than " +
				"ASCII alphanumerics, '.', '_' and '-'"
		}
	}
	return ""
}

func legalInName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// Names of metrics turn '.' into '_', so two topics that differ only in these would share theirs.
func hasCollisionChars(topic string) bool { return strings.ContainsAny(topic, "._") }
func collisionKey(topic string) string    { return strings.ReplaceAll(topic, ".", "_") }
