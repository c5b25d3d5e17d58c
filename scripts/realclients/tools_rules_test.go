//go:build realclients

package realclients

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// toolRules are testdata/tools_differences.txt: what is replaced before two outputs are compared, and each other
// difference. Its head says how it is written.
type toolRules struct {
	replace   []replacement
	drop      []*regexp.Regexp
	once      []*regexp.Regexp
	unordered []string
	differ    []*toolDifference
}

type replacement struct {
	find *regexp.Regexp
	by   string
}

// toolDifference is what commands that begin with one of these print otherwise, in lines as toolLines gives them.
type toolDifference struct {
	at        int // line of the file
	commands  []string
	kafka     []string
	tailrace  []string
	seen      map[string]bool // lines of both that appeared
	lineCount int
}

// readToolRules fails for an entry without a comment above it, which is its reason.
func readToolRules(text string) (*toolRules, error) {
	r := &toolRules{}
	reason := false
	var open *toolDifference
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		verb, rest, _ := strings.Cut(line, " ")
		wrong := func(what string) error { return fmt.Errorf("line %d: %s: %q", i+1, what, line) }
		if line == "" || verb == "#" {
			open, reason = nil, line != "" && (reason || verb == "#")
			continue
		}
		if !reason {
			return nil, wrong("no reason stands above")
		}
		switch verb {
		case "replace":
			find, by, ok := strings.Cut(rest, " => ")
			re, err := regexp.Compile("(?m)" + find)
			if err != nil || !ok {
				return nil, wrong("not a replacement")
			}
			r.replace = append(r.replace, replacement{re, by})
		case "drop", "once":
			re, err := regexp.Compile(rest)
			if err != nil {
				return nil, wrong(err.Error())
			}
			if verb == "drop" {
				r.drop = append(r.drop, re)
			} else {
				r.once = append(r.once, re)
			}
		case "unordered":
			r.unordered = append(r.unordered, rest)
		case "in":
			if open == nil || open.lineCount > 0 {
				open = &toolDifference{at: i + 1, seen: map[string]bool{}}
				r.differ = append(r.differ, open)
			}
			open.commands = append(open.commands, rest)
		case "-", "+":
			if open == nil {
				return nil, wrong("no command stands above")
			}
			open.lineCount++
			if verb == "-" {
				open.kafka = append(open.kafka, rest)
			} else {
				open.tailrace = append(open.tailrace, rest)
			}
		default:
			return nil, wrong("unknown word")
		}
	}
	return r, nil
}

// toolLines are the lines of what a command printed, after the replacements, each with where it was printed.
func (r *toolRules) toolLines(command string, p printed) []string {
	var lines []string
	for _, stream := range []struct{ name, text string }{{"out", p.out}, {"err", p.err}} {
		text := stream.text
		for _, rule := range r.replace {
			text = rule.find.ReplaceAllString(text, rule.by)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, " \n")
			matches := func(re *regexp.Regexp) bool { return re.MatchString(line) }
			named := stream.name + ": " + line
			if slices.ContainsFunc(r.drop, matches) ||
				slices.ContainsFunc(r.once, matches) && slices.Contains(lines, named) {
				continue
			}
			lines = append(lines, strings.TrimRight(named, " "))
		}
	}
	if slices.ContainsFunc(r.unordered, func(prefix string) bool { return strings.HasPrefix(command, prefix) }) {
		slices.Sort(lines)
	}
	return append(lines, fmt.Sprintf("exit: %d", p.status))
}

