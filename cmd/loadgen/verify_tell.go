package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"tailrace/loadgen/proof"
	"tailrace/vfs"
)

// verifyFile holds what verify found.
const verifyFile = "verify.json"

const verifyVersion = 1

// verifyDocument is verifyFile; its keys are stable.
type verifyDocument struct {
	Version    int            `json:"version"`
	Seed       uint64         `json:"seed"`
	Broker     string         `json:"broker"`
	Rounds     int            `json:"rounds"`
	Partitions int            `json:"partitions"`
	RecordSize int            `json:"record_size"`
	Partial    bool           `json:"partial,omitempty"` // it was interrupted
	Levels     []*verifyLevel `json:"levels"`
	Kept       []string       `json:"kept_data,omitempty"` // of brokers that broke a promise
}

// verifyLevel is what a level came to, over all rounds.
type verifyLevel struct {
	Level    string   `json:"level"`
	Broken   bool     `json:"broken"`
	Breaches []string `json:"breaches,omitempty"`
	proof.Finding
	EachRound []*proof.Finding `json:"rounds"`
}

func (d *verifyDocument) prepare(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, verifyFile)); err == nil {
		return usage("%s holds a verification already: give another --out", dir)
	}
	return os.MkdirAll(dir, 0o755)
}

func (d *verifyDocument) level(l proof.Level) *verifyLevel {
	v := &verifyLevel{Level: l.String()}
	d.Levels = append(d.Levels, v)
	return v
}

func (v *verifyLevel) add(l proof.Level, f *proof.Finding) {
	v.Finding.Add(f)
	v.EachRound = append(v.EachRound, f)
	v.Breaches = v.Finding.Breaches(l)
	v.Broken = len(v.Breaches) > 0
}

func (d *verifyDocument) write(dir string) error {
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	return vfs.WriteFileAtomic(vfs.OS, filepath.Join(dir, verifyFile), append(b, '\n'))
}

// tell prints the table; a broken promise is exit code 3.
func (d *verifyDocument) tell(out io.Writer, dir string) error {
	fmt.Fprintf(out, "%d kills of each level, %d partitions, seed %d\n\n", d.Rounds, d.Partitions, d.Seed)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "level\tacknowledged\tlost\tnot acknowledged\tof those kept\tcopies\tout of order\tverdict")
	for _, l := range d.Levels {
		verdict := "as promised"
		if l.Broken {
			verdict = "BROKEN: " + strings.Join(l.Breaches, "; ")
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", l.Level, l.Acked, l.Lost, l.Unacked, l.Kept, l.Duplicates,
			l.Disorder, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nwith acks=0, acknowledged means written to the connection\n%s in %s\n", verifyFile, dir)
	if !slices.ContainsFunc(d.Levels, func(l *verifyLevel) bool { return l.Broken }) {
		return nil
	}
	for _, l := range d.Levels {
		for _, e := range l.Examples[:min(len(l.Examples), 3)] {
			fmt.Fprintf(out, "  %s: %s\n", l.Level, e)
		}
	}
	for _, k := range d.Kept {
		fmt.Fprintf(out, "  the broker's data is kept in %s\n", k)
	}
	return &codeError{exitThreshold, nil}
}
