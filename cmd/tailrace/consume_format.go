package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A template is made of literal text and of kcat's letters:
//
//	%t topic       %k key, empty when null      %S length of the value, -1 when null
//	%p partition   %s value, empty when null    %K length of the key, -1 when null
//	%o offset      %h headers: a=1,b=2          %T timestamp in milliseconds since 1970
//	%% a percent sign; \n \r \t \\ and \xNN as everywhere
//
// As with kcat, nothing is added: a newline stands in the template or nowhere.
const defaultTemplate = `%s\n`

// template appends records to bytes; piece after piece, each a literal or a letter.
type template []piece

type piece struct {
	text   string
	letter byte // 0: text
}

const letters = "tpoksShKT%"

func parseTemplate(s string) (template, error) {
	var t template
	var text []byte
	flush := func() {
		if len(text) > 0 {
			t = append(t, piece{text: string(text)})
			text = text[:0]
		}
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			c, n, err := parseEscape(s[i+1:])
			if err != nil {
				return nil, usage("--format: %w", err)
			}
			text = append(text, c)
			i += n
		case s[i] == '%':
			i++
			if i == len(s) || strings.IndexByte(letters, s[i]) < 0 {
				return nil, usage("--format: %%%s means nothing; the letters are t p o k s h T K S", s[i:min(i+1, len(s))])
			}
			flush()
			t = append(t, piece{letter: s[i]})
		default:
			text = append(text, s[i])
		}
	}
	flush()
	return t, nil
}

// parseEscape reads what follows a backslash and tells how long it is.
func parseEscape(s string) (c byte, n int, err error) {
	if s == "" {
		return 0, 0, fmt.Errorf("a backslash ends it; write two for one")
	}
	switch s[0] {
	case 'n':
		return '\n', 1, nil
	case 'r':
		return '\r', 1, nil
	case 't':
		return '\t', 1, nil
	case '\\':
		return '\\', 1, nil
	case 'x':
		if len(s) >= 3 {
			if v, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
				return byte(v), 3, nil
			}
		}
		return 0, 0, fmt.Errorf(`two hexadecimal digits must follow \x`)
	}
	return 0, 0, fmt.Errorf(`\%c means nothing; there are \n \r \t \\ \xNN`, s[0])
}

// append adds r as the template has it.
func (t template) append(b []byte, r *kgo.Record) []byte {
	for _, p := range t {
		switch p.letter {
		case 0:
			b = append(b, p.text...)
		case 't':
			b = append(b, r.Topic...)
		case 'p':
			b = strconv.AppendInt(b, int64(r.Partition), 10)
		case 'o':
			b = strconv.AppendInt(b, r.Offset, 10)
		case 'k':
			b = append(b, r.Key...)
		case 's':
			b = append(b, r.Value...)
		case 'S':
			b = strconv.AppendInt(b, lengthOf(r.Value), 10)
		case 'K':
			b = strconv.AppendInt(b, lengthOf(r.Key), 10)
		case 'h':
			b = appendHeaders(b, r.Headers)
		case 'T':
			b = strconv.AppendInt(b, r.Timestamp.UnixMilli(), 10)
		case '%':
			b = append(b, '%')
		}
	}
	return b
}

func lengthOf(b []byte) int64 {
	if b == nil {
		return -1
	}
	return int64(len(b))
}

func appendHeaders(b []byte, headers []kgo.RecordHeader) []byte {
	for i, h := range headers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, h.Key...), '=')
		if h.Value == nil {
			b = append(b, "NULL"...)
		}
		b = append(b, h.Value...)
	}
	return b
}

// recordJSON is a record on a line of its own; the keys are stable.
type recordJSON struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	contentJSON
}

// contentJSON is what a record holds. Bytes that are not UTF-8 go into the field whose name ends with _base64, and the
// plain field is absent. A null key or value is null.
type contentJSON struct {
	Offset      int64        `json:"offset"`
	TimestampMs int64        `json:"timestamp_ms"`
	Key         any          `json:"key,omitzero"`
	KeyBase64   string       `json:"key_base64,omitempty"`
	Value       any          `json:"value,omitzero"`
	ValueBase64 string       `json:"value_base64,omitempty"`
	Headers     []headerJSON `json:"headers,omitempty"`
}

type headerJSON struct {
	Key         string `json:"key"`
	Value       any    `json:"value,omitzero"`
	ValueBase64 string `json:"value_base64,omitempty"`
}

// null is JSON's null in a field that is otherwise left out.
type null struct{}

func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// textOrBase64 gives the two fields of some bytes.
func textOrBase64(b []byte) (text any, base string) {
	switch {
	case b == nil:
		return null{}, ""
	case utf8.Valid(b):
		return string(b), ""
	}
	return nil, base64.StdEncoding.EncodeToString(b)
}

func toJSON(r *kgo.Record) contentJSON {
	j := contentJSON{Offset: r.Offset, TimestampMs: r.Timestamp.UnixMilli()}
	j.Key, j.KeyBase64 = textOrBase64(r.Key)
	j.Value, j.ValueBase64 = textOrBase64(r.Value)
	for _, h := range r.Headers {
		hj := headerJSON{Key: h.Key}
		hj.Value, hj.ValueBase64 = textOrBase64(h.Value)
		j.Headers = append(j.Headers, hj)
	}
	return j
}
