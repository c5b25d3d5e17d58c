package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number splits "1.5k" into its value and the letters behind it.
func number(text string) (value float64, unit string, err error) {
	text = strings.TrimSpace(text)
	end := len(text)
	for end > 0 && (text[end-1] < '0' || text[end-1] > '9') && text[end-1] != '.' {
		end--
	}
	value, err = strconv.ParseFloat(strings.ReplaceAll(text[:end], "_", ""), 64)
	if err != nil || math.IsInf(value, 0) || math.IsNaN(value) || value < 0 {
		return 0, "", fmt.Errorf("%q is not a number", text)
	}
	return value, strings.TrimSpace(text[end:]), nil
}

var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
}

// ParseSize reads bytes: 100, 16KiB, 16k (which is 16 KiB, as brokers' settings mean it), 1MB (a million).
func ParseSize(text string) (int64, error) {
	value, unit, err := number(text)
	if err != nil {
		return 0, err
	}
	factor, ok := sizeUnits[strings.ToLower(unit)]
	if !ok {
		return 0, fmt.Errorf("%q is no size: write 100, 16KiB, 1MiB or 1MB", text)
	}
	if value*factor > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is too large a size", text)
	}
	return int64(math.Round(value * factor)), nil
}

// FormatSize writes bytes in the largest unit that divides them.
func FormatSize(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// ParseCount reads a number of records: 500, 50k (50,000), 1.5M.
func ParseCount(text string) (float64, error) {
	value, unit, err := number(text)
	if err != nil {
		return 0, err
	}
	switch strings.ToLower(unit) {
	case "":
	case "k":
		value *= 1e3
	case "m":
		value *= 1e6
	case "g":
		value *= 1e9
	default:
		return 0, fmt.Errorf("%q is no count: write 500, 50k or 1.5M", text)
	}
	return value, nil
}

// FormatCount writes a number of records as a person would: 50k, 1.5M, 1234.
func FormatCount(n float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"M", 1e6}, {"k", 1e3}} {
		if n >= u.size {
			if s := strconv.FormatFloat(n/u.size, 'f', -1, 64); len(s) <= 6 {
				return s + u.name
			}
		}
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// ParseDuration reads 30s, 5m, 1.5h, 200us, and 0; a bare number is refused, because nobody knows its unit.
func ParseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "0" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration: write 30s, 5m, 10ms or 200us", text)
	}
	return d, nil
}

// FormatDuration is Duration.String without zero parts: 5m, not 5m0s.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	if s == "0s" {
		return "0"
	}
	return s
}
