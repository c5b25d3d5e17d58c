// Package result is a run on disk: what it was asked, where it ran, what came out.
//
// It owns the files of a report directory and their formats:
//
//	run.json        everything but the latencies; its schema has a version, and keys are only ever added to one
//	run.hlog        every latency: HdrHistogram's log 1.3, an interval a second and a clock (tags response, service, e2e)
//	*.hgrm          the percentile curve of each clock, milliseconds, as HdrHistogram's plotters read it
//	run.csv         a line a second, for spreadsheets
//	omb.json        the shape of the OpenMessaging Benchmark, for scripts that draw it
//	report.html     all of it for people; room page draws it
//
// What it promises:
//
//   - Read(Write(run)) is the run: the latencies are lossless but for the histogram's 3 digits.
//   - A directory that holds a run is never written to again.
//   - A run that was cut short says so (Partial), and is whole otherwise.
//
// A Run is built by one goroutine and read by any number.
package result
