// Command tailrace is the broker and its command line: `tailrace serve` runs a
// Kafka-compatible broker, the other verbs speak to one, or look into log
// files.
//
// Exit codes: 0 done, 1 failed, 2 usage.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:])) }

// usageError marks a command line that is wrong: exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func run(args []string) int { return execute(newRoot(), args) }

// execute runs a command line and gives its exit code; an error goes to standard error.
func execute(root *cobra.Command, args []string) int {
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintln(root.ErrOrStderr(), "tailrace: "+err.Error())
	var wrong *usageError
	if errors.As(err, &wrong) {
		return 2
	}
	return 1
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "tailrace",
		Short:         "A Kafka-compatible log broker in one binary",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see `%s --help`", err, cmd.CommandPath())
	})
	root.AddCommand(newServe(), newTopic(), newProduce(), newConsume(), newGroup(), newConfig(), newCluster(),
		newLog(), newStorage(), newCompletion(), newVersion())
	argumentsAreUsage(root)
	return root
}

// argumentsAreUsage gives a wrong number of arguments the exit code of a wrong command line.
func argumentsAreUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var already *usageError
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

// group makes a command that only holds others.
func group(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  unknownVerb,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(verbs...)
	return cmd
}

func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("there is no command %q; see `%s --help`", args[0], cmd.CommandPath())
	}
	return nil
}
