package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailrace/loadgen/contrast"
	"tailrace/loadgen/result"
)

// TestLikeAgainstLike runs A against A on brokers of the lab's own. What it finds is reported; only the form of the
// answer is asserted, because a loaded machine may do to one side what it likes.
func TestLikeAgainstLike(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "same.yaml"), []byte("rate: 300\nduration: 1s\nwarmup: 100ms\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := loadgenIn(t, t.Context(), dir, "ab", "same.yaml", "--pairs", "2", "--out", "ab", "-o", "json")
	if code != exitDone && code != exitGenerator { // a loaded machine may miss a schedule
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	var doc contrast.Document
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(doc.Sentence)
	if len(doc.Comparisons) != 1 || doc.Comparisons[0].Method != "pairs" || len(doc.Sides[0].Runs) != 2 ||
		len(doc.Sides[1].Runs) != 2 || doc.Sides[0].Name != "a" || doc.Sides[1].Name != "b" {
		t.Errorf("%+v", doc)
	}
	var order []string
	for line := range strings.Lines(errs) {
		if strings.HasPrefix(line, "pair ") {
			order = append(order, strings.TrimSpace(line[len(line)-2:]))
		}
	}
	if got := strings.Join(order, ""); got != "abba" {
		t.Errorf("the runs came in the order %s, want abba", got)
	}
	for _, side := range []string{"a", "b"} {
		if runs, err := result.Runs(filepath.Join(dir, "ab", side)); err != nil || len(runs) != 2 ||
			runs[0].Totals.Acked != 300 {
			t.Errorf("%s: %v", side, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "ab", "compare.html")); err != nil || info.Size() == 0 {
		t.Error(err)
	}
	// What was made in pairs can be compared again as pairs.
	if code, out, errs := loadgenIn(t, t.Context(), dir, "compare", "ab/a", "ab/b", "--paired"); code != exitDone {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
}

// TestABRefusesUnlikeScenarios before it runs anything.
func TestABRefusesUnlikeScenarios(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": "acks: all\n", "b.yaml": "acks: 1\nlinger: 1ms\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs := loadgenIn(t, t.Context(), dir, "ab", "a.yaml", "b.yaml", "--vary", "acks,idempotence")
	if code != exitUsage || !strings.Contains(errs, "linger (5ms and 1ms)") || strings.Contains(errs, "acks (") ||
		!strings.Contains(errs, "--vary") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("%v was left", left)
	}
}

// TestABStopped: what is whole of an interrupted ab is compared, and the reason is given back.
func TestABStopped(t *testing.T) {
	dir, why := t.TempDir(), &codeError{exitInterrupted, nil}
	x := &ab{out: dir, pairs: 9}
	x.tell.output = "text"
	m := made{median: 2 * time.Millisecond, seconds: 3}
	for i := range 7 { // a b b a a b, and the next b is there without its a
		m.seed++
		side := []int{0, 1, 1, 0, 0, 1, 1}[i]
		x.runs[side] = append(x.runs[side], m.in(t, filepath.Join(dir, letters[side], fmt.Sprintf("%03d", i))))
	}
	var out bytes.Buffer
	cmd := newAB()
	cmd.SetContext(t.Context())
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	if err := x.stopped(cmd, contrast.Options{Paired: true}, why); !errors.Is(err, why) {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "stopped after 3 of 9 pairs") || !strings.Contains(out.String(), "a (3 runs)") {
		t.Errorf("%s", &out)
	}
	x.runs[0] = x.runs[0][:1]
	out.Reset()
	if err := x.stopped(cmd, contrast.Options{Paired: true}, why); !errors.Is(err, why) || out.Len() != 0 {
		t.Errorf("%v, %s", err, &out)
	}
}
