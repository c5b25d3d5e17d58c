package result

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tailrace/loadgen/meter"
)

// The files of a report directory.
const (
	FileJSON = "run.json"
	FileHlog = "run.hlog"
	FileCSV  = "run.csv"
	FileOMB  = "omb.json"
	FileHTML = "report.html"
)

// ErrHoldsRun says that a directory has a run already.
var ErrHoldsRun = errors.New("the directory holds a run already: give another --out")

// Prepare makes a report directory. One that holds a run is refused.
func Prepare(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, FileJSON)); err == nil {
		return fmt.Errorf("%s: %w", dir, ErrHoldsRun)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// Write puts a run into a directory that Prepare has made. run.json is written last, so that a directory with one has
// everything else.
func (r *Run) Write(dir string) error {
	r.Schema, r.Seconds = Schema, r.secondsOf()
	type part struct {
		name  string
		write func(io.Writer) error
	}
	parts := []part{
		{FileHlog, r.writeHlog},
		{FileCSV, r.writeCSV},
		{FileOMB, r.writeOMB},
	}
	for c := range meter.Clock(meter.Clocks) {
		if r.Clocks[c.Tag()] != nil {
			parts = append(parts, part{c.Tag() + ".hgrm", func(w io.Writer) error { return r.writeHgrm(w, c) }})
		}
	}
	parts = append(parts, part{FileJSON, r.writeJSON})
	for _, p := range parts {
		if err := writeFile(filepath.Join(dir, p.name), p.write); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a new file whole, or leaves none.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (r *Run) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// writeHlog writes the log as HdrHistogram's readers in all languages take it: times relative to the start, in seconds;
// the largest value of each interval in milliseconds.
func (r *Run) writeHlog(w io.Writer) error {
	fmt.Fprintf(w, "#[loadgen run %s, values in nanoseconds, tags response, service and e2e]\n", r.ID)
	fmt.Fprintf(w, "#[Histogram log format version 1.3]\n")
	fmt.Fprintf(w, "#[StartTime: %.3f (seconds since epoch), %s]\n",
		float64(r.Started.UnixMilli())/1000, r.Started.UTC().Format("2006-01-02T15:04:05.000Z"))
	_, err := fmt.Fprintln(w, `"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`)
	for i := range r.Series.Intervals {
		k := &r.Series.Intervals[i]
		for c := range meter.Clock(meter.Clocks) {
			h, herr := k.Hist(c)
			if herr != nil {
				return herr
			}
			if h == nil {
				continue
			}
			_, err = fmt.Fprintf(w, "Tag=%s,%.6f,%.6f,%.3f,%s\n", c.Tag(), k.From.Seconds(), (k.To - k.From).Seconds(),
				float64(h.Max())/1e6, k.Encoded[c])
		}
	}
	return err
}

// hgrmTicks is how fine the curve is: points in each halving of the distance to 100 %.
const hgrmTicks = 10

func (r *Run) writeHgrm(w io.Writer, c meter.Clock) error {
	h, err := r.Series.Total(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "#[%s time of run %s, values in milliseconds]\n", c, r.ID)
	_, err = h.PercentilesPrint(w, hgrmTicks, 1e6)
	return err
}
