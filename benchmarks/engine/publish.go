package main

import (
	"fmt"
	"os"
	"strings"
)

// The part of BENCHMARKS.md that a run writes stands between these lines; the rest is prose.
const (
	begin = "<!-- engine: written by ./scripts/bench engine --write BENCHMARKS.md -->"
	end   = "<!-- engine: end -->"
)

// writeInto replaces the part between the two lines of the file.
func (r *Report) writeInto(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(text), begin+"\n")
	_, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("%s has no lines %q and %q to write between", file, begin, end)
	}
	return os.WriteFile(file, []byte(head+begin+"\n"+r.markdown()+end+tail), 0o644)
}

func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s. Commit %s, %s. Command: `%s`.\n", r.Machine, r.Commit, r.Date, r.Command)
	if r.As != "tailrace" {
		fmt.Fprintf(&b, "**What was measured here is %s, not Tailrace.**\n", r.As)
	}
	fmt.Fprintf(&b, "Medians of %d alternations of %s, lowest and highest in brackets.\n\n", r.Alternations, r.Window)
	fmt.Fprint(&b, "| row | what | figure | bar | | made of |\n|---|---|---|---|---|---|\n")
	for _, one := range r.Results {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", one.Row, one.Title, one.figure(), one.bar(), one.verdict(),
			strings.Join(one.Notes, "; "))
	}
	b.WriteString("\n")
	return b.String()
}
