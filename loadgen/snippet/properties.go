package snippet

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tailrace/loadgen/plan"
)

// The files.
const (
	FileJava       = "client-java.properties"
	FileLibrdkafka = "client-librdkafka.conf"
	FileFranz      = "client-franz.go"
)

// defaultBroker stands where the plan names no broker.
const defaultBroker = "127.0.0.1:9092"

func broker(p *plan.Plan) string {
	if p.BootstrapServer == "" {
		return defaultBroker
	}
	return p.BootstrapServer
}

// lines collects key=value lines under comments.
type lines struct{ strings.Builder }

func (l *lines) comment(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		l.WriteString(strings.TrimSpace("# "+line) + "\n")
	}
}

func (l *lines) set(key string, value any) { fmt.Fprintf(l, "%s=%v\n", key, value) }

// Java are the properties of a Kafka producer in Java (ProducerConfig). about is a comment: what was measured.
//
// linger.ms holds whole milliseconds: less than one becomes 1, so that batches still wait.
func Java(p *plan.Plan, about string) []byte {
	var l lines
	l.comment("%s", about)
	l.set("bootstrap.servers", broker(p))
	l.set("acks", p.Acks)
	l.set("enable.idempotence", p.Idempotence)
	l.set("batch.size", p.BatchSize)
	whole := (p.Linger + time.Millisecond - 1) / time.Millisecond
	if whole*time.Millisecond != p.Linger {
		l.comment("linger.ms has whole milliseconds; measured were %s", plan.FormatDuration(p.Linger))
	}
	l.set("linger.ms", int64(whole))
	l.set("max.in.flight.requests.per.connection", p.InFlight)
	l.set("compression.type", p.Compression.Name)
	if level := p.Compression.Level; level != 0 {
		l.comment("Kafka 3.8 and later (KIP-390)")
		l.set("compression."+p.Compression.Name+".level", level)
	}
	if most := p.RecordSize.Max(); most >= 1<<20-overhead {
		l.set("max.request.size", most+overhead)
	}
	return []byte(l.String())
}

// overhead of a request around the largest record.
const overhead = 4096

// Librdkafka are the properties of librdkafka, which kcat and the clients for Python, .NET, C++, PHP and others share.
func Librdkafka(p *plan.Plan, about string) []byte {
	var l lines
	l.comment("%s", about)
	l.set("bootstrap.servers", broker(p))
	l.set("acks", p.Acks)
	l.set("enable.idempotence", p.Idempotence)
	l.set("batch.size", p.BatchSize)
	l.comment("the other bound of a batch, in records: it shall not decide")
	l.set("batch.num.messages", 1_000_000)
	l.set("linger.ms", strconv.FormatFloat(float64(p.Linger)/1e6, 'f', -1, 64))
	l.set("max.in.flight.requests.per.connection", p.InFlight)
	l.set("compression.type", p.Compression.Name)
	if level := min(p.Compression.Level, 12); level != 0 {
		if level != p.Compression.Level {
			l.comment("librdkafka has levels up to 12; measured was %d", p.Compression.Level)
		}
		l.set("compression.level", level)
	}
	if most := p.RecordSize.Max(); most >= 1_000_000-overhead {
		l.set("message.max.bytes", most+overhead)
	}
	return []byte(l.String())
}
