// Package shape checks the structure of a request before a general decoder is let loose on it.
//
// The decoders of kmsg size an array by the announced count, bounded only by the bytes left: a frame of 1 MiB makes
// them allocate 64 MiB, and a count of tagged fields makes them loop four billion times. Check walks the body
// first, by a table of what each version looks like, and refuses what does not fit: counts and lengths beyond the
// bytes left, null where Kafka refuses null (kmsg reads it as empty), tagged fields of the wrong size, and bytes left
// over at the end. A body that passes decodes with kmsg, and costs memory in proportion to its size; that of its
// answer, in proportion to its elements, of which there are MaxElements at most.
//
// The table (table.go) is text and documents the requests; one more API is one more paragraph there. It is compiled
// once, at start, and never changes, so Check may be called from any goroutine. It allocates only when it refuses.
package shape

import (
	"fmt"
	"strconv"

	"tailrace/wire"
)

// MaxElements is how many elements all arrays of a request may have together. A group's name may be one byte, and costs
// hundreds to answer: 4 MiB of them made 2.5 GB. No client has that much to ask at once; Kafka has no bound.
const MaxElements = 1 << 18

// Error says which field of a request does not fit.
type Error struct {
	API     string // Kafka's name of the API
	Version int16
	Field   string // path, for example Topics[2].Partitions[0].Timestamp; empty where no field is to blame
	Pos     int    // bytes into the body
	Reason  error  // a wire.Error
}

// Error names the field, its place and the reason.
func (e *Error) Error() string {
	field := e.Field
	if field == "" {
		field = "the request"
	}
	return fmt.Sprintf("%s v%d: %s at byte %d: %v", e.API, e.Version, field, e.Pos, e.Reason)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }

// Check walks body, a whole request of that key and version behind its header. It returns nil if the body has the
// right shape and an *Error otherwise, also for a key or version that is not in the table.
func Check(key, version int16, body []byte) error {
	if key < 0 || int(key) >= len(apis) || apis[key] == nil {
		return &Error{API: "API " + strconv.Itoa(int(key)), Version: version, Reason: wire.ErrKey}
	}
	return apis[key].check(version, body)
}

// Versions returns the versions of the API that the table describes; ok is false if it describes none.
func Versions(key int16) (lowest, highest int16, ok bool) {
	if key < 0 || int(key) >= len(apis) || apis[key] == nil {
		return 0, 0, false
	}
	a := apis[key]
	return a.first, a.first + int16(len(a.versions)) - 1, true
}

// check is Check for one API.
func (a *api) check(version int16, body []byte) error {
	i := int(version) - int(a.first)
	if i < 0 || i >= len(a.versions) {
		return &Error{API: a.name, Version: version, Reason: wire.ErrVersion}
	}
	p := &a.versions[i]
	w := walker{flexible: p.flexible, left: MaxElements}
	w.r.Reset(body)
	if bad := w.fields(p); bad != nil {
		return &Error{API: a.name, Version: version, Field: bad.path, Pos: w.r.Pos(), Reason: w.r.Err()}
	}
	if err := w.r.Finish(); err != nil {
		return &Error{API: a.name, Version: version, Pos: w.r.Pos(), Reason: err}
	}
	return nil
}

// walker reads a body by a plan.
type walker struct {
	r        wire.Reader
	flexible bool
	left     int // elements that may still come
}

// badField is the path to a field that does not fit. It grows from the field outwards while the walk returns.
type badField struct{ path string }

// in puts the field that holds b in front of the path.
func (b *badField) in(name string, index int) *badField {
	name += "[" + strconv.Itoa(index) + "]"
	if b.path != "" {
		name += "." + b.path
	}
	b.path = name
	return b
}

// fields reads one structure: its fields, then, in a flexible version, its tagged fields.
func (w *walker) fields(p *plan) *badField {
	for i := range p.fields {
		if bad := w.field(&p.fields[i]); bad != nil {
			return bad
		}
	}
	if !w.flexible {
		return nil
	}
	for n := w.r.TagCount(); n > 0 && w.r.Err() == nil; n-- {
		tag, body := w.r.Tag()
		f := p.tagged(tag)
		if f == nil || w.r.Err() != nil {
			continue
		}
		in := walker{flexible: true, left: w.left}
		in.r.Reset(body)
		if f.absent || in.field(f) != nil || in.r.Finish() != nil {
			w.r.Fail(wire.ErrTag)
			return &badField{path: f.name}
		}
		w.left = in.left
	}
	if w.r.Err() != nil {
		return &badField{path: "tagged fields"}
	}
	return nil
}

// field reads one field.
func (w *walker) field(f *field) *badField {
	r := &w.r
	switch {
	case f.array:
		return w.array(f)
	case f.kind == structure:
		return w.structure(f)
	case f.kind.size() > 0:
		r.Raw(f.kind.size())
	case f.kind == str && w.flexible, f.kind == bytes && w.flexible:
		if r.CompactNullableBytes() == nil && !f.null {
			r.Fail(wire.ErrNull)
		}
	case f.kind == str:
		if r.NullableString() == nil && !f.null {
			r.Fail(wire.ErrNull)
		}
	default:
		if r.NullableBytes() == nil && !f.null {
			r.Fail(wire.ErrNull)
		}
	}
	if r.Err() != nil {
		return &badField{path: f.name}
	}
	return nil
}

// structure reads a structure. One that may be null has a byte in front: -1 for null, 1 for one that is there.
func (w *walker) structure(f *field) *badField {
	if f.null {
		switch w.r.Int8() {
		case -1:
			return nil
		case 1:
		default:
			w.r.Fail(wire.ErrNull)
			return &badField{path: f.name}
		}
	}
	return w.fields(f.elem)
}

// array reads a count, checks it against the bytes left, and reads the elements.
func (w *walker) array(f *field) *badField {
	r := &w.r
	var n int
	if w.flexible {
		n = r.CompactNullableArrayLen(f.elemMin)
	} else {
		n = r.NullableArrayLen(f.elemMin)
	}
	if n < 0 && !f.null {
		r.Fail(wire.ErrNull)
	}
	if w.left -= max(n, 0); w.left < 0 {
		r.Fail(wire.ErrCount)
	}
	if r.Err() != nil {
		return &badField{path: f.name}
	}
	if size := f.kind.size(); size > 0 {
		r.Raw(max(n, 0) * size) // the count was checked, so they are there
		return nil
	}
	elem := field{kind: f.kind, elem: f.elem}
	for i := range max(n, 0) {
		if bad := w.field(&elem); bad != nil {
			return bad.in(f.name, i)
		}
	}
	return nil
}
