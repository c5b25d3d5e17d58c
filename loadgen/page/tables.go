package page

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

// enough is how many records must lie above a percentile for it to be worth trusting.
const enough = 10

// percentileTable holds a row a clock. Percentiles with too few records above them are marked.
func percentileTable(r *result.Run) Table {
	t := Table{Caption: "Percentiles", Head: []string{"clock"}}
	for _, p := range result.Percentiles {
		t.Head = append(t.Head, "p"+result.PercentileName(p))
	}
	t.Head = append(t.Head, "max", "mean", "records")
	few := false
	for c := range meter.Clock(meter.Clocks) {
		curve := r.Clocks[c.Tag()]
		if curve == nil {
			continue
		}
		row := Texts(c.String())
		for _, p := range result.Percentiles {
			cell := TableCell{Text: Latency(curve.At[result.PercentileName(p)])}
			if float64(curve.Count)*(100-p)/100 < enough {
				cell.Text, cell.Tone, few = cell.Text+" †", "dim", true
			}
			row.Cells = append(row.Cells, cell)
		}
		row.Cells = append(row.Cells, Texts(Latency(curve.Max), Latency(curve.Mean), Count(float64(curve.Count))).Cells...)
		row.Strong = c == meter.Response
		t.Rows = append(t.Rows, row)
	}
	if few {
		t.Note = fmt.Sprintf("† fewer than %d records lie above it: another run may well differ.", enough)
	}
	return t
}

func totalsSection(r *result.Run) Section {
	s := Section{Title: "Totals"}
	add := func(name, format string, args ...any) {
		s.Terms = append(s.Terms, Term{name, fmt.Sprintf(format, args...)})
	}
	t := r.Totals
	add("Measured", "%.2f s", t.Seconds)
	if t.Offered > 0 {
		add("Offered", "%s records/s", Count(t.Offered))
	}
	if t.Acked > 0 {
		add("Acknowledged", "%s, %s, %s/s", plural(t.Acked, "record", "records"), Bytes(float64(t.AckedBytes)),
			Bytes(t.Bytes))
	}
	if t.Received > 0 {
		add("Consumed", "%s, %s/s", plural(t.Received, "record", "records"), Count(t.Consumed))
	}
	add("Refused", "%s", plural(t.Failed, "record", "records"))
	if t.RecordsPerB > 0 {
		add("Batches", "%.1f records, %s before compression", t.RecordsPerB, Bytes(t.BatchBytes))
		add("Requests", "%.1f records each", t.RecordsPerReq)
		add("Compression", "%.2f to 1", t.Ratio)
	}
	add("Schedule lag", "mean %s, max %s; %.0f %% of it waiting for the broker", Latency(t.MeanLagMs),
		Latency(t.MaxLagMs), t.BlockedShare*100)
	add("Last record", "handed over %s late", Latency(t.OverrunMs))
	add("Rate variation", "%.1f %% from second to second", t.RateVariation*100)
	costs(&s, "Broker", r.Broker.Cost)
	costs(&s, "loadgen", &r.Generator)
	add("CPU taken by others", "%.1f %% (steal)", r.Steal*100)
	for _, name := range slices.Sorted(maps.Keys(r.Extra)) {
		add(name, "%.4g", r.Extra[name])
	}
	if len(r.Errors) > 0 {
		table := Table{Caption: "Errors", Head: []string{"what", "how often"}, Words: true}
		for _, text := range slices.Sorted(maps.Keys(r.Errors)) {
			table.Rows = append(table.Rows, Texts(text, Count(float64(r.Errors[text]))))
		}
		s.Tables = append(s.Tables, table)
	}
	return s
}

func costs(s *Section, who string, c *result.Cost) {
	if c == nil {
		s.Terms = append(s.Terms, Term{who + " CPU", "not known: its process was not found on this machine"})
		return
	}
	text := fmt.Sprintf("%.2f cores, %.2f CPU-seconds", c.Cores, c.CPUSeconds)
	if c.CoresAllowed > 0 {
		text = fmt.Sprintf("%.2f of %d cores, %.2f CPU-seconds", c.Cores, c.CoresAllowed, c.CPUSeconds)
	}
	if c.NsPerRecord > 0 {
		text += fmt.Sprintf(", %s a record", Latency(c.NsPerRecord/1e6))
	}
	if c.SecondsPerGB > 0 {
		text += fmt.Sprintf(", %.3g CPU-seconds a GB", c.SecondsPerGB)
	}
	s.Terms = append(s.Terms, Term{who + " CPU", text})
	if c.PeakAnon+c.PeakFile > 0 {
		s.Terms = append(s.Terms, Term{who + " memory", fmt.Sprintf("at most %s its own, %s of mapped files",
			Bytes(float64(c.PeakAnon)), Bytes(float64(c.PeakFile)))})
	}
}

