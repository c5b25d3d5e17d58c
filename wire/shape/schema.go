package shape

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The language of the table. A paragraph describes one API:
//
//	<key> <Name> <versions> flexible <version>   ("flexible never" if no version is)
//		<Field> <type> [<versions>] [null <versions>] [tag <number>]
//
// Versions are written 4, 2-5 or 3+; a field without them is in every version of what holds it. Types are bool, int8,
// int16, int32, int64, uuid, string, bytes, struct, and each of them behind [] as an array. The fields of a struct
// follow on deeper lines, one tab more. Blank lines and lines that begin with # say nothing.

// kind is the type of a field or of an array's elements.
type kind uint8

const (
	boolean kind = iota + 1
	int8Kind
	int16Kind
	int32Kind
	int64Kind
	uuid
	str
	bytes
	structure
)

var kinds = map[string]kind{
	"bool": boolean, "int8": int8Kind, "int16": int16Kind, "int32": int32Kind, "int64": int64Kind,
	"uuid": uuid, "string": str, "bytes": bytes, "struct": structure,
}

var sizes = [structure + 1]int{boolean: 1, int8Kind: 1, int16Kind: 2, int32Kind: 4, int64Kind: 8, uuid: 16}

// size is the number of bytes that the kind takes, 0 if that varies.
func (k kind) size() int { return sizes[k] }

// api is one request, compiled.
type api struct {
	name     string
	key      int16
	first    int16  // the lowest version
	versions []plan // from first on
}

// plan is what a structure looks like in one version.
type plan struct {
	flexible bool
	fields   []field
	tags     []field // every tagged field that the table names
}

// field is a field of a plan.
type field struct {
	name    string
	kind    kind
	array   bool
	null    bool
	tag     uint32
	absent  bool  // a tagged field that this version must not have, which Kafka refuses
	elem    *plan // of a structure
	elemMin int   // of an array: the least size of an element
}

func (p *plan) tagged(tag uint32) *field {
	for i := range p.tags {
		if p.tags[i].tag == tag {
			return &p.tags[i]
		}
	}
	return nil
}

// line is one field as the table has it, with the lines below it.
type line struct {
	name     string
	kind     kind
	array    bool
	in, null span
	tag      int // -1: not tagged
	below    []line
}

// span is a range of versions; nothing if to < from.
type span struct{ from, to int16 }

func (s span) has(v int16) bool { return s.from <= v && v <= s.to }

var (
	always  = span{0, math.MaxInt16}
	nowhere = span{0, -1}
)

// compile reads a table. A mistake in it is a mistake in the program, found at start: it panics.
func compile(table string) []*api {
	var out []*api
	var lines []string
	for _, text := range strings.Split(table, "\n") {
		if text = strings.TrimRight(text, " \t"); text != "" && !strings.HasPrefix(strings.TrimSpace(text), "#") {
			lines = append(lines, text)
		}
	}
	for len(lines) > 0 {
		if strings.HasPrefix(lines[0], "\t") {
			panic("BUG: shape table: field outside of an API: " + lines[0])
		}
		head := lines[0]
		var fields []line
		fields, lines = parseFields(lines[1:], 1)
		a := compileAPI(head, fields)
		for len(out) <= int(a.key) {
			out = append(out, nil)
		}
		out[a.key] = a
	}
	return out
}

func compileAPI(head string, fields []line) *api {
	w := strings.Fields(head)
	if len(w) != 5 || w[3] != "flexible" {
		panic("BUG: shape table: not the head of an API: " + head)
	}
	versions, flexible := parseSpan(w[2]), nowhere
	if w[4] != "never" {
		flexible = span{number(w[4]), math.MaxInt16}
	}
	a := &api{key: number(w[0]), name: w[1], first: versions.from}
	for v := versions.from; v <= versions.to; v++ {
		a.versions = append(a.versions, *compilePlan(fields, v, flexible.has(v)))
	}
	return a
}

// compilePlan picks the fields that a version has.
func compilePlan(lines []line, v int16, flexible bool) *plan {
	p := &plan{flexible: flexible}
	for _, l := range lines {
		if !l.in.has(v) {
			if l.tag >= 0 {
				p.tags = append(p.tags, field{name: l.name, tag: uint32(l.tag), absent: true})
			}
			continue
		}
		f := field{name: l.name, kind: l.kind, array: l.array, null: l.null.has(v)}
		if l.kind == structure {
			f.elem = compilePlan(l.below, v, flexible)
		}
		if l.array {
			f.elemMin = (&field{kind: l.kind, elem: f.elem}).min(flexible)
		}
		if l.tag >= 0 {
			f.tag = uint32(l.tag)
			p.tags = append(p.tags, f)
		} else {
			p.fields = append(p.fields, f)
		}
	}
	return p
}

// min is the least number of bytes that the field takes.
func (f *field) min(flexible bool) int {
	switch {
	case !f.array && f.kind == structure && f.null:
		return 1
	case !f.array && f.kind == structure:
		n := 0
		if flexible {
			n = 1
		}
		for i := range f.elem.fields {
			n += f.elem.fields[i].min(flexible)
		}
		return n
	case !f.array && f.kind.size() > 0:
		return f.kind.size()
	case flexible:
		return 1 // length or count
	case f.kind == str && !f.array:
		return 2
	default:
		return 4
	}
}

// parseFields reads the lines at this depth and below, and returns the others.
func parseFields(lines []string, depth int) (fields []line, rest []string) {
	indent := strings.Repeat("\t", depth)
	for len(lines) > 0 && strings.HasPrefix(lines[0], indent) {
		l := parseLine(lines[0])
		l.below, lines = parseFields(lines[1:], depth+1)
		if (l.kind == structure) != (len(l.below) > 0) {
			panic("BUG: shape table: " + l.name + ": a struct has fields below it, and nothing else has")
		}
		fields = append(fields, l)
	}
	return fields, lines
}

func parseLine(text string) line {
	w := strings.Fields(text)
	if len(w) < 2 {
		panic("BUG: shape table: a field has a name and a type: " + text)
	}
	l := line{name: w[0], in: always, null: nowhere, tag: -1}
	name, array := strings.CutPrefix(w[1], "[]")
	l.kind, l.array = kinds[name], array
	if l.kind == 0 {
		panic("BUG: shape table: unknown type: " + text)
	}
	for w = w[2:]; len(w) > 0; w = w[1:] {
		switch {
		case w[0] == "null" && len(w) > 1:
			w = w[1:]
			l.null = parseSpan(w[0])
		case w[0] == "tag" && len(w) > 1:
			w = w[1:]
			l.tag = int(number(w[0]))
		default:
			l.in = parseSpan(w[0])
		}
	}
	return l
}

func parseSpan(s string) span {
	if from, open := strings.CutSuffix(s, "+"); open {
		return span{number(from), math.MaxInt16}
	}
	from, to, _ := strings.Cut(s, "-")
	if to == "" {
		to = from
	}
	return span{number(from), number(to)}
}

func number(s string) int16 {
	n, err := strconv.ParseInt(s, 10, 16)
	if err != nil || n < 0 {
		panic(fmt.Sprintf("BUG: shape table: %q is not a number of versions or keys", s))
	}
	return int16(n)
}
