package plan

import (
	"fmt"
	"strings"
)

// Manual is the table of settings as Markdown, for docs/LOADGEN.md.
func Manual() string {
	var b strings.Builder
	family := ""
	for i := range Settings {
		s := &Settings[i]
		if s.Family != family {
			family = s.Family
			fmt.Fprintf(&b, "\n**%s**\n\n| setting | default | |\n|---|---|---|\n", family)
		}
		def := s.Default
		if def == "" {
			def = "none"
		}
		doc := s.Doc
		if !s.Load {
			doc += " °"
		}
		fmt.Fprintf(&b, "| `--%s` | %s | %s |\n", s.Name, def, strings.ReplaceAll(doc, "|", `\|`))
	}
	return b.String()
}
