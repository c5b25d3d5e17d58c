package machine

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine describes a host. The JSON names are those of run.json.
type Machine struct {
	Host        string `json:"host"`
	BootID      string `json:"boot_id"`
	CPU         string `json:"cpu"`
	Cores       int    `json:"cores"` // that this process may use
	Governor    string `json:"governor,omitempty"`
	MemoryBytes int64  `json:"memory_bytes"`
	Kernel      string `json:"kernel"`
	Arch        string `json:"arch"`
	Go          string `json:"go"`
	ClockSource string `json:"clock_source,omitempty"`
	FileSystem  string `json:"file_system,omitempty"` // of the directory that was probed
	Device      string `json:"device,omitempty"`
	Fsync       *Probe `json:"fsync,omitempty"`
}

// Probe is what a 4 KiB write with fdatasync took, in microseconds.
type Probe struct {
	Dir    string  `json:"dir"`
	Writes int     `json:"writes"`
	P50    float64 `json:"p50_us"`
	P99    float64 `json:"p99_us"`
}

// Here describes this host; dir is where data lies.
func Here(dir string) Machine {
	m := Machine{Cores: cores(), Arch: runtime.GOARCH, Go: runtime.Version()}
	m.Host, _ = os.Hostname()
	m.BootID = line("/proc/sys/kernel/random/boot_id")
	m.CPU = field("/proc/cpuinfo", "model name")
	m.Governor = line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	m.ClockSource = line("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	if kib, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.MemoryBytes = kib << 10
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	m.FileSystem, m.Device = mounted(dir)
	return m
}

// atStart is what the runtime took the cores to be when the program began: the CPUs of its affinity mask, less by the
// quota of its control group or by the environment.
var atStart = runtime.GOMAXPROCS(0)

// cores is how many this process may use. GOMAXPROCS of now is not asked: a run raises it above the cores, for threads
// that sleep.
func cores() int {
	var mask unix.CPUSet
	if unix.SchedGetaffinity(0, &mask) != nil {
		return atStart
	}
	return max(1, min(atStart, mask.Count()))
}

func line(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// field is the value of the first line "name : value".
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// mounted finds the file system that a directory lies on: the longest mount point that is a prefix of it.
func mounted(dir string) (fs, device string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", ""
	}
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return "", ""
	}
	defer f.Close()
	longest := -1
	for s := bufio.NewScanner(f); s.Scan(); {
		parts := strings.Fields(s.Text())
		if len(parts) < 3 {
			continue
		}
		at := parts[1]
		if inside := dir == at || at == "/" || strings.HasPrefix(dir, at+"/"); inside && len(at) >= longest {
			longest, fs, device = len(at), parts[2], parts[0]
		}
	}
	return fs, device
}

// probeWrites is how many synced writes a probe makes; a hundred give a 99th percentile worth the name.
const probeWrites = 100

// ProbeFsync measures what a synced write costs in dir. It takes 20 to 500 ms.
func ProbeFsync(dir string) (*Probe, error) {
	f, err := os.CreateTemp(dir, ".loadgen-fsync-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	took := make([]time.Duration, 0, probeWrites)
	for i := range probeWrites {
		begin := time.Now()
		if _, err := f.WriteAt(block, int64(i)*int64(len(block))); err != nil {
			return nil, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	return &Probe{Dir: dir, Writes: probeWrites, P50: us(took[probeWrites/2]), P99: us(took[probeWrites*99/100-1])}, nil
}

// Load is a reading of how much the machine's CPUs did for others: steal is what the host gave to other guests.
type Load struct {
	Total, Idle, Steal uint64 // clock ticks of all CPUs since boot
}

// ReadLoad reads /proc/stat.
func ReadLoad() Load {
	first, _, _ := strings.Cut(line("/proc/stat"), "\n")
	var l Load
	for i, f := range strings.Fields(strings.TrimPrefix(first, "cpu ")) {
		v, _ := strconv.ParseUint(f, 10, 64)
		switch {
		case i >= 8: // guest time is in user time already
		case i == 3 || i == 4:
			l.Idle += v
			l.Total += v
		case i == 7:
			l.Steal += v
			l.Total += v
		default:
			l.Total += v
		}
	}
	return l
}

// StealShare is the part of the time between two readings that other guests of the host took, 0 to 1.
func (l Load) StealShare(before Load) float64 {
	if l.Total <= before.Total {
		return 0
	}
	return float64(l.Steal-before.Steal) / float64(l.Total-before.Total)
}
