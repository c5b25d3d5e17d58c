// Package scenario reads the files of benchmarks/scenarios: what is measured side by side, and what is expected of it.
//
// A scenario is a file, S01-produce.yaml, with rows. A row is one line of a table: a driver with its settings, which is
// put on every system of the row's group. A group (groups.yaml) is served by one start of each system; systems take
// turns over groups, as often as the group says.
//
// Promise: what is read is complete and checked (names, known keys, durabilities, goals), so that a run of an hour does
// not end on a typing error; settings are checked by the drivers that read them. Nothing here runs anything; all values
// are plain and may be shared.
package scenario
