//go:build realclients

package realclients

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var franzCodecs = []kgo.CompressionCodec{
	kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
}

// kcatFormat lets kcat print all of a record; inKcatsWords is what it then prints.
const kcatFormat = `%K %S %k [%h] %s\n`

func inKcatsWords(r *kgo.Record) []byte {
	length := func(b []byte) int {
		if b == nil {
			return -1
		}
		return len(b)
	}
	b := fmt.Appendf(nil, "%d %d %s [", length(r.Key), length(r.Value), r.Key)
	for i, h := range r.Headers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, h.Key...), '=')
		if h.Value == nil {
			b = append(b, "NULL"...)
		}
		b = append(b, h.Value...)
	}
	return append(append(append(b, "] "...), r.Value...), '\n')
}

// largeValue is the value of the one record of 900 KB.
func largeValue() []byte {
	b := make([]byte, 900<<10)
	for i := range b {
		b[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[rand.IntN(36)]
	}
	return b
}

// TestMainJobByFranzGo: franz-go writes every line, empty ones too, with the file as key and the line's number in a
// header, behind each file a record with a null value, and one record of 900 KB; each codec takes its share of the
// files. It reads back the lines of each file in their order, and kcat reads the same records.
func TestMainJobByFranzGo(t *testing.T) {
	addr := startBroker(t)
	createTopic(t, addr, "franz")
	sorted := newSorter(t)
	words := bufio.NewWriterSize(sorted, 1<<20)
	clients := make([]*kgo.Client, len(franzCodecs))
	for i, codec := range franzCodecs {
		clients[i] = franz(t, addr, kgo.DefaultProduceTopic("franz"), kgo.ProducerBatchCompression(codec),
			kgo.ProducerBatchMaxBytes(maxMessage/2), kgo.MaxBufferedRecords(100_000))
	}
	ctx := within(t)
	from := time.Now()
	files, records := 0, 0
	send := func(r *kgo.Record) {
		records++
		words.Write(inKcatsWords(r))
		clients[files%len(clients)].Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Errorf("produce: %v", err)
			}
		})
	}
	eachFile(t, func(file string, lines [][]byte) {
		for i, line := range lines {
			send(&kgo.Record{Key: []byte(file), Value: line, Headers: []kgo.RecordHeader{
				{Key: "line", Value: strconv.AppendInt(nil, int64(i+1), 10)}, {Key: "none"},
			}})
		}
		send(&kgo.Record{Key: []byte(file)})
		files++
	})
	send(&kgo.Record{Value: largeValue()})
	for _, c := range clients {
		if err := c.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	wrote := time.Since(from)
	if err := words.Flush(); err != nil {
		t.Fatal(err)
	}
	want := sorted.sum()

	from = time.Now()
	checkFiles(t, addr, records)
	read := time.Since(from)
	from = time.Now()
	back := newSorter(t)
	kcat(t, addr, nil, back, readAll("franz", kcatFormat)...)
	kcatRead := time.Since(from)
	if got := back.sum(); got != want {
		t.Errorf("read back by kcat, the sorted records have the sum %s, want %s", got, want)
	}
	report("%d records with keys and headers: franz-go wrote in %.1f s and read in %.1f s, kcat read in %.1f s",
		records, wrote.Seconds(), read.Seconds(), kcatRead.Seconds())
}

// checkFiles reads the topic and compares each file's records with the file.
func checkFiles(t *testing.T, addr string, records int) {
	t.Helper()
	seen := map[string]int{}
	open := map[string][][]byte{}
	large := 0
	consume(t, addr, "franz", func(r *kgo.Record) {
		records--
		if r.Key == nil {
			large += len(r.Value)
			return
		}
		file := string(r.Key)
		if _, ok := open[file]; !ok {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			open[file] = linesOf(text)
		}
		n, lines := seen[file], open[file]
		seen[file]++
		switch {
		case n == len(lines):
			if r.Value != nil || len(r.Headers) != 0 {
				t.Fatalf("%s: the record behind the last line is %q", file, r.Value)
			}
			delete(open, file)
		case r.Value == nil || !bytes.Equal(r.Value, lines[n]) || len(r.Headers) != 2 ||
			string(r.Headers[0].Value) != strconv.Itoa(n+1) || r.Headers[1].Value != nil:
			t.Fatalf("%s: line %d came back as %q with headers %v", file, n+1, r.Value, r.Headers)
		}
	})
	if records != 0 || len(open) != 0 || large != 900<<10 {
		t.Errorf("%d records are missing, %d files are not complete, the large record has %d bytes",
			records, len(open), large)
	}
}

// TestMainJobOddRecords: records with keys, headers, empty and null values and one of 900 KB, written by kcat in each
// codec and read by franz-go.
func TestMainJobOddRecords(t *testing.T) {
	addr := startBroker(t)
	large := filepath.Join(t.TempDir(), "large")
	value := largeValue()
	if err := os.WriteFile(large, value, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, codec := range codecs {
		topic := "odd-" + codec
		createTopic(t, addr, topic)
		write := func(text string, more ...string) {
			kcat(t, addr, strings.NewReader(text), io.Discard, append([]string{"-P", "-t", topic, "-z", codec}, more...)...)
		}
		write("k1:v1\nk2:\n:v3\nk4:v4:x\n", "-K:", "-H", "a=1", "-H", "b=", "-H", "c")
		write("n1:\n:n2\n", "-K:", "-Z")
		write("", large)
		var got []string
		consume(t, addr, topic, func(r *kgo.Record) {
			if bytes.Equal(r.Value, value) {
				r.Value = []byte("large")
			}
			got = append(got, string(inKcatsWords(r)))
		})
		want := []string{
			"2 2 k1 [a=1,b=,c=NULL] v1\n", "2 0 k2 [a=1,b=,c=NULL] \n", "0 2  [a=1,b=,c=NULL] v3\n",
			"2 4 k4 [a=1,b=,c=NULL] v4:x\n", "2 -1 n1 [] \n", "-1 2  [] n2\n", "-1 5  [] large\n",
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: franz-go reads %q, want %q", codec, got, want)
		}
	}
}
