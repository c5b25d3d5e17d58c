package metadata

import (
	"hash/maphash"
	"iter"
	"maps"
)

// shards is how many pieces a table has: what one edit copies is the array of pieces and one piece.
const shards = 256

var seed = maphash.MakeSeed()

// table is an immutable map in pieces. The zero table is empty.
type table[K comparable, V any] struct {
	pieces *[shards]map[K]V
	n      int
}

func shardOf[K comparable](k K) int { return int(maphash.Comparable(seed, k) % shards) }

func (t table[K, V]) get(k K) V {
	if t.pieces == nil {
		var none V
		return none
	}
	return t.pieces[shardOf(k)][k]
}

// all ranges over the table in no particular order.
func (t table[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if t.pieces == nil {
			return
		}
		for _, piece := range t.pieces {
			for k, v := range piece {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}

// editor makes a new table out of one. It copies each piece at most once between two calls of table.
type editor[K comparable, V any] struct {
	t     table[K, V]
	fresh bool
	owned [shards]bool
}

func (e *editor[K, V]) piece(k K) *map[K]V {
	if !e.fresh {
		pieces := new([shards]map[K]V)
		if e.t.pieces != nil {
			*pieces = *e.t.pieces
		}
		e.t.pieces, e.fresh = pieces, true
	}
	i := shardOf(k)
	if !e.owned[i] {
		e.owned[i] = true
		if e.t.pieces[i] == nil {
			e.t.pieces[i] = map[K]V{}
		} else {
			e.t.pieces[i] = maps.Clone(e.t.pieces[i])
		}
	}
	return &e.t.pieces[i]
}

func (e *editor[K, V]) get(k K) V { return e.t.get(k) }

func (e *editor[K, V]) set(k K, v V) {
	m := *e.piece(k)
	before := len(m)
	m[k] = v
	e.t.n += len(m) - before
}

func (e *editor[K, V]) remove(k K) {
	m := *e.piece(k)
	before := len(m)
	delete(m, k)
	e.t.n += len(m) - before
}

// table gives out what has been made so far; later edits copy again.
func (e *editor[K, V]) table() table[K, V] {
	if e.fresh {
		e.fresh, e.owned = false, [shards]bool{}
	}
	return e.t
}
