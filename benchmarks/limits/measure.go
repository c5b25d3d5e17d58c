package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tailrace/benchmarks/proc"
	"tailrace/benchmarks/rawclient"
)

// table is one question: which of the variants serves a size (the rows) at the least CPU?
type table struct {
	name, title     string
	conns, inFlight int
	partitions      []int // rows; with one entry the sizes are the rows
	sizes           []int // bytes of a batch; 0 = one record of 100 bytes
	fetch           bool
	acks            int16
	variants        []variant
}

// variant is one column: the flags of its loop.
type variant struct {
	name string
	args string
}

const (
	kib   = 1 << 10
	mib   = 1 << 20
	topic = "limits"
)

var tables = []table{
	{
		name: "append", title: "append path, no sync, buffered reads, joined acks", conns: 2, inFlight: 6, acks: 1,
		partitions: []int{1}, sizes: []int{0, kib, 4 * kib, 16 * kib, 32 * kib, 64 * kib, 128 * kib, 256 * kib, mib},
		variants: []variant{
			{"not stored", "--store none"},
			{"pwrite", "--store pwrite"},
			{"mapped copy", "--store mapped"},
			{"mapped, populated by 1 MiB", "--store mapped --populate 1048576"},
		},
	},
	{
		name: "receive", title: "receiving, pwrite", conns: 2, inFlight: 6, acks: 1,
		partitions: []int{1}, sizes: []int{0, kib, 16 * kib, 64 * kib, 256 * kib, mib},
		variants: []variant{
			{"length, body", "--read frame --join-acks=false"},
			{"length, body by SO_RCVLOWAT", "--read lowat --join-acks=false"},
			{"buffered", "--read buffered --join-acks=false"},
			{"buffered, acks joined", "--read buffered"},
		},
	},
	{
		name: "sync", title: "acks that wait for fdatasync, 1 KiB", conns: 64, inFlight: 1, acks: -1,
		partitions: []int{1, 2, 4, 16, 64, 1000}, sizes: []int{kib},
		variants: []variant{
			{"pwrite, 32 syncers", "--sync --store pwrite --syncers 32"},
			{"mapped copy, 32 syncers", "--sync --store mapped --syncers 32"},
			{"pwrite, 8 syncers", "--sync --store pwrite --syncers 8"},
			{"pwrite, syncfs above 1", "--sync --store pwrite --syncfs-above 1"},
		},
	},
	{
		name: "fetch", title: "fetch path", conns: 1, inFlight: 1, fetch: true,
		partitions: []int{1}, sizes: []int{0, 4 * kib, 16 * kib, 32 * kib, 64 * kib, 128 * kib, 256 * kib, mib},
		variants: []variant{
			{"writev", "--send writev"},
			{"MSG_MORE, sendfile", "--send sendfile"},
			{"TCP_CORK, sendfile", "--send cork"},
			{"splice", "--send splice"},
		},
	},
}

// measuring is one run of the tables.
type measuring struct {
	rounds                 int
	warmUp, window         time.Duration
	serverCore, clientCore int
	self                   string
}

func measureCommand(args []string) error {
	var m measuring
	var only, rows string
	var warm int
	fs := flag.NewFlagSet("measure", flag.ExitOnError)
	fs.StringVar(&only, "tables", "append,receive,sync,fetch", "which tables")
	fs.StringVar(&rows, "rows", "", "only these rows: partitions of the table sync, bytes of the others (0 = one record)")
	fs.IntVar(&m.rounds, "rounds", 5, "alternations; a figure is the median")
	fs.DurationVar(&m.window, "window", time.Second, "length of one measurement")
	fs.DurationVar(&m.warmUp, "warm-up", 300*time.Millisecond, "time before each measurement")
	fs.IntVar(&warm, "warm", 4, "GiB of free memory kept ready (see proc.Warm)")
	fs.IntVar(&m.serverCore, "server-core", 0, "core of the loops")
	fs.IntVar(&m.clientCore, "client-core", 1, "core of the client")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var err error
	if m.self, err = os.Executable(); err != nil {
		return err
	}
	if err := proc.PinSelf(m.clientCore); err != nil {
		return err
	}
	ready, err := proc.NewWarm(warm << 30)
	if err != nil {
		return err
	}
	defer ready.Close()
	fmt.Printf("%s; server on core %d, client on core %d; medians (min–max) of %d alternations of %s.\n",
		proc.Machine(), m.serverCore, m.clientCore, m.rounds, m.window)
	for _, t := range tables {
		if !slices.Contains(strings.Split(only, ","), t.name) {
			continue
		}
		if rows != "" {
			t.keep(strings.Split(rows, ","))
		}
		if err := m.table(t); err != nil {
			return err
		}
	}
	return nil
}

