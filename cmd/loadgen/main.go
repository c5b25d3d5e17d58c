// Command loadgen is the load lab: it loads any Kafka-compatible broker and reports what came of it.
//
// Exit codes: 0 done, 1 failed, 2 usage, 3 a threshold failed or a loss was found, 4 the lab itself was the bottleneck,
// 130 interrupted (what was measured until then is written).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitThreshold   = 3
	exitGenerator   = 4
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, newRoot(), os.Args[1:]))
}

// codeError carries an exit code; what there is to say may have been said already.
type codeError struct {
	code int
	err  error // nil: nothing more to say
}

func (e *codeError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &codeError{exitUsage, fmt.Errorf(format, args...)}
}

func execute(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var coded *codeError
	if errors.As(err, &coded) {
		code = coded.code
	}
	if coded == nil || coded.err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "loadgen: "+err.Error())
	}
	return code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "loadgen",
		Short:         "Load any Kafka-compatible broker, and compare what came of it",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newRun(), newCompare(), newAB(), newKnee(), newTune(), newVerify(), newLimits(), newMerge(),
		newReport(), newOwnBroker(), newOwnLoop(), newVersion())
	argumentsAreUsage(root)
	return root
}

// argumentsAreUsage gives a wrong number of arguments the exit code of a wrong command line.
func argumentsAreUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var already *codeError
			if err == nil || errors.As(err, &already) {
				return err
			}
			return usage("%w; see `%s --help`", err, cmd.CommandPath())
		}
	}
	for _, sub := range cmd.Commands() {
		argumentsAreUsage(sub)
	}
}

func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("there is no command %q; see `%s --help`", args[0], cmd.CommandPath())
	}
	return nil
}
