package adoption

import (
	"fmt"
	"slices"
	"strings"

	"tailrace/broker/config"
	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/partition"
	"tailrace/wire"
)

// weigh holds the metadata against what lies in the log directories and finds what speaks against an adoption.
func (p *Plan) weigh() {
	p.weighNode()
	w := weighing{plan: p, found: map[logdir.Key]logdir.Found{}, epochs: map[logdir.Key]wire.LeaderEpoch{}}
	for _, s := range p.surveys {
		for _, f := range s.Partitions {
			if other, twice := w.found[f.Key]; twice {
				p.refuse("%s-%d lies in two log directories, %s and %s: move one of them away",
					f.Topic, f.Partition, other.Path, f.Path)
			}
			w.found[f.Key] = f
		}
		if len(s.Future) > 0 {
			p.note("%s: moves between log directories were under way (%s): the partitions stay where they are, "+
				"the unfinished copies are left alone", s.Path, some(s.Future))
		}
		if len(s.Stray)+len(s.Unknown) > 0 {
			p.note("%s: directories that belong to no topic are left alone: %s", s.Path, some(slices.Concat(s.Stray, s.Unknown)))
		}
	}
	for _, t := range sorted(p.source.Image) {
		w.topic(t)
	}
	w.conclude()
	p.weighSettings()
	p.Left = p.source.Left()
}

// weighNode checks that the cluster is this node alone, and how it was stopped.
func (p *Plan) weighNode() {
	img := p.source.Image
	me := img.Broker(p.NodeID)
	for _, b := range img.Brokers() {
		if b.ID != p.NodeID {
			p.source.left.add(kindBroker, fmt.Sprint(b.ID), fmt.Sprintf("broker %d", b.ID))
		}
	}
	if me == nil {
		p.refuse("broker %d is not registered in Kafka's metadata: is node.id right?", p.NodeID)
		return
	}
	for _, id := range me.LogDirs {
		if !slices.ContainsFunc(p.surveys, func(s logdir.Survey) bool { return s.Identity.DirectoryID == id.String() }) {
			p.refuse("Kafka's metadata knows of a log directory with directory.id=%v that was not named: name all "+
				"directories of log.dirs, and mount their disks", id)
		}
	}
	for _, id := range p.source.Voters {
		if id != p.NodeID {
			p.note("the metadata was kept by other controllers (%v): what is adopted is this node's copy of it, up to "+
				"offset %d; changes made after this node was stopped are not in it", p.source.Voters, p.EndOffset)
			break
		}
	}
	for _, s := range p.surveys {
		if !s.Clean {
			p.note("%s was not left by a clean stop: the first start checks the ends of all logs in it and opens new "+
				"leader epochs", s.Path)
		}
	}
	if n := p.source.End.TornBytes; n > 0 {
		p.note("%s ends in %d bytes that are no whole batch, as a kill leaves them: they count as never written",
			p.MetadataLog, n)
	}
}

// weighing gathers over all partitions, so that a reason is told once with the names it concerns.
type weighing struct {
	plan   *Plan
	found  map[logdir.Key]logdir.Found
	epochs map[logdir.Key]wire.LeaderEpoch // of partitions whose files are ahead of the metadata

	elsewhere, moving, tiered, aborted, open []string
	missing, otherID, behind, lost, old      []string
}

func (w *weighing) topic(t *metadata.Topic) {
	p := w.plan
	p.Topics++
	p.Partitions += len(t.Partitions)
	if t.Name == metadata.ConsumerOffsetsTopic {
		p.OffsetParts = len(t.Partitions)
	}
	settings := p.source.Image.Config(metadata.Resource{Type: metadata.ResourceTopic, Name: t.Name})
	p.TopicSettings += len(settings)
	if strings.EqualFold(settings["remote.storage.enable"], "true") {
		w.tiered = append(w.tiered, t.Name)
	}
	for i, part := range t.Partitions {
		w.partition(t, logdir.Key{Topic: t.Name, Partition: int32(i)}, part)
	}
}

func (w *weighing) partition(t *metadata.Topic, k logdir.Key, part *metadata.Partition) {
	name := logdir.PartitionDir(k.Topic, k.Partition)
	if len(part.Replicas) != 1 || part.Replicas[0] != w.plan.NodeID {
		w.elsewhere = append(w.elsewhere, fmt.Sprintf("%s on %v", name, part.Replicas))
	}
	if len(part.Adding)+len(part.Removing) > 0 {
		w.moving = append(w.moving, name)
	}
	if slices.Contains(part.Directories, metadata.DirLost) {
		w.lost = append(w.lost, name)
	}
	f, here := w.found[k]
	delete(w.found, k)
	switch {
	case !here:
		w.missing = append(w.missing, name)
		return
	case f.ID != t.ID && !f.ID.IsZero():
		w.otherID = append(w.otherID, f.Path)
		return
	}
	s, err := partition.Look(w.plan.o.FS, f.Path)
	if err != nil {
		w.plan.refuse("%s cannot be read: %v", f.Path, err)
		return
	}
	w.plan.Bytes += s.LogBytes
	if s.Aborted {
		w.aborted = append(w.aborted, name)
	}
	if s.Open {
		w.open = append(w.open, name)
	}
	if s.Old {
		w.old = append(w.old, name)
	}
	if s.LatestEpoch > part.LeaderEpoch {
		w.epochs[k] = s.LatestEpoch
		w.behind = append(w.behind, name)
	}
}

