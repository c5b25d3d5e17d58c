package group

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The files in testdata/kafka are conversations with Apache Kafka 4.3.1: lines that begin with "> " are calls, in the
// words of the transcripts, and what follows is what Kafka answered until then. TestRecord (behind the build tag
// realclients) plays them to a Kafka again and, with -update, writes them down.
//
//	> VERB NAME …          a call on a connection of its own
//	> wait 1500            milliseconds pass
//
// Ids are told by client id and number, a-#1 being the first of client a; answers and members are sorted, for Kafka
// keeps them in hash tables.

// partner is who is talked to.
type partner interface {
	call(name, client string, req kmsg.Request)
	wait(ms int64)
	answers() map[string]kmsg.Response // those that have come since
}

// conversation plays a script to a partner and gives back the script with the partner's answers.
type conversation struct {
	t    *testing.T
	with partner
	ids  map[string]string // as told: as it is
	told map[string]string // the other way round
}

func (c *conversation) play(script string) string {
	var out strings.Builder
	c.ids, c.told = map[string]string{}, map[string]string{}
	for line := range strings.Lines(script) {
		command, ok := strings.CutPrefix(line, "> ")
		if !ok {
			if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "--") {
				out.WriteString(line)
			}
			continue
		}
		out.WriteString(line)
		words := strings.Fields(c.real(command))
		if words[0] == "wait" {
			c.with.wait(number(words[1], 0))
		} else {
			call := (&player{t: c.t}).call(words).(Call)
			settled(call.Request, words)
			c.with.call(words[1], call.ClientID, call.Request)
		}
		answers := c.with.answers()
		names := []string{}
		for name := range answers {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			sortMembers(answers[name])
			out.WriteString("  " + name + ": " + c.tell(showReply(answers[name])) + "\n")
		}
	}
	return out.String()
}

// settled takes versions that Kafka 4.3.1 has, and which name topics, where the script asks for none.
func settled(req kmsg.Request, words []string) {
	if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "v=") }) {
		return
	}
	switch req.(type) {
	case *kmsg.OffsetCommitRequest, *kmsg.OffsetFetchRequest:
		req.SetVersion(9)
	case *kmsg.DeleteGroupsRequest:
		req.SetVersion(2)
	}
}

func sortMembers(r kmsg.Response) {
	switch r := r.(type) {
	case *kmsg.JoinGroupResponse:
		slices.SortFunc(r.Members, func(a, b kmsg.JoinGroupResponseMember) int {
			return strings.Compare(a.MemberID, b.MemberID)
		})
	case *kmsg.DescribeGroupsResponse:
		for i := range r.Groups {
			slices.SortFunc(r.Groups[i].Members, func(a, b kmsg.DescribeGroupsResponseGroupMember) int {
				return strings.Compare(a.MemberID, b.MemberID)
			})
		}
	case *kmsg.OffsetFetchResponse:
		for i := range r.Groups {
			slices.SortFunc(r.Groups[i].Topics, func(a, b kmsg.OffsetFetchResponseGroupTopic) int {
				return strings.Compare(a.Topic, b.Topic)
			})
		}
	case *kmsg.ListGroupsResponse:
		slices.SortFunc(r.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
	case *kmsg.DeleteGroupsResponse:
		slices.SortFunc(r.Groups, func(a, b kmsg.DeleteGroupsResponseGroup) int {
			return strings.Compare(a.Group, b.Group)
		})
	}
}

var (
	realID = regexp.MustCompile(`([a-z]*)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	toldID = regexp.MustCompile(`[a-z]*-#[0-9]+`)
)

func (c *conversation) tell(text string) string {
	return realID.ReplaceAllStringFunc(text, func(id string) string {
		if c.told[id] == "" {
			prefix, n := id[:len(id)-37], 1
			for c.ids[fmt.Sprintf("%s-#%d", prefix, n)] != "" {
				n++
			}
			c.told[id] = fmt.Sprintf("%s-#%d", prefix, n)
			c.ids[c.told[id]] = id
		}
		return c.told[id]
	})
}

func (c *conversation) real(text string) string {
	return toldID.ReplaceAllStringFunc(text, func(told string) string {
		if id := c.ids[told]; id != "" {
			return id
		}
		return told
	})
}

// settleMs is how long an answer may take before it is said to wait for something: so much time passes after a call.
const settleMs = 700

// machinePartner answers out of a Machine.
type machinePartner struct {
	m      *Machine
	nowMs  int64
	wakeMs int64
	came   map[string]kmsg.Response
}

// oracleConfig is the settings of the Kafka that was talked to, where they are not its defaults.
func oracleConfig() *Config {
	c := testConfig()
	c.InitialRebalanceDelayMs, c.MinSessionMs, c.MaxSize = 500, 100, 4
	return &c
}

func (p *machinePartner) step(ev Event) {
	e := p.m.Step(ev, p.nowMs)
	p.wakeMs = e.WakeMs
	for _, r := range e.Replies {
		again := kmsg.ResponseForKey(r.Body.Key())
		throughBytes(r.Body, again)
		p.came[r.To.(string)] = again
	}
}

// message is a request or a response.
type message interface {
	GetVersion() int16
	SetVersion(int16)
	AppendTo([]byte) []byte
	ReadFrom([]byte) error
}

// throughBytes makes to of from, without the fields that its version does not have.
func throughBytes(from, to message) {
	to.SetVersion(from.GetVersion())
	if err := to.ReadFrom(from.AppendTo(nil)); err != nil {
		panic(err)
	}
}

func (p *machinePartner) call(name, client string, req kmsg.Request) {
	again := kmsg.RequestForKey(req.Key())
	throughBytes(req, again)
	p.step(Call{To: name, ClientID: client, ClientHost: "/127.0.0.1", Request: again})
	p.wait(0)
}

func (p *machinePartner) wait(ms int64) {
	for end := p.nowMs + ms + settleMs; ; p.step(Tick{}) {
		if p.nowMs = min(max(p.wakeMs, p.nowMs), end); p.wakeMs > end {
			p.nowMs = end
			return
		}
	}
}

func (p *machinePartner) answers() map[string]kmsg.Response {
	came := p.came
	p.came = map[string]kmsg.Response{}
	return came
}

func TestAsKafka(t *testing.T) {
	names, err := filepath.Glob("testdata/kafka/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			p := &machinePartner{m: New(oracleConfig()), came: map[string]kmsg.Response{}}
			p.wakeMs = p.m.Loaded(0).WakeMs
			c := &conversation{t: t, with: p}
			if got := c.play(string(data)); got != string(data) {
				t.Errorf("the machine:\n%s\nKafka:\n%s", got, data)
			}
		})
	}
}
