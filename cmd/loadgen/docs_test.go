package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocsShowRealFlags: each loadgen line of the documents' code blocks names a verb that exists, with flags and
// values that it takes. Nothing is run.
func TestDocsShowRealFlags(t *testing.T) {
	word := regexp.MustCompile(`'[^']*'|\S+`)
	lines := 0
	for _, page := range []string{"TUNING.md", "LOADGEN.md", "COMPARING.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(text), "```") {
			for line := range strings.Lines(block) {
				command, found := strings.CutPrefix(line, "loadgen ")
				if i%2 == 0 || !found {
					continue
				}
				command, _, _ = strings.Cut(strings.TrimSpace(command), " #")
				var args []string
				for _, w := range word.FindAllString(command, -1) {
					args = append(args, strings.Trim(w, "'"))
				}
				lines++
				verb, rest, err := newRoot().Find(args)
				if err == nil && verb.Name() != args[0] {
					t.Errorf("%s: %q: no verb %s", page, command, args[0])
				}
				if err == nil {
					err = verb.ParseFlags(rest)
				}
				if err == nil {
					err = verb.ValidateArgs(verb.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: %q: %v", page, command, err)
				}
			}
		}
	}
	if lines < 20 {
		t.Errorf("only %d lines were found: has their form changed?", lines)
	}
}
