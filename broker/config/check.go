package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Check bounds a value. The zero Check accepts everything. Its sentences are those of Kafka's ConfigDef validators,
// because tools show them and tests of other projects match them.
type Check struct {
	Text string                // for docs/CONFIG.md: "≥ 1", "one of …"; empty when anything goes
	test func(v any) string    // the reason for which v is refused, or ""
	only []string              // the allowed words, for documentation and completion
	own  func(v string) string // a further test on the text (listeners, cluster ids)
}

// Words returns the values an enumerated setting may take, nil for others.
func (c Check) Words() []string { return slices.Clone(c.only) }

var free Check

func least(n int64) Check {
	return Check{Text: fmt.Sprintf("≥ %d", n), test: func(v any) string { return within(v, float64(n), math.Inf(1)) }}
}

func between(lo, hi int64) Check {
	return Check{Text: fmt.Sprintf("%d … %d", lo, hi),
		test: func(v any) string { return within(v, float64(lo), float64(hi)) }}
}

// betweenOr accepts one extra value beside a range (gzip levels: 1 to 9, or −1 for the codec's own choice).
func betweenOr(lo, hi, extra int64) Check {
	return Check{Text: fmt.Sprintf("%d … %d, or %d", lo, hi, extra), test: func(v any) string {
		if n := v.(int64); n == extra || (n >= lo && n <= hi) {
			return ""
		}
		return fmt.Sprintf("Value must be between %d and %d or equal to %d", lo, hi, extra)
	}}
}

func oneOf(words ...string) Check {
	return Check{Text: strings.Join(words, ", "), only: words, test: func(v any) string {
		if slices.Contains(words, v.(string)) {
			return ""
		}
		return "String must be one of: " + strings.Join(words, ", ")
	}}
}

// listOf accepts any subset of the words, the empty one too.
func listOf(words ...string) Check {
	return Check{Text: "any of " + strings.Join(words, ", "), only: words, test: func(v any) string {
		for _, item := range v.([]string) {
			if !slices.Contains(words, item) {
				return "String must be one of: " + strings.Join(words, ", ")
			}
		}
		return ""
	}}
}

// replicaList is the form of the throttled-replica keys: PARTITION:NODE items, or one asterisk.
func replicaList(name string) Check {
	return Check{Text: "PARTITION:NODE, … or *", test: func(v any) string {
		items := v.([]string)
		for _, item := range items {
			partition, node, ok := strings.Cut(item, ":")
			if !(ok && digits(partition) && digits(node)) && !(item == "*" && len(items) == 1) {
				return name + " must be the literal '*' or a list of replicas in the following format: " +
					"[partitionId]:[brokerId],[partitionId]:[brokerId],..."
			}
		}
		return ""
	}}
}

func digits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// spelled adds a test of the text itself, described for the documentation.
func spelled(text string, test func(string) string) Check { return Check{Text: text, own: test} }

func within(v any, lo, hi float64) string {
	var n float64
	var show func(float64) string
	switch x := v.(type) {
	case int64:
		n, show = float64(x), func(f float64) string { return strconv.FormatInt(int64(f), 10) }
	case float64:
		n, show = x, func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
	}
	switch {
	case n < lo:
		return "Value must be at least " + show(lo)
	case n > hi:
		return "Value must be no more than " + show(hi)
	}
	return ""
}

// parse reads a setting's text into bool, int64, float64, string or []string and checks it. The reason is Kafka's
// sentence without its preamble; see invalid.
func (d *Def) parse(text string) (v any, reason string) {
	text = strings.TrimSpace(text)
	if v, reason = parseKind(d.Kind, text); reason != "" {
		return nil, reason
	}
	if d.Check.test != nil {
		if reason = d.Check.test(v); reason != "" {
			return nil, reason
		}
	}
	if d.Check.own != nil {
		if reason = d.Check.own(text); reason != "" {
			return nil, reason
		}
	}
	return v, ""
}

func parseKind(k Kind, text string) (any, string) {
	switch k {
	case Bool:
		switch strings.ToLower(text) {
		case "true":
			return true, ""
		case "false":
			return false, ""
		}
		return nil, "Expected value to be either true or false"
	case Int, Long, Short:
		bits := map[Kind]int{Short: 16, Int: 32, Long: 64}[k]
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return nil, "Not a number of type " + strings.ToUpper(k.String())
		}
		return n, ""
	case Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, "Not a number of type DOUBLE"
		}
		return f, ""
	case List:
		items := splitList(text)
		if slices.Contains(items, "") {
			return nil, "values must not be empty"
		}
		return items, ""
	default:
		return text, ""
	}
}

// splitList cuts at commas, drops the spaces around them and later duplicates, as Kafka's ValidList does.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	return items
}

// invalid is the sentence of Kafka's ConfigException.
func invalid(name, text, reason string) string {
	if reason == "values must not be empty" {
		return fmt.Sprintf("Configuration '%s' values must not be empty.", name)
	}
	return fmt.Sprintf("Invalid value %s for configuration %s: %s", text, name, reason)
}

// refusal is that sentence for a value of d. Of a list it names the word that may not be in it.
func (d *Def) refusal(text, reason string) string {
	if d.Kind == List && d.Check.only != nil {
		for _, item := range splitList(strings.TrimSpace(text)) {
			if item != "" && !slices.Contains(d.Check.only, item) {
				text = item
				break
			}
		}
	}
	return invalid(d.Name, text, reason)
}

// show writes a parsed value the way DescribeConfigs prints it.
func show(v any) string {
	switch x := v.(type) {
	case bool:
		return strconv.FormatBool(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return showDouble(x)
	case []string:
		return strings.Join(x, ",")
	case string:
		return x
	}
	return ""
}

// showDouble follows Java's Double.toString: plain between 0.001 and 10,000,000, with an exponent outside.
func showDouble(f float64) string {
	if a := math.Abs(f); f != 0 && (a < 1e-3 || a >= 1e7) {
		return strings.Replace(strconv.FormatFloat(f, 'E', -1, 64), "E+", "E", 1)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
