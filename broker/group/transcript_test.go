package group

import (
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tailrace/broker/effect"
)

var update = flag.Bool("update", false, "write what the machine does into the transcripts")

// A transcript in testdata is a txtar archive: each file is a step, its lines that begin with "> " are commands, the
// others what came of them. Each step has a machine and a log of its own, at time 0; member ids are written short, c-#1
// for the client c and the first random id. Commands:
//
//	> config max=2 …                   before anything else; see player.configure
//	> at 3000                          time passes; deadlines on the way happen
//	> jump 3000                        time passes, but no tick comes
//	> tick
//	> VERB NAME g key=value …          a call, its answer is told behind NAME; verbs and keys: transcript_calls_test.go
//	> gone NAME                        the connection of a parked call is gone
//	> deleted TOPIC[:ID] …             topics are deleted
//	> reload                           a new machine is made from the log
//	> foreign HEX HEX                  a record of somebody else's is in the log
type player struct {
	t      *testing.T
	m      *Machine
	config Config
	nowMs  int64
	wakeMs int64
	log    []logRecord
	out    strings.Builder
}

type logRecord struct {
	effect.Record
	ms int64
}

func TestTranscripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			comment, steps := parseSteps(string(data))
			again := comment
			for _, step := range steps {
				p := newPlayer(t)
				for line := range strings.Lines(step.body) {
					if command, ok := strings.CutPrefix(line, "> "); ok {
						p.out.WriteString(line)
						p.run(strings.Fields(command))
					}
				}
				if got := p.out.String(); got != step.body && !*update {
					t.Errorf("step %q:\n got:\n%s\nwant:\n%s", step.name, got, step.body)
				}
				again += "-- " + step.name + " --\n" + p.out.String()
			}
			if *update && again != string(data) {
				if err := os.WriteFile(name, []byte(again), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type transcriptStep struct{ name, body string }

// parseSteps cuts a txtar archive at its "-- name --" lines.
func parseSteps(data string) (comment string, steps []transcriptStep) {
	for line := range strings.Lines(data) {
		name, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
		if name, end := strings.CutSuffix(name, " --"); ok && end {
			steps = append(steps, transcriptStep{name: name})
		} else if len(steps) == 0 {
			comment += line
		} else {
			steps[len(steps)-1].body += line
		}
	}
	return comment, steps
}

// testConfig is Kafka's defaults, with random ids that count up.
func testConfig() Config {
	var n uint64
	return Config{InitialRebalanceDelayMs: 3000, MinSessionMs: 6000, MaxSessionMs: 1800000, MaxSize: 1 << 30,
		MaxMetadataBytes: 4096, OffsetsRetentionMs: 7 * 24 * 3600 * 1000, OffsetsRetentionCheckMs: 600000,
		Random: func(b []byte) {
			n++
			binary.BigEndian.PutUint64(b[8:], n)
		}}
}

func newPlayer(t *testing.T) *player {
	p := &player{t: t, config: testConfig(), wakeMs: effect.Never}
	p.m = New(&p.config)
	p.wakeMs = p.m.Loaded(0).WakeMs
	return p
}

func (p *player) printf(format string, args ...any) {
	p.out.WriteString(short(fmt.Sprintf(format, args...)) + "\n")
}

var (
	longID  = regexp.MustCompile(`-00000000-0000-4000-8000-([0-9a-f]{12})`)
	shortID = regexp.MustCompile(`-#([0-9]+)`)
)

// short and long change between member ids as they are and as transcripts have them.
func short(s string) string {
	return longID.ReplaceAllStringFunc(s, func(id string) string {
		n, _ := strconv.ParseUint(id[len(id)-12:], 16, 64)
		return fmt.Sprintf("-#%d", n)
	})
}

func long(s string) string {
	return shortID.ReplaceAllStringFunc(s, func(id string) string {
		n, _ := strconv.Atoi(id[2:])
		return fmt.Sprintf("-00000000-0000-4000-8000-%012x", n)
	})
}

func number(text string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return otherwise
}

func (p *player) run(words []string) {
	switch verb, rest := words[0], words[1:]; verb {
	case "config":
		p.configure(rest)
	case "at":
		for end := number(rest[0], 0); ; {
			if p.wakeMs > end {
				p.nowMs = end
				return
			}
			p.nowMs = max(p.nowMs, p.wakeMs)
			p.tell("tick", p.m.Step(Tick{}, p.nowMs))
		}
	case "jump":
		p.nowMs = number(rest[0], 0)
	case "tick":
		p.tell("", p.m.Step(Tick{}, p.nowMs))
	case "gone":
		p.tell("", p.m.Step(Gone{rest[0]}, p.nowMs))
	case "deleted":
		var topics []TopicRef
		for _, w := range rest {
			name, id, _ := strings.Cut(w, ":")
			topics = append(topics, TopicRef{name, topicID(id)})
		}
		p.tell("", p.m.Step(TopicsDeleted{topics}, p.nowMs))
	case "reload":
		p.reload()
	case "foreign":
		p.foreign(rest)
	default:
		p.tell("", p.m.Step(p.call(words), p.nowMs))
	}
}

// topicID makes an id of a number.
func topicID(text string) (id [16]byte) {
	id[15] = byte(number(text, 0))
	return id
}

func (p *player) reload() {
	p.m = New(&p.config)
	for _, r := range p.log {
		if err := p.m.Replay(r.Record, r.ms); err != nil {
			p.printf("  replay: %v", err)
		}
	}
	p.tell("", p.m.Loaded(p.nowMs))
}

func (p *player) foreign(words []string) {
	r := logRecord{ms: p.nowMs}
	if _, err := fmt.Sscanf(words[0], "%x", &r.Key); err != nil {
		p.t.Fatal(err)
	}
	if _, err := fmt.Sscanf(words[1], "%x", &r.Value); err != nil {
		p.t.Fatal(err)
	}
	p.log = append(p.log, r)
}

func (p *player) configure(words []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n := number(value, 0)
		switch name {
		case "delay":
			p.config.InitialRebalanceDelayMs = int(n)
		case "max":
			p.config.MaxSize = int(n)
		case "metadata":
			p.config.MaxMetadataBytes = int(n)
		case "retention":
			p.config.OffsetsRetentionMs = n
		case "check":
			p.config.OffsetsRetentionCheckMs = n
		default:
			p.t.Fatalf("no setting %q", name)
		}
	}
	c := p.config
	p.m.Reconfigure(&c)
	p.wakeMs = p.m.Loaded(p.nowMs).WakeMs
}

// tell writes down what a step led to, and keeps its records.
func (p *player) tell(cause string, e effect.Effects) {
	if cause != "" {
		p.printf("  %d %s", p.nowMs, cause)
	}
	for _, r := range e.Records {
		p.log = append(p.log, logRecord{r, p.nowMs})
		p.printf("  log %s", showRecord(r))
	}
	for _, r := range e.Replies {
		p.printf("  %v: %s", r.To, showReply(r.Body))
	}
	if e.WakeMs != p.wakeMs {
		p.wakeMs = e.WakeMs
		p.printf("  wake %d", e.WakeMs)
	}
}

// args splits "key=value" words; a word without '=' has an empty value.
func args(words []string) map[string]string {
	m := map[string]string{}
	for _, w := range words {
		k, v, _ := strings.Cut(w, "=")
		m[k] = v
	}
	return m
}

// subscriptionBytes is a consumer's subscription to topics written t1+t2.
func subscriptionBytes(topics string) []byte {
	b := []byte{0, 0}
	list := slices.DeleteFunc(strings.Split(topics, "+"), func(s string) bool { return s == "" })
	b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
	for _, topic := range list {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(topic))), topic...)
	}
	return append(b, 0xff, 0xff, 0xff, 0xff)
}
