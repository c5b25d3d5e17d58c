// Package pages lets programs that nobody here wrote judge the load lab's files: Chromium opens report.html, and the
// HdrHistogram library of Java reads run.hlog and draws the .hgrm files from it.
//
// It owns no code that ships; all of it are tests behind the build tag realclients, the part pages of scripts/test.
// Environment:
//
//	TAILRACE_TEST_SHOTS=DIR   keeps what Chromium painted, for people to look at
//
// The tests run one after another.
package pages
