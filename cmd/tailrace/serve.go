package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tailrace/broker"
	"tailrace/broker/config"
	"tailrace/vfs"
)

type serveFlags struct {
	configFile string
	data       string
	listen     string
	sets       []string
	dev        bool
	ephemeral  bool
	readyFile  string
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the broker",
		Long: "Run the broker until SIGTERM or SIGINT; a second signal ends it at once.\n\n" +
			"Settings come, strongest first, from flags, --set, KAFKA_* environment variables, --config and the defaults.\n" +
			"Every setting is listed in docs/CONFIG.md.\n\n" +
			"In tests: --ephemeral --listen 127.0.0.1:0 --ready-file FILE; docs/TESTING_WITH.md shows it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), f, time.Now()) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.configFile, "config", "", "properties file, such as Kafka's server.properties")
	fl.StringVar(&f.data, "data", "",
		"data directory: logs in DIR/log, metadata in DIR/meta (default "+config.DefaultData+")")
	fl.StringVar(&f.listen, "listen", "",
		"addresses HOST:PORT, comma-separated; port 0 lets the kernel choose (default 127.0.0.1:9092,[::1]:9092)")
	fl.StringArrayVar(&f.sets, "set", nil, "setting key=value; may be repeated")
	fl.BoolVar(&f.dev, "dev", false, "for development: acks=all does not wait for the disk")
	fl.BoolVar(&f.ephemeral, "ephemeral", false,
		"for tests: keep data in a new directory under TMPDIR, and remove it at the end")
	fl.StringVar(&f.readyFile, "ready-file", "",
		"file that receives the bound addresses, one a line, when the broker is ready")
	complete(cmd, "set", completeBrokerKeys)
	return cmd
}

func serve(_ context.Context, f serveFlags, started time.Time) error {
	logger := newLogger(os.Stderr)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if f.ephemeral && f.data != "" {
		return usage("--ephemeral and --data exclude each other")
	}
	if f.ephemeral {
		remove, err := f.makeEphemeral()
		if err != nil {
			return err
		}
		defer remove(logger)
	}
	cfg, err := loadConfig(f, logger)
	if err != nil {
		return err
	}
	warnOfLimits(logger)
	b, err := broker.Start(broker.Options{Config: cfg, Logger: logger})
	if err != nil {
		return err
	}
	if f.readyFile != "" {
		if err := writeReadyFile(f.readyFile, b.Addrs()); err != nil {
			return errors.Join(err, b.Stop(context.Background()))
		}
	}
	logger.Info("ready", "addresses", strings.Join(b.Addrs(), ","), "data", strings.Join(cfg.LogDirs, ","),
		"cluster_id", b.ClusterID(), "version", version(), "durability", durability(cfg),
		"ms", time.Since(started).Milliseconds())
	return waitAndStop(b, signals, logger)
}

// errAtOnce ends the process while the broker may still be at work.
var errAtOnce = errors.New("ended at once by a second signal: the next start checks the ends of the logs")

// waitAndStop runs until a signal, or until the broker cannot go on.
func waitAndStop(b *broker.Broker, signals <-chan os.Signal, logger *slog.Logger) error {
	var failure error
	select {
	case s := <-signals:
		logger.Info("stopping; a second signal ends at once", "signal", s.String())
	case failure = <-b.Failed():
		logger.Error("stopping", "error", failure)
	}
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		stopped <- b.Stop(ctx)
	}()
	select {
	case err := <-stopped:
		if err := errors.Join(failure, err); err != nil {
			return err
		}
		logger.Info("stopped")
		return nil
	case <-signals:
		return errAtOnce
	}
}

func loadConfig(f serveFlags, logger *slog.Logger) (*config.Server, error) {
	src := config.Sources{Sets: f.sets, Env: os.Environ(), Dev: f.dev}
	if f.configFile != "" {
		content, err := os.ReadFile(f.configFile)
		if err != nil {
			return nil, usage("--config: %w", err)
		}
		src.File, src.Content = f.configFile, content
	}
	if f.data != "" {
		src.Flags = append(src.Flags, config.DataDir(f.data)...)
	}
	if f.listen != "" {
		s, err := config.ListenFlag(f.listen)
		if err != nil {
			return nil, usage("%w", err)
		}
		src.Flags = append(src.Flags, s)
	}
	cfg, warnings, err := config.Load(src)
	for _, w := range warnings {
		logger.Warn(w.Text)
	}
	if err != nil {
		return nil, &usageError{err}
	}
	return cfg, nil
}

// durability says in a word what an acknowledged record with acks=all means.
func durability(cfg *config.Server) string {
	t, err := cfg.Topic(nil)
	if err != nil {
		return "unknown"
	}
	switch t.FlushBeforeAck {
	case config.FlushAlways:
		return "acks=all waits for the disk"
	case config.FlushNever:
		return "acks=all does not wait for the disk (tailrace.flush.before.ack=never)"
	}
	return "acks=all waits for the disk while one replica is in sync"
}

// wantedFiles is what a broker of some size needs; below it the start says how
// to get more.
const wantedFiles = 16_384

func warnOfLimits(logger *slog.Logger) {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil && lim.Cur < wantedFiles {
		logger.Warn("few open files are allowed: partitions and connections share them",
			"nofile", lim.Cur, "raise_with", fmt.Sprintf("ulimit -n %d, or LimitNOFILE=%d in the systemd unit", 65536, 65536))
	}
}

func writeReadyFile(name string, addrs []string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	return vfs.WriteFileAtomic(vfs.OS, abs, []byte(strings.Join(addrs, "\n")+"\n"))
}

// newLogger writes text for a person and JSON for a machine.
func newLogger(w *os.File) *slog.Logger {
	var h slog.Handler = slog.NewJSONHandler(w, nil)
	if isTerminal(w) {
		h = slog.NewTextHandler(w, nil)
	}
	return slog.New(h)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}
