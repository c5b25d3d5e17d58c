package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// SizeShape is how record sizes are distributed.
type SizeShape uint8

// The shapes.
const (
	Fixed     SizeShape = iota // A bytes
	Uniform                    // from A to B, both included
	Normal                     // mean A, standard deviation B, cut at 1
	LogNormal                  // median A, and B is the 99th percentile: how sizes of real messages look
)

// Size is the distribution of record values, in bytes.
type Size struct {
	Shape SizeShape
	A, B  int64
}

// ParseSizes reads "1KiB", "uniform:100..4KiB", "normal:1KiB,200" and "lognormal:500,20KiB".
func ParseSizes(text string) (Size, error) {
	kind, rest, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok {
		a, err := ParseSize(text)
		return Size{A: a, B: a}, err
	}
	shapes := map[string]SizeShape{"uniform": Uniform, "normal": Normal, "lognormal": LogNormal}
	shape, known := shapes[kind]
	sep := ","
	if shape == Uniform {
		sep = ".."
	}
	left, right, two := strings.Cut(rest, sep)
	if !known || !two {
		return Size{}, fmt.Errorf("%q is no record size: write 1KiB, uniform:100..4KiB, normal:1KiB,200 (mean, deviation) "+
			"or lognormal:500,20KiB (median, 99th percentile)", text)
	}
	a, err := ParseSize(left)
	if err != nil {
		return Size{}, err
	}
	b, err := ParseSize(right)
	if err != nil {
		return Size{}, err
	}
	if (shape == Uniform || shape == LogNormal) && b < a {
		return Size{}, fmt.Errorf("%q: the second size is below the first", text)
	}
	return Size{Shape: shape, A: a, B: b}, nil
}

// String is the text that ParseSizes reads.
func (s Size) String() string {
	a, b := FormatSize(s.A), FormatSize(s.B)
	switch s.Shape {
	case Uniform:
		return "uniform:" + a + ".." + b
	case Normal:
		return "normal:" + a + "," + b
	case LogNormal:
		return "lognormal:" + a + "," + b
	}
	return a
}

// ninetyNinth is the 99th percentile of the standard normal distribution.
const ninetyNinth = 2.3263478740408408

// Draw takes a size. None is below 0 or above Max.
func (s Size) Draw(rng *rand.Rand) int {
	v := float64(s.A)
	switch s.Shape {
	case Uniform:
		v += float64(rng.Int64N(s.B - s.A + 1))
	case Normal:
		v = max(1, v+rng.NormFloat64()*float64(s.B))
	case LogNormal:
		sigma := math.Log(float64(max(1, s.B))/float64(max(1, s.A))) / ninetyNinth
		v *= math.Exp(sigma * rng.NormFloat64())
	}
	return int(min(v, float64(s.Max())))
}

// Max is the largest size that Draw gives.
func (s Size) Max() int64 {
	switch s.Shape {
	case Fixed:
		return s.A
	case Normal:
		return s.A + 6*s.B
	case LogNormal:
		return s.B * 10
	}
	return s.B
}
