package main

import (
	"math"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestDatetime(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{
		{"1970-01-01T00:00:01.500", 1500},
		{"1970-01-01T00:00:01", 1000},
		{"1970-01-01T00:01", 60_000},
		{"1970-01-01T00:00:01.500Z", 1500},
		{"1970-01-01T01:00:00.000+01:00", 0},
		{"1970-01-01T01:00:00.000+0100", 0},
		{"1970-01-01T01:00:00.000+01", 0},
		{"1969-12-31T23:59:59.999-00:30", 1_799_999},
		{"2024-02-29T12:00:00.123", 1_709_208_000_123},
	} {
		if got, err := parseDatetime(c.text); err != nil || got.UnixMilli() != c.want {
			t.Errorf("%q is %d, want %d (%v)", c.text, got.UnixMilli(), c.want, err)
		}
	}
	for _, bad := range []string{"", "2024-01-01", "2024-02-30T00:00:00", "2024-01-01 00:00:00", "1700000000000", "now"} {
		if got, err := parseDatetime(bad); err == nil {
			t.Errorf("%q is taken as %s", bad, got)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{
		{"PT0S", 0}, {"PT1.5S", 1500}, {"PT-1.5S", -1500}, {"pt2h30m", 9_000_000}, {"P1D", 86_400_000},
		{"P1DT-1H", 82_800_000}, {"-P1DT1H", -90_000_000}, {"P9999999999D", 863_999_999_913_600_000},
		{"PT0.1239S", 123}, {"-PT0.5S", -500},
	} {
		if got, err := parseDuration(c.text); err != nil || got != c.want {
			t.Errorf("%q is %d, want %d (%v)", c.text, got, c.want, err)
		}
	}
	for _, bad := range []string{"", "P", "PT", "P1DT", "1h", "P1H", "PT1D", "P1W", "P99999999999D", "PT1S1M"} {
		if got, err := parseDuration(bad); err == nil {
			t.Errorf("%q is taken as %d", bad, got)
		}
	}
}

func TestPlanFile(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"t,0,5\nu,1,0\n", ""},
		{"g,t,0,5\nh,t,1,6\ng,u,1,0", ""},
		{"h,t,1,6", `none of its 1 line is for the group "g"`},
		{"", "none of its 0 lines"},
		{"t,0\n", "line 1 is neither"},
		{"t,0,1\nt,x,1", `line 2: partition and offset must be numbers of 0 or more, not "x" and "1"`},
		{"t,0,-1", "numbers of 0 or more"},
		{"t,99999999999,1", "numbers of 0 or more"},
		{`"t,0,1`, "quote"},
	} {
		got, err := parsePlan(strings.NewReader(c.text), "g")
		if c.want == "" {
			if err != nil || len(got) != 2 || got[spot{"t", 0}] != 5 {
				t.Errorf("%q is %v (%v)", c.text, got, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestScope(t *testing.T) {
	s, err := parseScope([]string{"a:1,0", "b", "a:2", "b:7"})
	if err != nil || strings.Join(s.topics, " ") != "a b" || len(s.only["a"]) != 3 || len(s.only) != 1 {
		t.Errorf("%v (%v)", s, err)
	}
	for _, bad := range []string{"", ":1", "t:", "t:x", "t:-1", "t:1:2", "t:99999999999"} {
		if _, err := parseScope([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestPlace: a reset ends inside the log, and a shift beyond all numbers does so too.
func TestPlace(t *testing.T) {
	listed := func(o int64) kadm.ListedOffsets {
		return kadm.ListedOffsets{"t": {0: {Topic: "t", Offset: o}}}
	}
	b, old := bounds{starts: listed(3), ends: listed(9)}, int64(5)
	for _, c := range []struct {
		how    string
		offset int64
		old    *int64
		want   int64
		warned bool
	}{
		{"to-earliest", 0, &old, 3, false},
		{"to-latest", 0, &old, 9, false},
		{"to-current", 0, &old, 5, false},
		{"to-current", 0, nil, 9, false},
		{"to-offset", 9, nil, 9, false},
		{"to-offset", 10, nil, 9, true},
		{"to-offset", 2, nil, 3, true},
		{"shift-by", -2, &old, 3, false},
		{"shift-by", -9, &old, 3, true},
		{"shift-by", math.MaxInt64, &old, 9, true},
		{"shift-by", math.MinInt64, &old, 3, true},
	} {
		warned := false
		p := plan{group: "g", how: c.how, offset: c.offset, warn: func(string) { warned = true }}
		if got, err := p.place(spot{"t", 0}, c.old, b); err != nil || got != c.want || warned != c.warned {
			t.Errorf("%s %d: %d, warned %v (%v), want %d, %v", c.how, c.offset, got, warned, err, c.want, c.warned)
		}
	}
	p := plan{group: "g", how: "shift-by"}
	if got, err := p.place(spot{"t", 0}, nil, b); err == nil {
		t.Errorf("a shift from nowhere leads to %d", got)
	}
}

// TestCoordinatorComing: a broker that has never had a group makes the topic for them when it is first asked, which may
// take longer than the client tries by itself.
func TestCoordinatorComing(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	refusals := 0
	c.ControlKey(kmsg.FindCoordinator.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if refusals++; refusals > 12 {
			return nil, nil, false
		}
		resp := r.ResponseKind().(*kmsg.FindCoordinatorResponse)
		resp.ErrorCode = kerr.CoordinatorNotAvailable.Code
		for _, key := range r.(*kmsg.FindCoordinatorRequest).CoordinatorKeys {
			one := kmsg.NewFindCoordinatorResponseCoordinator()
			one.Key, one.ErrorCode = key, kerr.CoordinatorNotAvailable.Code
			resp.Coordinators = append(resp.Coordinators, one)
		}
		return resp, nil, true
	})
	_, stderr, code := cli(t, "", "group", "describe", "g", "-b", c.ListenAddrs()[0])
	if code != 1 || !strings.Contains(stderr, `there is no group "g"`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	refusals = 0
	hurry(t, &patienceCoordinator, 0)
	_, stderr, code = cli(t, "", "group", "describe", "g", "-b", c.ListenAddrs()[0])
	if code != 1 || !strings.Contains(stderr, "COORDINATOR_NOT_AVAILABLE: ") {
		t.Errorf("without patience: exit code %d: %s", code, stderr)
	}
}
