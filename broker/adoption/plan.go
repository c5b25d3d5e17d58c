package adoption

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tailrace/broker/config"
	"tailrace/broker/logdir"
	"tailrace/broker/metadata"
	"tailrace/broker/quorum"
	"tailrace/vfs"
	"tailrace/wire"
)

// Options is what MakePlan needs; all but KafkaMetadataDir and Again must be given.
type Options struct {
	FS     vfs.FS
	Config *config.Server // log directories, node id and Tailrace's metadata.log.dir as `serve` will have them
	// KafkaMetadataDir is where the Kafka node keeps its metadata log when that is not a log directory.
	KafkaMetadataDir string
	// Again sets the metadata log of an earlier adoption aside and adopts anew.
	Again bool
	NowMs int64
}

// Plan is what an adoption will do, and what speaks against it.
type Plan struct {
	ClusterID       string      `json:"clusterId"`
	NodeID          int32       `json:"nodeId"`
	MetadataLog     string      `json:"kafkaMetadataLog"`
	EndOffset       int64       `json:"endOffset"`
	LeaderEpoch     int32       `json:"leaderEpoch"`
	MetadataVersion string      `json:"metadataVersion"`
	LogDirs         []Directory `json:"logDirs"`
	Target          string      `json:"metadataLogDir"`
	SetAside        string      `json:"setAside,omitempty"` // where an earlier metadata log of Tailrace's goes

	Topics         int   `json:"topics"`
	Partitions     int   `json:"partitions"`
	Bytes          int64 `json:"bytes"`
	OffsetParts    int   `json:"offsetsPartitions"` // of __consumer_offsets
	TopicSettings  int   `json:"topicSettings"`
	BrokerSettings int   `json:"brokerSettings"`
	GroupSettings  int   `json:"groupSettings"`

	Left     []Left   `json:"notTaken"`
	Notes    []string `json:"notes"`
	Refusals []string `json:"refusals"`

	o        Options
	source   *Source
	surveys  []logdir.Survey
	epochs   map[logdir.Key]wire.LeaderEpoch // of partitions whose files are ahead of the metadata
	seed     quorum.SeedOptions
	releases []func() error
}

// Directory is a log directory of the plan.
type Directory struct {
	Path        string `json:"path"`
	DirectoryID string `json:"directoryId"`
	Clean       bool   `json:"stoppedInOrder"`
	Partitions  int    `json:"partitions"`
}

// DoneError says that the adoption has been done before.
type DoneError struct {
	Target   string
	Adoption quorum.Adoption
	Grown    bool // Kafka has run on the directories since
}

// Error implements error.
func (e *DoneError) Error() string {
	text := fmt.Sprintf("the adoption has been done: %s goes on from %s, offset %d, since %s", e.Target, e.Adoption.From,
		e.Adoption.End, time.UnixMilli(e.Adoption.AtMs).UTC().Format(time.RFC3339))
	if e.Grown {
		return text + "; Kafka has run on these directories since. Adopt what it left with " +
			"`tailrace storage adopt --again`, which sets that metadata aside; topics made in Tailrace are not taken along"
	}
	return text + "; `tailrace serve` is all it takes"
}

// MakePlan locks the log directories, reads and looks at everything, and writes nothing. The plan must be closed.
// Errors are about what stops it from being made at all; what speaks against carrying it out is in Refusals.
func MakePlan(o Options) (*Plan, error) {
	p := &Plan{o: o, Target: o.Config.MetadataDir, NodeID: int32(o.Config.NodeID),
		Left: []Left{}, Notes: []string{}, Refusals: []string{}} // JSON: empty, never null
	err := p.make()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Plan) make() error {
	for _, step := range []func() error{p.lock, p.survey, p.find, p.checkTarget, p.read} {
		if err := step(); err != nil {
			return err
		}
	}
	p.weigh()
	return p.build()
}

// lock keeps Kafka and Tailrace away for as long as the plan is open.
func (p *Plan) lock() error {
	for _, dir := range p.o.Config.LogDirs {
		release, err := logdir.Claim(p.o.FS, dir)
		if err != nil {
			return err
		}
		p.releases = append(p.releases, release)
	}
	return nil
}

// Close gives the locks back.
func (p *Plan) Close() error {
	var errs []error
	for _, release := range p.releases {
		errs = append(errs, release())
	}
	p.releases = nil
	return errors.Join(errs...)
}

// survey looks at the log directories, which must be those of one node of one cluster.
func (p *Plan) survey() error {
	for _, path := range p.o.Config.LogDirs {
		s, err := logdir.Look(p.o.FS, path)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("log directory %s does not exist: is its disk mounted, is the path right?", path)
		}
		if err != nil {
			return err
		}
		if !s.Formatted {
			return fmt.Errorf("log directory %s has no %s: Kafka has not used it; name the directories of log.dirs",
				path, logdir.MetaFile)
		}
		first := s.Identity
		if len(p.surveys) > 0 {
			first = p.surveys[0].Identity
		}
		if s.Identity.ClusterID != first.ClusterID {
			return fmt.Errorf("log directory %s belongs to cluster %s, %s to cluster %s: name those of one cluster",
				path, s.Identity.ClusterID, p.surveys[0].Path, first.ClusterID)
		}
		if s.Identity.NodeID != p.NodeID {
			return fmt.Errorf("log directory %s belongs to node %d, node.id is %d: set node.id=%d or name another directory",
				path, s.Identity.NodeID, p.NodeID, s.Identity.NodeID)
		}
		p.surveys = append(p.surveys, s)
		p.ClusterID = first.ClusterID
		p.LogDirs = append(p.LogDirs, Directory{path, s.Identity.DirectoryID, s.Clean, len(s.Partitions)})
	}
	return nil
}

