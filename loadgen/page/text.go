package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Latency is milliseconds as people write them: three digits and a unit.
func Latency(ms float64) string {
	switch {
	case ms <= 0:
		return "0"
	case ms < 0.9995:
		return digits(ms*1e3) + " µs"
	case ms < 999.5:
		return digits(ms) + " ms"
	case ms < 99_950:
		return digits(ms/1e3) + " s"
	}
	return strconv.FormatFloat(math.Round(ms/1e3), 'f', -1, 64) + " s"
}

// digits keeps three significant digits, and zeros at the end where they are of the three.
func digits(v float64) string {
	switch {
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// Count is a whole number with commas.
func Count(v float64) string {
	s := strconv.FormatFloat(math.Round(math.Abs(v)), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < -0.5 {
		return "−" + s
	}
	return s
}

// Bytes is a size in decimal units, as rates are given.
func Bytes(v float64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if v >= u.of*0.9995 {
			return digits(v/u.of) + " " + u.name
		}
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " B"
}

// Short is a number in the room of an axis: 20k, 1.5M.
func Short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e9:
		return trim(v/1e9) + "G"
	case a >= 1e6:
		return trim(v/1e6) + "M"
	case a >= 1e4:
		return trim(v/1e3) + "k"
	}
	return trim(v)
}

// ShortBytes is Short for bytes.
func ShortBytes(v float64) string {
	switch {
	case v >= 1e9:
		return trim(v/1e9) + " GB"
	case v >= 1e6:
		return trim(v/1e6) + " MB"
	case v >= 1e3:
		return trim(v/1e3) + " kB"
	}
	return trim(v) + " B"
}

// shortLatency is a latency in the room of an axis: 1 ms and not 1.00 ms.
func shortLatency(ms float64) string {
	switch {
	case ms < 0.9995:
		return trim(ms*1e3) + " µs"
	case ms < 999.5:
		return trim(ms) + " ms"
	}
	return trim(ms/1e3) + " s"
}

func trim(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// percentileText is 1 − 1/x as a percentile, with as many digits as it takes: 50, 99.9.
func percentileText(x float64) string {
	if x <= 1 {
		return "0"
	}
	places := max(0, int(math.Ceil(math.Log10(x)))-1)
	s := strconv.FormatFloat(100-100/x, 'f', places, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", Count(float64(n)), many)
}
