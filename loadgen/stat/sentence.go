package stat

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Sentence tells the comparison to somebody who reads nothing else.
func (c *Comparison) Sentence() string {
	if c.Method == NoMethod {
		return fmt.Sprintf("Whether %s differs from %s cannot be told: %s.", c.B, c.A, strings.Join(c.Notes, "; "))
	}
	worse, better := c.called(Worse), c.called(Better)
	// One run a side says something of the two runs; whether the systems differ needs repeats.
	is, subject := "is", c.B
	if c.Method == Blocks {
		is, subject = "was", "in these two runs "+c.B
	}
	var text string
	switch slow, fast := latencies(worse), latencies(better); {
	case len(worse)+len(better) == 0:
		text = "no difference that these runs could show: " + c.B + " against " + c.A + " lies within " + c.bounds()
	case len(slow) > 0 && len(fast) > 0:
		text = fmt.Sprintf("%s %s slower than %s at some percentiles and faster at others: %s; %s", subject, is, c.A,
			list(slow), list(fast))
	case len(slow) > 0:
		text = fmt.Sprintf("%s %s slower than %s: %s", subject, is, c.A, list(slow))
	case len(fast) > 0:
		text = fmt.Sprintf("%s %s faster than %s: %s", subject, is, c.A, list(fast))
	default:
		text = fmt.Sprintf("the latencies of %s and %s show no difference", c.A, c.B)
	}
	for _, r := range slices.Concat(worse, better) {
		if r.Kind != Latency {
			text += "; " + r.change()
		}
	}
	if strings.HasPrefix(text, c.B) || strings.HasPrefix(text, c.A) {
		return text + "." // a name is written as it is
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (c *Comparison) called(v Verdict) (out []*Row) {
	for i := range c.Rows {
		if c.Rows[i].Verdict == v {
			out = append(out, &c.Rows[i])
		}
	}
	return out
}

func latencies(rows []*Row) (out []*Row) {
	for _, r := range rows {
		if r.Kind == Latency {
			out = append(out, r)
		}
	}
	return out
}

// list names the rows that people ask for first, three at most.
func list(rows []*Row) string {
	const most = 3
	var parts []string
	for _, wanted := range []bool{true, false} {
		for _, r := range rows {
			if slices.Contains([]float64{50, 99, 99.9}, r.Percentile) == wanted && len(parts) < most {
				parts = append(parts, r.change())
			}
		}
	}
	return strings.Join(parts, "; ")
}

// Title is the name of a row for people.
func (r *Row) Title() string {
	switch r.Kind {
	case Throughput:
		return "records/s"
	case CPU:
		return "broker CPU/record"
	}
	return r.Name
}

// change is "p99 +18 % [+9 %, +31 %]".
func (r *Row) change() string {
	return r.Title() + " " + Percent(r.Ratio) + " " + r.Interval()
}

// Interval is "[+9 %, +31 %]"; empty of a row without one.
func (r *Row) Interval() string {
	if !r.Judged() {
		return ""
	}
	return "[" + Percent(r.Low) + ", " + Percent(r.High) + "]"
}

// bounds is what could still differ without these runs showing it.
func (c *Comparison) bounds() string {
	var parts []string
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Judged() && slices.Contains([]float64{50, 99, 99.9}, r.Percentile) {
			parts = append(parts, r.Name+" "+r.Interval())
		}
	}
	if len(parts) == 0 {
		for i := range c.Rows {
			if r := &c.Rows[i]; r.Judged() {
				parts = append(parts, r.Name+" "+r.Interval())
			}
		}
	}
	return strings.Join(parts, ", ")
}

// Percent is a ratio as a change: 1.18 is "+18 %". From fourfold on it is a factor, "×5.20" or "÷5.20", and what is
// farther than far is not worth a figure.
func Percent(ratio float64) string {
	sign, times := "×", ratio
	if ratio < 1 {
		sign, times = "÷", 1/ratio
	}
	switch change := (ratio - 1) * 100; {
	case math.IsNaN(ratio):
		return ""
	case times >= far:
		return fmt.Sprintf("%s%d or more", sign, far)
	case times >= 4:
		return sign + digits(times)
	case math.Abs(change) < 0.05:
		return "0 %"
	case math.Abs(change) < 9.95:
		return strings.Replace(fmt.Sprintf("%+.1f %%", change), "-", "−", 1)
	default:
		return strings.Replace(fmt.Sprintf("%+.0f %%", change), "-", "−", 1)
	}
}

// far is a ratio beyond which only "or more" is said.
const far = 1000

func digits(v float64) string {
	switch {
	case v >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
