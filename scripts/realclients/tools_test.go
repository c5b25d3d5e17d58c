//go:build realclients

package realclients

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestTools runs one script of Kafka's tools (testdata/tools_script.txt) against Apache Kafka and against Tailrace, and
// compares what they print and how they exit. What may differ is testdata/tools_differences.txt.
func TestTools(t *testing.T) {
	t.Setenv("KAFKA_HEAP", "512m")
	text, err := os.ReadFile("testdata/tools_differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := readToolRules(string(text))
	if err != nil {
		t.Fatalf("testdata/tools_differences.txt: %v", err)
	}
	if againstKafka { // nothing differs between Kafka and Kafka, or the script leaves something to chance
		rules.differ = nil
	}
	steps := readToolScript(t)
	classPath := libraries(t, "java")

	const tailrace, kafka = 0, 1
	settings := []string{"offsets.topic.num.partitions=1", "auto.create.topics.enable=false",
		"offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1", "share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1"}
	var results [2]map[int]printed
	var both sync.WaitGroup
	for i, addr := range []string{startBroker(t, settings...), startKafka(t, settings...)} {
		side := &toolSide{t: t, addr: addr, dir: t.TempDir(), jvm: newToolJVM(t, classPath)}
		both.Go(func() { results[i] = side.play(steps) })
	}
	both.Wait()

	compared := 0
	for i, step := range steps {
		theirs, ok := results[kafka][i]
		if _, also := results[tailrace][i]; !also || !ok {
			continue
		}
		compared++
		if rows := rules.compare(step.text, theirs, results[tailrace][i]); rows != "" {
			t.Errorf("line %d of the script: a difference that is not listed:\n%s", step.at, rows)
		}
	}
	if t.Failed() {
		return
	}
	if gone := rules.gone(); gone != "" {
		t.Errorf("listed differences that did not appear:\n%s", gone)
	}
	listed := 0
	for _, d := range rules.differ {
		listed += d.lineCount
	}
	report("tools: %d commands compared, %d lines differ as listed", compared, listed)
}

// toolStep is a line of the script that begins with a word, and the lines of its input.
type toolStep struct {
	at    int // line of the file
	text  string
	words []string
	stdin string
}

var toolWord = regexp.MustCompile(`'[^']*'|\S+`)

func readToolScript(t *testing.T) []toolStep {
	t.Helper()
	text, err := os.ReadFile("testdata/tools_script.txt")
	if err != nil {
		t.Fatal(err)
	}
	var steps []toolStep
	for i, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "< "):
			steps[len(steps)-1].stdin += line[2:] + "\n"
		default:
			step := toolStep{at: i + 1, text: line}
			for _, word := range toolWord.FindAllString(line, -1) {
				step.words = append(step.words, strings.Trim(word, "'"))
			}
			steps = append(steps, step)
		}
	}
	return steps
}

// toolSide plays the script against one broker.
type toolSide struct {
	t          *testing.T
	addr, dir  string
	jvm        *toolJVM
	background map[string]background
}

// background is a command that was started, and the step that it is.
type background struct {
	step   int
	answer <-chan printed
}

// play returns what each command of the script printed. After an error, which fails the test, it stops.
func (s *toolSide) play(steps []toolStep) map[int]printed {
	results := map[int]printed{}
	s.background = map[string]background{}
	for i, step := range steps {
		if err := s.step(i, step, results); err != nil {
			s.t.Errorf("%s: line %d: %s: %v", s.addr, step.at, step.text, err)
			break
		}
	}
	return results
}

func (s *toolSide) step(i int, step toolStep, results map[int]printed) error {
	words := step.words
	switch words[0] {
	case "file":
		return os.WriteFile(filepath.Join(s.dir, words[1]), []byte(step.stdin), 0o600)
	case "members":
		return s.members(words[1], words[2])
	case "start":
		answer, err := s.jvm.start(step.stdin, s.arguments(words[2:])...)
		s.background[words[1]] = background{i, answer}
		return err
	case "wait":
		b := s.background[words[1]]
		return s.collect(b.answer, b.step, results)
	default:
		start := s.jvm.start
		if words[0] == "kafka-verifiable-producer" { // leaves the JVM, and prints when it ends: Exit has no part in it
			start = s.jvm.alone
		}
		answer, err := start(step.stdin, s.arguments(words)...)
		if err != nil {
			return err
		}
		err = s.collect(answer, i, results)
		if changes.MatchString(step.text) {
			time.Sleep(toolSettle)
		}
		return err
	}
}

// changes are commands whose effect a broker of Kafka learns from its controller a moment after the answer: what comes
// next could still see the old state.
var changes = regexp.MustCompile(`^kafka-(topics|configs) .*--(create|alter|delete)\b`)

const toolSettle = 300 * time.Millisecond

// arguments puts in the address, which a command that does not say one gets first, and the directory of the files.
func (s *toolSide) arguments(words []string) []string {
	all := []string{words[0]}
	if text := strings.Join(words, " "); !strings.Contains(text, "ADDRESS") {
		all = append(all, "--bootstrap-server", s.addr)
	}
	for _, word := range words[1:] {
		all = append(all, strings.NewReplacer("ADDRESS", s.addr, "DIR", s.dir).Replace(word))
	}
	return all
}

// toolNever is longer than any command takes.
const toolNever = 3 * time.Minute

func (s *toolSide) collect(answer <-chan printed, step int, results map[int]printed) error {
	select {
	case p, ok := <-answer:
		if !ok {
			return s.jvm.ended
		}
		hide := strings.NewReplacer(s.addr, "ADDRESS", s.dir, "DIR", filepath.Dir(s.dir), "TEMP")
		results[step] = printed{p.status, hide.Replace(p.out), hide.Replace(p.err)}
		return nil
	case <-time.After(toolNever):
		return fmt.Errorf("it does not end")
	}
}

// members waits until a group is stable with so many members.
func (s *toolSide) members(group, count string) error {
	admin := kadm.NewClient(franz(s.t, s.addr))
	for ctx := within(s.t); ; time.Sleep(100 * time.Millisecond) {
		groups, err := admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		if g := groups[group]; g.State == "Stable" && fmt.Sprint(len(g.Members)) == count {
			return nil
		}
	}
}