// settingsSection lists what was asked for: first what differs from the defaults.
func settingsSection(r *result.Run) Section {
	s := Section{Title: "Settings", Lead: "Command: " + veiled(strings.Join(r.Command, " "))}
	changed := Table{Caption: "Not at their defaults", Words: true,
		Head: []string{"setting", "value", "default", "what it is"}}
	known, usual := map[string]bool{}, plan.Default()
	for i := range plan.Settings {
		row := &plan.Settings[i]
		value, there := r.Settings[row.Name]
		known[row.Name] = true
		switch standard := usual.Text(row.Name); {
		case !there:
		case value != standard:
			changed.Rows = append(changed.Rows, Row{Strong: true, Cells: []TableCell{{Text: row.Name}, {Text: veiled(value)},
				{Text: orElse(standard, "none"), Tone: "dim"}, {Text: row.Doc, Tone: "dim"}}})
		case value != "":
			s.Terms = append(s.Terms, Term{row.Name, value})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		if !known[name] {
			changed.Rows = append(changed.Rows, Texts(name, veiled(r.Settings[name]), "",
				"a setting that this loadgen does not know"))
		}
	}
	if len(changed.Rows) > 0 {
		s.Tables = []Table{changed}
	}
	return s
}

// secrets are what must not be on a page that people pass on: values of password and jaas properties.
var secrets = regexp.MustCompile(`(?im)((?:jaas\.config|password|secret)[\w.]*\s*=\s*).*?($|\s-)`)

func veiled(text string) string { return secrets.ReplaceAllString(text, "${1}[not shown]${2}") }

func environmentSection(r *result.Run) Section {
	s := Section{Title: "Where it ran"}
	add := func(name, text string) {
		if strings.TrimSpace(text) != "" {
			s.Terms = append(s.Terms, Term{name, text})
		}
	}
	m, b := r.Machine, r.Broker
	add("Broker", brokerName(r))
	add("Address", b.Address)
	add("Cluster", b.ClusterID)
	if b.Nodes > 0 {
		add("Nodes", Count(float64(b.Nodes)))
	}
	add("An ack means", b.Durability)
	add("Topic", r.Topic)
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		add(name, r.Versions[name])
	}
	add("Host", m.Host)
	add("CPU", m.CPU)
	if m.Cores > 0 {
		add("Cores", fmt.Sprintf("%d that loadgen may use", m.Cores))
	}
	add("Governor", m.Governor)
	if m.MemoryBytes > 0 {
		add("Memory", Bytes(float64(m.MemoryBytes)))
	}
	add("Kernel", strings.TrimSpace(m.Kernel+" "+m.Arch))
	add("Go", m.Go)
	add("Clock source", m.ClockSource)
	add("File system", strings.TrimSpace(m.FileSystem+" "+m.Device))
	if f := m.Fsync; f != nil {
		add("A synced 4 KiB write", fmt.Sprintf("p50 %s, p99 %s (of %d, before the run)", Latency(f.P50/1e3),
			Latency(f.P99/1e3), f.Writes))
	}
	add("Boot", m.BootID)
	add("Fingerprint", r.Fingerprint)
	return s
}

// readingSection explains the words of the page.
func readingSection() Section {
	return Section{Title: "How to read this", Terms: []Term{
		{"Response time", "from the moment a record was due by the schedule until it was acknowledged: what a user waits " +
			"for"},
		{"Service time", "from the moment its request was written: what a client sees that stops when the broker stops"},
		{"End to end", "from the moment a record was due until a consumer had it, on one clock"},
		{"p99", "99 % of the records took less; percentiles come from merged histograms and are never averaged"},
		{"Schedule lag", "how late records were handed to the client; response time includes it"},
		{"Precision", "histograms of 3 significant digits from 1 µs to 1 h"},
	}}
}
