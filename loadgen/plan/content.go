package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Payload says what values are made of.
type Payload struct {
	Ratio float64 // how far gzip shrinks them, about; 1 = random bytes
	File  string  // instead: the lines of a file, over and over
}

// ParsePayload reads "random", "ratio:3" and "file:PATH".
func ParsePayload(text string) (Payload, error) {
	text = strings.TrimSpace(text)
	if text == "random" {
		return Payload{Ratio: 1}, nil
	}
	if path, ok := strings.CutPrefix(text, "file:"); ok && path != "" {
		return Payload{File: path}, nil
	}
	if r, ok := strings.CutPrefix(text, "ratio:"); ok {
		if v, err := strconv.ParseFloat(r, 64); err == nil && v >= 1 && v <= 100 {
			return Payload{Ratio: v}, nil
		}
	}
	return Payload{}, fmt.Errorf("%q is no payload: write random, ratio:3 (compresses to about a third; 1 to 100) "+
		"or file:PATH (its lines are the records)", text)
}

// String is the text that ParsePayload reads.
func (p Payload) String() string {
	switch {
	case p.File != "":
		return "file:" + p.File
	case p.Ratio <= 1:
		return "random"
	}
	return "ratio:" + strconv.FormatFloat(p.Ratio, 'f', -1, 64)
}

// Keys says how records are keyed.
type Keys struct {
	Distinct int64   // 0 = no keys
	Skew     float64 // 0 = uniform; otherwise the exponent of a zipf distribution, above 1
}

// ParseKeys reads "none", "uniform:10k" and "zipf:10k,1.1".
func ParseKeys(text string) (Keys, error) {
	text = strings.TrimSpace(text)
	if text == "none" {
		return Keys{}, nil
	}
	bad := fmt.Errorf("%q is no kind of keys: write none, uniform:10k (so many different ones) or zipf:10k,1.1 "+
		"(with an exponent above 1)", text)
	kind, rest, _ := strings.Cut(text, ":")
	count, skew, hasSkew := strings.Cut(rest, ",")
	n, err := ParseCount(count)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return Keys{}, bad
	}
	switch {
	case kind == "uniform" && !hasSkew:
		return Keys{Distinct: int64(n)}, nil
	case kind == "zipf":
		s := 1.1
		if hasSkew {
			if s, err = strconv.ParseFloat(skew, 64); err != nil || !(s > 1 && s < 100) {
				return Keys{}, bad
			}
		}
		return Keys{Distinct: int64(n), Skew: s}, nil
	}
	return Keys{}, bad
}

// String is the text that ParseKeys reads.
func (k Keys) String() string {
	switch {
	case k.Distinct == 0:
		return "none"
	case k.Skew == 0:
		return "uniform:" + FormatCount(float64(k.Distinct))
	}
	return "zipf:" + FormatCount(float64(k.Distinct)) + "," + strconv.FormatFloat(k.Skew, 'f', -1, 64)
}

// Codec is a compression with its level.
type Codec struct {
	Name  string // none, gzip, snappy, lz4, zstd
	Level int    // 0 = the codec's default
}

// ParseCodec reads "none", "gzip", "snappy", "lz4", "zstd", and a level behind a colon: "zstd:3".
func ParseCodec(text string) (Codec, error) {
	name, level, leveled := strings.Cut(strings.TrimSpace(text), ":")
	c := Codec{Name: strings.ToLower(name)}
	top, known := map[string]int{"none": 0, "snappy": 0, "gzip": 9, "lz4": 9, "zstd": 22}[c.Name]
	if !known {
		return Codec{},
			fmt.Errorf("%q is no compression: write none, gzip, snappy, lz4 or zstd, with a level as zstd:3", text)
	}
	if leveled {
		n, err := strconv.Atoi(level)
		if err != nil || n < 1 || n > top {
			if top == 0 {
				return Codec{}, fmt.Errorf("%q: %s has no levels", text, c.Name)
			}
			return Codec{}, fmt.Errorf("%q: levels of %s are 1 to %d", text, c.Name, top)
		}
		c.Level = n
	}
	return c, nil
}

// String is the text that ParseCodec reads.
func (c Codec) String() string {
	if c.Level != 0 {
		return c.Name + ":" + strconv.Itoa(c.Level)
	}
	return c.Name
}
