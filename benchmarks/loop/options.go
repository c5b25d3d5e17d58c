// Package loop holds the bare loops: servers of about a hundred lines that do what a broker must do with the bytes, and
// nothing else, behind the same socket options. They are the ceiling that every figure is printed against.
//
// A loop reads length, correlation id, partition and the fetch offset of a request, and nothing more. Produce: receive,
// CRC32C over the batch, append, canned ack. Fetch: header, record bytes out of the page cache, trailer. One goroutine
// serves one connection; a partition's file is guarded by its mutex; sync rounds run on their own goroutine.
package loop

import "flag"

// Options are what a loop does.
type Options struct {
	Listen    string // address
	Data      string // directory of the partition files, made, and left behind
	ReadyFile string // gets the bound address once the loop listens

	Read     string // frame (length, then the body), buffered, or lowat (frame, SO_RCVLOWAT)
	JoinAcks bool   // one write for the acks of all requests that one read brought

	Store     string // append path: pwrite, mapped, or none
	Populate  int    // bytes of the mapping made present ahead of the tail; 0 = none
	FileBytes int64  // of a partition's file, reserved when it is opened
	Keep      bool   // the files that are full, as a broker within its retention does

	Sync        bool // answer after fdatasync: rounds over all files that have waiters
	Syncers     int  // parallel fdatasyncs of a round
	SyncfsAbove int  // rounds over more files than this use one syncfs; 0 = never

	Send         string // fetch path: sendfile, cork (sendfile under TCP_CORK), splice, or writev
	BatchBytes   int    // fetch: of each stored batch
	BatchRecords int    // fetch: of each stored batch
}

// Flags declares the options as flags, with their defaults.
func (o *Options) Flags(fs *flag.FlagSet) {
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:0", "address")
	fs.StringVar(&o.Data, "data", "", "directory of the partition files (made, and left behind)")
	fs.StringVar(&o.ReadyFile, "ready-file", "", "gets the bound address once the loop listens")
	fs.StringVar(&o.Read, "read", "buffered", "frame (length, then the body), buffered, or lowat (frame, SO_RCVLOWAT)")
	fs.BoolVar(&o.JoinAcks, "join-acks", true, "one write for the acks of all requests that one read brought")
	fs.StringVar(&o.Store, "store", "pwrite", "append path: pwrite, mapped, or none")
	fs.IntVar(&o.Populate, "populate", 0, "bytes of the mapping made present ahead of the tail (0: none)")
	fs.Int64Var(&o.FileBytes, "file-bytes", 1<<30, "size of a partition's file, reserved when it is opened")
	fs.BoolVar(&o.Keep, "keep", false, "keep the files that are full, as a broker within its retention does")
	fs.BoolVar(&o.Sync, "sync", false, "answer after fdatasync: rounds over all files that have waiters")
	fs.IntVar(&o.Syncers, "syncers", 32, "parallel fdatasyncs of a round")
	fs.IntVar(&o.SyncfsAbove, "syncfs-above", 0, "rounds over more files than this use one syncfs (0: never)")
	fs.StringVar(&o.Send, "send", "sendfile", "fetch path: sendfile, cork (sendfile under TCP_CORK), splice, or writev")
	fs.IntVar(&o.BatchBytes, "batch-bytes", 1, "fetch: bytes of each stored batch")
	fs.IntVar(&o.BatchRecords, "batch-records", 1, "fetch: records of each stored batch")
}
