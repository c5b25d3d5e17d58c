// Package plan is what a load run is asked to do: every setting declared once, its units as people write them.
//
// It owns the table of settings, from which flags, scenario files (YAML), the JSON of a report, the reference in the
// docs and the fingerprint come; the parsing of rates, sizes, durations and distributions; and the checks that refuse
// a plan that cannot mean anything.
//
// What it promises:
//
//   - Text in, text out: Get(Set(x)) names the same thing as x, in the shortest form a person would write.
//   - A flag overrides a scenario file, a scenario file overrides the default.
//   - Two plans with the same Fingerprint put the same load on a broker: only such runs are compared without being told
//     to. What does not change the load (addresses, directories, how long topics are kept) is not part of it.
//
// A Plan belongs to one goroutine until the run begins and is only read from then on.
package plan
