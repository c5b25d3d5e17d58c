package config

import "strings"

// Nearest names the broker key that an unknown one was probably meant to be. ok is false when none is near.
func Nearest(name string) (near string, ok bool) {
	name = plain(name)
	if d, ok := topicIndex[name]; ok && len(d.Synonyms) > 0 {
		return d.Synonyms[0].Name, true
	}
	return nearest(name, Broker)
}

// NearestTopic is Nearest for topic keys; a broker key yields the topic key it gives the default of.
func NearestTopic(name string) (near string, ok bool) {
	name = plain(name)
	for i := range Topic {
		for _, s := range Topic[i].Synonyms {
			if s.Name == name {
				return Topic[i].Name, true
			}
		}
	}
	return nearest(name, Topic)
}

func plain(name string) string {
	return strings.NewReplacer("_", ".", "-", ".", " ", "").Replace(strings.ToLower(name))
}

func nearest(name string, defs []Def) (string, bool) {
	best, least := "", len(name)/4+1 // a quarter of the letters may be wrong
	for i := range defs {
		if defs[i].Status == Removed {
			continue
		}
		if n := distance(name, defs[i].Name, least); n < least {
			best, least = defs[i].Name, n
		}
	}
	return best, best != ""
}

// distance counts the letters to insert, drop, change or swap with a neighbour to turn a into b; once it cannot be
// below limit any more, it answers limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
