package quorum

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tailrace/vfs"
	"tailrace/wire"
)

// identity is tailrace-metadata.json: it tells our metadata log from Kafka's, and one cluster's from another's.
type identity struct {
	Version   int    `json:"version"`
	ClusterID string `json:"clusterId"`
	NodeID    int32  `json:"nodeId"`
}

const identityVersion = 1

// checkIdentity makes sure that dir is this node's, or claims it when it is empty. fresh says that it was claimed.
func checkIdentity(fsys vfs.FS, dir string, want identity) (fresh bool, err error) {
	name := filepath.Join(dir, identityFile)
	data, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, claim(fsys, dir, name, want)
	}
	if err != nil {
		return false, err
	}
	var have identity
	if err := json.Unmarshal(data, &have); err != nil {
		return false, fmt.Errorf("%s: %w; restore the file, it names cluster and node of the metadata beside it", name, err)
	}
	switch {
	case have.Version != identityVersion:
		return false, fmt.Errorf("%s: version %d where %d is known: the directory was written by a later release",
			name, have.Version, identityVersion)
	case have.ClusterID != want.ClusterID || have.NodeID != want.NodeID:
		return false, fmt.Errorf("%s: the metadata is that of node %d in cluster %s, but this is node %d in cluster %s: "+
			"give metadata.log.dir and log.dirs that belong together",
			name, have.NodeID, have.ClusterID, want.NodeID, want.ClusterID)
	}
	return false, nil
}

// claim writes the identity of an empty directory. A metadata log without one is Kafka's.
func claim(fsys vfs.FS, dir, name string, want identity) error {
	if begun, err := ReadAdoption(fsys, dir); err != nil || begun != nil {
		return errors.Join(err, fmt.Errorf("%s: an adoption of Kafka's data was interrupted: run 'tailrace storage adopt' "+
			"again", dir))
	}
	if entries, err := fsys.ReadDir(filepath.Join(dir, topicDir)); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s was written by Apache Kafka: run 'tailrace storage adopt' first, or give another "+
			"metadata.log.dir", filepath.Join(dir, topicDir))
	}
	data, err := json.Marshal(want)
	if err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(fsys, name, append(data, '\n')); err != nil {
		return errors.Join(err, removeIfThere(fsys, name)) // so that the next attempt writes it, and syncs it, anew
	}
	return nil
}

func removeIfThere(fsys vfs.FS, name string) error {
	if err := fsys.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Identity returns the cluster and the node that a metadata.log.dir belongs to. ok is false for a directory that no
// log was begun in.
func Identity(fsys vfs.FS, dir string) (clusterID string, nodeID int32, ok bool, err error) {
	name := filepath.Join(dir, identityFile)
	data, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, false, nil
	}
	var id identity
	if err == nil {
		err = json.Unmarshal(data, &id)
	}
	if err != nil {
		return "", 0, false, fmt.Errorf("%s: %w", name, err)
	}
	return id.ClusterID, id.NodeID, true, nil
}

// makeDir creates a directory with its parents so that it is still there after a power cut.
func makeDir(fsys vfs.FS, dir string) error {
	if info, err := fsys.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.Mkdir(dir, dirPermission); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := fsys.SyncDir(parent); err != nil {
		return errors.Join(err, fsys.Remove(dir)) // so that the next attempt makes it, and syncs it, anew
	}
	return nil
}

