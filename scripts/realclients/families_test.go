//go:build realclients

package realclients

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// driver is a program around a client library, with the command line of DRIVERS.md.
type driver struct {
	name   string
	argv   []string
	client string // the library and its release
	codecs []string
	lacks  []string
}

// newDriver asks the program what its library is and lacks.
func newDriver(t *testing.T, name string, argv ...string) *driver {
	t.Helper()
	d := &driver{name: name, argv: argv}
	for line := range strings.Lines(d.run(t, "about")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "client":
			d.client = rest
		case "codecs":
			d.codecs = strings.Fields(rest)
		case "lacks":
			d.lacks = append(d.lacks, rest)
		default:
			t.Fatalf("%s about: %q is none of client, codecs, lacks", name, line)
		}
	}
	if d.client == "" || len(d.codecs) == 0 {
		t.Fatalf("%s about: no client or no codecs", name)
	}
	for _, codec := range codecs {
		if !slices.Contains(d.codecs, codec) {
			report("%s has no %s", d.client, codec)
		}
	}
	for _, l := range d.lacks {
		report("%s lacks %s", d.client, l)
	}
	return d
}

// lacking is what the library lacks on one side, which is "produce" or "consume".
func (d *driver) lacking(side string) []string {
	var list []string
	for _, l := range d.lacks {
		if of, what, sided := strings.Cut(l, ":"); !sided {
			list = append(list, l)
		} else if of == side {
			list = append(list, what)
		}
	}
	return list
}

// run runs the driver to its end and returns what it printed.
func (d *driver) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.argv[0], append(slices.Clone(d.argv[1:]), args...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		c := complaint.Bytes()
		t.Fatalf("%s %s: %v\n%s", d.name, strings.Join(args, " "), err, c[:min(len(c), 4000)])
	}
	return string(out)
}

// written is a topic as a driver has written it.
type written struct {
	topic, codec string
	by           *driver
	lines        []string
	seconds      float64
}

// write lets the driver write the corpus in a codec into a new topic.
func (d *driver) write(t *testing.T, addr, codec string) *written {
	t.Helper()
	w := &written{topic: "by-" + d.name + "-" + codec, codec: codec, by: d}
	w.lines = without(corpus(), d.lacking("produce"))
	if !slices.Contains(d.codecs, codec) {
		t.Fatalf("%s has no %s", d.client, codec)
	}
	createTopic(t, addr, w.topic)
	file := writeLines(t, w.lines)
	from := time.Now()
	d.run(t, "produce", addr, w.topic, codec, file)
	w.seconds = time.Since(from).Seconds()
	if sum, each := ends(t, addr, w.topic); sum != int64(len(w.lines)) || slices.Contains(each, 0) {
		t.Errorf("%s wrote %d records in %s; the partitions have %v", d.name, len(w.lines), codec, each)
	}
	return w
}

// read lets the driver read what another has written, and compares. It prints one line.
func (d *driver) read(t *testing.T, addr string, w *written) {
	t.Helper()
	pair := fmt.Sprintf("%-18s → %-18s %-6s", w.by.name, d.name, w.codec)
	if !slices.Contains(d.codecs, w.codec) {
		report("%s not read: %s has no %s", pair, d.client, w.codec)
		return
	}
	lacks := d.lacking("consume")
	want := without(w.lines, lacks)
	file := filepath.Join(t.TempDir(), "read")
	from := time.Now()
	d.run(t, "consume", addr, w.topic, fmt.Sprint(len(w.lines)), file)
	seconds := time.Since(from).Seconds()
	got := without(readLines(t, file), lacks)
	if diff := difference(want, got); diff != "" {
		t.Errorf("%s of %d records %s", pair, len(want), diff)
		return
	}
	report("%s %d records, wrote in %4.1f s, read in %4.1f s", pair, len(want), w.seconds, seconds)
}

// pair lets one driver write and another read.
func pair(t *testing.T, addr string, producer, consumer *driver, codec string) {
	t.Helper()
	consumer.read(t, addr, producer.write(t, addr, codec))
}

// goDrivers builds the drivers of the Go libraries, which are a module of their own, and of kcat.
func goDrivers(t *testing.T) []*driver {
	t.Helper()
	program := filepath.Join(t.TempDir(), "goclients")
	if err := command("go", "build", "-C", "goclients", "-o", program, "."); err != nil {
		t.Fatal(err)
	}
	var all []*driver
	for _, name := range []string{"franz-go", "sarama", "kafka-go", "confluent-kafka-go", "kcat"} {
		all = append(all, newDriver(t, name, program, name))
	}
	return all
}

// TestFamiliesGo: each of the Go libraries and kcat writes the corpus in each codec that it has, and another reads it.
// The readers of a library's codecs go around, so that in the end each library has read each other one's records, and
// each codec; its own ones are read by itself and by another.
func TestFamiliesGo(t *testing.T) {
	addr := startBroker(t)
	all := goDrivers(t)
	for i, producer := range all {
		for j, codec := range codecs {
			if !slices.Contains(producer.codecs, codec) {
				continue
			}
			w := producer.write(t, addr, codec)
			reader := all[(i+j)%len(all)]
			reader.read(t, addr, w)
			if reader == producer {
				all[(i+1)%len(all)].read(t, addr, w)
			}
		}
	}
}
