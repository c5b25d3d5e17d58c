package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
	"tailrace/loadgen/search"
	"tailrace/vfs"
)

// tuneFile holds a sweep, finished or not.
const tuneFile = "tune.json"

// tuneVersion is that of tuneFile. A reader refuses one it does not know.
const tuneVersion = 1

// tuneDocument is tuneFile; its keys are stable.
type tuneDocument struct {
	Version  int               `json:"version"`
	Goal     string            `json:"goal"`
	Rate     float64           `json:"target_rate"` // records a second
	Budget   float64           `json:"budget_seconds"`
	Repeats  int               `json:"repeats"`
	CPUOf    string            `json:"cpu_of,omitempty"` // whose CPU a record costs
	Settings map[string]string `json:"settings"`         // of the plan, besides those of the cells
	Axes     []search.Axis     `json:"axes"`
	Broker   result.Broker     `json:"broker"`
	Swept    *search.Swept     `json:"result,omitempty"`
	Advice   *search.Advice    `json:"advice,omitempty"`
	Samples  []search.Sample   `json:"samples"` // in the order in which they were measured
}

func (t *tuning) save() error {
	t.doc.Settings = map[string]string{}
	for i := range plan.Settings {
		t.doc.Settings[plan.Settings[i].Name] = plan.Settings[i].Get(t.base)
	}
	if t.own {
		t.doc.Settings["bootstrap-server"] = "" // that broker goes with this process
	}
	b, err := json.MarshalIndent(&t.doc, "", " ")
	if err != nil {
		return err
	}
	return vfs.WriteFileAtomic(vfs.OS, filepath.Join(t.base.Out, tuneFile), append(b, '\n'))
}

// readTune reads the sweep of a directory.
func readTune(dir string) (*tuning, error) {
	b, err := os.ReadFile(filepath.Join(dir, tuneFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no sweep (no %s)", dir, tuneFile)
	} else if err != nil {
		return nil, err
	}
	t := &tuning{base: plan.Default(), goesOn: true}
	if err := json.Unmarshal(b, &t.doc); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, tuneFile), err)
	}
	if t.doc.Version != tuneVersion {
		return nil, fmt.Errorf("%s is of version %d; this loadgen knows %d", tuneFile, t.doc.Version, tuneVersion)
	}
	for name, text := range t.doc.Settings {
		if s := plan.Find(name); s == nil || text == "" || text == s.Default {
			continue
		}
		if err := t.base.Set(name, text); err != nil {
			return nil, err
		}
	}
	t.base.Out = dir
	for _, m := range t.doc.Samples {
		t.written += m.Bytes
		t.runs += len(m.Runs)
	}
	t.aim, err = search.ParseAim(t.doc.Goal)
	return t, err
}

// run sweeps and tells.
func (t *tuning) run(cmd *cobra.Command, own []string, yes bool) error {
	if !t.goesOn {
		if _, err := os.Lstat(filepath.Join(t.base.Out, tuneFile)); err == nil {
			return usage("%s holds a sweep already: give another --out, or --resume %s", t.base.Out, t.base.Out)
		}
	}
	if err := beforeOthers(cmd, t.base, yes); err != nil {
		return err
	}
	if err := os.MkdirAll(t.base.Out, 0o755); err != nil {
		return err
	}
	t.own = t.base.BootstrapServer == ""
	stop, err := oneBroker(cmd, t.base, own)
	if err != nil {
		return err
	}
	defer stop()
	t.ctx = cmd.Context()
	if err := t.firstRate(cmd); err != nil {
		return err
	}
	s := &search.Sweep{
		Axes: t.doc.Axes, Durability: durability, Budget: t.doc.Budget, Seed: t.base.Seed, Repeats: t.doc.Repeats,
		Samples: t.doc.Samples, Measure: t.measure, Tell: func(s search.Step) { tellStep(cmd, s) },
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d combinations at %s records/s; at most %s\n", len(search.Cells(t.doc.Axes)),
		plan.FormatCount(t.doc.Rate), time.Duration(t.doc.Budget*1e9).Round(time.Second))
	out, swept := s.Run()
	t.doc.Swept, t.doc.Advice = out, search.Advise(t.aim, out.Front, out.Cells)
	if err := errors.Join(t.save(), t.writeClients(), t.writePage()); err != nil {
		return err
	}
	if err := t.tell(cmd.OutOrStdout()); err != nil {
		return err
	}
	switch {
	case swept != nil:
		return swept
	case !t.doc.Advice.Met:
		return &codeError{exitThreshold, nil}
	case t.doc.Advice.Best.Generator:
		return &codeError{exitGenerator, nil}
	}
	return nil
}

// durability ranks what an acknowledgement promises.
func durability(c search.Cell) int {
	for _, kv := range c.Settings() {
		if kv[0] == "acks" {
			return map[string]int{"0": 0, "1": 1}[kv[1]] + 2*map[string]int{"all": 1}[kv[1]]
		}
	}
	return 0
}

func tellStep(cmd *cobra.Command, s search.Step) {
	last := ""
	if s.Last != nil {
		last = fmt.Sprintf("; the last: %.3g ms, %.4g MB/s", s.Last.Latency, s.Last.MBps)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%3d done, about %s left; %s, %d to go: %s%s\n", s.Done,
		time.Duration(s.Seconds*1e9).Round(time.Second), s.Stage, s.Left, s.Cell, last)
}
