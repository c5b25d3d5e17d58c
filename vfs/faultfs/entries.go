package faultfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// entry is a name in a directory.
type entry struct {
	dir  *node
	name string
}

// change is one step in the directories that is not durable yet: names and what they name from then on (nil:
// nothing). It survives as a whole or not at all, so that a rename never shows both names, or none.
type change struct {
	names []entry
	nodes []*node
	waits []*node // directories whose SyncDir is still missing
}

// link applies a change for programs to see and queues it for the disk.
func (f *FS) link(c change) {
	for i, e := range c.names {
		if c.nodes[i] == nil {
			delete(e.dir.entries, e.name)
		} else {
			e.dir.entries[e.name] = c.nodes[i]
		}
		e.dir.changed = f.ops
		if !slices.Contains(c.waits, e.dir) {
			c.waits = append(c.waits, e.dir)
		}
	}
	f.pending = append(f.pending, c)
}

// settle walks pending changes in order and hands those to apply that keep wants and that no earlier, unkept
// change of the same name holds back. It returns the others.
func settle(pending []change, keep func(c *change) bool, apply func(e entry, to *node)) []change {
	var rest []change
	held := map[entry]bool{}
	for i := range pending {
		c := &pending[i]
		free := !slices.ContainsFunc(c.names, func(e entry) bool { return held[e] })
		if keep(c) && free {
			for i, e := range c.names {
				apply(e, c.nodes[i])
			}
			continue
		}
		for _, e := range c.names {
			held[e] = true
		}
		rest = append(rest, *c)
	}
	return rest
}

func setDurable(e entry, to *node) {
	if to == nil {
		delete(e.dir.durable, e.name)
	} else {
		e.dir.durable[e.name] = to
	}
}

// syncEntries makes the entries of dir durable.
func (f *FS) syncEntries(dir *node) {
	for i := range f.pending {
		c := &f.pending[i]
		c.waits = slices.DeleteFunc(slices.Clone(c.waits), func(d *node) bool { return d == dir })
	}
	f.pending = settle(f.pending, func(c *change) bool { return len(c.waits) == 0 }, setDurable)
}

// loseEntries is a failed SyncDir: what waited for it will never be durable.
func (f *FS) loseEntries(dir *node) {
	f.pending = slices.DeleteFunc(f.pending, func(c change) bool { return slices.Contains(c.waits, dir) })
}

// CrashClone is the disk as a power cut at this moment may leave it, mounted anew: a fresh FS without faults, holding
// what is durable and a random part of what is not. The same dice give the same clone. Without dice (nil) nothing
// survives that is not durable. The FS itself goes on unharmed.
func (f *FS) CrashClone(dice *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New()
	c.capacity, c.seed = f.capacity, f.seed
	copies := map[*node]*node{f.root: c.root}
	cloner := &cloner{dice: dice, copies: copies}
	cloner.children(f.root, c.root)
	if dice != nil {
		l := luck(dice)
		settle(f.pending, func(*change) bool { return l.flip() }, func(e entry, to *node) {
			at := entry{dir: cloner.clone(e.dir), name: e.name}
			if to == nil {
				delete(at.dir.durable, at.name)
			} else {
				at.dir.durable[at.name] = cloner.clone(to)
			}
		})
	}
	c.mount(c.root)
	return c
}

type cloner struct {
	dice   *rand.Rand
	copies map[*node]*node
}

func (c *cloner) clone(n *node) *node {
	if done := c.copies[n]; done != nil {
		return done
	}
	if !n.isDir() {
		file := n.crashed(c.dice)
		c.copies[n] = file
		return file
	}
	dir := newDir(n.perm)
	dir.changed = n.changed
	c.copies[n] = dir
	c.children(n, dir)
	return dir
}

func (c *cloner) children(from, to *node) {
	for _, name := range slices.Sorted(maps.Keys(from.durable)) {
		to.durable[name] = c.clone(from.durable[name])
	}
}

// mount makes what is durable below dir visible and counts it.
func (f *FS) mount(dir *node) {
	dir.entries = maps.Clone(dir.durable)
	for _, n := range dir.entries {
		n.linked = true
		if n.isDir() {
			f.mount(n)
		} else {
			f.used += n.allocated() * blockBytes
		}
	}
}
