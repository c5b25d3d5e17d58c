package logdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tailrace/vfs"
)

const readOnly = os.O_RDONLY

// Identity is what meta.properties says of a log directory.
type Identity struct {
	ClusterID   string
	NodeID      int32
	DirectoryID string // 22 characters of URL-safe base64, as every Kafka UUID
}

// readIdentity reads meta.properties (version 1; version 0, which Kafka wrote
// before KRaft, has broker.id and no directory id). A missing file gives
// fs.ErrNotExist.
func readIdentity(fsys vfs.FS, dir string) (Identity, error) {
	name := filepath.Join(dir, MetaFile)
	data, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return Identity{}, err
	}
	props := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			return Identity{}, fmt.Errorf("%s: %q is not key=value; restore the file or move the directory away", name, line)
		}
		props[strings.TrimSpace(k)] = strings.ReplaceAll(strings.TrimSpace(v), `\`, "")
	}
	id := Identity{ClusterID: props["cluster.id"], DirectoryID: props["directory.id"]}
	node := props["node.id"]
	if node == "" {
		node = props["broker.id"]
	}
	n, err := strconv.ParseInt(node, 10, 32)
	if err != nil || id.ClusterID == "" {
		return Identity{}, fmt.Errorf("%s: cluster.id or node.id is missing or malformed; "+
			"restore the file or move the directory away", name)
	}
	id.NodeID = int32(n)
	return id, nil
}

func writeIdentity(fsys vfs.FS, dir string, id Identity) error {
	data := fmt.Sprintf("#\ncluster.id=%s\ndirectory.id=%s\nnode.id=%d\nversion=1\n",
		id.ClusterID, id.DirectoryID, id.NodeID)
	return vfs.WriteFileAtomic(fsys, filepath.Join(dir, MetaFile), []byte(data))
}

// cleanStop is the JSON of .kafka_cleanshutdown.
type cleanStop struct {
	Version     int   `json:"version"`
	BrokerEpoch int64 `json:"brokerEpoch"`
}

// takeCleanStop reads and removes the clean-stop marker: from now on the
// directory counts as in use. The removal is made durable before anything is
// appended, else a power loss could bring the marker back over a torn log.
func takeCleanStop(fsys vfs.FS, dir string) (clean bool, brokerEpoch int64, err error) {
	name := filepath.Join(dir, CleanStopFile)
	data, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, -1, nil
	}
	if err != nil {
		return false, -1, err
	}
	var c cleanStop
	brokerEpoch = -1
	if json.Unmarshal(data, &c) == nil {
		brokerEpoch = c.BrokerEpoch
	}
	if err := fsys.Remove(name); err != nil {
		return false, -1, err
	}
	return true, brokerEpoch, fsys.SyncDir(dir)
}

func writeCleanStop(fsys vfs.FS, dir string, brokerEpoch int64) error {
	data, err := json.Marshal(cleanStop{BrokerEpoch: brokerEpoch})
	if err != nil {
		return err
	}
	return vfs.WriteFileAtomic(fsys, filepath.Join(dir, CleanStopFile), data)
}

// BootMark identifies one life of the page cache that a directory was written
// through: the kernel's boot id and the mount id. While it is unchanged, a
// killed process has lost nothing that it had written.
type BootMark string

// CurrentBootMark reads the mark of the running kernel for a directory.
// Unknown (no /proc) is the empty mark, which equals nothing.
func CurrentBootMark(fsys vfs.FS, dir string) BootMark {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	u, err := fsys.Usage(dir)
	if err != nil {
		return ""
	}
	return BootMark(strings.TrimSpace(string(boot)) + " " + strconv.FormatUint(u.MountID, 10))
}

// failedMark takes the place of a boot mark when the directory fails: it equals
// that of no kernel.
const failedMark BootMark = "failed"

func readBootMark(fsys vfs.FS, dir string) BootMark {
	data, err := vfs.ReadFile(fsys, filepath.Join(dir, bootFile))
	if err != nil {
		return ""
	}
	return BootMark(strings.TrimSpace(string(data)))
}

func writeBootMark(fsys vfs.FS, dir string, m BootMark) error {
	return vfs.WriteFileAtomic(fsys, filepath.Join(dir, bootFile), []byte(string(m)+"\n"))
}
