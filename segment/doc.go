// Package segment is the storage engine: the log of one partition as a chain of segment files, Kafka's own, byte for
// byte. It knows record batches by their headers, files by vfs, and nothing of topics, leaders or clients.
package segment
