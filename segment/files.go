package segment

import (
	"cmp"
	"slices"
	"sync"
)

// Files counts the open files and mappings of many logs, and knows which logs hold them. The zero value is ready.
type Files struct {
	// Limit is how many descriptors are wanted open at most; 0: no bound. It is a wish, not a wall: what is needed is
	// opened all the same, and OverLimit is told, which should rest the coldest logs.
	Limit     int64
	OverLimit func() // called with no lock of the logs' budget held, at most once until Relieved

	mu          sync.Mutex
	descriptors int64
	mappings    int64
	holders     map[*Log]int64 // descriptors of each
	told        bool           // OverLimit was called and Relieved not yet
}

// Open is how many descriptors and mappings are held.
func (f *Files) Open() (descriptors, mappings int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.descriptors, f.mappings
}

// Coldest returns up to n logs that hold open files, least recently used first: candidates for Rest.
func (f *Files) Coldest(n int) []*Log {
	f.mu.Lock()
	all := make([]*Log, 0, len(f.holders))
	for l := range f.holders {
		all = append(all, l)
	}
	f.mu.Unlock()
	slices.SortFunc(all, func(a, b *Log) int { return cmp.Compare(a.LastUse(), b.LastUse()) })
	return slices.Clone(all[:min(n, len(all))])
}

// add counts files that l has opened, or with negative numbers closed. f may be nil.
func (f *Files) add(l *Log, descriptors, mappings int64) {
	if f == nil {
		return
	}
	if f.count(l, descriptors, mappings) {
		f.OverLimit()
	}
}

// Relieved allows OverLimit to be called again.
func (f *Files) Relieved() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = false
}

func (f *Files) count(l *Log, descriptors, mappings int64) (tell bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.descriptors += descriptors
	f.mappings += mappings
	if f.holders == nil {
		f.holders = make(map[*Log]int64)
	}
	if n := f.holders[l] + descriptors; n > 0 {
		f.holders[l] = n
	} else {
		delete(f.holders, l)
	}
	if descriptors > 0 && f.Limit > 0 && f.descriptors > f.Limit && !f.told && f.OverLimit != nil {
		f.told = true
		return true
	}
	return false
}
