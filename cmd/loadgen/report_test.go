package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// TestReportAnew: the page is drawn from the files beside it, of one run or of each of several.
func TestReportAnew(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "many/001", "many/002"} {
		r := &result.Run{ID: "id of " + name, Verdict: result.Verdict{Sentence: "The verdict on " + name + "."}}
		r.SetPlan(plan.Default())
		if err := result.Prepare(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := r.Write(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	// A page that is there already is written over.
	if err := os.WriteFile(filepath.Join(dir, "one", "report.html"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := loadgenIn(t, t.Context(), dir, "report", "one", "many")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, name := range []string{"one", "many/001", "many/002"} {
		page, err := os.ReadFile(filepath.Join(dir, name, "report.html"))
		if err != nil || !bytes.Contains(page, []byte("<h1>The verdict on "+name+".</h1>")) {
			t.Errorf("%s: %v, %.300s", name, err, page)
		}
		if !strings.Contains(out, filepath.Join(name, "report.html")) {
			t.Errorf("%s is not in %q", name, out)
		}
	}
	if code, _, errs := loadgenIn(t, t.Context(), dir, "report", "none"); code != exitFailed || !strings.Contains(errs,
		"holds no run") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, _, _ := loadgenIn(t, t.Context(), dir, "report"); code != exitUsage {
		t.Errorf("exit code %d without a directory", code)
	}
}
