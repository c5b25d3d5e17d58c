package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

const (
	recoveryTopic = "recovery"
	spare         = 2 << 30 // bytes of the disk that a measurement leaves free
)

// recovery is a driver: data is written without a pause, the process is killed, and the time is taken from the next
// exec until the last batch of every partition is fetched. Nothing that was acknowledged may be lost, since the page
// cache survives a process: logs that end too early are an error, and no figure.
func recovery(_ context.Context, l *life, r *scenario.Row) (
	values map[string]float64, note string, err error,
) {
	set := settingsOf(r)
	bytes, partitions := set.bytes("data", "10GB"), set.count("partitions", 10)
	if err := set.done(); err != nil {
		return nil, "", err
	}
	batch := rawclient.NewBatch(mib, kib)
	each := bytes / int64(partitions*len(batch.Bytes)) // batches of a partition
	if each == 0 {
		return nil, "", fmt.Errorf("%s: data is less than a batch of 1 MiB for each partition", r.Name)
	}
	if err := room(l.dir, bytes); err != nil {
		return nil, "", err
	}
	if err := l.begin(); err != nil {
		return nil, "", err
	}
	if err := l.fill(partitions, each, batch); err != nil {
		return nil, "", err
	}
	l.kill()
	kept, _, err := l.cached(recoveryTopic)
	if err != nil {
		return nil, "", err
	}
	if err := l.exec(); err != nil {
		return nil, "", err
	}
	last := slices.Repeat([]int64{(each - 1) * int64(batch.Records)}, partitions)
	end := last[0] + int64(batch.Records)
	took, err := l.until(func(q *rawclient.Caller) error { return lastBatches(q, last, len(batch.Bytes)) })
	if lost := l.lost(partitions, end); lost != nil || err != nil {
		return nil, "", errors.Join(lost, err)
	}
	written := float64(int64(partitions)*each) * float64(len(batch.Bytes))
	return map[string]float64{"recoveryMs": ms(took), "checkedGB": written / 1e9, "cachedGB": float64(kept) / 1e9}, "", nil
}

// fill writes so many batches into each partition of a new topic, one connection, as fast as they are acknowledged.
func (l *life) fill(partitions int, each int64, batch rawclient.Batch) error {
	err := rawclient.Ask(l.addr, func(q *rawclient.Caller) error {
		return q.CreateTopics(partitions, recoveryTopic)
	})
	if err == nil {
		_, err = l.until(func(q *rawclient.Caller) error {
			return q.FetchAll([]string{recoveryTopic}, partitions, 0) // a partition with a leader may not take records yet
		})
	}
	if err != nil {
		return err
	}
	load := rawclient.Produce(recoveryTopic, partitions, 1, batch)
	load.Addr, load.Conns, load.InFlight = l.addr, 1, min(partitions, 4)
	if err := rawclient.Run(load, int64(partitions)*each); err != nil {
		return fmt.Errorf("fill %s: %w", recoveryTopic, err)
	}
	return nil
}

// lastBatches fetches one batch from every partition.
func lastBatches(q *rawclient.Caller, at []int64, size int) error {
	sizes, err := q.FetchEach(recoveryTopic, at, int32(size))
	if err != nil {
		return err
	}
	for i, n := range sizes {
		if n != size {
			return fmt.Errorf("%d bytes instead of the last batch of partition %d", n, i)
		}
	}
	return nil
}

// lost reports acknowledged records that are not there. What does not answer at all is told by its caller.
func (l *life) lost(partitions int, end int64) error {
	var ends []int64
	err := rawclient.Ask(l.addr, func(q *rawclient.Caller) (err error) {
		ends, err = q.EndOffsets(recoveryTopic, partitions)
		return err
	})
	if err != nil {
		return err
	}
	for i, n := range ends {
		if n != end {
			err = errors.Join(err, fmt.Errorf("LOST: partition %d ends at %d, acknowledged were %d", i, n, end))
		}
	}
	return err
}

// room checks that a directory's disk takes so many bytes.
func room(dir string, bytes int64) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("free space of %s: %w", dir, err)
	}
	if free := int64(disk.Bavail) * disk.Bsize; free < bytes+spare {
		return fmt.Errorf("%s has %.1f GB free, %.1f GB are needed: TMPDIR may name another disk", dir,
			float64(free)/1e9, float64(bytes+spare)/1e9)
	}
	return nil
}
