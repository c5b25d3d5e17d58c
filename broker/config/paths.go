package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// DefaultData is the data directory of a person who names none; the packaged service uses /var/lib/tailrace.
const DefaultData = "./tailrace-data"

// DataDir turns --data DIR into settings: logs in DIR/log, the metadata log in DIR/meta.
func DataDir(dir string) []Setting {
	return []Setting{
		{"log.dirs", filepath.Join(dir, "log"), "--data"},
		{"metadata.log.dir", filepath.Join(dir, "meta"), "--data"},
	}
}

// LogDirFlags turns --log-dir DIR… into settings.
func LogDirFlags(dirs []string) []Setting {
	return []Setting{{"log.dirs", strings.Join(dirs, ","), "--log-dir"}}
}

// MetadataDirFor is where the metadata log lies when only log directories are named: beside the first one, with
// ".meta" appended, because a log directory may hold nothing that Kafka does not know.
func MetadataDirFor(logDirs []string) string { return filepath.Clean(logDirs[0]) + ".meta" }

// placeDirs settles log.dirs and metadata.log.dir and refuses directories that hold one another.
func (l *loader) placeDirs() {
	s := l.server
	dirs, chosen := l.strongest("log.dirs", "log.dir")
	s.LogDirs = nil // as written; cleaned here
	for _, dir := range splitList(strings.TrimSpace(l.text(dirs))) {
		s.LogDirs = append(s.LogDirs, filepath.Clean(dir))
	}
	if len(s.LogDirs) == 0 {
		l.refuse(dirs, "at least one log directory is needed: log.dirs=/var/lib/tailrace/log")
		return
	}
	if chosen {
		s.set["log.dirs"] = entry{strings.Join(s.LogDirs, ","), s.set[dirs].origin}
	}
	meta := strings.TrimSpace(l.text("metadata.log.dir"))
	if _, set := s.set["metadata.log.dir"]; chosen && (!set || meta == "") {
		meta = MetadataDirFor(s.LogDirs)
		s.set["metadata.log.dir"] = entry{meta, s.set[dirs].origin} // follows log.dirs
	}
	s.MetadataDir = filepath.Clean(meta)
	for i, dir := range s.LogDirs {
		if slices.Contains(s.LogDirs[:i], dir) {
			l.refuse(dirs, fmt.Sprintf("the log directory %s is named twice", dir))
		}
		if dir == s.MetadataDir || inside(dir, s.MetadataDir) || inside(s.MetadataDir, dir) {
			l.refuse("metadata.log.dir", fmt.Sprintf("%s and the log directory %s lie inside one another; "+
				"Tailrace keeps its metadata log apart: leave the setting out, or name a directory of its own", meta, dir))
		}
		for _, other := range s.LogDirs {
			if inside(dir, other) {
				l.refuse(dirs, fmt.Sprintf("the log directory %s lies inside %s", dir, other))
			}
		}
	}
}

func inside(dir, parent string) bool {
	rel, err := filepath.Rel(parent, dir)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, "../")
}
