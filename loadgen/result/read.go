package result

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tailrace/loadgen/meter"
)

// Read loads a run from its directory. It tells apart a directory without a run, a run of another schema, and damage.
func Read(dir string) (*Run, error) {
	path := filepath.Join(dir, FileJSON)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s holds no run: %w", dir, err)
	}
	r := &Run{}
	if err := json.Unmarshal(content, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("%s has schema %d, this loadgen reads %d: use the loadgen that wrote it", path,
			r.Schema, Schema)
	}
	if err := r.readHlog(filepath.Join(dir, FileHlog)); err != nil {
		return nil, err
	}
	return r, nil
}

// Runs lists the runs in a directory: itself, or, after --repeat, those in its sub-directories, by name.
func Runs(dir string) ([]*Run, error) {
	if _, err := os.Stat(filepath.Join(dir, FileJSON)); err == nil {
		r, err := Read(dir)
		return []*Run{r}, err
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", FileJSON))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no run", dir)
	}
	var list []*Run
	for _, f := range found {
		r, err := Read(filepath.Dir(f))
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// maxLogLine bounds a line of a log: a histogram of every bucket takes less.
const maxLogLine = 4 << 20

// readHlog builds the series: the intervals are those of run.json, the histograms those of the log.
func (r *Run) readHlog(path string) error {
	r.Series.Intervals = make([]meter.Kept, len(r.Seconds))
	at := map[string]int{}
	for i, s := range r.Seconds {
		k := &r.Series.Intervals[i]
		k.From, k.To = duration(s.From), duration(s.To)
		k.MaxLag = time.Duration(s.MaxLagMs * float64(time.Millisecond))
		for c := range meter.CounterEnd {
			k.Counts[c] = s.Counts[meter.Counter(c).String()]
		}
		at[decimal(s.From)] = i
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLogLine)
	for n := 1; lines.Scan(); n++ {
		if line := lines.Text(); strings.HasPrefix(line, "Tag=") {
			if err := r.readLine(line, at); err != nil {
				return fmt.Errorf("%s, line %d: %w", path, n, err)
			}
		}
	}
	return lines.Err()
}

func (r *Run) readLine(line string, at map[string]int) error {
	parts := strings.SplitN(line, ",", 5)
	if len(parts) != 5 {
		return fmt.Errorf("%d fields, want 5", len(parts))
	}
	c, err := meter.ClockOf(strings.TrimPrefix(parts[0], "Tag="))
	if err != nil {
		return err
	}
	from, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return err
	}
	i, ok := at[decimal(from)]
	if !ok {
		return fmt.Errorf("an interval that begins at %s s is not in %s", parts[1], FileJSON)
	}
	k := &r.Series.Intervals[i]
	k.Encoded[c] = []byte(parts[4])
	_, err = k.Hist(c)
	return err
}

func duration(s float64) time.Duration { return time.Duration(s*1e9 + 0.5) }
