// Package replica will hold replication by Kafka's own protocol: the follower's fetch loop, in-sync replica
// book-keeping, and high-watermark propagation.
//
// The room is furnished by the issue that brings more than one node. Everything below it (partition epochs, leader
// epochs, the high watermark as a rule over the in-sync replicas) stands already, with one replica.
//
// Promise: one fetcher goroutine per source broker, never one per partition.
package replica
