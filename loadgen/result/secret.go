package result

import (
	"regexp"
	"strings"
)

// secrets are what must not be in a file that people pass on: values of password, key and jaas properties.
var secrets = regexp.MustCompile(`(?im)((?:jaas\.config|password|secret|keystore\.key)[\w.]*\s*=\s*).*?($|\s-)`)

// hidden stands for a secret.
const hidden = "[not shown]"

// Veil takes secrets out of settings and command lines.
func Veil(text string) string { return secrets.ReplaceAllString(text, "${1}"+hidden+"${2}") }

// withoutHidden drops the lines of a setting whose value was veiled: they must be given again.
func withoutHidden(text string) string {
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasSuffix(line, hidden) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
