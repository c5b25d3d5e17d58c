package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// resetFlags are the flags of group reset-offsets.
type resetFlags struct {
	at                               address
	out                              format
	toEarliest, toLatest, toCurrent  bool
	toOffset, shiftBy                int64
	toDatetime, byDuration, fromFile string
	topics                           []string
	allTopics                        bool
	dryRun, execute, export          bool
}

// specifications are the flags that say where to; exactly one of them is given.
var specifications = []string{
	"to-earliest", "to-latest", "to-current", "to-offset", "to-datetime", "by-duration", "shift-by", "from-file",
}

func newGroupResetOffsets() *cobra.Command {
	var f resetFlags
	cmd := &cobra.Command{
		Use:   "reset-offsets GROUP",
		Short: "Move what a group has committed",
		Long: "Move what a group has committed, so that its members go on elsewhere. The group must have no members at\n" +
			"that time; it need not exist yet. Without --execute nothing is changed, only shown.\n\n" +
			"Offsets that a partition does not have become its first or its last one, with a warning. The file of\n" +
			"--from-file has lines TOPIC,PARTITION,OFFSET, or GROUP,TOPIC,PARTITION,OFFSET; --export writes the former.",
		Example: "  tailrace group reset-offsets billing --to-earliest --all-topics --dry-run\n" +
			"  tailrace group reset-offsets billing --to-datetime 2026-03-01T00:00:00Z --topic orders:0,1 --execute\n" +
			"  tailrace group reset-offsets billing --by-duration PT2H --topic orders --execute",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeGroups(&f.at),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := f.check(cmd, args[0])
			if err != nil {
				return err
			}
			return admin(cmd, &f.at, func(ctx context.Context, adm *kadm.Client) error {
				return f.reset(ctx, cmd, adm, p)
			})
		},
	}
	f.at.addTo(cmd)
	f.out.addTo(cmd, oneDocument)
	f.addTo(cmd)
	complete(cmd, "topic", completeTopics(&f.at))
	return cmd
}

func (f *resetFlags) addTo(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.toEarliest, "to-earliest", false, "to the oldest record")
	fl.BoolVar(&f.toLatest, "to-latest", false, "to the end of the log")
	fl.BoolVar(&f.toCurrent, "to-current", false, "to what is committed; to the end where nothing is")
	fl.Int64Var(&f.toOffset, "to-offset", 0, "to this `offset` in every partition")
	fl.StringVar(&f.toDatetime, "to-datetime", "", "to the first record of this `time` or later, YYYY-MM-DDThh:mm:ss.sss")
	fl.StringVar(&f.byDuration, "by-duration", "", "to the first record of so long ago or later, a `duration` PnDTnHnMnS")
	fl.Int64Var(&f.shiftBy, "shift-by", 0, "by this `number` of offsets forward; negative: back")
	fl.StringVar(&f.fromFile, "from-file", "", "to the offsets of this CSV `file`")
	fl.StringArrayVar(&f.topics, "topic", nil, "what to move, `TOPIC[:PARTITION,...]`; may be repeated")
	fl.BoolVar(&f.allTopics, "all-topics", false, "move all topics for which the group has committed")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what would be done (the default)")
	fl.BoolVar(&f.execute, "execute", false, "do it")
	fl.BoolVar(&f.export, "export", false, "print CSV for --from-file instead of a table")
}

// check turns the command line into a plan, without a broker.
func (f *resetFlags) check(cmd *cobra.Command, name string) (*plan, error) {
	fl := cmd.Flags()
	p := &plan{group: name, warn: toStderr(cmd)}
	for _, s := range specifications {
		if !fl.Changed(s) {
			continue
		}
		if p.how != "" {
			return nil, usage("--%s and --%s exclude each other", p.how, s)
		}
		p.how = s
	}
	var err error
	switch {
	case p.how == "":
		return nil, usage("one is needed of --to-earliest, --to-latest, --to-current, --to-offset, --to-datetime, " +
			"--by-duration, --shift-by, --from-file")
	case f.dryRun && f.execute:
		return nil, usage("--dry-run and --execute exclude each other")
	case f.export && f.out == formatJSON:
		return nil, usage("--export and -o json exclude each other")
	case f.allTopics && len(f.topics) > 0:
		return nil, usage("--all-topics and --topic exclude each other")
	case p.how == "from-file" && (f.allTopics || len(f.topics) > 0):
		return nil, usage("--from-file names the partitions itself: leave out --topic and --all-topics")
	case p.how != "from-file" && !f.allTopics && len(f.topics) == 0:
		return nil, usage("--topic TOPIC[:PARTITION,...] or --all-topics is needed: what is to be moved")
	}
	if p.scope, err = parseScope(f.topics); err != nil {
		return nil, err
	}
	return p, p.target(f)
}

func (f *resetFlags) reset(ctx context.Context, cmd *cobra.Command, adm *kadm.Client, p *plan) error {
	if !f.execute && !f.dryRun {
		p.warn("nothing is changed without --execute; --dry-run says that this is meant")
	}
	infos, err := lookGroups(ctx, adm, p.group)
	if err != nil {
		return err
	}
	if g := infos[0]; g.state != "Empty" && g.state != stateDead {
		return fmt.Errorf("offsets can only be reset if the group %q is inactive, but its state is %s: stop its %s first",
			p.group, g.state, count(int64(len(g.members)), "member", "members"))
	}
	moves, err := p.moves(ctx, adm)
	if err != nil {
		return err
	}
	if f.execute {
		if err := commit(ctx, adm, p.group, moves); err != nil {
			return err
		}
	}
	return f.write(cmd.OutOrStdout(), p.group, moves)
}

// commit writes the offsets as a group without members does.
func commit(ctx context.Context, adm *kadm.Client, name string, moves []move) error {
	if len(moves) == 0 {
		return nil
	}
	offsets := kadm.Offsets{}
	for _, m := range moves {
		offsets.AddOffset(m.Topic, m.Partition, m.NewOffset, -1)
	}
	results, err := adm.CommitOffsets(ctx, name, offsets)
	if err != nil {
		return groupRefusal(name, err, "")
	}
	var failures []error
	for _, m := range moves {
		if r, _ := results.Lookup(m.Topic, m.Partition); r.Err != nil {
			failures = append(failures, fmt.Errorf("topic %q partition %d was not moved: %s",
				m.Topic, m.Partition, reason(r.Err, "")))
		}
	}
	return errors.Join(failures...)
}

func (f *resetFlags) write(w io.Writer, name string, moves []move) error {
	if f.export {
		out := csv.NewWriter(w)
		for _, m := range moves {
			if err := out.Write([]string{m.Topic, number(int64(m.Partition)), number(m.NewOffset)}); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	}
	if f.out == formatJSON {
		return document(w, struct {
			Version  int    `json:"version"`
			Group    string `json:"group"`
			Executed bool   `json:"executed"`
			Offsets  []move `json:"offsets"`
		}{1, name, f.execute, append([]move{}, moves...)})
	}
	var rows [][]string
	for _, m := range moves {
		rows = append(rows, []string{
			name, m.Topic, number(int64(m.Partition)), figure(m.OldOffset), strconv.FormatInt(m.NewOffset, 10),
		})
	}
	return table(w, "GROUP TOPIC PARTITION OLD-OFFSET NEW-OFFSET", rows)
}
