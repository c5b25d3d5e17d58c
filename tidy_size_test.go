package tailrace_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// What the house allows. Aim lower: files of 80 to 300 lines, functions under 50.
const (
	maxFileLines     = 600
	maxFunctionLines = 70
	maxColumns       = 120
	maxFileBytes     = 512 << 10
)

// longFiles and longFunctions are excused, each up to the given number of lines, for the reason beside it. The lists
// may only shrink: an excuse that is no longer needed fails the test as well.
var (
	longFiles     = map[string]int{}
	longFunctions = map[string]int{
		"netio/conn_test.go: TestOrder":          86, // one story: many finishers, many senders, one order
		"netio/alloc_test.go: TestNoAllocations": 71, // a table of ways to answer
	}
)

func TestSizes(t *testing.T) {
	needed := map[string]bool{}
	over := func(excuses map[string]int, name string, lines, limit int) {
		if lines <= limit {
			return
		}
		needed[name] = true
		if lines > max(limit, excuses[name]) {
			t.Errorf("%s has %d lines, more than %d", name, lines, max(limit, excuses[name]))
		}
	}
	for _, path := range files(t, ".go") {
		text := read(t, path)
		over(longFiles, path, strings.Count(text, "\n"), maxFileLines)
		for i, line := range strings.Split(text, "\n") {
			if utf8.RuneCountInString(line) > maxColumns {
				t.Errorf("%s:%d: a line of %d columns, more than %d", path, i+1, utf8.RuneCountInString(line), maxColumns)
			}
		}
		for name, lines := range functions(t, path, text) {
			over(longFunctions, path+": "+name, lines, maxFunctionLines)
		}
	}
	for _, excuses := range []map[string]int{longFiles, longFunctions} {
		for name := range excuses {
			if !needed[name] {
				t.Errorf("the excuse for %s is no longer needed: strike it from the list", name)
			}
		}
	}
}

// functions maps each function of a file ("name" or "receiver.name") to its length in lines.
func functions(t *testing.T, path, text string) map[string]int {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return nil
	}
	found := map[string]int{}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := f.Name.Name
		if f.Recv != nil && len(f.Recv.List) == 1 {
			name = receiver(f.Recv.List[0].Type) + "." + name
		}
		found[name] = set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1
	}
	return found
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return fmt.Sprintf("%T", e)
}

func TestFormatted(t *testing.T) {
	for _, path := range files(t, ".go") {
		text := []byte(read(t, path))
		if nice, err := format.Source(text); err != nil || !bytes.Equal(nice, text) {
			t.Errorf("%s is not as gofmt writes it (%v)", path, err)
		}
	}
}

func TestNoFileIsHuge(t *testing.T) {
	for _, path := range files(t, ".go", ".md", ".json", ".sh", ".txt", ".svg", ".html", ".js", ".css", "") {
		if info, err := os.Stat(path); err == nil && info.Size() > maxFileBytes {
			t.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxFileBytes)
		}
	}
}
