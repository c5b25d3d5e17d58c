package quorum

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"tailrace/wire"
)

// The files of metadata.log.dir; package doc says what is in them.
const (
	topicDir      = "__cluster_metadata-0"
	epochFile     = "leader-epoch-checkpoint"
	stateFile     = "quorum-state"
	identityFile  = "tailrace-metadata.json"
	adoptedFile   = "tailrace-adopted.json"
	syncedFile    = "tailrace-synced"
	reserveFile   = "tailrace-reserve"
	lockFile      = ".lock"
	logSuffix     = ".log"
	snapSuffix    = ".checkpoint"
	offsetDigits  = 20
	epochDigits   = 10
	reserveBytes  = 1 << 20
	dirPermission = 0o755
	permission    = 0o644
)

// snapID names a snapshot: it holds everything below offset End, the last of it written in Epoch.
type snapID struct {
	End   wire.Offset
	Epoch wire.LeaderEpoch
}

func logName(dir string, base wire.Offset) string {
	return filepath.Join(dir, fmt.Sprintf("%0*d%s", offsetDigits, int64(base), logSuffix))
}

func snapName(dir string, id snapID) string {
	return filepath.Join(dir,
		fmt.Sprintf("%0*d-%0*d%s", offsetDigits, int64(id.End), epochDigits, int32(id.Epoch), snapSuffix))
}

func parseLogName(name string) (wire.Offset, bool) {
	digits, ok := strings.CutSuffix(name, logSuffix)
	n, err := strconv.ParseInt(digits, 10, 64)
	return wire.Offset(n), ok && err == nil && n >= 0 && len(digits) == offsetDigits
}

func parseSnapName(name string) (snapID, bool) {
	stem, ok := strings.CutSuffix(name, snapSuffix)
	if !ok || len(stem) != offsetDigits+1+epochDigits || stem[offsetDigits] != '-' {
		return snapID{}, false
	}
	end, err1 := strconv.ParseInt(stem[:offsetDigits], 10, 64)
	epoch, err2 := strconv.ParseInt(stem[offsetDigits+1:], 10, 32)
	return snapID{wire.Offset(end), wire.LeaderEpoch(epoch)}, err1 == nil && err2 == nil && end >= 0 && epoch >= 0
}
