package meter

import (
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Clock is one of the three.
type Clock uint8

// The clocks.
const (
	Response Clock = iota
	Service
	EndToEnd
	Clocks int = iota
)

// Tag is the clock's name in files.
func (c Clock) Tag() string { return [...]string{"response", "service", "e2e"}[c] }

// String is the clock's name for people.
func (c Clock) String() string { return [...]string{"response", "service", "end to end"}[c] }

// ClockOf finds a clock by its tag.
func ClockOf(tag string) (Clock, error) {
	for c := range Clock(Clocks) {
		if c.Tag() == tag {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%q is no clock: response, service and e2e are", tag)
}

// The range of a histogram, in nanoseconds, and its precision.
const (
	Lowest  = int64(time.Microsecond)
	Highest = int64(time.Hour)
	Digits  = 3
)

// NewHistogram is an empty histogram of the lab's range. Merges are exact between any two of them.
func NewHistogram() *hdr.Histogram { return hdr.New(Lowest, Highest, Digits) }
