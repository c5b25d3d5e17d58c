// Package tailrace_test holds the rules of the house as tests: which room may import which, how long a file and a
// function may grow, that each room says what it is. They need no tool but Go, and work offline.
package tailrace_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// floors says on which floor each room stands. A room imports rooms of lower floors only, its own sub-rooms and parent
// aside. A new room needs a row here, so that its place in the house is a decision and not an accident.
var floors = map[string]int{
	"vfs": 0, "vfs/faultfs": 0, "wire": 0, "wire/errcode": 0, "wire/shape": 0, "wire/randmsg": 0,
	"netio": 1, "batch": 1, "batch/codec": 1, "index": 1, "broker/config": 1, "broker/effect": 1,
	"segment": 2, "segment/clean": 2,
	"broker/logdir": 3, "broker/group": 3, "broker/txn": 3, "broker/metadata": 3, "broker/auth": 3,
	"broker/partition":   4,
	"broker/coordinator": 5, "broker/quorum": 5, "broker/replica": 5,
	"broker": 6, "broker/adoption": 6,
	"broker/ops": 7,
	"loadgen":    7, "loadgen/plan": 7, "loadgen/payload": 7, "loadgen/meter": 7, "loadgen/machine": 7, "loadgen/link": 7,
	"loadgen/drive": 7, "loadgen/result": 7, "loadgen/search": 7, "loadgen/page": 7, "loadgen/stat": 7,
	"loadgen/contrast": 7, "loadgen/snippet": 7, "loadgen/proof": 7,
	"benchmarks": 7, "benchmarks/proc": 7, "benchmarks/rawclient": 7, "benchmarks/loop": 7,
	"benchmarks/limits": 7, "benchmarks/engine": 7, "benchmarks/scenario": 7, "benchmarks/tally": 8,
	"cmd/tailrace": 8, "cmd/loadgen": 8, "scripts/realclients": 8, "scripts/crash": 8,
	"scripts/pages": 8,
}

const module = "tailrace"

// room is what `go list -json` says of one package.
type room struct {
	ImportPath   string
	Doc          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func (r *room) path() string { return strings.TrimPrefix(r.ImportPath, module+"/") }

// rooms lists every package of the module, those behind the real-client tag included.
func rooms(t *testing.T) []room {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-tags", "realclients",
		"-json=ImportPath,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []room
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var r room
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("go list printed what is not JSON: %v", err)
		}
		if r.ImportPath != module {
			all = append(all, r)
		}
	}
	return all
}

func TestFloors(t *testing.T) {
	found := map[string]bool{}
	for _, r := range rooms(t) {
		found[r.path()] = true
		floor, known := floors[r.path()]
		if !known {
			t.Errorf("%s stands on no floor: give it a row in the floors table", r.path())
			continue
		}
		for _, imp := range r.Imports {
			low, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				continue
			}
			if below, ok := floors[low]; !ok || below > floor || below == floor && !sameHouse(r.path(), low) {
				t.Errorf("%s (floor %d) imports %s (floor %d): rooms import downwards only", r.path(), floor, low, below)
			}
		}
	}
	for path := range floors {
		if !found[path] {
			t.Errorf("the floors table names %s, which does not exist", path)
		}
	}
}

// sameHouse is true of a room and its sub-room, and of the sub-rooms of benchmarks and of loadgen, which form one
// program each.
func sameHouse(a, b string) bool {
	return strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") ||
		strings.HasPrefix(a, "benchmarks/") && strings.HasPrefix(b, "benchmarks/") ||
		strings.HasPrefix(a, "loadgen/") && strings.HasPrefix(b, "loadgen/")
}

func TestEachRoomSaysWhatItIs(t *testing.T) {
	for _, r := range rooms(t) {
		if len(r.Doc) < 20 {
			t.Errorf("%s has no package doc (what it owns, promises, its concurrency rule)", r.path())
		}
	}
}