// syncUp makes the entries of dir and of the directories it lies in durable. An earlier open may have made them and
// then failed to.
func syncUp(fsys vfs.FS, dir string) error {
	for {
		// Directories that this user may not read were not made by this user.
		if err := fsys.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

// quorumState is Kafka's quorum-state, data version 0: that of a quorum whose kraft.version is not finalized.
type quorumState struct {
	ClusterID     string  `json:"clusterId"`
	LeaderID      int32   `json:"leaderId"`
	LeaderEpoch   int32   `json:"leaderEpoch"`
	VotedID       int32   `json:"votedId"`
	AppliedOffset int64   `json:"appliedOffset"`
	CurrentVoters []voter `json:"currentVoters"`
	DataVersion   int16   `json:"data_version"`
}

type voter struct {
	VoterID int32 `json:"voterId"`
}

// readTerm returns the term in quorum-state. exists is false when there is no file; a damaged one is an error.
func readTerm(fsys vfs.FS, dir string) (term wire.LeaderEpoch, exists bool, err error) {
	data, err := vfs.ReadFile(fsys, filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, true, err
	}
	s := quorumState{LeaderEpoch: -1, DataVersion: -1}
	if err := json.Unmarshal(data, &s); err != nil {
		return 0, true, err
	}
	if s.LeaderEpoch < 0 || s.DataVersion < 0 {
		return 0, true, errors.New("leaderEpoch or data_version is missing")
	}
	return wire.LeaderEpoch(s.LeaderEpoch), true, nil
}

func writeTerm(fsys vfs.FS, dir string, node int32, term wire.LeaderEpoch) error {
	data, err := json.Marshal(quorumState{
		LeaderID: node, LeaderEpoch: int32(term), VotedID: node, CurrentVoters: []voter{{node}},
	})
	if err != nil {
		return err
	}
	return vfs.WriteFileAtomic(fsys, filepath.Join(dir, stateFile), data)
}

// epochStart is one line of leader-epoch-checkpoint: the first offset of a term.
type epochStart struct {
	Epoch wire.LeaderEpoch
	Start wire.Offset
}

// formatEpochs and parseEpochs are Kafka's text form: version 0, the count, then "<epoch> <start>" a line.
func formatEpochs(list []epochStart) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "0\n%d\n", len(list))
	for _, e := range list {
		fmt.Fprintf(&b, "%d %d\n", e.Epoch, e.Start)
	}
	return b.Bytes()
}

func parseEpochs(data []byte) ([]epochStart, error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) < 2 || lines[0] != "0" || lines[1] != strconv.Itoa(len(lines)-2) {
		return nil, errors.New("version or count is wrong")
	}
	var list []epochStart
	for i, line := range lines[2:] {
		first, second, _ := strings.Cut(line, " ")
		epoch, err1 := strconv.ParseInt(first, 10, 32)
		start, err2 := strconv.ParseInt(second, 10, 64)
		e := epochStart{wire.LeaderEpoch(epoch), wire.Offset(start)}
		if err1 != nil || err2 != nil || i > 0 && (e.Epoch <= list[i-1].Epoch || e.Start <= list[i-1].Start) {
			return nil, fmt.Errorf("line %d is no epoch and offset above the last", i+3)
		}
		list = append(list, e)
	}
	return list, nil
}

// reconcileEpochs joins what the checkpoint lists of terms that begin below from, where the log was not read, with what
// the log says of those above. ok is false where they contradict each other. A checkpoint that lacks the newest terms
// is no contradiction: it is written after a term has begun.
func reconcileEpochs(listed, log []epochStart, from wire.Offset) (merged []epochStart, ok bool) {
	keep := slices.IndexFunc(listed, func(e epochStart) bool { return e.Start >= from })
	if keep < 0 {
		keep = len(listed)
	}
	if len(log) > 0 && keep > 0 {
		switch before := listed[keep-1].Epoch; {
		case before > log[0].Epoch:
			return log, false
		case before == log[0].Epoch: // the term began further down than was read
			log = log[1:]
		}
	}
	merged = append(slices.Clone(listed[:keep]), log...)
	return merged, len(listed) <= len(merged) && slices.Equal(listed, merged[:len(listed)])
}

// The synced mark is a line "<offset> <CRC-32C of the offset's digits>". It may be older than the truth, never newer.
func formatSynced(end wire.Offset) []byte {
	digits := strconv.FormatInt(int64(end), 10)
	return fmt.Appendf(nil, "%s %08x\n", digits, crc32.Checksum([]byte(digits), castagnoli))
}

func parseSynced(data []byte) (wire.Offset, error) {
	digits, sum, _ := strings.Cut(strings.TrimSuffix(string(data), "\n"), " ")
	end, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || sum != fmt.Sprintf("%08x", crc32.Checksum([]byte(digits), castagnoli)) {
		return 0, errors.New("the checksum does not fit")
	}
	return wire.Offset(end), nil
}
