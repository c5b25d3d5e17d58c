package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tailrace/benchmarks/loop"
	"tailrace/benchmarks/proc"
	"tailrace/loadgen"
	"tailrace/loadgen/page"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
	"tailrace/vfs"
)

// loopVerb runs a bare loop in this binary, as ownVerb runs a broker.
const loopVerb = "own-loop"

func newOwnLoop() *cobra.Command {
	return &cobra.Command{
		Use:                loopVerb,
		Short:              "Run a bare loop for a load run (for loadgen itself)",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			var o loop.Options
			fs := flag.NewFlagSet(loopVerb, flag.ContinueOnError)
			o.Flags(fs)
			if err := fs.Parse(args); err != nil {
				return err
			}
			return loop.Serve(o)
		},
	}
}

// startLoop starts a bare loop in a new temporary directory, which goes with it.
func (l *limiting) startLoop() (*proc.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// Files roll early, so that the pages that a removed file gives back are taken again at once.
	args := []string{loopVerb, "--file-bytes", fmt.Sprint(128 << 20)}
	if l.sync {
		args = append(args, "--sync")
	}
	return proc.StartServer(l.core, "", self, args...)
}

// limiting is one call of limits.
type limiting struct {
	base   *plan.Plan
	sizes  []int64 // of a batch; 0 = one record
	rounds int
	sync   bool
	broker bool // measured beside the loop
	bare   bool // the loop is loaded by a bare client, too
	core   int  // of the servers
	own    []string
}

func newLimits() *cobra.Command {
	var (
		flags planFlags
		sizes string
		l     limiting
		alone bool
	)
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "Measure the ceiling: what a bare loop takes on this machine",
		Long: "Load a bare loop in raw mode: a server of a hundred lines that receives produce requests, checks the CRC,\n" +
			"appends to a file and answers, and is no broker. Nothing that speaks Kafka's protocol over a socket and keeps\n" +
			"what it gets can be much faster here. Beside it the lab's own broker is loaded in the same way; hold\n" +
			"`loadgen run --raw` against any other.",
		Example: "  loadgen limits\n  loadgen limits --record-size 100 --batch-sizes 0,16KiB,1MiB --duration 5s\n" +
			"  taskset -c 1 loadgen limits --server-core 0 --bare-client",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if l.base, err = flags.plan(""); err != nil {
				return err
			}
			for s := range strings.SplitSeq(sizes, ",") {
				n, err := plan.ParseSize(s)
				if err != nil || n > 64<<20 {
					return usage("--batch-sizes: %q is no size up to 64MiB", s)
				}
				l.sizes = append(l.sizes, n)
			}
			if l.broker = !alone; l.rounds < 1 {
				return usage("--rounds must be 1 or more")
			}
			return l.run(cmd)
		},
	}
	flags.addTo(cmd, "bootstrap-server", "command-config", "property", "broker-pid", "topic", "use-existing-topic",
		"keep-topic", "replication-factor", "topic-config", "rate", "records", "producers", "consumers", "group", "raw",
		"acks", "idempotence", "batch-size", "linger", "buffer", "compression", "transaction-interval", "repeat",
		"max-rate", "max-bytes")
	cmd.Flags().StringVar(&sizes, "batch-sizes", "0,16KiB,64KiB,1MiB", "batches to try; 0 is one record a batch (`list`)")
	cmd.Flags().IntVar(&l.rounds, "rounds", 3, "how often each is measured, in turn; the median counts (`n`)")
	cmd.Flags().BoolVar(&l.sync, "sync", false, "the loop answers when fdatasync is done, the broker with acks=all")
	cmd.Flags().BoolVar(&alone, "no-broker", false, "leave the lab's own broker out")
	cmd.Flags().BoolVar(&l.bare, "bare-client", false,
		"load the loop with a client that keeps no clocks, too: what raw mode costs")
	cmd.Flags().IntVar(&l.core, "server-core", anyCore, "keep loop and broker on this `core`; -1: wherever they like")
	cmd.Flags().StringArrayVar(&l.own, "own-broker-set", nil,
		"setting `key=value` of the lab's own broker; may be repeated")
	return cmd
}

