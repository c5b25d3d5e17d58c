//go:build realclients

package realclients

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// familyRecords is how many records a driver writes and reads, beside one of 900 KB.
const familyRecords = 100_000

// headerLists are what records have of headers; few, since kcat takes them by the run.
var headerLists = []string{
	"", "", "", "a=1", "trace=abc123,span=def456", "empty=", "none", "twice=1,twice=2,none,empty=",
}

// corpus is what drivers write, as the lines of DRIVERS.md: keys of few and of many records, null and empty keys and
// values, bytes that are no text, a record of 900 KB. It is the same in every run.
var corpus = sync.OnceValue(func() []string {
	rnd := rand.New(rand.NewPCG(26, 11))
	words := strings.Fields("the quick brown fox jumps over a lazy dog while records flow to their partitions in order")
	lines := make([]string, 0, familyRecords+1)
	for i := range familyRecords {
		key := fmt.Appendf(nil, "key-%d", rnd.IntN(5000))
		value := fmt.Appendf(nil, "%d", i)
		for range rnd.IntN(25) {
			value = append(append(value, ' '), words[rnd.IntN(len(words))]...)
		}
		switch i % 100 {
		case 10, 11, 12:
			key = nil
		case 20:
			value = nil
		case 30:
			key = []byte{}
		case 40:
			value = []byte{}
		case 50:
			key, value = nil, nil
		case 60:
			key, value = []byte{}, []byte{}
		case 70, 71: // not UTF-8, with zero bytes and ends of lines
			value = append(value, 0, '\n', '\r', 0xff, 0xfe, byte(rnd.Uint32()))
		}
		lines = append(lines, lineOf(key, value, headerLists[rnd.IntN(len(headerLists))]))
	}
	return slices.Insert(lines, familyRecords/3, lineOf([]byte("large"), largeValue(), ""))
})

func lineOf(key, value []byte, headers string) string {
	line := field(key) + " " + field(value)
	if headers == "" {
		return line
	}
	for h := range strings.SplitSeq(headers, ",") {
		name, v, has := strings.Cut(h, "=")
		line += " " + field([]byte(name)) + "="
		if has {
			line += field([]byte(v))
		} else {
			line += field(nil)
		}
	}
	return line
}

func field(b []byte) string {
	if b == nil {
		return "-"
	}
	return "x" + hex.EncodeToString(b)
}

// recordOf is the record that a line of the corpus stands for.
func recordOf(t *testing.T, line string) *kgo.Record {
	t.Helper()
	bytesOf := func(f string) []byte {
		if f == "-" {
			return nil
		}
		b, err := hex.DecodeString(strings.TrimPrefix(f, "x"))
		if err != nil {
			t.Fatalf("%.50s: %v", f, err)
		}
		return b
	}
	fields := strings.Split(line, " ")
	r := &kgo.Record{Key: bytesOf(fields[0]), Value: bytesOf(fields[1])}
	for _, f := range fields[2:] {
		name, value, _ := strings.Cut(f, "=")
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(bytesOf(name)), Value: bytesOf(value)})
	}
	return r
}

// without is the corpus without what a library lacks, by the words of DRIVERS.md.
func without(lines []string, lacks []string) []string {
	if len(lacks) == 0 {
		return lines
	}
	lacking := func(word string) bool { return slices.Contains(lacks, word) }
	swap := func(f *string, from, to, word string) {
		if *f == from && lacking(word) {
			*f = to
		}
	}
	var out []string
	for _, line := range lines {
		fields := strings.Split(line, " ")
		swap(&fields[0], "-", "x", "null-key")
		swap(&fields[0], "x", "-", "empty-key")
		swap(&fields[1], "-", "x", "null-value")
		swap(&fields[1], "x", "-", "empty-value")
		if fields[0] == "-" && fields[1] == "-" && lacking("null-record") {
			fields[1] = "x"
		}
		if lacking("headers") {
			fields = fields[:2]
		}
		for i, f := range fields[2:] {
			name, value, _ := strings.Cut(f, "=")
			swap(&value, "-", "x", "null-header")
			swap(&value, "x", "-", "empty-header")
			fields[2+i] = name + "=" + value
		}
		if lacking("binary") && (strings.Contains(fields[0], "fffe") || strings.Contains(fields[1], "fffe")) {
			continue // the bytes that every record has which is not text; a hex text of letters never has them
		}
		out = append(out, strings.Join(fields, " "))
	}
	return out
}

// writeLines writes what a driver is to produce.
func writeLines(t *testing.T, lines []string) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "records")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// readLines reads what a driver has consumed.
func readLines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// difference says what is lost and what is there too often; nothing if the lines are the same but for their order.
func difference(want, got []string) string {
	count := make(map[string]int, len(want))
	for _, l := range want {
		count[l]++
	}
	for _, l := range got {
		count[l]--
	}
	var lost, extra []string
	for l, n := range count {
		for ; n > 0; n-- {
			lost = append(lost, l)
		}
		for ; n < 0; n++ {
			extra = append(extra, l)
		}
	}
	if len(lost)+len(extra) == 0 {
		return ""
	}
	return fmt.Sprintf("%d lost%s, %d doubled or never written%s", len(lost), few(lost), len(extra), few(extra))
}

func few(lines []string) string {
	slices.Sort(lines)
	text := ""
	for _, l := range lines[:min(len(lines), 3)] {
		text += fmt.Sprintf("\n    %.120s", l)
	}
	return text
}

// TestDifference: what is lost, doubled or changed is told, and what a library lacks is not.
func TestDifference(t *testing.T) {
	all := corpus()
	if len(all) != familyRecords+1 {
		t.Fatalf("the corpus has %d records", len(all))
	}
	if diff := difference(all, append(slices.Clone(all[1:]), all[0])); diff != "" {
		t.Errorf("in another order: %s", diff)
	}
	changed := slices.Clone(all)
	changed[5], changed[6] = changed[7], strings.Replace(changed[6], "x", "x00", 1)
	if diff := difference(all, changed); !strings.Contains(diff, "2 lost") || !strings.Contains(diff, "2 doubled") {
		t.Errorf("one record twice for another, and one changed: %q", diff)
	}
	for _, lacks := range []string{"headers", "null-header", "empty-header", "null-key", "null-value", "empty-key",
		"empty-value", "binary"} {
		less := without(all, []string{lacks})
		if difference(all, less) == "" || difference(less, without(less, []string{lacks})) != "" {
			t.Errorf("%s is nothing that the corpus has, or is left in it", lacks)
		}
	}
}
