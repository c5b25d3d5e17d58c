package tally

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"tailrace/benchmarks/scenario"
)

// Place is where and of what measurements were made. A file of raw results may hold several: one a sitting.
type Place struct {
	Machine string    `json:"machine"`
	BootID  string    `json:"boot_id"`
	Commit  string    `json:"commit"`
	Command string    `json:"command"`
	At      time.Time `json:"at"`
	Kafka   string    `json:"kafka"`          // its release
	Java    string    `json:"java,omitempty"` // that it runs on
	Disk    string    `json:"disk,omitempty"` // file system, and what a synced write costs
	Pinned  string    `json:"pinned"`         // which cores serve, which load
}

// Measurement is one row on one system, once.
type Measurement struct {
	Row         string              `json:"row"`
	System      scenario.System     `json:"system"`
	Alternation int                 `json:"alternation"`
	Durability  scenario.Durability `json:"durability,omitempty"`
	At          time.Time           `json:"at"`
	Values      map[string]float64  `json:"values"` // by metric: names end in their unit
	Note        string              `json:"note,omitempty"`
	Failed      string              `json:"failed,omitempty"` // it could not be measured, and why

	Place int `json:"-"` // index into Raw.Places

	boot string // of its place, once it is sorted
}

// Raw is a file of raw results.
type Raw struct {
	Places       []Place
	Measurements []Measurement

	file *os.File
}

// line is one line of the file: a place, which what follows was measured at, or a measurement.
type line struct {
	Place       *Place       `json:"place,omitempty"`
	Measurement *Measurement `json:"measurement,omitempty"`
}

// Read takes a file of raw results. One that does not exist is empty.
func Read(path string) (*Raw, error) {
	r := &Raw{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		var l line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		switch {
		case l.Place != nil:
			r.Places = append(r.Places, *l.Place)
		case l.Measurement != nil && len(r.Places) > 0:
			l.Measurement.Place = len(r.Places) - 1
			r.Measurements = append(r.Measurements, *l.Measurement)
		default:
			return nil, fmt.Errorf("%s:%d: neither a place nor a measurement behind one", path, n)
		}
	}
	return r, s.Err()
}

// Open reads a file of raw results and appends to it from now on, at a place.
func Open(path string, place Place) (*Raw, error) {
	r, err := Read(path)
	if err != nil {
		return nil, err
	}
	if r.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, err
	}
	r.Places = append(r.Places, place)
	return r, r.append(line{Place: &place})
}

// Add keeps a measurement, in the file first.
func (r *Raw) Add(m Measurement) error {
	m.Place = len(r.Places) - 1
	r.Measurements = append(r.Measurements, m)
	return r.append(line{Measurement: &m})
}

func (r *Raw) append(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = r.file.Write(append(text, '\n'))
	return err
}

// Close closes the file.
func (r *Raw) Close() error { return r.file.Close() }

// Has reports whether a row was measured on a system in an alternation, at a commit, and in which boot of the machine
// it was last.
func (r *Raw) Has(commit, row string, system scenario.System, alternation int) (boot string, has bool) {
	for i := range r.Measurements {
		m := &r.Measurements[i]
		if m.Row == row && m.System == system && m.Alternation == alternation && m.Failed == "" &&
			r.Places[m.Place].Commit == commit {
			boot, has = r.Places[m.Place].BootID, true
		}
	}
	return boot, has
}