// compare returns the differences of a command that are not listed, as rows for the file; nothing if there are none.
func (r *toolRules) compare(command string, kafka, tailrace printed) string {
	theirs, ours := r.toolLines(command, kafka), r.toolLines(command, tailrace)
	onlyTheirs, onlyOurs := extra(theirs, ours), extra(ours, theirs)
	var rows strings.Builder
	for _, line := range slices.Sorted(maps.Keys(onlyTheirs)) {
		if !r.listed(command, "- "+line) {
			fmt.Fprintf(&rows, "- %s\n", line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(onlyOurs)) {
		if !r.listed(command, "+ "+line) {
			fmt.Fprintf(&rows, "+ %s\n", line)
		}
	}
	if rows.Len() > 0 {
		return "in " + command + "\n" + rows.String()
	}
	if a, b := common(theirs, onlyTheirs), common(ours, onlyOurs); !slices.Equal(a, b) {
		return fmt.Sprintf("%s\nthe same lines in another order; Kafka:\n%s\nTailrace:\n%s\n",
			command, strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	return ""
}

// listed marks every row that has this line for this command.
func (r *toolRules) listed(command, line string) bool {
	found := false
	for _, d := range r.differ {
		rows := d.kafka
		if line[0] == '+' {
			rows = d.tailrace
		}
		if slices.Contains(rows, line[2:]) &&
			slices.ContainsFunc(d.commands, func(prefix string) bool { return strings.HasPrefix(command, prefix) }) {
			d.seen[line] = true
			found = true
		}
	}
	return found
}

// gone returns the listed lines that never appeared.
func (r *toolRules) gone() string {
	var rows strings.Builder
	for _, d := range r.differ {
		for _, line := range d.kafka {
			if !d.seen["- "+line] {
				fmt.Fprintf(&rows, "line %d: - %s\n", d.at, line)
			}
		}
		for _, line := range d.tailrace {
			if !d.seen["+ "+line] {
				fmt.Fprintf(&rows, "line %d: + %s\n", d.at, line)
			}
		}
	}
	return rows.String()
}

// extra counts the lines of a that b lacks.
func extra(a, b []string) map[string]int {
	count := map[string]int{}
	for _, line := range a {
		count[line]++
	}
	for _, line := range b {
		count[line]--
	}
	maps.DeleteFunc(count, func(_ string, n int) bool { return n <= 0 })
	return count
}

// common leaves out so many of each line, the last ones.
func common(lines []string, of map[string]int) []string {
	left := maps.Clone(of)
	var kept []string
	for _, line := range slices.Backward(lines) {
		if left[line] > 0 {
			left[line]--
			continue
		}
		kept = append(kept, line)
	}
	slices.Reverse(kept)
	return kept
}

// TestToolsRules: the comparison finds what it is there to find.
func TestToolsRules(t *testing.T) {
	rules, err := readToolRules(`# Times.
replace took \d+ ms => took TIME

# Places, tries.
drop ^at \d+$
once ^again

# A list.
unordered kafka-a --list

# We have another word.
in kafka-a --say
in kafka-b
- out: theirs
+ out: ours
`)
	if err != nil {
		t.Fatal(err)
	}
	same := func(want, command string, kafka, tailrace printed) {
		t.Helper()
		if got := rules.compare(command, kafka, tailrace); got != want {
			t.Errorf("%s: %q, not %q", command, got, want)
		}
	}
	same("", "kafka-a --list", printed{out: "x\ny\n"}, printed{out: "y\nx\n"})
	same("", "kafka-a", printed{out: "at 1\nagain 1\n"}, printed{out: "again 1\nagain 1\n"})
	same("", "kafka-a", printed{err: "took 4 ms\n"}, printed{err: "took 50 ms\n"})
	same("in kafka-a\n- exit: 0\n+ exit: 1\n", "kafka-a", printed{}, printed{status: 1})
	same("in kafka-a\n- out: x\n+ err: x\n", "kafka-a", printed{out: "x\n"}, printed{err: "x\n"})
	same("in kafka-a\n- out: theirs\n+ out: ours\n", "kafka-a", printed{out: "theirs\n"}, printed{out: "ours\n"})
	if got := rules.compare("kafka-a", printed{out: "x\ny\n"}, printed{out: "y\nx\n"}); got == "" {
		t.Error("an order that counts is passed over")
	}
	same("", "kafka-a --say it", printed{out: "theirs\nx\n"}, printed{out: "x\n"})
	if got, want := rules.gone(), "line 12: + out: ours\n"; got != want {
		t.Errorf("gone %q, not %q", got, want)
	}
	same("", "kafka-b", printed{out: "x\n"}, printed{out: "ours\nx\n"})
	if got := rules.gone(); got != "" {
		t.Errorf("gone: %s", got)
	}
	for _, bad := range []string{"replace a => b", "# x\nreplace a", "# x\nin a\n\n- out: b", "# x\nwhat"} {
		if _, err := readToolRules(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