// TestDependenciesAreApproved holds the direct dependencies of go.mod against docs/decisions/0002-dependencies.md,
// where each has its reason.
func TestDependenciesAreApproved(t *testing.T) {
	doc := read(t, "docs/decisions/0002-dependencies.md")
	var approved []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .*[a-z].* \\|$").FindAllStringSubmatch(doc, -1) {
		approved = append(approved, m[1])
	}
	var direct []string
	requires := regexp.MustCompile(`(?m)^(?:require)?\s+([a-z0-9.]+\.[a-z]+/\S+) v\S+( // indirect)?$`)
	for _, m := range requires.FindAllStringSubmatch(read(t, "go.mod"), -1) {
		if m[2] == "" {
			direct = append(direct, m[1])
		}
	}
	for _, d := range direct {
		if !slices.Contains(approved, d) {
			t.Errorf("go.mod requires %s directly: docs/decisions/0002-dependencies.md gives no reason for it", d)
		}
	}
	for _, a := range approved {
		if !slices.Contains(direct, a) {
			t.Errorf("docs/decisions/0002-dependencies.md lists %s, which go.mod does not require directly", a)
		}
	}
}

// renamers are the files that may call Rename. A rename is durable only after its directory is synced, so everything
// else goes through vfs.WriteFileAtomic.
var renamers = map[string]string{
	"segment/names.go":               "segments come and go by suffix; the directory is synced before that counts",
	"broker/adoption/plan.go":        "a directory steps aside; its parent is synced before the next step",
	"broker/logdir/partition_dir.go": "a dropped partition's directory steps aside; SyncEntries makes it durable",
}

// forbidden is what no Go or shell file may hold. The patterns are cut in two so that this file does not match itself.
var forbidden = []struct {
	pattern *regexp.Regexp
	allowed func(path string) bool
	advice  string
}{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`), nil, "finish it, or write it down in an issue"},
	{regexp.MustCompile(`\bt\.Sk` + `ip(f|Now)?\(`), nil, "a test that may not run proves nothing: mend or remove it"},
	{
		regexp.MustCompile(`\b(os|unix|syscall)\.Ren` + `ame(at2?)?\(`),
		func(path string) bool { return strings.HasPrefix(path, "vfs/") },
		"use vfs.WriteFileAtomic, or vfs.FS.Rename followed by SyncDir",
	},
	{
		regexp.MustCompile(`\.Ren` + `ame\(`),
		func(path string) bool {
			return strings.HasPrefix(path, "vfs/") || renamers[path] != "" || strings.HasSuffix(path, "_test.go")
		},
		"use vfs.WriteFileAtomic, or give the file a row (with the reason) in renamers",
	},
	{
		regexp.MustCompile(`(^|[^.\w])(/wo` + `rk/|/ro` + `ot/|\.\./sha` + `red|\.\./\.lib` + `rary)`), nil,
		"nothing here refers to a path outside the repository",
	},
}

func TestForbiddenWords(t *testing.T) {
	for _, path := range files(t, ".go", ".sh", ".md", ".yml", "") {
		text := read(t, path)
		for _, f := range forbidden {
			if f.allowed != nil && f.allowed(path) || strings.HasSuffix(path, ".md") && f.advice[0] != 'n' {
				continue
			}
			if at := f.pattern.FindStringIndex(text); at != nil {
				line := 1 + strings.Count(text[:at[1]], "\n")
				t.Errorf("%s:%d: %q: %s", path, line, text[at[0]:at[1]], f.advice)
			}
		}
	}
}

// files lists the files with one of the given extensions ("" = the scripts, which have none), testdata and dot-folders
// aside.
func files(t *testing.T, extensions ...string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "testdata" || name != "." && strings.HasPrefix(name, ".") && name != ".ci" {
				return filepath.SkipDir
			}
			return nil
		}
		script := strings.HasPrefix(path, "scripts/") || strings.HasPrefix(path, ".ci/")
		if ext := filepath.Ext(name); slices.Contains(extensions, ext) && (ext != "" || script) {
			found = append(found, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
