package adoption

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"tailrace/broker/config"
	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/vfs"
)

// Whose a node's storage is.
const (
	OwnerNobody   = "nobody" // formatted at most
	OwnerKafka    = "kafka"
	OwnerTailrace = "tailrace"
	OwnerAdopted  = "adopted" // Kafka's once, Tailrace's now
)

// Report is what can be said of a node's storage without opening it. A broker may be running on it.
type Report struct {
	LogDirs     []Directory      `json:"logDirs"`
	Missing     []string         `json:"missingLogDirs"`
	Unformatted []string         `json:"unformattedLogDirs"`
	Problems    []string         `json:"problems"`
	ClusterID   string           `json:"clusterId"`
	NodeID      int32            `json:"nodeId"`
	Owner       string           `json:"owner"`
	MetadataLog string           `json:"metadataLog"` // the one in force
	Adoption    *quorum.Adoption `json:"adoption"`
	Grown       bool             `json:"kafkaHasRunSince"`
	Topics      int              `json:"topics"`
	Partitions  int              `json:"partitions"`
	Back        *Back            `json:"givenBack"` // of adopted storage whose Kafka metadata log is still there
}

// Back is what Kafka would find if it were started on adopted directories: where its own metadata differs from
// Tailrace's.
type Back struct {
	Unknown  []string `json:"unknownTopics"`   // made since: set aside as strays, not lost
	Emptied  []string `json:"deletedTopics"`   // deleted since: made again, without records
	Narrower []string `json:"partitionsAdded"` // the partitions added since: set aside
	Settings []string `json:"settingsChanged"` // topics whose settings were changed since
	// Restarts is how often Kafka must be stopped and started before its leader epochs have caught up with Tailrace's:
	// until then, consumers with committed offsets wait.
	Restarts int `json:"restartsToCatchUp"`
}

// Inspect makes a report. kafkaMetadataDir is as in Options.
func Inspect(fsys vfs.FS, cfg *config.Server, kafkaMetadataDir string) (*Report, error) {
	r := &Report{Owner: OwnerNobody, NodeID: int32(cfg.NodeID), LogDirs: []Directory{}, Missing: []string{},
		Unformatted: []string{}, Problems: []string{}} // JSON: empty, never null
	kafka := ""
	apart := kafkaMetadataDir != "" && kafkaMetadataDir != cfg.MetadataDir
	if apart && quorum.HasForeign(fsys, quorum.LogDir(kafkaMetadataDir)) {
		kafka = quorum.LogDir(kafkaMetadataDir)
	}
	for _, path := range cfg.LogDirs {
		s, err := logdir.Look(fsys, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.Missing = append(r.Missing, path)
			continue
		case err != nil:
			return nil, err
		case !s.Formatted:
			r.Unformatted = append(r.Unformatted, path)
			continue
		}
		r.directory(s)
		if s.MetadataLog {
			kafka = quorum.LogDir(path)
		}
	}
	return r, r.judge(fsys, cfg.MetadataDir, kafka)
}

func (r *Report) directory(s logdir.Survey) {
	r.LogDirs = append(r.LogDirs, Directory{s.Path, s.Identity.DirectoryID, s.Clean, len(s.Partitions)})
	if r.ClusterID == "" {
		r.ClusterID = s.Identity.ClusterID
	}
	if s.Identity.ClusterID != r.ClusterID {
		r.Problems = append(r.Problems, fmt.Sprintf("%s belongs to cluster %s, the others to %s", s.Path,
			s.Identity.ClusterID, r.ClusterID))
	}
	if s.Identity.NodeID != r.NodeID {
		r.Problems = append(r.Problems, fmt.Sprintf("%s belongs to node %d, node.id is %d", s.Path, s.Identity.NodeID,
			r.NodeID))
	}
}

// judge tells whose the storage is and reads the metadata log that is in force.
func (r *Report) judge(fsys vfs.FS, meta, kafka string) error {
	_, _, ours, err := quorum.Identity(fsys, meta)
	if err != nil {
		return err
	}
	if ours {
		r.Owner, r.MetadataLog = OwnerTailrace, quorum.LogDir(meta)
		if r.Adoption, err = quorum.ReadAdoption(fsys, meta); err != nil {
			return err
		}
	} else if kafka != "" {
		r.Owner, r.MetadataLog = OwnerKafka, kafka
	}
	if r.MetadataLog == "" {
		return nil
	}
	source, err := ReadSource(fsys, r.MetadataLog)
	if err != nil {
		return err
	}
	r.Topics, r.Partitions = source.Image.TopicCount(), source.Image.PartitionCount()
	if r.Adoption == nil {
		return nil
	}
	r.Owner = OwnerAdopted
	if kafka == "" {
		kafka = r.Adoption.From
	}
	theirs, err := ReadSource(fsys, kafka)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	end, err := quorum.EndOfForeign(fsys, kafka)
	r.Grown = end.Offset != r.Adoption.End || end.Epoch != r.Adoption.Epoch
	r.Back = compare(source.Image, theirs.Image)
	return err
}

// compare holds Tailrace's metadata against Kafka's.
func compare(ours, theirs *metadata.Image) *Back {
	b := &Back{Unknown: []string{}, Emptied: []string{}, Narrower: []string{}, Settings: []string{}}
	for _, t := range sorted(ours) {
		was := theirs.TopicByID(t.ID)
		if was == nil {
			b.Unknown = append(b.Unknown, t.Name)
			continue
		}
		if n := len(was.Partitions); n < len(t.Partitions) {
			b.Narrower = append(b.Narrower, fmt.Sprintf("%s-%d to %d", t.Name, n, len(t.Partitions)-1))
		}
		r := metadata.Resource{Type: metadata.ResourceTopic, Name: t.Name}
		if !maps.Equal(ours.Config(r), theirs.Config(r)) {
			b.Settings = append(b.Settings, t.Name)
		}
		for i, part := range was.Partitions {
			// Kafka elects a leader when it starts, which opens one epoch; its stop opens one as well.
			behind := int(t.Partitions[i].LeaderEpoch - part.LeaderEpoch - 1)
			b.Restarts = max(b.Restarts, (behind+1)/2)
		}
	}
	for _, t := range sorted(theirs) {
		if ours.TopicByID(t.ID) == nil {
			b.Emptied = append(b.Emptied, t.Name)
		}
	}
	return b
}
