package main

import (
	"fmt"

	"tailrace/benchmarks/rawclient"
)

// commitMembers is how many members of one group commit, each over a connection of its own, one request in flight, one
// partition a request.
const commitMembers = 64

// measureCommits takes the rate of offset commits, each answered when it is on the disk. There is no loop to compare
// it with: a commit is a record of a batch that a coordinator writes.
func measureCommits(b *bench) ([]Result, error) {
	r := Result{
		Row: "commits", Title: fmt.Sprintf("offset commits of %d members, after the disk", commitMembers),
		Unit: "commits/s", Bar: 5_000, Higher: true,
	}
	for range b.alternations {
		s, err := b.startBroker(nil)
		if err != nil {
			return nil, err
		}
		sample, err := b.with(s, commitMembers, func(topic string) (rawclient.Sample, error) {
			members, err := rawclient.JoinGroup(s.Addr, "group-of-"+topic, commitMembers)
			if err != nil {
				return rawclient.Sample{}, err
			}
			load := rawclient.Commit(topic, members)
			load.Addr = s.Addr
			return rawclient.Measure(load, s.Process, b.warmUp, b.window)
		})
		if err != nil {
			return nil, err
		}
		r.sample(b.name(), sample)
	}
	r.Values = each(r.Samples[b.name()], rawclient.Sample.Rate)
	r.judge()
	r.Notes = append(r.Notes, fmt.Sprintf("%.1f µs of CPU each",
		median(each(r.Samples[b.name()], rawclient.Sample.PerRequest))/1e3))
	return []Result{r}, nil
}
