// Package tally keeps what was measured side by side and makes sense of it: the raw results (a file of one JSON line a
// measurement, only ever appended to), medians, ratios with their ranges, tables, charts, BENCHMARKS.md.
//
// Promise: every figure shown follows from the raw results alone. A ratio is the median of the ratios of alternations
// that ran next to each other, with the lowest and the highest. Not safe for concurrent use.
package tally
