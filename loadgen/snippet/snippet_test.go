package snippet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tailrace/loadgen/plan"
)

func planOf(t *testing.T, settings ...string) *plan.Plan {
	t.Helper()
	p := plan.Default()
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if err := p.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPropertiesSayThePlan(t *testing.T) {
	for _, c := range []struct{ settings, java, librdkafka string }{
		{"acks=all", "acks=all enable.idempotence=true batch.size=16384 linger.ms=5 compression.type=none " +
			"max.in.flight.requests.per.connection=5 bootstrap.servers=127.0.0.1:9092",
			"acks=all enable.idempotence=true batch.size=16384 linger.ms=5 compression.type=none"},
		{"acks=1 linger=300us batch-size=1MiB compression=zstd:19 bootstrap-server=a:1,b:2",
			"acks=1 enable.idempotence=false linger.ms=1 batch.size=1048576 compression.zstd.level=19 bootstrap.servers=a:1,b:2",
			"acks=1 linger.ms=0.3 compression.level=12 bootstrap.servers=a:1,b:2"},
		{"acks=0 in-flight=1 record-size=2MiB compression=gzip:6",
			"acks=0 max.in.flight.requests.per.connection=1 max.request.size=2101248 compression.gzip.level=6",
			"acks=0 message.max.bytes=2101248 compression.type=gzip compression.level=6"},
	} {
		p := planOf(t, strings.Fields(c.settings)...)
		for _, f := range []struct{ got, want string }{
			{string(Java(p, "about\n\nit")), c.java}, {string(Librdkafka(p, "about\nit")), c.librdkafka},
		} {
			for _, line := range strings.Fields(f.want) {
				if !strings.Contains(f.got, "\n"+line+"\n") {
					t.Errorf("%s: %q is not in\n%s", c.settings, line, f.got)
				}
			}
			for line := range strings.Lines(f.got) {
				if key, _, ok := strings.Cut(line, "="); !strings.HasPrefix(line, "#") && (!ok || strings.Contains(key, " ")) {
					t.Errorf("%q is neither a comment nor key=value", line)
				}
			}
		}
	}
}

// TestFranzCompiles: the Go file is vetted by Go's own tool, against the franz-go of this module.
func TestFranzCompiles(t *testing.T) {
	dir := t.TempDir()
	for i, settings := range []string{"acks=all compression=zstd:3", "acks=1 linger=250us keys=uniform:10 compression=lz4",
		"acks=0 in-flight=2 bootstrap-server=a:1,b:2"} {
		source := Franz(planOf(t, strings.Fields(settings)...), "two\nlines")
		path := filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(path, source, 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("go", "vet", path).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, out, source)
		}
	}
	text := string(Franz(planOf(t, "acks=1", "linger=250us"), "x"))
	for _, want := range []string{"kgo.LeaderAck()", "kgo.DisableIdempotentWrite()", "250 * time.Microsecond"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