// limitsFile holds what limits measured.
const limitsFile = "limits.json"

// limitsDocument is limitsFile; its keys are stable.
type limitsDocument struct {
	Version    int        `json:"version"`
	Machine    string     `json:"machine"`
	RecordSize string     `json:"record_size"`
	Acks       string     `json:"acks"`
	Rows       []limitRow `json:"rows"`
}

// limitRow is one size of batches.
type limitRow struct {
	BatchSize int64  `json:"batch_size"` // 0 = one record
	Loop      limit  `json:"loop"`
	Bare      *limit `json:"bare_client,omitempty"` // the loop again, loaded by a client that keeps no clocks
	Broker    *limit `json:"broker,omitempty"`
}

// limit is what a server took.
type limit struct {
	Records  float64 `json:"records_per_second"`
	MBps     float64 `json:"mb_per_second"`
	CPUPerGB float64 `json:"cpu_seconds_per_gb"`
	Client   bool    `json:"client_bound,omitempty"` // the lab was the bottleneck: it can take more
	Run      string  `json:"run,omitempty"`

	batch, records float64 // bytes and records of a batch
}

func (l *limiting) run(cmd *cobra.Command) error {
	for name, value := range map[string]string{"duration": "2s", "warmup": "1s", "connections": "2"} {
		if !l.base.IsSet(name) {
			if err := l.base.Set(name, value); err != nil {
				return err
			}
		}
	}
	if l.base.Out == "" {
		l.base.Out = "limits-" + time.Now().UTC().Format("20060102T150405Z")
	}
	if _, err := os.Lstat(filepath.Join(l.base.Out, limitsFile)); err == nil {
		return usage("%s holds measurements already: give another --out", l.base.Out)
	}
	doc := limitsDocument{Version: 1, Machine: proc.Machine(), RecordSize: l.base.RecordSize.String(), Acks: l.acks()}
	for _, size := range l.sizes {
		row, err := l.row(cmd, size)
		if err != nil {
			return err
		}
		doc.Rows = append(doc.Rows, row)
	}
	b, err := json.MarshalIndent(&doc, "", " ")
	if err == nil {
		err = vfs.WriteFileAtomic(vfs.OS, filepath.Join(l.base.Out, limitsFile), append(b, '\n'))
	}
	if err != nil {
		return err
	}
	return l.tell(cmd.OutOrStdout(), &doc)
}

// row measures loop and broker in turn, so that a drift of the machine falls on both, and takes the medians.
func (l *limiting) row(cmd *cobra.Command, size int64) (limitRow, error) {
	var loops, bares, brokers []limit
	for round := range l.rounds {
		m, err := l.measure(cmd, size, round, false)
		if err != nil {
			return limitRow{}, err
		}
		loops = append(loops, m)
		if l.bare {
			if m, err = l.measureBare(m); err != nil {
				return limitRow{}, err
			}
			bares = append(bares, m)
		}
		if !l.broker {
			continue
		}
		if m, err = l.measure(cmd, size, round, true); err != nil {
			return limitRow{}, err
		}
		brokers = append(brokers, m)
	}
	row := limitRow{BatchSize: size, Loop: median(loops)}
	if l.bare {
		m := median(bares)
		row.Bare = &m
	}
	if l.broker {
		m := median(brokers)
		row.Broker = &m
	}
	return row, nil
}

// median is the measurement in the middle, by rate.
func median(list []limit) limit {
	slices.SortFunc(list, func(a, b limit) int { return cmp.Compare(a.Records, b.Records) })
	return list[len(list)/2]
}

func (l *limiting) acks() string {
	if l.sync {
		return "all"
	}
	return "1"
}

