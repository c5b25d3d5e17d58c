package page

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast: text stands out from its ground by 4.5 to 1, lines and the darkest of a heat map by 3 to 1, in light
// and in dark (WCAG 2.1, 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	schemes := strings.Split(chartCSS, "@media screen and (prefers-color-scheme: dark)")
	if len(schemes) != 2 {
		t.Fatalf("%d schemes, want light and dark", len(schemes))
	}
	variable := regexp.MustCompile(`--([a-z0-9]+): #([0-9a-f]{6});`)
	for i, css := range schemes {
		colours := map[string]float64{}
		for _, m := range variable.FindAllStringSubmatch(css, -1) {
			colours[m[1]] = luminance(m[2])
		}
		for _, c := range []struct {
			least float64
			names string
		}{{4.5, "ink dim s1 s2 s3 s4 s5 s6 bad"}, {3, "ref h5"}} {
			for name := range strings.FieldsSeq(c.names) {
				if _, ok := colours[name]; !ok {
					t.Errorf("scheme %d has no colour %s", i, name)
				}
				a, b := colours[name]+0.05, colours["ground"]+0.05
				if ratio := max(a, b) / min(a, b); ratio < c.least {
					t.Errorf("scheme %d: %s stands out from the ground by %.2f to 1, want %v", i, name, ratio, c.least)
				}
			}
		}
	}
}

// luminance of a colour, 0 to 1.
func luminance(hex string) float64 {
	v, _ := strconv.ParseUint(hex, 16, 32)
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} { // blue, green, red
		c := float64(v>>(8*i)&255) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
