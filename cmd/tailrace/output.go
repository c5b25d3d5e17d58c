package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// format is the value of -o: a table for people, or JSON with stable keys for programs. Standard output carries nothing
// but the result; whatever else there is to say goes to standard error.
type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "table|json" }

func (f *format) Set(s string) error {
	switch format(s) {
	case formatTable, formatJSON:
		*f = format(s)
		return nil
	}
	return fmt.Errorf("%q is neither table nor json", s)
}

func (f *format) addTo(cmd *cobra.Command, doc string) {
	*f = formatTable
	cmd.Flags().VarP(f, "output", "o", doc)
}

const (
	oneDocument = "`format` of the result: table or json (one document)"
	manyLines   = "`format` of the result: table or json (one object a line)"
)

// encoder writes JSON as it is meant to be read, without escapes for HTML.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// document writes a whole result as one indented JSON document.
func document(w io.Writer, v any) error {
	e := encoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table writes rows under headings, in columns as wide as they need to be.
func table(w io.Writer, headings string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(strings.Fields(headings), "\t"))
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}

// count says how many there are of something, in words that fit the number.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
