package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestConfigListOfMany: the settings of very many topics are asked for in parts.
func TestConfigListOfMany(t *testing.T) {
	var names []string
	for i := range askedAtOnce + 1 {
		names = append(names, fmt.Sprintf("t%05d", i))
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, names...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked, most := 0, 0
	c.ControlKey(kmsg.DescribeConfigs.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		n := len(r.(*kmsg.DescribeConfigsRequest).Resources)
		asked, most = asked+n, max(most, n)
		return nil, nil, false
	})
	at := c.ListenAddrs()[0]
	for _, name := range []string{names[0], names[askedAtOnce]} {
		if _, stderr, code := cli(t, "", "config", "set", "topic", name, "retention.ms=1000", "-b", at); code != 0 {
			t.Fatal(stderr)
		}
	}
	stdout, stderr, code := cli(t, "", "config", "list", "topic", "-b", at)
	if code != 0 || strings.Count(stdout, "retention.ms") != 2 || !strings.Contains(stdout, names[askedAtOnce]) {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if asked != len(names) || most > askedAtOnce {
		t.Errorf("%d resources were asked for, up to %d at once", asked, most)
	}
}
