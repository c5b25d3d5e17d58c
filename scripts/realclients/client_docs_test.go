//go:build realclients

package realclients

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// example is a program of docs/CLIENTS.md.
type example struct{ title, language, code string }

// examples are all programs of docs/CLIENTS.md, told to talk to addr.
func examples(t *testing.T, addr string) []example {
	t.Helper()
	page, err := os.ReadFile("../../docs/CLIENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	title := ""
	block := regexp.MustCompile("(?ms)^## ([^\n]+)$|^```([a-z]+)\n(.*?)^```$")
	for _, m := range block.FindAllStringSubmatch(string(page), -1) {
		if m[1] != "" {
			title = m[1]
			continue
		}
		if !strings.Contains(m[3], "127.0.0.1:9092") {
			t.Errorf("%s: the program does not say which broker it talks to", title)
		}
		list = append(list, example{title, m[2], strings.ReplaceAll(m[3], "127.0.0.1:9092", addr)})
	}
	return list
}

// TestDocsClients compiles and runs each program of docs/CLIENTS.md: it prints the record that it wrote and read back,
// and the broker knows its group.
func TestDocsClients(t *testing.T) {
	addr := startBroker(t)
	python := libraries(t, "python")
	node := libraries(t, "node")
	list := examples(t, addr)
	if len(list) != 10 {
		t.Errorf("docs/CLIENTS.md has %d programs, want 10", len(list))
	}
	group := regexp.MustCompile(`readers-[a-z-]+`)
	for _, e := range list {
		t.Run(e.title, func(t *testing.T) {
			dir := t.TempDir()
			switch e.language {
			case "java":
				e.prints(t, javaCommand(libraries(t, "java"), e.in(t, dir, "Hello.java"))...)
			case "python":
				e.prints(t, python, e.in(t, dir, "hello.py"))
			case "javascript":
				e.prints(t, "env", "NODE_PATH="+node, "node", e.in(t, dir, "hello.js"))
			case "go":
				beside(t, "goclients", dir, "go.mod", "go.sum")
				e.in(t, dir, "main.go")
				e.prints(t, "go", "run", "-C", dir, ".")
			case "rust":
				beside(t, "drivers/rust", dir, "Cargo.toml", "Cargo.lock")
				e.in(t, dir, "src/main.rs")
				target := filepath.Dir(filepath.Dir(libraries(t, "rust")))
				e.prints(t, "env", "CARGO_TARGET_DIR="+target, "cargo", "run", "-q", "--release", "--locked",
					"--manifest-path", filepath.Join(dir, "Cargo.toml"))
			case "c":
				libraries(t, "c")
				program := filepath.Join(dir, "hello")
				if err := command("gcc", "-Wall", "-o", program, e.in(t, dir, "hello.c"), "-lrdkafka"); err != nil {
					t.Fatal(err)
				}
				e.prints(t, program)
			default:
				t.Fatalf("nobody knows how to run %s", e.language)
			}
			name := group.FindString(e.code)
			if groups, err := kadm.NewClient(franz(t, addr)).ListGroups(within(t)); err != nil {
				t.Error(err)
			} else if _, ok := groups[name]; !ok {
				t.Errorf("the broker has no group %s: %v", name, groups.Groups())
			}
		})
	}
}

// in writes the program into a file.
func (e *example) in(t *testing.T, dir, name string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(e.code), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// beside copies the files that pin what a program is built with.
func beside(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			// Under the driver's name its program would take the place of the driver.
			text = bytes.ReplaceAll(text, []byte("rdkafka-driver"), []byte("rdkafka-hello"))
			err = os.WriteFile(filepath.Join(to, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// prints runs the program, which must print the record; kafkajs logs on the same way out.
func (e *example) prints(t *testing.T, argv ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	from := time.Now()
	out, err := cmd.Output()
	if err != nil || !strings.Contains("\n"+string(out), "\nhello\n") {
		t.Errorf("%s printed %q: %v\n%s", e.title, out, err, complaint.String())
	}
	report("%-24s built and run in %.1f s", e.title, time.Since(from).Seconds())
}

// TestDocsErrors: what clients say of what is not served is what docs/CLIENTS.md tells to expect.
func TestDocsErrors(t *testing.T) {
	if againstKafka {
		t.Fatal("Apache Kafka serves all of it: there are no errors to look for")
	}
	addr := startBroker(t)
	createTopic(t, addr, "refused")
	said := ""
	for _, argv := range [][]string{
		javaCommand(libraries(t, "java"), "Refused"),
		{libraries(t, "python"), "drivers/python/refused.py"},
		{"env", "NODE_PATH=" + libraries(t, "node"), "node", "drivers/node/refused.js"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		out, err := exec.CommandContext(ctx, argv[0], append(argv[1:], addr)...).Output()
		cancel()
		if err != nil {
			t.Fatalf("%v: %v\n%s", argv, err, out)
		}
		said += string(out)
	}
	producer := franz(t, addr, kgo.TransactionalID("refused"), kgo.DefaultProduceTopic("refused"))
	said += fmt.Sprintf("franz-go | transactions | %v\n", producer.BeginTransaction())

	page, err := os.ReadFile("../../docs/CLIENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| ([^|]+) \\| ([^|]+) \\| `([^`]+)` \\|$").FindAllStringSubmatch(string(page), -1)
	for _, row := range rows {
		saying := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(row[1]+" | "+row[2]+" | ") + ".*$").FindString(said)
		if !strings.Contains(saying, row[3]) {
			t.Errorf("docs/CLIENTS.md lets %s say of %s %q, and it says %q", row[1], row[2], row[3], saying)
		}
	}
	if n := strings.Count(said, "\n"); n != len(rows) {
		t.Errorf("docs/CLIENTS.md has %d rows, the clients say %d:\n%s", len(rows), n, said)
	}
}
