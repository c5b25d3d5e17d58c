package quorum

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/wire"
)

// Adoption is tailrace-adopted.json: whose metadata log ours goes on from, and where that one ended.
type Adoption struct {
	Version int              `json:"version"`
	From    string           `json:"from"`        // directory of the log that was read
	End     wire.Offset      `json:"endOffset"`   // its next offset, as EndOfForeign tells it
	Epoch   wire.LeaderEpoch `json:"leaderEpoch"` // of its last batch
	// BrokerEpoch is this broker's in that log: what a clean-stop marker must say for the one who wrote it to believe
	// that the stop was in order. -1: not registered there.
	BrokerEpoch int64 `json:"brokerEpoch"`
	// NextProducerID is the first id that the other broker has not handed out.
	NextProducerID int64 `json:"nextProducerId"`
	AtMs           int64 `json:"timestamp"`
}

const adoptionVersion = 1

// ErrSeeded says that a directory holds a metadata log of ours already.
var ErrSeeded = errors.New("a metadata log of Tailrace's is there already")

// SeedOptions is what Seed needs, all of it.
type SeedOptions struct {
	FS        vfs.FS
	Dir       string // metadata.log.dir
	ClusterID string
	NodeID    int32
	Image     *metadata.Image // its offset and epoch are those of the other log's last record
	NowMs     int64
	Adoption  Adoption
}

// Seed begins a metadata log with an image that was read elsewhere: a snapshot of it, and above it an empty log, so
// that offsets, terms and broker epochs only grow. The last thing written is the identity, which makes it a log that
// OpenSingle takes. Interrupted before that, the directory says so by an Adoption without an identity, and Seed begins
// anew. Errors: ErrSeeded, *vfs.LockedError; others name the file.
func Seed(o SeedOptions) error {
	if err := makeDir(o.FS, o.Dir); err != nil {
		return fmt.Errorf("metadata.log.dir: %w", err)
	}
	lock, err := o.FS.Lock(filepath.Join(o.Dir, lockFile))
	if err != nil {
		return err
	}
	if err = o.clear(); err == nil {
		err = o.write()
	}
	return errors.Join(err, lock.Close())
}

// clear makes room: it removes what an interrupted Seed left, and nothing else.
func (o *SeedOptions) clear() error {
	_, _, ours, err := Identity(o.FS, o.Dir)
	if err != nil {
		return err
	}
	if ours {
		return fmt.Errorf("%s: %w", o.Dir, ErrSeeded)
	}
	begun, err := ReadAdoption(o.FS, o.Dir)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.Dir, topicDir)
	if entries, err := o.FS.ReadDir(dir); begun == nil && err == nil && len(entries) > 0 {
		return fmt.Errorf("%s holds a metadata log that is not Tailrace's: give another metadata.log.dir", dir)
	}
	if begun == nil {
		return nil
	}
	if err := o.FS.RemoveAll(dir); err != nil {
		return err
	}
	if err := removeIfThere(o.FS, filepath.Join(o.Dir, syncedFile)); err != nil {
		return err
	}
	return o.FS.SyncDir(o.Dir)
}

func (o *SeedOptions) write() error {
	dir, end := filepath.Join(o.Dir, topicDir), o.Image.Offset+1
	o.Adoption.Version, o.Adoption.AtMs = adoptionVersion, o.NowMs
	mark, err := json.Marshal(o.Adoption)
	if err == nil {
		err = vfs.WriteFileAtomic(o.FS, filepath.Join(o.Dir, adoptedFile), append(mark, '\n'))
	}
	if err != nil {
		return err
	}
	if err := makeDir(o.FS, dir); err != nil {
		return err
	}
	snapshot, _ := encodeSnapshot(o.Image, o.NowMs, o.NowMs)
	if err := vfs.WriteFileAtomic(o.FS, snapName(dir, snapID{end, o.Image.Epoch}), snapshot); err != nil {
		return err
	}
	log, err := o.FS.OpenFile(logName(dir, end), os.O_RDWR|os.O_CREATE|os.O_TRUNC, permission)
	if err == nil {
		err = errors.Join(log.Sync(), log.Close())
	}
	if err != nil {
		return err
	}
	if err := writeTerm(o.FS, dir, o.NodeID, o.Image.Epoch); err != nil { // syncs the directory
		return err
	}
	if err := vfs.WriteFileAtomic(o.FS, filepath.Join(o.Dir, syncedFile), formatSynced(end)); err != nil {
		return err
	}
	if err := syncUp(o.FS, o.Dir); err != nil {
		return err
	}
	return o.sign()
}

// sign writes the identity: from then on the directory is ours.
func (o *SeedOptions) sign() error {
	data, err := json.Marshal(identity{identityVersion, o.ClusterID, o.NodeID})
	if err != nil {
		return err
	}
	name := filepath.Join(o.Dir, identityFile)
	if err := vfs.WriteFileAtomic(o.FS, name, append(data, '\n')); err != nil {
		return errors.Join(err, removeIfThere(o.FS, name))
	}
	return nil
}

// ReadAdoption returns what a metadata.log.dir was adopted from; nil for one that began empty. With an identity beside
// it (Identity) the adoption is complete.
func ReadAdoption(fsys vfs.FS, dir string) (*Adoption, error) {
	name := filepath.Join(dir, adoptedFile)
	data, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	a := new(Adoption)
	if err == nil {
		err = json.Unmarshal(data, a)
	}
	if err == nil && a.Version != adoptionVersion {
		err = fmt.Errorf("version %d where %d is known: the directory was written by a later release",
			a.Version, adoptionVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}
