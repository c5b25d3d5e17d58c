//go:build realclients

package realclients

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var codecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// eachFile calls fn with the lines of every Go source file under GOROOT.
func eachFile(t *testing.T, fn func(file string, lines [][]byte)) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(strings.TrimSpace(string(root)), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".go" {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		fn(path, linesOf(text))
		return err
	})
	if err != nil || files < 5000 {
		t.Fatalf("%d Go source files under %s (%v): is it complete?", files, root, err)
	}
}

func linesOf(text []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

// writeCorpus writes every line that is not empty into one file: kcat drops empty ones.
func writeCorpus(t *testing.T) (name string, lines int64, sum string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "lines")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	sorted := newSorter(t)
	w := bufio.NewWriterSize(io.MultiWriter(f, sorted), 1<<20)
	eachFile(t, func(_ string, list [][]byte) {
		for _, line := range list {
			if len(line) > 0 {
				lines++
				w.Write(line)
				w.WriteByte('\n')
			}
		}
	})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name, lines, sorted.sum()
}

// TestMainJob: every line of the Go sources goes through kcat with each codec into a topic of four partitions. A group
// of two kcat reads it as it is written, kcat and franz-go read it back. What each of them has is, once sorted, what
// was written.
func TestMainJob(t *testing.T) {
	began := time.Now()
	corpus, lines, want := writeCorpus(t)
	report("%d lines of Go, gathered and sorted in %.1f s", lines, time.Since(began).Seconds())
	addr := startBroker(t)
	for _, codec := range codecs {
		topic := "sources-" + codec
		createTopic(t, addr, topic)
		group := startKcatGroup(t, addr, topic)
		wrote := since(func() {
			kcat(t, addr, nil, io.Discard, "-P", "-t", topic, "-z", codec, "-l", corpus)
		})
		sum, each := ends(t, addr, topic)
		if sum != lines || slices.Contains(each, 0) {
			t.Errorf("%s: %d lines were written, the partitions have %v", codec, lines, each)
		}
		var shared, byKcat, byFranz string
		var halves [2]int64
		behind := since(func() { shared, halves = group.finish() })
		read := since(func() { byKcat = sumByKcat(t, addr, topic) })
		franzRead := since(func() { byFranz = sumByFranz(t, addr, topic) })
		for by, got := range map[string]string{"two kcat in a group": shared, "kcat": byKcat, "franz-go": byFranz} {
			if got != want {
				t.Errorf("%s: read back by %s, the sorted lines have the sum %s, want %s", codec, by, got, want)
			}
		}
		if halves[0]+halves[1] != lines || halves[0] == 0 || halves[1] == 0 {
			t.Errorf("%s: the members of a group of two kcat read %d and %d lines, want some each, %d in all", codec,
				halves[0], halves[1], lines)
		}
		report("%-6s kcat wrote in %4.1f s, two kcat in a group shared %d + %d and ended %4.1f s later; "+
			"kcat read in %4.1f s, franz-go in %4.1f s", codec, wrote, halves[0], halves[1], behind, read, franzRead)
	}
}

// since runs fn and returns its seconds.
func since(fn func()) float64 {
	from := time.Now()
	fn()
	return time.Since(from).Seconds()
}

func sumByKcat(t *testing.T, addr, topic string) string {
	t.Helper()
	back := newSorter(t)
	kcat(t, addr, nil, back, readAll(topic, `%s\n`)...)
	return back.sum()
}

func sumByFranz(t *testing.T, addr, topic string) string {
	t.Helper()
	back := newSorter(t)
	w := bufio.NewWriterSize(back, 1<<20)
	consume(t, addr, topic, func(r *kgo.Record) {
		w.Write(r.Value)
		w.WriteByte('\n')
	})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return back.sum()
}
