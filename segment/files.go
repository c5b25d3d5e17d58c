package segment

// Files counts the open files and mappings of many logs, and knows which logs hold them. The zero value is ready.
type Files struct{}

// Open is how many descriptors and mappings are held.
func (f *Files) Open() (descriptors, mappings int64) { panic("skeleton") }

// Coldest returns up to n logs that hold open files, least recently used first: candidates for Rest.
func (f *Files) Coldest(n int) []*Log { panic("skeleton") }
