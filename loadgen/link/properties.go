package link

import (
	"fmt"
	"strings"
)

// parseProperties reads a Java properties file as client configurations use it: key=value, comments, lines that go on
// after a backslash.
func parseProperties(content string) (map[string]string, error) {
	props := map[string]string{}
	lines := strings.Split(content, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[i])
		}
		at := strings.IndexAny(line, "=:")
		if at <= 0 {
			return nil, fmt.Errorf("line %d: %q is not key=value", i+1, strings.Fields(line)[0])
		}
		value := strings.TrimSpace(line[at+1:])
		props[strings.TrimSpace(line[:at])] = strings.ReplaceAll(value, `\n`, "\n")
	}
	return props, nil
}
