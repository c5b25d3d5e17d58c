package tally

import (
	"fmt"
	"slices"
	"strings"

	"tailrace/benchmarks/scenario"
	"tailrace/loadgen/page"
)

// syncedPart is what acks cost that wait for the disk, by number of producers.
func (t *Tally) syncedPart(w *writer) {
	list := t.named("sync-")
	if none(w, list) {
		return
	}
	picture(w, t.syncedChart())
	var rows [][]string
	partitions := numbersOf(list, "partitions")
	head := []string{"producers"}
	for _, n := range partitions {
		head = append(head, "acks/s, "+countOf(n, "partition"), "CPU, µs/ack")
	}
	for _, n := range numbersOf(list, "connections") {
		cells := []string{page.Count(n)}
		for _, p := range partitions {
			acks, cpu := notYet, ""
			for _, f := range list {
				if bytesOf(f.Row.With["connections"]) == n && bytesOf(f.Row.With["partitions"]) == p {
					acks, cpu = duo(f, "requestsPerSecond"), duo(f, "cpuUsPerRequest")
				}
			}
			cells = append(cells, acks, cpu)
		}
		rows = append(rows, cells)
	}
	w.paragraph("One record of 1 KiB a request, one request in flight for each producer. Figures are Tailrace / Kafka.")
	w.table(head, rows)
	olderRows(w, list)
	single, many := t.of("sync-1-1"), t.of("sync-512-1")
	if v := single.Of(scenario.Tailrace, "requestsPerSecond"); v.N > 0 && v.Median > 0 {
		w.paragraph("One producer that waits for each ack got %s on Tailrace: %s ms an ack, the sync included. 512 "+
			"producers got %s of that, with %s of the CPU for an ack.", ourFigure(single, "requestsPerSecond"),
			number(1000/v.Median), fold(against(many, single, scenario.Tailrace, "requestsPerSecond")),
			fold(against(many, single, scenario.Tailrace, "cpuUsPerRequest")))
	}
}

// smallPart is CPU a record by size of the batch it came in.
func (t *Tally) smallPart(w *writer) {
	list := slices.DeleteFunc(t.named("produce-"), func(f *Figures) bool { return f.Row.With["partitions"] != "" })
	if none(w, list) {
		return
	}
	var batches, records []string
	for _, f := range list {
		if b := f.Row.With["batch"]; !slices.Contains(batches, b) {
			batches = append(batches, b)
		}
		if r := f.Row.With["record"]; !slices.Contains(records, r) {
			records = append(records, r)
		}
	}
	head := []string{"record"}
	for _, b := range batches {
		if head = append(head, sized(b)); b == "one" {
			head[len(head)-1] = "one a request"
		}
	}
	var rows [][]string
	for _, r := range records {
		cells := []string{sized(r)}
		for _, b := range batches {
			text := ""
			for _, f := range list {
				if f.Row.With["batch"] == b && f.Row.With["record"] == r {
					text = duo(f, "cpuNsPerRecord")
				}
			}
			cells = append(cells, text)
		}
		rows = append(rows, cells)
	}
	w.paragraph("Broker's CPU for a record in ns, by the batch that it came in; acks 1. Figures are Tailrace / Kafka.")
	w.table(head, rows)
	olderRows(w, list)
	alone, among := t.of("produce-one-100"), t.of("produce-64k-100")
	w.paragraph("A record of 100 B alone in its request cost the broker, of the CPU of one in a batch of 64 KiB: %s on "+
		"Tailrace, %s on Kafka.", fold(against(alone, among, scenario.Tailrace, "cpuNsPerRecord")),
		fold(against(alone, among, scenario.Kafka, "cpuNsPerRecord")))
}

// codecsPart is what each codec saves, and what it costs the broker.
func (t *Tally) codecsPart(w *writer) {
	list := t.named("codec-")
	if none(w, list) {
		return
	}
	picture(w, t.trafficChart())
	var rows [][]string
	for _, f := range list {
		ratio := notYet
		if v := ratioOf(f); v > 0 {
			ratio = number(v)
		}
		rows = append(rows, []string{f.Row.With["codec"], ratio, duo(f, "cpuSecondsPerGB"), duo(f, "megabytesPerSecond")})
	}
	w.paragraph("A GB, and a MB, are of uncompressed data. Figures are Tailrace / Kafka.")
	w.table([]string{"codec", "ratio", "CPU, s/GB", "MB/s"}, rows)
	olderRows(w, list)
	small, cheap, plain := t.smallest(), t.cheapest(), t.of("codec-none")
	if small == nil {
		return
	}
	w.paragraph("Smallest, within %s: **%s**, %s times smaller, with %s of the broker's CPU that the same data take "+
		"uncompressed. Least CPU of those that compress: **%s**, %s times smaller, with %s.", nearlyText,
		small.Row.With["codec"],
		number(ratioOf(small)), fold(against(small, plain, scenario.Tailrace, "cpuSecondsPerGB")),
		cheap.Row.With["codec"], number(ratioOf(cheap)),
		fold(against(cheap, plain, scenario.Tailrace, "cpuSecondsPerGB")))
}

// ratioOf is how much a codec saves. The requests are prebuilt, so that it is the same for both systems.
func ratioOf(f *Figures) float64 {
	if v := f.Of(scenario.Tailrace, "compressionRatio"); v.N > 0 {
		return v.Median
	}
	return f.Of(scenario.Kafka, "compressionRatio").Median
}

// latencyPart is how long records take that no setting holds back.
func (t *Tally) latencyPart(w *writer) {
	list := slices.Concat(t.named("ping-"), t.named("latency-"))
	if none(w, list) {
		return
	}
	var rows [][]string
	metrics := []string{"e2eP50Ms", "e2eP99Ms", "e2eP999Ms"}
	head := []string{"load", "acks"}
	for _, m := range metrics {
		head = append(head, strings.TrimPrefix(MetricOf(m).head(), "e2e "))
	}
	for _, f := range list {
		cells := []string{f.Row.Title, durability(f)}
		for _, m := range metrics {
			cells = append(cells, duo(f, m))
		}
		rows = append(rows, cells)
	}
	w.paragraph("End to end, from the moment at which a record was due. Figures are Tailrace / Kafka.")
	w.table(head, rows)
	olderRows(w, list)
	if v := t.of("ping-1000").Of(scenario.Tailrace, "e2eP50Ms"); v.N > 0 && v.Median > 0 {
		w.paragraph("%s", fmt.Sprintf("At 1,000 records/s, one a request, half of them were with the consumer after %s on "+
			"Tailrace. A linger of 5 ms is ×%s of that, and comes on top.", ourFigure(t.of("ping-1000"), "e2eP50Ms"),
			number(5/v.Median)))
	}
}
