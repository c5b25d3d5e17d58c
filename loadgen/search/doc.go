// Package search finds rates and settings by measuring: the knee of a broker, and the best settings for a goal.
//
// It decides what to measure next and what to conclude; measuring is a function that the caller gives. So it knows no
// broker and no clock, and is tested against brokers that are formulas.
//
// What it promises:
//
//   - A rate is called good only if a measurement at that very rate met the goal, and met it again when it was
//     repeated.
//   - Measurements in which the lab itself was the bottleneck conclude nothing: they end the search upwards, and the
//     result says so.
//   - What was measured once is not measured again when a search is resumed with the points it has.
//
// A search belongs to one goroutine.
package search
