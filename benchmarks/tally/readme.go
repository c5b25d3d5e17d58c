package tally

import "tailrace/benchmarks/scenario"

// README.md has a few rows of BENCHMARKS.md, and says how many goals were missed.
const readmeFile = "README.md"

var readmeParts = parts{"beside": (*Tally).besidePart}

// besideRows are the rows of the README: one for each thing that a reader asks first.
var besideRows = []struct{ row, metric, text string }{
	{"produce-64k-1k", "cpuSecondsPerGB", "broker's CPU to take in a GB: batches of 64 KiB, records of 1 KiB"},
	{"produce-one-100", "cpuUsPerRequest", "… a request with one record of 100 B"},
	{"fetch-one", "cpuUsPerRequest", "… to answer a fetch of one record"},
	{"fetch-1m", "cpuSecondsPerGB", "… to send a GB in fetches of 1 MiB"},
	{"latency-50", "e2eP50Ms", "end to end at half of the rate that Kafka can bear, p50"},
	{"latency-50", "e2eP99Ms", "… p99"},
	{"sync-64-1", "requestsPerSecond", "acks a second that are on the disk: 64 producers, one partition"},
	{"catch-up-cold", "megabytesPerSecond", "catching up from the disk"},
	{"recovery", "recoveryMs", "kill -9 with 10 GB just written, until every partition serves"},
	{"start", "startMs", "exec to first ack"},
	{"idle", "residentMiB", "resident memory, idle"},
}

// besidePart is the README's table.
func (t *Tally) besidePart(w *writer) {
	list := make([]*Figures, len(besideRows))
	for i, r := range besideRows {
		list[i] = t.of(r.row)
	}
	if none(w, list) {
		return
	}
	var rows [][]string
	for i, r := range besideRows {
		f, m := list[i], MetricOf(r.metric)
		cell := func(s scenario.System) string {
			v := f.Of(s, r.metric)
			if v.N == 0 {
				return notYet
			}
			return m.with(number(v.Median))
		}
		better := notYet
		if v := f.Better(scenario.Kafka, r.metric); v.N > 0 {
			better = times(v)
		}
		rows = append(rows, []string{r.text, cell(scenario.Tailrace), cell(scenario.Kafka), better})
	}
	w.table([]string{"", "Tailrace", "Kafka", "Tailrace is better"}, rows)
	olderRows(w, list)
	goals, met := t.Verdicts(), 0
	for _, v := range goals {
		if v.Met {
			met++
		}
	}
	losing, _ := t.Losses()
	w.paragraph("Of %d goals that were set before, %d are met. [Where Tailrace loses]"+
		"(BENCHMARKS.md#where-tailrace-loses) has %d lines.", len(goals), met, len(losing))
}