func (m *measuring) table(t table) error {
	fmt.Printf("\n%s; %d connections × %d in flight; server's CPU in µs per request", t.title, t.conns, t.inFlight)
	if t.acks < 0 {
		fmt.Print(", requests per second")
	}
	fmt.Print("\n\n| |")
	for _, v := range t.variants {
		fmt.Printf(" %s |", v.name)
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("---|", len(t.variants)))
	for _, partitions := range t.partitions {
		for _, size := range t.sizes {
			samples := make([][]rawclient.Sample, len(t.variants))
			for range m.rounds {
				for i, v := range t.variants {
					s, err := m.sample(t, v, partitions, size)
					if err != nil {
						return fmt.Errorf("%s, %d bytes: %w", v.name, size, err)
					}
					samples[i] = append(samples[i], s)
				}
			}
			t.print(partitions, size, samples)
		}
	}
	return nil
}

// keep strikes all rows but the wanted ones.
func (t *table) keep(wanted []string) {
	other := func(n int) bool { return !slices.Contains(wanted, strconv.Itoa(n)) }
	if t.name == "sync" {
		t.partitions = slices.DeleteFunc(t.partitions, other)
	} else {
		t.sizes = slices.DeleteFunc(t.sizes, other)
	}
}

// fileBytes is the size of the loops' files. Appends roll early, so that the pages that a removed file gives back are
// taken again at once, before a virtual machine returns them to its host (see proc.Warm); fetches need one file.
func (t *table) fileBytes(partitions int) int {
	switch {
	case t.fetch:
		return 512 * mib
	case partitions > 1:
		return 16 * mib
	}
	return 128 * mib
}

func (t *table) print(partitions, size int, samples [][]rawclient.Sample) {
	row := fmt.Sprintf("%d KiB", size/kib)
	switch {
	case t.name == "sync":
		row = fmt.Sprintf("%d partitions", partitions)
	case size == 0:
		row = "one 100 B record"
	}
	fmt.Printf("| %s |", row)
	for _, of := range samples {
		var cpu, rate []float64
		for _, s := range of {
			cpu = append(cpu, s.PerRequest()/1e3)
			rate = append(rate, s.Rate())
		}
		slices.Sort(cpu)
		slices.Sort(rate)
		fmt.Printf(" %.1f (%.1f–%.1f)", cpu[len(cpu)/2], cpu[0], cpu[len(cpu)-1])
		if t.acks < 0 {
			fmt.Printf(", %.0f/s", rate[len(rate)/2])
		}
		fmt.Print(" |")
	}
	fmt.Println()
}

// sample starts a loop, loads it for one window, and discards it.
func (m *measuring) sample(t table, v variant, partitions, size int) (rawclient.Sample, error) {
	batch := rawclient.NewBatch(size, 100)
	if size == kib {
		batch = rawclient.NewBatch(0, kib) // one record of 1 KiB, as small batches have
	}
	args := append([]string{"serve"}, strings.Fields(v.args)...)
	args = append(args, "--batch-bytes", strconv.Itoa(len(batch.Bytes)), "--batch-records", strconv.Itoa(batch.Records))
	args = append(args, "--file-bytes", strconv.Itoa(t.fileBytes(partitions)))
	server, err := proc.StartServer(m.serverCore, "", m.self, args...)
	if err != nil {
		return rawclient.Sample{}, err
	}
	load := rawclient.Produce(topic, partitions, t.acks, batch)
	if t.fetch {
		if load, err = rawclient.FillAndFetch(server.Addr, topic, batch, max(size, len(batch.Bytes))); err != nil {
			return rawclient.Sample{}, err
		}
	}
	load.Addr, load.Conns, load.InFlight = server.Addr, t.conns, t.inFlight
	if partitions > 1 {
		// Every file is made before the window begins.
		if err := rawclient.Run(load, int64(partitions/t.conns+1)); err != nil {
			return rawclient.Sample{}, err
		}
	}
	s, err := rawclient.Measure(load, server.Process, m.warmUp, m.window)
	if discarded := server.Discard(); err == nil {
		err = discarded
	}
	return s, err
}
