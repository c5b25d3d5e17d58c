package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tailrace/wire"
)

func newLogTruncate() *cobra.Command {
	var (
		out format
		at  int64
		yes bool
	)
	cmd := &cobra.Command{
		Use:   "truncate FILE",
		Short: "Cut the end off a damaged .log file",
		Long: "Cut a .log file at the beginning of a batch, so that a damaged partition can be opened again. Without\n" +
			"--yes it is only said what would go. What is cut off is kept beside the file, as FILE.cut-<position>.\n" +
			"The broker must be stopped. Find the position with `tailrace log verify`.",
		Example: "  tailrace log truncate tailrace-data/log/orders-0/00000000000000000000.log --at 81920",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("at") {
				return usage("--at POSITION is needed: `tailrace log verify` tells where damage begins")
			}
			if yes {
				lock, err := lockLogDir(filepath.Dir(filepath.Dir(args[0])))
				if err != nil {
					return err
				}
				defer lock.Close()
			}
			c, err := planCut(args[0], at)
			if err != nil {
				return err
			}
			if yes {
				if err := c.apply(); err != nil {
					return err
				}
			}
			if out == formatJSON {
				return document(cmd.OutOrStdout(), c)
			}
			return c.write(cmd.OutOrStdout())
		},
	}
	out.addTo(cmd, oneDocument)
	cmd.Flags().Int64Var(&at, "at", 0, "`position` of the first byte to go; a batch must begin there")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

// cut is what a truncation takes away; as JSON its keys are stable.
type cut struct {
	Version  int      `json:"version"`
	File     string   `json:"file"`
	Position int64    `json:"position"`
	Bytes    int64    `json:"bytes"`    // that go, reserved ones aside
	Reserved int64    `json:"reserved"` // zeros at the end
	Batches  int64    `json:"batches"`
	Records  int64    `json:"records"`
	First    int64    `json:"first_offset"` // -1: no readable batch goes
	Last     int64    `json:"last_offset"`
	Damage   []damage `json:"damage"` // in what goes
	Left     []damage `json:"damage_left"`
	Later    int      `json:"later_segments"` // they stay, and a gap is before them
	KeptIn   string   `json:"kept_in"`
	Rebuilt  []string `json:"removed_to_be_rebuilt"`
	Done     bool     `json:"done"`

	end wire.Offset // of the log, once it is cut
}

// planCut finds out what a cut would take away.
func planCut(path string, at int64) (*cut, error) {
	base := baseOf(path)
	if k, inLog := kindOf(path); k != kindLog || !inLog || base == unknownBase || filepath.Ext(path) != ".log" {
		return nil, usage("%s is not the .log file of a segment: its name would be 20 digits and .log", path)
	}
	c := &cut{
		Version: 1, File: path, Position: at, First: -1, Last: -1,
		Damage: []damage{}, Left: []damage{}, Rebuilt: []string{}, end: base,
	}
	if err := c.scan(base); err != nil {
		return nil, err
	}
	if c.Bytes+c.Reserved > 0 {
		c.KeptIn = fmt.Sprintf("%s.cut-%d", path, at)
	}
	return c, c.companions(base)
}

// scan walks through the file and counts what lies behind the position.
func (c *cut) scan(base wire.Offset) error {
	f, size, err := openRead(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if c.Position < 0 || c.Position > size {
		return fmt.Errorf("%s has %d bytes: there is no position %d", c.File, size, c.Position)
	}
	s := &scan{file: f, size: size, base: base}
	before, boundary := int64(0), c.Position == size
	for {
		found, ok, err := s.step()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if found.Pos < c.Position {
			before = found.Pos
		}
		boundary = boundary || found.Pos == c.Position
		if !boundary && found.Pos > c.Position {
			break
		}
		c.count(found)
	}
	if !boundary {
		return fmt.Errorf("no batch of %s begins at position %d; the last one before it begins at %d: "+
			"`tailrace log dump` shows them all", c.File, c.Position, before)
	}
	c.Bytes = size - c.Position - c.Reserved
	return nil
}

// count adds one finding to what goes, or to what stays.
func (c *cut) count(f found) {
	if f.Pos < c.Position {
		if f.Reason != "" {
			c.Left = append(c.Left, damage{c.File, f.Pos, f.Reason})
		} else if f.View != nil {
			c.end = f.View.LastOffset() + 1
		}
		return
	}
	switch {
	case f.Reserved > 0:
		c.Reserved = f.Reserved
	case f.Reason != "":
		c.Damage = append(c.Damage, damage{c.File, f.Pos, f.Reason})
	default:
		if c.Batches == 0 {
			c.First = int64(f.View.BaseOffset())
		}
		c.Last = int64(f.View.LastOffset())
		c.Batches++
		c.Records += int64(f.View.Count())
	}
}

// companions lists the files that would point beyond the new end: the broker makes them anew.
func (c *cut) companions(base wire.Offset) error {
	entries, err := os.ReadDir(filepath.Dir(c.File))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(c.File), e.Name())
		k, inLog := kindOf(name)
		switch {
		case !inLog || e.IsDir() || baseOf(name) == unknownBase:
		case k == kindLog && baseOf(name) > base:
			c.Later++
		case (k == kindIndex || k == kindTimeIndex) && baseOf(name) == base:
			c.Rebuilt = append(c.Rebuilt, name)
		}
	}
	if c.Later > 0 {
		return nil // the log ends where it ended: snapshots stay true
	}
	for _, e := range entries {
		name := filepath.Join(filepath.Dir(c.File), e.Name())
		if k, inLog := kindOf(name); k == kindSnapshot && inLog && baseOf(name) > c.end {
			c.Rebuilt = append(c.Rebuilt, name)
		}
	}
	return nil
}

// write tells it to a person.
func (c *cut) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, cut at position %d\n", c.File, c.Position)
	offsets := "no batch that can be read"
	if c.Batches > 0 {
		one, many := "batch", "batches"
		if len(c.Damage) > 0 {
			one, many = "readable batch", "readable batches"
		}
		offsets = fmt.Sprintf("%s with %s, offsets %d to %d", count(c.Batches, one, many),
			count(c.Records, "record", "records"), c.First, c.Last)
	}
	verb := "would go"
	if c.Done {
		verb = "gone"
	}
	fmt.Fprintf(&b, "  %s: %s; %s\n", verb, offsets, count(c.Bytes, "byte", "bytes"))
	if c.Reserved > 0 {
		fmt.Fprintf(&b, "  and %d bytes that were only reserved\n", c.Reserved)
	}
	for _, d := range c.Damage {
		fmt.Fprintf(&b, "  in it: damage at position %d: %s\n", d.Position, d.Reason)
	}
	for _, d := range c.Left {
		fmt.Fprintf(&b, "  left: damage at position %d: %s\n", d.Position, d.Reason)
	}
	if c.Later > 0 {
		fmt.Fprintf(&b, "  stays: %s behind this one; the offsets between are missing\n",
			count(int64(c.Later), "segment", "segments"))
	}
	if c.KeptIn != "" {
		fmt.Fprintf(&b, "  kept in: %s\n", c.KeptIn)
	}
	for _, name := range c.Rebuilt {
		fmt.Fprintf(&b, "  removed, to be made anew by the broker: %s\n", name)
	}
	if !c.Done {
		b.WriteString("Nothing was changed. With --yes, and the broker stopped, it is done.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
