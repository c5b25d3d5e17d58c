package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/loadgen/result"
)

// TestLimits loads the bare loop and a broker in raw mode, and holds one against the other.
func TestLimits(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := t.TempDir()
	code, out, errs := loadgenIn(t, t.Context(), dir, "limits", "--batch-sizes", "0,16KiB", "--duration", "1s", "--warmup",
		"0", "--rounds", "1", "--bare-client", "--out", "l")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	var doc limitsDocument
	b, err := os.ReadFile(filepath.Join(dir, "l", limitsFile))
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if err != nil || len(doc.Rows) != 2 || doc.RecordSize != "1KiB" || doc.Acks != "1" {
		t.Fatalf("%v: %s", err, b)
	}
	for _, row := range doc.Rows {
		for _, m := range []limit{row.Loop, *row.Broker} {
			r, err := result.Read(filepath.Join(dir, "l", m.Run))
			if err != nil {
				t.Fatal(err)
			}
			if b := row.Bare; b == nil || b.Records <= 0 || b.MBps <= 0 || b.CPUPerGB <= 0 || b.Run != "" {
				t.Errorf("%s: the bare client's %+v", m.Run, b)
			}
			// A batch of 16 KiB holds 15 records of 1 KiB.
			want := map[int64]float64{0: 1, 16 << 10: 15}[row.BatchSize]
			if m.Records <= 0 || m.MBps <= 0 || m.CPUPerGB <= 0 || r.Totals.RecordsPerB != want || r.Totals.Failed != 0 {
				t.Errorf("%s: %+v, %v records a batch", m.Run, m, r.Totals.RecordsPerB)
			}
			if bare := r.Broker.Software == "bare loop"; bare != strings.HasPrefix(m.Run, "loop-") {
				t.Errorf("%s was a %s", m.Run, r.Broker.Software)
			}
		}
	}
	for _, want := range []string{"one record", "16KiB", "CPU-s/GB", "acks=1", "raw mode's share of that"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	// The ceiling of synced acks, without a broker.
	code, out, errs = loadgenIn(t, t.Context(), dir, "limits", "--batch-sizes", "0", "--duration", "1s", "--warmup", "0",
		"--rounds", "1", "--sync", "--no-broker", "--server-core", "0", "--out", "s")
	if code != exitDone || !strings.Contains(out, "synced before the answer") ||
		strings.Contains(out, "broker records/s") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	for args, want := range map[string]string{
		"limits --batch-sizes big": "is no size", "limits --rounds 0": "--rounds", "limits --acks 1": "unknown flag",
		"limits --out l": "holds measurements already",
	} {
		if code, _, errs := loadgenIn(t, t.Context(), dir, strings.Fields(args)...); code != exitUsage ||
			!strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
}
