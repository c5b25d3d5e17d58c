package tailrace_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocsNameWhatExists checks every `file: function` of the docs, and every relative link.
func TestDocsNameWhatExists(t *testing.T) {
	named := regexp.MustCompile("`([a-z0-9_/]+\\.go):\\s+([A-Za-z]+)`")
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, page := range append(pages, "README.md", "BENCHMARKS.md") {
		text := read(t, page)
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			names++
			code, err := os.ReadFile(m[1])
			if err != nil {
				t.Errorf("%s names %s, which does not exist", page, m[1])
				continue
			}
			if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + m[2] + `[\[(]`).Match(code) {
				t.Errorf("%s names %s of %s, which has no such function", page, m[2], m[1])
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := filepath.Join(filepath.Dir(page), m[1])
			if _, err := os.Stat(target); err != nil && !strings.HasPrefix(m[1], "http") {
				t.Errorf("%s links to %s, which does not exist", page, m[1])
			}
		}
	}
	if names < 30 {
		t.Errorf("only %d functions are named: has the form of the names changed?", names)
	}
}
