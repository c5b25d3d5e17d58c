package plan

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/LOADGEN.md")

// TestManualIsCurrent: the page has the table of settings as it is.
func TestManualIsCurrent(t *testing.T) {
	const path, begin, end = "../../docs/LOADGEN.md", "<!-- settings: written by go test ./loadgen/plan -update -->\n",
		"<!-- end of settings -->"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the settings", path)
	}
	want := before + begin + Manual() + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(content) != want {
		t.Errorf("%s is out of date: run go test ./loadgen/plan -update", path)
	}
}
