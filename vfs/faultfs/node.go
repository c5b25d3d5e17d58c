package faultfs

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
)

const (
	sectorBytes = 512
	blockBytes  = 4096
	maxVersions = 4 // states of an unsynced sector that are remembered beside the durable one
)

// node is a file or a directory, in two states: as programs see it, and as it is on disk.
type node struct {
	perm    fs.FileMode
	changed int // the operation that changed it last
	linked  bool

	entries map[string]*node // a directory's, as seen; nil in a file
	durable map[string]*node // a directory's, on disk

	size   int64
	mem    []byte // as seen; bytes between len(mem) and size are zero
	blocks []bool // allocated, as seen; the list may be short

	diskSize   int64
	disk       []byte
	diskBlocks []bool
	// dirty holds, for each sector changed since the last sync, its states since then, oldest first.
	dirty     map[int64][][sectorBytes]byte
	low, high int64 // between which the size was since the last sync
}

func newDir(perm fs.FileMode) *node {
	return &node{perm: perm | fs.ModeDir, entries: map[string]*node{}, durable: map[string]*node{}}
}

func newFile(perm fs.FileMode) *node {
	return &node{perm: perm, dirty: map[int64][][sectorBytes]byte{}}
}

func (n *node) isDir() bool { return n.entries != nil }

// grown returns b with a length of at least size, the new part zero.
func grown[T any](b []T, size int64) []T {
	if more := size - int64(len(b)); more > 0 {
		b = append(b, make([]T, more)...)
	}
	return b
}

func blocksFor(size int64) int64 { return (size + blockBytes - 1) / blockBytes }

// touch remembers the present state of the sectors of [from, to).
func (n *node) touch(from, to int64) {
	for s := from / sectorBytes; s*sectorBytes < to; s++ {
		states := n.dirty[s]
		if len(states) == maxVersions {
			states = slices.Delete(states, 0, 1)
		}
		n.dirty[s] = append(states, n.sector(s))
	}
}

func (n *node) sector(s int64) (b [sectorBytes]byte) {
	if at := s * sectorBytes; at < int64(len(n.mem)) {
		copy(b[:], n.mem[at:])
	}
	return b
}

func (n *node) setSize(size int64) {
	n.size = size
	n.low, n.high = min(n.low, size), max(n.high, size)
}

// put stores p, which may lie beyond the size; the caller has seen to the blocks.
func (n *node) put(p []byte, pos int64) {
	end := pos + int64(len(p))
	n.mem = grown(n.mem, end)
	copy(n.mem[pos:], p)
	n.touch(pos, end)
	if end > n.size {
		n.setSize(end)
	}
}

// readAt copies out what lies below the size.
func (n *node) readAt(p []byte, pos int64) int {
	if pos >= n.size {
		return 0
	}
	p = p[:min(int64(len(p)), n.size-pos)]
	clear(p)
	if pos < int64(len(n.mem)) {
		copy(p, n.mem[pos:])
	}
	return len(p)
}

// truncate sets the size and returns how many blocks it freed.
func (n *node) truncate(size int64) (freed int64) {
	old := int64(max(len(n.mem), len(n.disk)))
	if size < int64(len(n.mem)) {
		n.mem = n.mem[:size]
	}
	if size < old {
		n.touch(size, old)
	}
	for i := blocksFor(size); i < int64(len(n.blocks)); i++ {
		if n.blocks[i] {
			n.blocks[i] = false
			freed++
		}
	}
	n.setSize(size)
	return freed
}

// holes counts the unallocated blocks that [from, to) touches.
func (n *node) holes(from, to int64) (count int64) {
	for i := from / blockBytes; i*blockBytes < to; i++ {
		if i >= int64(len(n.blocks)) || !n.blocks[i] {
			count++
		}
	}
	return count
}

// claim allocates the blocks that [from, to) touches and returns how many were not.
func (n *node) claim(from, to int64) (count int64) {
	count = n.holes(from, to)
	n.blocks = grown(n.blocks, blocksFor(to))
	for i := from / blockBytes; i*blockBytes < to; i++ {
		n.blocks[i] = true
	}
	return count
}

func (n *node) allocated() (count int64) {
	for _, b := range n.blocks {
		if b {
			count++
		}
	}
	return count
}

// sync makes what is seen durable.
func (n *node) sync() {
	n.disk = n.disk[:min(int64(len(n.disk)), n.size)]
	for s := range n.dirty {
		if at := s * sectorBytes; at < n.size {
			n.disk = grown(n.disk, min(at+sectorBytes, n.size))
			state := n.sector(s)
			copy(n.disk[at:], state[:])
		}
	}
	n.diskBlocks = append(n.diskBlocks[:0], n.blocks...)
	n.diskSize, n.low, n.high = n.size, n.size, n.size
	clear(n.dirty)
}

// syncFailed is what the kernel does when the disk refuses dirty pages: they count as clean from now on.
func (n *node) syncFailed() { clear(n.dirty) }

// crashed is the file as a power cut may leave it. Without dice only what is durable survives.
func (n *node) crashed(dice *rand.Rand) *node {
	c := newFile(n.perm)
	c.changed = n.changed
	c.size = n.diskSize
	c.mem = slices.Clone(n.disk)
	c.blocks = slices.Clone(n.diskBlocks)
	if dice != nil {
		n.survive(c, luck(dice))
	}
	c.mem = c.mem[:min(int64(len(c.mem)), c.size)]
	for at := int64(0); at < int64(len(c.mem)); at += blockBytes {
		if !isZero(c.mem[at:min(at+blockBytes, int64(len(c.mem)))]) {
			c.claim(at, at+1)
		}
	}
	c.disk, c.diskSize, c.diskBlocks = slices.Clone(c.mem), c.size, slices.Clone(c.blocks)
	c.low, c.high = c.size, c.size
	return c
}

// survive lets part of what is not durable reach c.
func (n *node) survive(c *node, l coin) {
	for _, s := range slices.Sorted(maps.Keys(n.dirty)) {
		if l.flip() {
			states := n.dirty[s]
			at := s * sectorBytes
			c.mem = grown(c.mem, at+sectorBytes)
			state := states[l.pick(len(states))]
			copy(c.mem[at:], state[:])
		}
	}
	c.blocks = grown(c.blocks, int64(len(n.blocks)))
	for i := range n.blocks {
		if n.blocks[i] != c.blocks[i] && l.flip() {
			c.blocks[i] = n.blocks[i]
		}
	}
	if l.flip() {
		c.size = n.size
	} else if l.flip() {
		c.size = n.low + l.dice.Int64N(n.high-n.low+1)
	}
}

func isZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// coin decides what survives. Each file and the set of entries draw their own bias, so that all, nothing and mixtures
// meet.
type coin struct {
	dice *rand.Rand
	bias float64
}

func luck(dice *rand.Rand) coin {
	return coin{dice: dice, bias: []float64{0, 1, 0.5, 0.9, dice.Float64()}[dice.IntN(5)]}
}

func (c coin) flip() bool { return c.dice.Float64() < c.bias }

// pick prefers the last of n states, because most crashes are young.
func (c coin) pick(n int) int {
	if c.bias == 1 || c.dice.IntN(2) == 0 {
		return n - 1
	}
	return c.dice.IntN(n)
}
