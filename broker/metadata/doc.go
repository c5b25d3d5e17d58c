// Package metadata is the state of the cluster and the controller's decisions about it.
//
// It owns the metadata records (Kafka's own, with Kafka's framing), the immutable Image that a run of them adds up to,
// the Delta between two images, and the decisions: what records a CreateTopics, DeleteTopics, registration or
// producer-id request turns into, and with what answer per item.
//
// What it promises:
//
//   - It is pure: no socket, no file, no clock, no goroutine. What is random comes from a source in the arguments.
//   - An Image never changes. Apply makes a new one and shares what stayed the same: one record costs one
//     256th of the topic tables at most, a batch of records pays that once.
//   - replay(Snapshot(image)) equals image, and so does replaying every record that led to it.
//   - A decision looks at one image and returns records and results; nothing happens until the records are applied.
//   - A record of a type or version that is not served is an error that names both, never skipped: an image that
//     misses a record is not the cluster's.
//
// An Image and all it hands out may be read by any number of goroutines and must not be written to. A Change belongs
// to one goroutine.
//
// Kafka's sources of truth: metadata/src/main/resources/common/metadata/*.json for the records, KIP-631 for their
// meaning, KIP-858 for directories, KIP-966 for eligible leader replicas, ReplicationControlManager for the checks.
package metadata
