package tally

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tailrace/benchmarks/scenario"
)

// nearly is how close to the best is as good as the best: less than what two runs of the same thing differ by.
const (
	nearly     = 0.05
	nearlyText = "5 %"
)

// settingsRows are batch size and linger with acks 1.
func (t *Tally) settingsRows() []*Figures { return t.named("settings-1-") }

func lingerOf(f *Figures) time.Duration {
	d, err := time.ParseDuration(f.Row.With["linger"])
	if err != nil {
		return 0
	}
	return d
}

// enough is the row on Tailrace with the shortest linger, then the smallest batch, that comes nearly up to the best of
// all: what waits longer, or holds more memory, would gain nothing. nil: none has the figure.
func (t *Tally) enough(list []*Figures, metric string) *Figures {
	list = slices.DeleteFunc(slices.Clone(list), func(f *Figures) bool {
		return f.Of(scenario.Tailrace, metric).N == 0
	})
	if len(list) == 0 {
		return nil
	}
	more := MetricOf(metric).Sense == More
	median := func(f *Figures) float64 { return f.Of(scenario.Tailrace, metric).Median }
	best := median(list[0])
	for _, f := range list {
		if more {
			best = max(best, median(f))
		} else {
			best = min(best, median(f))
		}
	}
	list = slices.DeleteFunc(list, func(f *Figures) bool {
		return more && median(f) < best*(1-nearly) || !more && median(f) > best*(1+nearly)
	})
	return slices.MinFunc(list, func(a, b *Figures) int {
		return cmp.Or(cmp.Compare(lingerOf(a), lingerOf(b)),
			cmp.Compare(bytesOf(a.Row.With["batch-size"]), bytesOf(b.Row.With["batch-size"])))
	})
}

// packing are the codecs that were measured on Tailrace; none is not one of them.
func (t *Tally) packing() []*Figures {
	return slices.DeleteFunc(t.named("codec-"), func(f *Figures) bool {
		return f.Row.With["codec"] == "none" || f.Of(scenario.Tailrace, "cpuSecondsPerGB").N == 0
	})
}

// smallest and cheapest are the codecs with the best ratio and with the least of the broker's CPU; nil: not measured.
// Of those that save nearly as much as the best, smallest is the cheapest.
func (t *Tally) smallest() *Figures {
	ratio := func(f *Figures) float64 { return f.Of(scenario.Tailrace, "compressionRatio").Median }
	list := t.packing()
	best := largestBy(list, ratio)
	return largestBy(list, func(f *Figures) float64 {
		if ratio(f) < ratio(best)*(1-nearly) {
			return math.Inf(-1)
		}
		return -f.Of(scenario.Tailrace, "cpuSecondsPerGB").Median
	})
}

func (t *Tally) cheapest() *Figures {
	return largestBy(t.packing(), func(f *Figures) float64 { return -f.Of(scenario.Tailrace, "cpuSecondsPerGB").Median })
}

func largestBy(list []*Figures, of func(f *Figures) float64) *Figures {
	if len(list) == 0 {
		return nil
	}
	return slices.MaxFunc(list, func(a, b *Figures) int { return cmp.Compare(of(a), of(b)) })
}

// advice is a line of the table: what somebody wants, and what to set for it in which client.
type advice struct{ want, java, franz, why, figure string }

// advicePart is the table. What depends on figures is taken from them, the settings themselves included.
func (t *Tally) advicePart(w *writer) {
	var rows [][]string
	for _, a := range slices.Concat(t.speedAdvice(), t.safetyAdvice(), t.codecAdvice()) {
		rows = append(rows, []string{a.want, a.java, a.franz, a.why, a.figure})
	}
	w.table([]string{"you want", "Java, librdkafka", "franz-go", "because", "here, on Tailrace"}, rows)
}

