package config

import (
	"fmt"
	"slices"
	"strings"
)

const manualHead = `# Settings

Generated from the table in broker/config by ` + "`go test ./broker/config -update`" + `; do not edit.

Sources, the strongest first: flags (` + "`--data`, `--listen`" + `), ` + "`--set key=value`" + `, environment
(` + "`KAFKA_LOG_DIRS`, `TAILRACE_SYNC_PARALLELISM`: `.` is `_`, `_` is `__`, `-` is `___`" + `), the properties file,
` + "`--dev`" + `, the default. Where keys say the same thing in several units, the strongest source decides, and
within one source milliseconds win over minutes, and minutes over hours.

An unknown key stops the start if ` + "`--set`" + ` names it and is warned of elsewhere. Known keys are

- **served**: they do what their text says;
- **not served yet** or **ignored**: accepted, without effect, and named in a warning when they are set to anything
  but their default;
- **refused**: anything but the default stops the start, because ignoring it would betray its purpose;
- **gone from Kafka**: Kafka 4 dropped them; they are warned of.

Names, kinds, bounds and defaults are Kafka 4.4's unless the text says otherwise. Sizes are bytes. A dash is no value.
Broker settings are read at start. Those that need no restart can also be changed while the broker runs, for one broker
or for the cluster (a broker's own value wins, and both win over what was set at start), and count at once, as a
topic's settings do.
`

// Manual is docs/CONFIG.md.
func Manual() []byte {
	var b strings.Builder
	b.WriteString(manualHead)
	b.WriteString("\n## Topics\n\nSet when a topic is created or altered; the broker key named in the last column gives " +
		"the default.\n")
	writeTables(&b, Topic)
	b.WriteString("\n## Groups\n\nSet for one group by its id.\n")
	writeTables(&b, Group)
	b.WriteString("\n## Client metrics\n\nSet for a subscription by its name.\n")
	writeTables(&b, ClientMetrics)
	b.WriteString("\n## Broker\n")
	writeTables(&b, Broker)
	return []byte(b.String())
}

func writeTables(b *strings.Builder, defs []Def) {
	var families []string
	for i := range defs {
		if !slices.Contains(families, defs[i].Family) {
			families = append(families, defs[i].Family)
		}
	}
	for _, f := range families {
		fmt.Fprintf(b, "\n### %s\n\n| name | type | default | bounds | restart | status | meaning |\n"+
			"|---|---|---|---|---|---|---|\n", f)
		for i := range defs {
			if defs[i].Family == f {
				defs[i].writeRow(b)
			}
		}
	}
}

func (d *Def) writeRow(b *strings.Builder) {
	def, restart, status, doc := "–", "no", d.Status.String(), d.Doc
	if !d.Null && d.Default != "" {
		def = "`" + d.Default + "`"
	} else if !d.Null {
		def = "empty"
	}
	if d.Restart {
		restart = "yes"
	}
	if d.Why != "" {
		status += ": " + d.Why
	}
	if d.Sensitive {
		doc += " Never shown."
	}
	if len(d.Synonyms) > 0 {
		var names []string
		for _, s := range d.Synonyms {
			names = append(names, "`"+s.Name+"`")
		}
		doc += " Default from " + strings.Join(names, ", ") + "."
	}
	text := d.Check.Text
	if text == "" {
		text = "–"
	}
	fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", d.Name, d.Kind, def, text, restart, status, doc)
}
