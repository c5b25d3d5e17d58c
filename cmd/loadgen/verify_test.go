package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tailrace/loadgen/proof"
)

func readVerifyDocument(t *testing.T, dir string) (doc verifyDocument) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, verifyFile))
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestVerify: a broker that is killed keeps what each level promises, and nothing is left of it.
func TestVerify(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := t.TempDir()
	code, out, errs := loadgenIn(t, t.Context(), dir, "verify", "--rounds", "1", "--seed", "11", "--out", "v")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	doc := readVerifyDocument(t, filepath.Join(dir, "v"))
	if len(doc.Levels) != 4 || doc.Seed != 11 || !strings.Contains(errs, "--seed 11") {
		t.Errorf("%+v\n%s", doc, errs)
	}
	for _, l := range doc.Levels {
		if l.Acked == 0 || l.Read == 0 || l.Sent != l.Acked+l.Unacked || l.Broken {
			t.Errorf("%+v", l)
		}
		if l.Level != "acks=0" && l.Unacked == 0 {
			t.Errorf("%s: every record was acknowledged: nothing was on its way when the broker was killed", l.Level)
		}
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("%v is left of the broker", left)
	}
	if code, _, errs := loadgenIn(t, t.Context(), dir, "verify", "--out", "v"); code != exitUsage ||
		!strings.Contains(errs, "another --out") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, _, errs := loadgenIn(t, t.Context(), dir, "verify", "--levels", "2"); code != exitUsage ||
		!strings.Contains(errs, "is no level") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestVerifyInterrupted: Ctrl-C leaves what was found until then, marked as partial, and no broker.
func TestVerifyInterrupted(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	v := &verifying{rounds: 2, partitions: 1, size: 100, seed: 1, out: filepath.Join(t.TempDir(), "v"),
		between: func(string) error { cancel(); return nil }}
	v.levels, _ = proof.ParseLevels("1")
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetErr(io.Discard)
	err := v.run(cmd)
	var coded *codeError
	if doc := readVerifyDocument(t, v.out); !errors.As(err, &coded) || coded.code != exitInterrupted || !doc.Partial ||
		len(doc.Levels) != 1 || len(doc.Levels[0].EachRound) != 0 {
		t.Errorf("%v, %+v", err, doc)
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("%v is left of the broker", left)
	}
}

// TestPlantedLoss: the tail of a segment is cut off while the broker is down. Each level that forbids it says so, and
// the data is kept as evidence.
func TestPlantedLoss(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, level := range []string{"0", "1", "all"} {
		levels, err := proof.ParseLevels(level)
		if err != nil {
			t.Fatal(err)
		}
		v := &verifying{levels: levels, rounds: 1, partitions: 2, size: 200, seed: 3, out: filepath.Join(t.TempDir(), "v"),
			between: cutTail}
		var out, errs bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetContext(t.Context())
		cmd.SetOut(&out)
		cmd.SetErr(&errs)
		err = v.run(cmd)
		var coded *codeError
		if forbidden := level != "0"; forbidden != (errors.As(err, &coded) && coded.code == exitThreshold) ||
			!forbidden && err != nil {
			t.Fatalf("level %s: %v\n%s%s", level, err, out.String(), errs.String())
		}
		doc := readVerifyDocument(t, v.out)
		if doc.Levels[0].Lost == 0 || doc.Levels[0].Broken != (level != "0") {
			t.Errorf("level %s: the loss was not found: %+v", level, doc.Levels[0])
		}
		if level == "0" {
			continue
		}
		if len(doc.Kept) != 1 || !strings.Contains(out.String(), "are lost") || !strings.Contains(out.String(), doc.Kept[0]) {
			t.Errorf("%v\n%s", doc.Kept, out.String())
		} else if info, err := os.Stat(doc.Kept[0]); err != nil || !info.IsDir() {
			t.Errorf("the data was not kept: %v", err)
		}
	}
}

// cutTail takes the last fifth off a log of the topic: of what it holds, not of what is reserved behind it.
func cutTail(dir string) error {
	var logs []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".log") && strings.Contains(path, "verify-") {
			logs = append(logs, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range logs {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if end := len(bytes.TrimRight(b, "\x00")); end > 10_000 {
			return os.Truncate(path, int64(end*4/5))
		}
	}
	return fmt.Errorf("no log of the topic is below %s: %v", dir, logs)
}