func (t *Tally) speedAdvice() []advice {
	rate, cost := t.enough(t.settingsRows(), "megabytesPerSecond"), t.enough(t.settingsRows(), "cpuUsPerRecord")
	return []advice{
		{"each record there soon, and there are few", "`linger.ms=0`", "`ProducerLinger(0)`",
			"nothing waits for company; under load batches fill while requests are on their way",
			t.wayOfOne()},
		t.batches("the most throughput of one client", "a request costs more than a record: fewer and fuller ones",
			rate, "megabytesPerSecond"),
		t.batches("the least CPU of the broker", "the same, seen from the broker", cost, "cpuUsPerRecord"),
		{"not to wait, and records may be lost", "`acks=0`<br>`enable.idempotence=false`",
			"`RequiredAcks(NoAck())`<br>`DisableIdempotentWrite()`",
			"nobody is told of an error either; take acks 1 unless you have measured that this is better",
			"acks 0 " + ourFigure(t.of("acks-0-page"), "megabytesPerSecond") + ", acks 1 " +
				ourFigure(t.of("acks-1-page"), "megabytesPerSecond")},
	}
}

// wayOfOne is how long a record takes that nothing waits for.
func (t *Tally) wayOfOne() string {
	return "e2e p50 " + ourFigure(t.of("ping-1000"), "e2eP50Ms") + " at 1,000 records/s"
}

// batches is a line whose settings are those of a row.
func (t *Tally) batches(want, why string, f *Figures, metric string) advice {
	if f == nil {
		return advice{want, notYet, notYet, why, notYet}
	}
	size, linger := fmt.Sprintf("%.0f", bytesOf(f.Row.With["batch-size"])), lingerOf(f).Milliseconds()
	franz := "ProducerLinger(0)"
	if linger > 0 {
		franz = fmt.Sprintf("ProducerLinger(%d*time.Millisecond)", linger)
	}
	return advice{want, fmt.Sprintf("`batch.size=%s`<br>`linger.ms=%d`<br>librdkafka also "+
		"`batch.num.messages=1000000`", size, linger), "`ProducerBatchMaxBytes(" + size + ")`<br>`" + franz + "`", why,
		MetricOf(metric).Heading + " " + ourFigure(f, metric) + ", within " + nearlyText + " of the best"}
}

func (t *Tally) safetyAdvice() []advice {
	synced, cached := t.of("acks-all-synced"), t.of("acks-all-page")
	one1, many := t.of("sync-1-1"), t.of("sync-512-1")
	return []advice{
		{"that a power cut loses nothing that was acknowledged", "`acks=all`", "`RequiredAcks(AllISRAcks())`",
			"it is the default of all three; on Tailrace the ack of a sole replica waits for the disk",
			ourFigure(synced, "megabytesPerSecond") + "; of the cached throughput " +
				fold(against(synced, cached, scenario.Tailrace, "megabytesPerSecond"))},
		{"Kafka's acks all, which is the page cache", "`acks=all`, and of the topic `tailrace.flush.before.ack=never`",
			"the same", "a crash of the process loses nothing, one of the machine may", ourFigure(cached, "megabytesPerSecond")},
		{"many acks a second that are on the disk", "many producers, `max.in.flight.requests.per.connection=5`",
			"many clients, or idempotence (5 in flight)", "all that wait share one sync",
			"1 producer " + ourFigure(one1, "requestsPerSecond") + ", 512 producers " + ourFigure(many, "requestsPerSecond")},
		{"no doubles and no disorder after a retry",
			"`enable.idempotence=true`<br>`acks=all`<br>`max.in.flight.requests.per.connection` ≤ 5",
			"default", "the broker knows a batch that comes again; Java has it by default, librdkafka has not",
			"CPU of a record, against without: " + fold(against(t.of("idempotence-true"), t.of("idempotence-false"),
				scenario.Tailrace, "cpuUsPerRecord"))},
	}
}

func (t *Tally) codecAdvice() []advice {
	small, cheap := t.smallest(), t.cheapest()
	const least = "of the codecs that shrank the records most, within " + nearlyText + ", it took the least CPU"
	list := []advice{
		{"the least disk and network", notYet, notYet, least, notYet},
		{"compression, and the broker's CPU", notYet, notYet, "of the codecs it took the least of the broker's CPU", notYet},
	}
	for i, f := range []*Figures{small, cheap} {
		if f == nil {
			continue
		}
		name := f.Row.With["codec"]
		list[i].java = "`compression.type=" + name + "`"
		list[i].franz = "`ProducerBatchCompression(" + strings.ToUpper(name[:1]) + name[1:] + "Compression())`"
		list[i].figure = number(ratioOf(f)) + " times smaller, CPU " + ourFigure(f, "cpuSecondsPerGB")
	}
	return list
}
