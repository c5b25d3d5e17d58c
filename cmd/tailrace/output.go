package main

import (
	"encoding/json"
	"errors"
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
	complete(cmd, "output", among(string(formatTable), string(formatJSON)))
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
	return tableOf(w, strings.Fields(headings), rows)
}

// tableOf is table for headings that hold blanks.
func tableOf(w io.Writer, headings []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(headings, "\t"))
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	return t.Flush()
}

// deletion gathers what became of each of several things that were to be deleted. One that is still there makes the
// command fail; the others are gone all the same.
type deletion struct {
	what     string // "topic"
	gone     []string
	failures []error
}

func (d *deletion) add(name string, err error) {
	if err != nil {
		d.failures = append(d.failures, fmt.Errorf("%s %q was not deleted: %w", d.what, name, err))
		return
	}
	d.gone = append(d.gone, name)
}

// write prints what is gone, and returns what is not.
func (d *deletion) write(w io.Writer, f format) error {
	if f == formatJSON {
		d.failures = append(d.failures, document(w, struct {
			Version int      `json:"version"`
			Deleted []string `json:"deleted"`
		}{1, append([]string{}, d.gone...)}))
	} else {
		for _, name := range d.gone {
			fmt.Fprintf(w, "deleted %s\n", name)
		}
	}
	return errors.Join(d.failures...)
}

// count says how many there are of something, in words that fit the number.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
