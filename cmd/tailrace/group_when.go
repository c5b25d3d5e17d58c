package main

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// parseDatetime reads what kafka-consumer-groups takes for --to-datetime, YYYY-MM-DDThh:mm:ss.sss with a zone (Z,
// +01:00, +0100, +01) or without one, which means UTC. The milliseconds may be left out, and the seconds too.
func parseDatetime(s string) (time.Time, error) {
	for _, day := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} { // a fraction is read without being named
		for _, zone := range []string{"", "Z07:00", "Z0700", "Z07"} {
			if t, err := time.ParseInLocation(day+zone, s, time.UTC); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, usage("--to-datetime: %q is no time like 2026-03-01T14:30:00.000 (UTC), "+
		"2026-03-01T14:30:00Z or 2026-03-01T14:30:00+01:00", s)
}

// isoDuration is what Java's Duration.parse takes: PnDTnHnMn.nS, each number with a sign of its own.
var isoDuration = regexp.MustCompile(
	`^([-+]?)P(?:([-+]?\d{1,10})D)?(T(?:([-+]?\d{1,10})H)?(?:([-+]?\d{1,10})M)?(?:([-+]?\d{1,10})(?:\.(\d{0,9}))?S)?)?$`)

// parseDuration reads an ISO-8601 duration as milliseconds, which reach further than a time.Duration.
func parseDuration(s string) (ms int64, err error) {
	wrong := usage("--by-duration: %q is no duration like PT2H30M, P7D or P1DT12H (ISO 8601: PnDTnHnMnS)", s)
	m := isoDuration.FindStringSubmatch(strings.ToUpper(s))
	if m == nil || m[3] == "T" || m[2]+m[4]+m[5]+m[6] == "" {
		return 0, wrong
	}
	for i, unit := range map[int]int64{2: 24 * 3_600_000, 4: 3_600_000, 5: 60_000, 6: 1000} {
		if m[i] != "" {
			n, _ := strconv.ParseInt(m[i], 10, 64) // ten digits: it fits
			ms += n * unit
		}
	}
	part, _ := strconv.ParseInt((m[7] + "000")[:3], 10, 64)
	if strings.HasPrefix(m[6], "-") {
		part = -part
	}
	if ms += part; m[1] == "-" {
		ms = -ms
	}
	return ms, nil
}
