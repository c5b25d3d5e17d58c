package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// Switches are the context switches of each thread so far, voluntary and not, by thread id.
type Switches map[string]int64

var switchesLine = regexp.MustCompile(`(?m)^(?:non)?voluntary_ctxt_switches:\s+(\d+)$`)

// Switches reads those of all threads. The kernel keeps no sum for a process: what a thread did that has ended since
// is gone with it.
func (p *Process) Switches() (Switches, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.pid))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no threads of process %d: %w", p.pid, os.ErrProcessDone)
	}
	s := Switches{}
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended between the two looks
		}
		thread := filepath.Base(filepath.Dir(file))
		for _, m := range switchesLine.FindAllSubmatch(status, -1) {
			n, err := strconv.ParseInt(string(m[1]), 10, 64)
			if err != nil {
				return nil, err
			}
			s[thread] += n
		}
	}
	return s, nil
}

// Since is how many there were after those of before, by the threads that there are now.
func (s Switches) Since(before Switches) (n int64) {
	for thread, count := range s {
		n += count - before[thread]
	}
	return n
}
