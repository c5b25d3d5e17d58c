package contrast

import (
	"encoding/json"
	"io"
	"math"

	"tailrace/loadgen/stat"
)

// Version is that of the JSON document. A key that is there keeps its meaning within a version.
const Version = 1

// Document is a comparison for programs.
type Document struct {
	Version     int           `json:"version"`
	Sentence    string        `json:"sentence"`
	Clock       string        `json:"clock"`
	Sides       []DocSide     `json:"sides"` // the first is the baseline
	Differences []Difference  `json:"different_settings,omitempty"`
	Comparisons []DocCompared `json:"comparisons"`
	Notes       []string      `json:"notes,omitempty"`
	Failed      []string      `json:"failed_thresholds,omitempty"`
}

// DocSide is a side.
type DocSide struct {
	Name   string   `json:"name"`
	Dir    string   `json:"dir"`
	Runs   []string `json:"runs"` // their ids
	Broker string   `json:"broker,omitempty"`
}

// DocCompared is a side against the baseline.
type DocCompared struct {
	A        string   `json:"a"`
	B        string   `json:"b"`
	Method   string   `json:"method"`
	Error    float64  `json:"family_wise_error"`
	Sentence string   `json:"sentence"`
	Rows     []DocRow `json:"rows"`
}

// DocRow is a row: latencies and CPU in nanoseconds, throughput in records a second. What is not known is null.
type DocRow struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	A       *float64 `json:"a"`
	B       *float64 `json:"b"`
	Ratio   *float64 `json:"ratio"`
	Low     *float64 `json:"ratio_low"`
	High    *float64 `json:"ratio_high"`
	Verdict string   `json:"verdict"` // ~, worse, better; empty: not judged, and the note says why
	Note    string   `json:"note,omitempty"`
}

// Document is the comparison as a document.
func (c *Contrast) Document() Document {
	d := Document{Version: Version, Sentence: c.Sentence(), Clock: c.Clock.Tag(), Differences: c.Differences,
		Notes: c.notes(), Failed: c.Broken}
	for _, s := range c.Sides {
		side := DocSide{Name: s.Name, Dir: s.Dir, Broker: brokerOf(s.Runs[0])}
		for _, r := range s.Runs {
			side.Runs = append(side.Runs, r.ID)
		}
		d.Sides = append(d.Sides, side)
	}
	for _, cmp := range c.Comparisons {
		out := DocCompared{A: cmp.A, B: cmp.B, Method: string(cmp.Method), Error: stat.Error, Sentence: cmp.Sentence()}
		for _, r := range cmp.Rows {
			out.Rows = append(out.Rows, DocRow{Name: r.Name, Kind: string(r.Kind), A: known(r.A), B: known(r.B),
				Ratio: known(r.Ratio), Low: known(r.Low), High: known(r.High), Verdict: string(r.Verdict), Note: r.Note})
		}
		d.Comparisons = append(d.Comparisons, out)
	}
	return d
}

func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// JSON writes the document.
func (c *Contrast) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(c.Document())
}
