package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tailrace/loadgen/plan"
	"tailrace/loadgen/proof"
)

// verifying is one call of verify.
type verifying struct {
	levels     []proof.Level
	rounds     int
	partitions int
	size       int
	seed       uint64
	out        string
	sets       []string

	rng     *rand.Rand
	between func(dir string) error // called while the broker is down; nil but in tests, which plant a loss
	kept    []string               // directories of brokers that broke a promise
}

func newVerify() *cobra.Command {
	v := &verifying{}
	var levels, size string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Kill a broker and prove what each acks level lost and kept",
		Long: "Start a broker of the lab's own, write numbered records to it, kill it (SIGKILL) at a random moment, start\n" +
			"it again on the same data, read everything back, and hold it against what was acknowledged: for each level of\n" +
			"acks, several times. The machine lives on, and with it the page cache: acks=1 and acks=all must lose nothing\n" +
			"that was acknowledged; acks=0 promises nothing, and what it lost is reported. With idempotence there must be\n" +
			"no copies and no disorder either. Exit code 3 if a promise was broken; the broker's data is then kept.",
		Example: "  loadgen verify\n  loadgen verify --levels all,idempotent --rounds 20 --seed 7",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if v.levels, err = proof.ParseLevels(levels); err != nil {
				return usage("--levels: %w", err)
			}
			n, err := plan.ParseSize(size)
			if err != nil || n < proof.MinValue || n > 1<<20-1024 {
				return usage("--record-size: give %d bytes to 1 MB", proof.MinValue)
			}
			if v.size = int(n); v.rounds < 1 || v.partitions < 1 {
				return usage("--rounds and --partitions must be 1 or more")
			}
			if !cmd.Flags().Changed("seed") {
				v.seed = rand.Uint64N(1e9)
			}
			return v.run(cmd)
		},
	}
	cmd.Flags().StringVar(&levels, "levels", "0,1,all,idempotent", "acks levels to try: 0, 1, all, idempotent (`list`)")
	cmd.Flags().IntVar(&v.rounds, "rounds", 3, "kills for each level (`n`)")
	cmd.Flags().IntVar(&v.partitions, "partitions", 4, "partitions of each topic (`n`)")
	cmd.Flags().StringVar(&size, "record-size", "200", "`size` of a value")
	cmd.Flags().Uint64Var(&v.seed, "seed", 0, "of the moments of the kills (default: a new one, which is printed; `n`)")
	cmd.Flags().StringVar(&v.out, "out", "", "`dir` for verify.json (default: verify-<UTC time>)")
	cmd.Flags().StringArrayVar(&v.sets, "own-broker-set", nil,
		"setting `key=value` of the lab's own broker; may be repeated")
	return cmd
}

func (v *verifying) run(cmd *cobra.Command) error {
	if v.out == "" {
		v.out = "verify-" + time.Now().UTC().Format("20060102T150405Z")
	}
	doc := &verifyDocument{Version: verifyVersion, Seed: v.seed, Broker: "Tailrace " + version(), Rounds: v.rounds,
		Partitions: v.partitions, RecordSize: v.size}
	if err := doc.prepare(v.out); err != nil {
		return err
	}
	errs := cmd.ErrOrStderr()
	fmt.Fprintf(errs, "seed %d (repeat with --seed %d)\n", v.seed, v.seed)
	v.rng = rand.New(rand.NewPCG(v.seed, 0))
	for _, l := range v.levels {
		of := doc.level(l)
		for i := range v.rounds {
			f, moment, err := v.trial(cmd.Context(), l)
			if cmd.Context().Err() != nil {
				doc.Partial, doc.Kept = true, v.kept
				return errors.Join(&codeError{exitInterrupted, errors.New("interrupted")}, doc.write(v.out))
			}
			if err != nil {
				return fmt.Errorf("%s, round %d, seed %d: %w", l, i+1, v.seed, err)
			}
			of.add(l, f)
			word := "as promised"
			if b := f.Breaches(l); len(b) > 0 {
				word = "BROKEN: " + strings.Join(b, "; ")
			}
			fmt.Fprintf(errs, "%-20s round %d of %d, killed after %v: %d acknowledged, %d lost: %s\n", l, i+1, v.rounds, moment,
				f.Acked, f.Lost, word)
		}
	}
	doc.Kept = v.kept
	if err := doc.write(v.out); err != nil {
		return err
	}
	return doc.tell(cmd.OutOrStdout(), v.out)
}

// When a broker is killed, and how long it is loaded when it is back.
const (
	killFrom  = 200 * time.Millisecond
	killUntil = 1500 * time.Millisecond
	loadAfter = 300 * time.Millisecond
)

// trial is one kill of a new broker.
func (v *verifying) trial(ctx context.Context, l proof.Level) (f *proof.Finding, moment time.Duration, err error) {
	moment = killFrom + time.Duration(v.rng.Int64N(int64(killUntil-killFrom))).Round(time.Millisecond)
	dir, err := os.MkdirTemp("", "loadgen-verify-")
	if err != nil {
		return nil, moment, err
	}
	broken := false
	defer func() {
		if !broken {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	c, err := startChild(anyCore, anyPort, dir, v.sets)
	if err != nil {
		return nil, moment, fmt.Errorf("start a broker: %w", err)
	}
	defer func() { c.kill() }()
	t := proof.Trial{
		Level: l, Address: c.address, Topic: "verify", Partitions: v.partitions, Size: v.size,
		Before: moment, After: loadAfter,
		Kill: func() error { c.kill(); return nil },
		Restart: func() error {
			if v.between != nil {
				if err := v.between(dir); err != nil {
					return err
				}
			}
			next, err := restart(c, dir, v.sets)
			if err == nil {
				c = next
			}
			return err
		},
	}
	if f, err = t.Run(ctx); err != nil {
		return nil, moment, err
	}
	if broken = len(f.Breaches(l)) > 0; broken {
		v.kept = append(v.kept, dir)
	}
	return f, moment, nil
}

// restart starts a killed broker again at its address. The port may be taken for a moment, by a connection of a client
// that got it from the kernel.
func restart(was *child, dir string, sets []string) (*child, error) {
	const tries = 25
	for i := 0; ; i++ {
		c, err := startChild(anyCore, was.address, dir, sets)
		if err == nil {
			return c, nil
		}
		if i == tries || !strings.Contains(err.Error(), "address already in use") {
			return nil, fmt.Errorf("start the broker again: %w", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
