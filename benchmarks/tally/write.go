package tally

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tailrace/benchmarks/scenario"
)

// The part of BENCHMARKS.md that follows from the raw results stands between these lines; the rest is prose, and the
// engine's part.
const (
	begin = "<!-- side by side: written by ./scripts/bench --write -->"
	end   = "<!-- side by side: end -->"
)

// Where everything is, from the top of the repository.
const (
	documentFile = "BENCHMARKS.md"
	imageDir     = "docs/images"
	imageNames   = "bench-*.svg" // all of them are ours: one that no longer follows from the results is removed
)

// Write brings BENCHMARKS.md, docs/TUNING.md, the README and their charts in line with the raw results.
func Write(book *scenario.Book, raw *Raw, repoRoot string) error {
	t := Of(book, raw)
	charts := t.Charts()
	file := filepath.Join(repoRoot, documentFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, _, tail, err := cut(string(text))
	if err != nil {
		return err
	}
	if err := writeCharts(repoRoot, imageNames, charts); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(head+t.part(charts)+tail), 0o644); err != nil {
		return err
	}
	if err := t.writeTuning(repoRoot); err != nil {
		return err
	}
	return t.writeParts(repoRoot, readmeFile, readmeParts)
}

// writeCharts replaces all charts whose names are of a kind.
func writeCharts(repoRoot, names string, charts []Chart) error {
	stale, err := filepath.Glob(filepath.Join(repoRoot, imageDir, names))
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	for i := range charts {
		if err := os.WriteFile(filepath.Join(repoRoot, imageDir, charts[i].File), []byte(charts[i].SVG), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// part is what stands between the lines.
func (t *Tally) part(charts []Chart) string { return "\n" + t.Markdown(charts) }

// cut parts BENCHMARKS.md in what stands before, between and behind the lines, which stay with their neighbours.
func cut(text string) (head, part, tail string, err error) {
	head, rest, found := strings.Cut(text, begin+"\n")
	part, tail, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", "", "", fmt.Errorf("%s has no lines %q and %q to write between", documentFile, begin, end)
	}
	return head + begin + "\n", part, end + tail, nil
}
