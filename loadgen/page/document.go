package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the design
	"encoding/base64"
	"html/template"
	"io"
)

// Document is a page: a verdict, what explains it, and the evidence.
type Document struct {
	Title    string // of the window
	Kind     string // what the page is: Load run, Comparison
	About    string // what was measured, in a line
	Verdict  string // one sentence
	Limit    Limit
	Tiles    []Tile
	Notes    []string
	Sections []Section
	Foot     string
}

// Limit says what limited the run, or how the comparison ended; its tone is ok, warn or bad.
type Limit struct {
	Tone, Head, Text string
}

// Tile is a key figure.
type Tile struct {
	Name, Value, Text string
}

// Section is a part of the page under a heading.
type Section struct {
	Title   string
	Lead    string // what there is to see, in a sentence or two
	Figures []Figure
	Tables  []Table
	Terms   []Term
}

// Figure is a chart. At and Text give the script its read-outs: what is written while the mouse is over that place.
// Figures of a group move together: they have the same places.
type Figure struct {
	Caption string
	SVG     template.HTML
	Group   string
	At      []float64
	Text    []string
}

// Term is a name and what it means or holds.
type Term struct {
	Name, Text string
}

// Table is a table. Cells in columns behind the first are numbers unless Words is set.
type Table struct {
	Caption string
	Head    []string
	Rows    []Row
	Words   bool
	Note    string
}

// Row is a row of a table.
type Row struct {
	Cells  []TableCell
	Strong bool
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed chart.css
	chartCSS string
	//go:embed cursor.js
	cursorJS string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// hash is a text as a content security policy names it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write writes the page.
func (p *Document) Write(w io.Writer) error {
	css := chartCSS + pageCSS
	// Whatever finds its way into the page by a fault of ours can neither run nor fetch.
	policy := "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src " + hash(css) +
		"; script-src " + hash(cursorJS)
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, map[string]any{
		"Page": p, "Policy": policy,
		"CSS": template.CSS(css), "Script": template.JS(cursorJS), //nolint:gosec // our own files
	})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// TableCell is a cell; its tone is "", good, bad or dim.
type TableCell struct {
	Text, Tone string
}

// Texts makes a row of plain cells.
func Texts(texts ...string) Row {
	r := Row{Cells: make([]TableCell, len(texts))}
	for i, s := range texts {
		r.Cells[i].Text = s
	}
	return r
}
