package metadata

import "strings"

// FeatureMetadataVersion is the feature that every metadata log finalizes first.
const FeatureMetadataVersion = "metadata.version"

// Levels of metadata.version (MetadataVersion.java). LatestLevel is what a new cluster is given: it decides the
// versions of the records that are written.
const (
	MinLevel    int16 = 7
	LatestLevel int16 = 33
)

// levels are the names of the levels from MinLevel on. Levels are never reused.
var levels = [...]string{
	"3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1",
	"3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0",
	"4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0", "4.4-IV0", "4.4-IV1", "4.4-IV2",
}

// LevelName returns the name of a level, for example "4.4-IV2" for 33, and "" for a level that has none.
func LevelName(level int16) string {
	if level < MinLevel || level > LatestLevel {
		return ""
	}
	return levels[level-MinLevel]
}

// LevelOf is the inverse of LevelName. A bare release ("4.0") means its last level, as in Kafka's tools.
func LevelOf(name string) (int16, bool) {
	for i := len(levels) - 1; i >= 0; i-- {
		if levels[i] == name || strings.HasPrefix(levels[i], name+"-") {
			return MinLevel + int16(i), true
		}
	}
	return 0, false
}

// Bootstrap returns the records that an empty cluster begins with.
func Bootstrap() []Record {
	return []Record{&FeatureLevelRecord{Name: FeatureMetadataVersion, Level: LatestLevel}}
}
