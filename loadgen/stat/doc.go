// Package stat says whether two sets of load runs differ, and by how much: pure arithmetic, no files, no clock.
//
// It owns histograms in the form that comparisons need, the rows of a comparison (each percentile of a clock,
// throughput, CPU per record), their intervals, and the thresholds that a build may fail on.
//
// How it compares. All rows are ratios B/A, worked with as logarithms:
//
//   - With repeats, a run is one observation: its percentile comes from its merged histograms. What a side shows is the
//     typical run, the geometric mean of its runs: merging the runs too would make a tail percentile that of the worst
//     run alone. The records of a run are no observations; they share whatever the run met with.
//   - With one run a side, blocks of seconds are resampled. An interval then covers what changed within the two runs,
//     and not that two runs of the same thing differ: the comparison says so.
//   - Made in pairs (A B B A …), the ratio of each pair is one observation, so that slow drift of a machine cancels.
//
// What it promises:
//
//   - The intervals hold together: in at least 95 % of the comparisons of like with like no row of the table is called
//     different (family-wise error of 5 %). A test holds this on synthetic runs with drift and autocorrelation.
//   - With five repeats or more a side, the width is that of a studentized bootstrap over runs (the largest row
//     decides); with fewer there is too little to resample and it is Student's t with Bonferroni's correction. A plain
//     percentile bootstrap lost: with five to ten runs it calls too much different.
//   - A percentile that too few records reach (n < 10/(1−q)) has no interval, and the largest value never has one.
//   - Equal input, equal output: the resampling is seeded.
//
// Nothing here is shared; a Comparison may be read by any number of goroutines.
package stat
