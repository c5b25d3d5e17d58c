package config

import (
	"fmt"
	"reflect"
	"strings"
)

// serverFields and topicFields map a key to the index of the field that its tag names.
var (
	serverFields = fields(reflect.TypeFor[Server]())
	topicFields  = fields(reflect.TypeFor[TopicConfig]())
	builtin      = mustBuiltin()
)

func fields(t reflect.Type) map[string]int {
	m := map[string]int{}
	for i := range t.NumField() {
		if key, ok := t.Field(i).Tag.Lookup("key"); ok {
			m[key] = i
		}
	}
	return m
}

// bind stores a parsed value in the field that name feeds, if there is one. Fields of composite type (listeners,
// maps) are left to the code that derives them from several keys.
func bind(target any, index map[string]int, name string, v any) {
	i, ok := index[name]
	if !ok {
		return
	}
	field := reflect.ValueOf(target).Elem().Field(i)
	if w, ok := field.Addr().Interface().(worded); ok {
		switch x := v.(type) {
		case string:
			w.fromWords([]string{x})
		case []string:
			w.fromWords(x)
		}
		return
	}
	switch x := v.(type) {
	case bool:
		field.SetBool(x)
	case int64:
		field.SetInt(x)
	case float64:
		field.SetFloat(x)
	case string:
		if field.Kind() == reflect.String {
			field.SetString(x)
		}
	case []string:
		if field.Type() == reflect.TypeFor[[]string]() {
			field.Set(reflect.ValueOf(x))
		}
	default:
		panic(fmt.Sprintf("BUG: %s: a field for %T", name, v))
	}
}

// mustBuiltin is the snapshot of a server that was told nothing.
func mustBuiltin() *Server {
	s, _, err := Load(Sources{})
	if err != nil {
		panic("BUG: the table's own defaults do not load: " + err.Error())
	}
	return s
}

// topicRow is one line of the topic table. from lists the broker keys that give the default, strongest first, each
// with an optional factor: "log.retention.ms log.retention.minutes*60000".
type topicRow struct {
	row
	from string
}

func topicFamily(name string, status Status, why string, rows ...topicRow) []Def {
	var defs []Def
	for _, r := range rows {
		d := family(name, status, why, r.row)[0]
		d.Restart = false
		for part := range strings.FieldsSeq(r.from) {
			key, factor, _ := strings.Cut(part, "*")
			scale := int64(1)
			if factor != "" {
				_, err := fmt.Sscan(factor, &scale)
				if err != nil {
					panic("BUG: the factor of " + part)
				}
			}
			d.Synonyms = append(d.Synonyms, Synonym{key, scale})
		}
		defs = append(defs, d)
	}
	return defs
}
