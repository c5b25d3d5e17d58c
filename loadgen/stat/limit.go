package stat

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tailrace/loadgen/plan"
)

// Limit is a threshold that a comparison may fail: "p99>+10%" (the whole interval of the ratio lies above) or "p99>5ms"
// (B alone).
type Limit struct {
	Text       string
	Row        string // p99, max, throughput, cpu
	Percentile float64
	Above      bool // fails above the value; else below
	Relative   bool // the value is a ratio B/A; else nanoseconds or records a second
	Value      float64
}

var (
	limitShape = regexp.MustCompile(`^(p[0-9.]+|max|throughput|cpu)\s*([<>])\s*(\S.*)$`)
	limitOr    = regexp.MustCompile(`(?i)\s+or\s+|\s*\|\|\s*`)
)

// ParseLimits reads limits that are joined by "or". Each fails on its own.
func ParseLimits(text string) ([]Limit, error) {
	var out []Limit
	for _, part := range limitOr.Split(strings.TrimSpace(text), -1) {
		l, err := parseLimit(part)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

func parseLimit(text string) (Limit, error) {
	m := limitShape.FindStringSubmatch(text)
	if m == nil {
		return Limit{}, fmt.Errorf(
			"%q is no threshold: write 'p99>+10%%', 'p99.9>5ms', 'throughput<-5%%' or 'cpu>+10%%'", text)
	}
	l := Limit{Text: text, Row: m[1], Above: m[2] == ">"}
	if l.Row[0] == 'p' {
		p, err := strconv.ParseFloat(l.Row[1:], 64)
		if err != nil || p <= 0 || p >= 100 {
			return Limit{}, fmt.Errorf("%q: %s is no percentile between p0 and p100", text, l.Row)
		}
		l.Percentile, l.Row = p, "p"+percentileName(p)
	}
	var err error
	if share, ok := strings.CutSuffix(m[3], "%"); ok {
		l.Relative = true
		l.Value, err = strconv.ParseFloat(strings.TrimSpace(share), 64)
		l.Value = 1 + l.Value/100
		switch {
		case err != nil || !(l.Value >= 0) || math.IsInf(l.Value, 0):
			return Limit{}, fmt.Errorf("%q: %q is no change such as +10%%", text, m[3])
		case l.Row == "max":
			return Limit{}, fmt.Errorf("%q: the largest value is one record's and has no interval: take p99.9, or an absolute "+
				"bound such as 'max>50ms'", text)
		}
		return l, nil
	}
	if l.Row == "throughput" {
		l.Value, err = plan.ParseCount(strings.TrimSuffix(m[3], "/s"))
	} else {
		var d time.Duration
		d, err = time.ParseDuration(m[3])
		l.Value = float64(d)
	}
	if err != nil {
		return Limit{}, fmt.Errorf("%q: %q has no unit that %s is measured in: write 'p99>5ms', 'cpu>3us', 'throughput<50k' "+
			"or a change such as +10%%", text, m[3], l.Row)
	}
	return l, nil
}

// Holds reports whether the comparison keeps the limit, and says in a sentence what was found. The error is of a limit
// that this comparison cannot judge.
func (l Limit) Holds(c *Comparison) (bool, string, error) {
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Name != l.Row {
			continue
		}
		if l.Relative {
			return l.relative(c, r)
		}
		if r.B != r.B {
			return false, "", fmt.Errorf("%q cannot be judged: %s was not measured in %s", l.Text, l.Row, c.B)
		}
		failed := l.Above && r.B > l.Value || !l.Above && r.B < l.Value
		return !failed, fmt.Sprintf("%s: %s is %s in %s", l.Text, r.Name, r.Show(r.B), c.B), nil
	}
	return false, "", fmt.Errorf("%q cannot be judged: the comparison has no %s", l.Text, l.Row)
}

func (l Limit) relative(c *Comparison, r *Row) (bool, string, error) {
	if !r.Judged() {
		return false, "", fmt.Errorf("%q cannot be judged: %s", l.Text, r.Note)
	}
	failed := l.Above && r.Low > l.Value || !l.Above && r.High < l.Value
	return !failed, fmt.Sprintf("%s: %s against %s: %s", l.Text, c.B, c.A, r.change()), nil
}

// Show is a figure of the row with its unit.
func (r *Row) Show(v float64) string {
	switch {
	case v != v:
		return "–"
	case r.Kind == Throughput:
		return number(v) + "/s"
	case v >= 1e9:
		return number(v/1e9) + " s"
	case v >= 1e6:
		return number(v/1e6) + " ms"
	case v >= 1e3:
		return number(v/1e3) + " µs"
	}
	return number(v) + " ns"
}

// number has three digits, or all of a whole number.
func number(v float64) string {
	places := 3
	for at := v; places > 0 && at >= 1; at /= 10 {
		places--
	}
	return strconv.FormatFloat(v, 'f', places, 64)
}
