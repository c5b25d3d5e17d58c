package metadata

import (
	"fmt"
	"slices"

	"tailrace/wire/errcode"
)

// place returns the replicas of each partition of a new topic: at least one partition with one active replica.
func (c *creation) place(t *NewTopic) ([][]int32, Result) {
	switch {
	case len(t.Assignments) > 0:
		return c.placeByHand(t)
	case t.ReplicationFactor < -1 || t.ReplicationFactor == 0:
		return nil, fail(errcode.InvalidReplicationFactor,
			"Replication factor must be larger than 0, or -1 to use the default value.")
	case t.Partitions < -1 || t.Partitions == 0:
		return nil, fail(errcode.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	partitions, rf := int(t.Partitions), int(t.ReplicationFactor)
	if partitions == -1 {
		partitions = int(c.s.DefaultPartitions)
	}
	if rf == -1 {
		rf = int(c.s.DefaultReplicationFactor)
	}
	unable := func(why string) ([][]int32, Result) {
		return nil, fail(errcode.InvalidReplicationFactor,
			fmt.Sprintf("Unable to replicate the partition %d time(s): %s", rf, why))
	}
	if why := c.placer.check(rf); why != "" {
		return unable(why)
	}
	placed := make([][]int32, partitions)
	for i := range placed {
		placed[i] = c.placer.place(i, rf)
		if !c.img.anyActive(placed[i]) {
			return unable("All brokers are currently fenced or in controlled shutdown.")
		}
	}
	return placed, Result{}
}

func (c *creation) placeByHand(t *NewTopic) ([][]int32, Result) {
	if t.ReplicationFactor != -1 {
		return nil, fail(errcode.InvalidRequest,
			"A manual partition assignment was specified, but replication factor was not set to -1.")
	}
	if t.Partitions != -1 {
		return nil, fail(errcode.InvalidRequest,
			"A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	byID := make(map[int32][]int32, len(t.Assignments))
	rf := -1
	for _, a := range t.Assignments {
		if _, twice := byID[a.Partition]; twice {
			return nil, fail(errcode.InvalidReplicaAssignment,
				fmt.Sprintf("Found multiple manual partition assignments for partition %d", a.Partition))
		}
		if wrong := c.img.checkAssignment(a.Brokers, rf); wrong != "" {
			return nil, fail(errcode.InvalidReplicaAssignment, wrong)
		}
		if !c.img.anyActive(a.Brokers) {
			return nil, fail(errcode.InvalidReplicaAssignment, fmt.Sprintf("All brokers specified in the manual "+
				"partition assignment for partition %d are fenced or in controlled shutdown.", a.Partition))
		}
		byID[a.Partition] = a.Brokers
		rf = len(a.Brokers)
	}
	placed := make([][]int32, len(byID))
	for i := range placed {
		replicas, there := byID[int32(i)]
		if !there {
			return nil, fail(errcode.InvalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
		}
		placed[i] = slices.Clone(replicas)
	}
	return placed, Result{}
}

// checkAssignment returns what is wrong with one manual assignment. rf is the number of replicas that the
// assignments before it had, -1 for the first.
func (img *Image) checkAssignment(brokers []int32, rf int) string {
	const begin = "The manual partition assignment includes "
	if len(brokers) == 0 {
		return begin + "an empty replica list."
	}
	sorted := slices.Sorted(slices.Values(brokers))
	for i, id := range sorted {
		b := img.Broker(id)
		switch {
		case b == nil:
			return fmt.Sprintf(begin+"broker %d, but no such broker is registered.", id)
		case !b.hasUncordonedDir():
			return fmt.Sprintf(begin+"broker %d, but all its log directories are cordoned.", id)
		case i > 0 && sorted[i-1] == id:
			return fmt.Sprintf(begin+"the broker %d more than once.", id)
		}
	}
	if rf >= 0 && len(brokers) != rf {
		return fmt.Sprintf(begin+"a partition with %d replica(s), but this is not consistent with previous "+
			"partitions, which have %d replica(s).", len(brokers), rf)
	}
	return ""
}

// InternalReplication gives the replication factor and min.insync.replicas of an internal topic: what is set, but no
// more than there are active brokers, so that one node can serve what is set for three. clamped says that it gave less
// than was set; the caller warns once. A cluster without an active broker gives 1.
func (img *Image) InternalReplication(rf int16, minISR int) (int16, int, bool) {
	n := max(img.ActiveBrokers(), 1)
	return int16(min(int(rf), n)), min(minISR, n), int(rf) > n || minISR > n
}