// find looks for Kafka's metadata log: in metadata.log.dir, else in the first log directory (Kafka's rule), and then in
// the others, because the order of log.dirs may have been changed.
func (p *Plan) find() error {
	places := p.o.Config.LogDirs
	if p.o.KafkaMetadataDir != "" {
		places = append([]string{p.o.KafkaMetadataDir}, places...)
	}
	var found []string
	for _, dir := range places {
		if at := quorum.LogDir(dir); quorum.HasForeign(p.o.FS, at) && !slices.Contains(found, at) && !p.ours(dir) {
			found = append(found, at)
		}
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("no metadata log of Kafka's (%s) lies in %s: the directories are not those of a Kafka node in "+
			"KRaft mode, or metadata.log.dir is another directory; name it with --kafka-metadata-dir",
			logdir.MetadataLogName, strings.Join(places, ", "))
	case len(found) > 1:
		return fmt.Errorf("several metadata logs were found, %s: only one can be this cluster's; move the others away",
			strings.Join(found, ", "))
	}
	p.MetadataLog = found[0]
	return nil
}

// ours tells whether a metadata.log.dir is, or is becoming, Tailrace's.
func (p *Plan) ours(dir string) bool {
	_, _, done, err := quorum.Identity(p.o.FS, dir)
	begun, err2 := quorum.ReadAdoption(p.o.FS, dir)
	return done || begun != nil || err != nil || err2 != nil
}

// checkTarget makes sure that Tailrace's metadata log has a place of its own and is not there yet.
func (p *Plan) checkTarget() error {
	if quorum.LogDir(p.Target) == p.MetadataLog {
		return fmt.Errorf("metadata.log.dir=%s holds Kafka's metadata log, which stays as it is: give Tailrace another "+
			"place, here and to `tailrace serve`, with --set metadata.log.dir=%s.tailrace", p.Target, p.Target)
	}
	_, _, done, err := quorum.Identity(p.o.FS, p.Target)
	if err != nil || !done {
		return err
	}
	was, err := quorum.ReadAdoption(p.o.FS, p.Target)
	if err != nil {
		return err
	}
	if was == nil {
		return fmt.Errorf("%s holds the metadata of a Tailrace that began empty: give another directory with "+
			"--set metadata.log.dir=DIR, here and to `tailrace serve`", p.Target)
	}
	if p.o.Again {
		p.SetAside = fmt.Sprintf("%s.until-%d", filepath.Clean(p.Target), p.o.NowMs/1000)
		return nil
	}
	end, err := quorum.EndOfForeign(p.o.FS, p.MetadataLog)
	if err != nil {
		return err
	}
	return &DoneError{p.Target, *was, end.Offset != was.End || end.Epoch != was.Epoch}
}

func (p *Plan) read() error {
	source, err := ReadSource(p.o.FS, p.MetadataLog)
	if err != nil {
		return err
	}
	level := source.Image.FeatureLevel(metadata.FeatureMetadataVersion)
	if level == 0 {
		return fmt.Errorf("%s says nothing of a metadata.version: Kafka was formatted here but never ran; "+
			"move its directories away and start empty", p.MetadataLog)
	}
	if level > metadata.LatestLevel {
		return fmt.Errorf("%s is at metadata.version level %d, this build knows levels up to %d (%s): "+
			"adopt it with a later Tailrace", p.MetadataLog, level, metadata.LatestLevel,
			metadata.LevelName(metadata.LatestLevel))
	}
	p.source = source
	p.EndOffset, p.LeaderEpoch = int64(source.End.Offset), int32(source.End.Epoch)
	p.MetadataVersion = metadata.LevelName(level)
	return nil
}

func (p *Plan) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

func (p *Plan) refuse(format string, args ...any) {
	p.Refusals = append(p.Refusals, fmt.Sprintf(format, args...))
}

// RefusedError lists what speaks against an adoption.
type RefusedError struct{ Reasons []string }

// Error implements error.
func (e *RefusedError) Error() string {
	return "this cannot be adopted as it is, and nothing was written:\n  - " + strings.Join(e.Reasons, "\n  - ")
}

// Execute carries the plan out: it writes Tailrace's metadata log, and nothing else. Adopting again, it first sets the
// former one aside and removes Tailrace's own sums of checkpoints that Kafka has rewritten.
func (p *Plan) Execute() error {
	if len(p.Refusals) > 0 {
		return &RefusedError{p.Refusals}
	}
	if p.SetAside != "" {
		for _, dir := range p.o.Config.LogDirs {
			if err := logdir.ForgetSums(p.o.FS, dir); err != nil {
				return err
			}
		}
		if err := p.o.FS.Rename(p.Target, p.SetAside); err != nil {
			return err
		}
		if err := p.o.FS.SyncDir(filepath.Dir(p.Target)); err != nil {
			return err
		}
	}
	return quorum.Seed(p.seed)
}
