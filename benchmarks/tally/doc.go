// Package tally keeps what was measured side by side and makes sense of it: the raw results (a file of one JSON line a
// measurement, only ever appended to), medians, ratios with their ranges, tables, charts, BENCHMARKS.md, and the
// figures of docs/TUNING.md.
//
// It is read from below: raw.go is the file, figures.go the medians and ratios of a row, goal.go what is won and lost,
// metric.go how a figure is written, document.go, section.go and matrix.go the Markdown, chart.go, charts.go and
// synced.go the pictures, write.go brings the repository in line with all that. Of TUNING.md, tuning.go has the parts,
// tuning_advice.go what to set, tuning_chart.go the pictures.
//
// Promise: every figure shown follows from the raw results alone, and the same results give the same bytes. A ratio is
// the median of the ratios of alternations that ran next to each other, with the lowest and the highest. No row mixes
// commits, a failure is shown with its reason, and what Tailrace loses has a section of its own. Not safe for
// concurrent use.
package tally
