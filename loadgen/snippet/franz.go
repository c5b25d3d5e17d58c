package snippet

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"

	"tailrace/loadgen/plan"
)

var franzAcks = map[plan.Acks]string{
	plan.AcksNone: "kgo.NoAck()", plan.AcksLeader: "kgo.LeaderAck()", plan.AcksAll: "kgo.AllISRAcks()",
}

var franzCodecs = map[string]string{
	"none": "kgo.NoCompression()", "gzip": "kgo.GzipCompression()", "snappy": "kgo.SnappyCompression()",
	"lz4": "kgo.Lz4Compression()", "zstd": "kgo.ZstdCompression()",
}

// Franz is a Go file with the options of a franz-go client. It is the client that was measured, so it says all of it.
func Franz(p *plan.Plan, about string) []byte {
	var b bytes.Buffer
	b.WriteString("package producer\n\nimport (\n\t\"time\"\n\n\t\"github.com/twmb/franz-go/pkg/kgo\"\n)\n\n")
	b.WriteString("// Options are the settings that were measured.\n//\n")
	for line := range strings.SplitSeq(about, "\n") {
		b.WriteString(strings.TrimSpace("// "+line) + "\n")
	}
	b.WriteString("func Options() []kgo.Opt {\n\treturn []kgo.Opt{\n")
	option := func(format string, args ...any) { fmt.Fprintf(&b, "\t\t"+format+",\n", args...) }
	var seeds []string
	for s := range strings.SplitSeq(broker(p), ",") {
		seeds = append(seeds, fmt.Sprintf("%q", s))
	}
	option("kgo.SeedBrokers(%s)", strings.Join(seeds, ", "))
	option("kgo.RequiredAcks(%s)", franzAcks[p.Acks])
	if !p.Idempotence {
		option("kgo.DisableIdempotentWrite()")
		option("kgo.MaxProduceRequestsInflightPerBroker(%d)", p.InFlight)
	}
	const around = 512 // of a batch and a record around a value, as the lab has it
	option("kgo.ProducerBatchMaxBytes(%d)", min(max(p.BatchSize, p.RecordSize.Max()+around), 1<<30))
	option("kgo.ProducerLinger(%d * time.Microsecond)", p.Linger.Microseconds())
	codec := franzCodecs[p.Compression.Name]
	if p.Compression.Level != 0 {
		codec += fmt.Sprintf(".WithLevel(%d)", p.Compression.Level)
	}
	option("kgo.ProducerBatchCompression(%s)", codec)
	if p.Keys.Distinct == 0 {
		b.WriteString("\t\t// A batch is filled before the next partition is taken.\n")
	}
	option("kgo.RecordPartitioner(kgo.UniformBytesPartitioner(%d, true, true, nil))", p.BatchSize)
	b.WriteString("\t}\n}\n")
	out, err := format.Source(b.Bytes())
	if err != nil {
		panic("BUG: the source for franz-go does not parse: " + err.Error())
	}
	return out
}