// measure loads the bare loop, or the lab's own broker, with batches of a size.
func (l *limiting) measure(cmd *cobra.Command, size int64, round int, broker bool) (limit, error) {
	p := l.base.Clone()
	for _, kv := range [][2]string{
		{"raw", "true"}, {"consumers", "0"}, {"acks", l.acks()}, {"rate", "max"}, {"batch-size", fmt.Sprint(size)},
	} {
		if err := p.Set(kv[0], kv[1]); err != nil {
			return limit{}, err
		}
	}
	name := fmt.Sprintf("loop-%s-%d", plan.FormatSize(size), round+1)
	o := loadgen.Options{Command: append([]string{"loadgen"}, os.Args[1:]...), Version: version()}
	if broker {
		name = strings.Replace(name, "loop", "broker", 1)
		o.Own = func() (loadgen.Own, error) { return startOwnOn(l.core, l.own) }
	} else {
		o.Bare = func() (loadgen.Own, error) {
			s, err := l.startLoop()
			if err != nil {
				return loadgen.Own{}, err
			}
			return loadgen.Own{Address: s.Addr, PID: s.PID(), Dir: s.Dir, Stop: s.Discard}, nil
		}
	}
	o.Dir = filepath.Join(l.base.Out, name)
	if err := result.Prepare(o.Dir); err != nil {
		return limit{}, usage("%w", err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s …\n", name)
	r, err := loadgen.Run(cmd.Context(), p, o)
	switch {
	case err != nil:
		return limit{}, err
	case r.Partial:
		return limit{}, &codeError{exitInterrupted, errors.New("interrupted")}
	case r.Totals.Failed > 0 || r.Totals.Acked == 0:
		return limit{}, fmt.Errorf("%s: %d records were taken and %d refused: %v", name, r.Totals.Acked,
			r.Totals.Failed, r.Errors)
	}
	m := limit{Records: r.Totals.Achieved, MBps: r.Totals.Bytes / 1e6, Run: name,
		Client: r.Verdict.Bound == result.BoundGenerator,
		batch:  r.Totals.BatchBytes, records: r.Totals.RecordsPerB}
	if c := r.Broker.Cost; c != nil {
		m.CPUPerGB = c.SecondsPerGB
	}
	return m, errors.Join(r.Write(o.Dir), page.Write(o.Dir, r))
}

func (l *limiting) tell(out io.Writer, doc *limitsDocument) error {
	kept := "written to a file, not synced"
	if l.sync {
		kept = "synced before the answer"
	}
	fmt.Fprintf(out, "raw mode, records of %s, %d connections × %d requests in flight, acks=%s, %s; medians of %d\n\n",
		l.base.RecordSize, l.base.Connections, l.base.InFlight, doc.Acks, kept, l.rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := "batch\tloop records/s\tMB/s\tCPU-s/GB"
	if l.bare {
		head += "\tbare client records/s\tMB/s\tCPU-s/GB\traw mode's share of that"
	}
	if l.broker {
		head += "\tbroker records/s\tMB/s\tCPU-s/GB\tof the loop's rate\tof its CPU"
	}
	fmt.Fprintln(w, head)
	for _, r := range doc.Rows {
		batch := plan.FormatSize(r.BatchSize)
		if r.BatchSize == 0 {
			batch = "one record"
		}
		fmt.Fprintf(w, "%s\t%s", batch, r.Loop.text())
		if r.Bare != nil {
			fmt.Fprintf(w, "\t%s\t%.0f %%", r.Bare.text(), r.Loop.Records/r.Bare.Records*100)
		}
		if r.Broker != nil {
			fmt.Fprintf(w, "\t%s\t%.0f %%\t%.2f ×", r.Broker.text(), r.Broker.Records/r.Loop.Records*100,
				r.Broker.CPUPerGB/max(r.Loop.CPUPerGB, 1e-9))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n≥: loadgen itself was the bottleneck. %s and the reports in %s\n", limitsFile,
		l.base.Out)
	return err
}

func (m *limit) text() string {
	least := ""
	if m.Client {
		least = "≥ "
	}
	return fmt.Sprintf("%s%.0f\t%.1f\t%.2f", least, m.Records, m.MBps, m.CPUPerGB)
}