// conclude turns what was gathered into refusals and notes.
func (w *weighing) conclude() {
	p := w.plan
	for _, r := range []struct {
		names []string
		text  string
	}{
		{w.elsewhere, "partitions have replicas on other brokers (%s): move all of them to this broker alone with " +
			"kafka-reassign-partitions, or adopt when several brokers are served"},
		{w.moving, "reassignments are under way (%s): let them finish, or cancel them with kafka-reassign-partitions"},
		{w.tiered, "topics keep older records in tiered storage (%s): bring them back with " +
			"remote.log.delete.on.disable, or copy the topics"},
		{w.aborted, "transactions were aborted in %s, and read_committed consumers must not see their records: " +
			"transactions are not served yet; adopt when retention has dropped these records, or with a later release"},
		{w.open, "transactions are under way in %s: let them end and stop Kafka again"},
		{w.old, "records of message format 0 or 1 are in %s, and only format 2 (Kafka 0.11 and later) can be read: let " +
			"retention drop them, or copy the topics with Kafka's tools"},
		{w.lost, "partitions are in a failed log directory as Kafka's metadata has it (%s): repair that first"},
	} {
		if len(r.names) > 0 {
			p.refuse(r.text, some(r.names))
		}
	}
	if len(w.missing) > 0 {
		p.note("partitions without files here would be made empty, as Kafka would: %s", some(w.missing))
	}
	if len(w.otherID) > 0 {
		p.refuse("directories have the name of a topic and the id of another, deleted one: %s; move them away",
			some(w.otherID))
	}
	if len(w.behind) > 0 {
		p.note("leader epochs in the files are ahead of Kafka's metadata, and the files are believed: %s", some(w.behind))
	}
	var strays []string
	for _, f := range w.found {
		strays = append(strays, f.Path)
	}
	if slices.Sort(strays); len(strays) > 0 {
		p.note("directories of partitions that Kafka's metadata does not know are left alone: %s", some(strays))
	}
	w.transactions()
	p.epochs = w.epochs
}

// transactions: after a clean stop the producer snapshots tell all; after a kill only a start of Kafka can.
func (w *weighing) transactions() {
	p := w.plan
	if p.source.Image.TopicByName(metadata.TransactionStateTopic) == nil {
		return
	}
	if slices.ContainsFunc(p.surveys, func(s logdir.Survey) bool { return !s.Clean }) {
		p.refuse("Kafka was not stopped in order and has served transactions, which may be under way: " +
			"start it once more and stop it")
	}
	p.note("%s is kept, but transactions are not served yet: transactional producers will be refused",
		metadata.TransactionStateTopic)
}

// weighSettings counts settings and names those that have no effect yet.
func (p *Plan) weighSettings() {
	img := p.source.Image
	for _, r := range resources(img) {
		switch {
		case r.Type == metadata.ResourceBroker && (r.Name == "" || r.Name == fmt.Sprint(p.NodeID)):
			p.BrokerSettings += len(img.Config(r))
		case r.Type == metadata.ResourceBroker:
			p.source.left.add(kindConfig, r.Name, "broker "+r.Name)
		case r.Type == metadata.ResourceGroup:
			p.GroupSettings += len(img.Config(r))
		case r.Type == metadata.ResourceTopic:
			p.weighTopicSettings(r.Name, img.Config(r))
		}
	}
}

func (p *Plan) weighTopicSettings(topic string, settings map[string]string) {
	if img := p.source.Image; img.TopicByName(topic) == nil {
		return // of a topic that is gone
	}
	if _, err := p.o.Config.Topic(settings); err != nil {
		p.note("topic %s: settings are kept, but have no effect: %s", topic, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	var idle []string
	for _, d := range config.Topic {
		if _, set := settings[d.Name]; set && d.Status != config.Served {
			idle = append(idle, d.Name)
		}
	}
	if slices.Sort(idle); len(idle) > 0 {
		p.note("topic %s: settings are kept, but not served yet: %s", topic, strings.Join(idle, ", "))
	}
}

// some names the first few of a list.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
