package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"tailrace/broker/config"
)

func newCompletion() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion {bash | zsh | fish}",
		Short: "Print a script that completes commands, topics, groups and settings in a shell",
		Long: "Print a script that makes the shell complete commands, flags, names of topics and groups, and settings.\n" +
			"Names are asked of the broker of --bootstrap-server.\n\n" +
			"  bash   source <(tailrace completion bash)                                        in ~/.bashrc\n" +
			"  zsh    source <(tailrace completion zsh)                     in ~/.zshrc, after compinit\n" +
			"  fish   tailrace completion fish >~/.config/fish/completions/tailrace.fish",
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				if _, err := io.WriteString(w, bashWords); err != nil {
					return err
				}
				return root.GenBashCompletionV2(w, true)
			case "zsh":
				return root.GenZshCompletion(w)
			case "fish":
				return root.GenFishCompletion(w, true)
			}
			return usage("%q is none of bash, zsh, fish", args[0])
		},
	}
	return cmd
}

// bashWords stands in for the package bash-completion where that is not installed: the script that follows asks it for
// the words of the line, with those joined again that bash has cut at = and : (127.0.0.1:9092).
const bashWords = `# bash completion for tailrace; works with and without the package bash-completion
if ! declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
  _get_comp_words_by_ref() {
    local i word joined=() at=0 glue=0
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
      word=${COMP_WORDS[i]}
      if ((i > 0)) && [[ $word == [=:]* || $glue == 1 ]] && [[ -n ${joined[0]+x} ]]; then
        joined[${#joined[@]}-1]+=$word
      else
        joined+=("$word")
      fi
      glue=0
      [[ $word == *[=:] && $i -lt $COMP_CWORD ]] && glue=1
      ((i == COMP_CWORD)) && at=$((${#joined[@]} - 1))
    done
    words=("${joined[@]}") cword=$at cur=${joined[at]} prev=${joined[at > 0 ? at - 1 : 0]}
  }
  __ltrim_colon_completions() {
    [[ $1 == *:* && $COMP_WORDBREAKS == *:* ]] || return 0
    local i
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do COMPREPLY[i]=${COMPREPLY[i]#"${1%"${1##*:}"}"}; done
  }
fi
`

// completer gives what a word may become.
type completer = cobra.CompletionFunc

// complete gives the values of a flag.
func complete(cmd *cobra.Command, flag string, f completer) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic("BUG: " + err.Error())
	}
}

// among completes one of some words.
func among(words ...string) completer {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// asking completes names that a broker knows. Whoever presses the key does not want to wait, or to read an error.
func asking(at *address, names func(context.Context, *kadm.Client) ([]string, error)) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		ctx, cl, err := at.connect(ctx, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer cl.Close()
		list, _ := names(ctx, kadm.NewClient(cl))
		list = slices.DeleteFunc(list, func(n string) bool { return slices.Contains(args, n) })
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

func completeTopics(at *address) completer { return asking(at, topicNames) }
func completeGroups(at *address) completer { return asking(at, groupNames) }

func topicNames(ctx context.Context, adm *kadm.Client) ([]string, error) {
	m, err := adm.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	m.Topics.FilterInternal()
	return m.Topics.Names(), nil
}

// firstOnly completes the first argument and no other.
func firstOnly(f completer) completer {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, toComplete)
	}
}

// completeTopicKeys completes key= of topic settings, and their values where those are words.
func completeTopicKeys(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return keys(config.Topic, toComplete, true)
}

func completeTopicKeyNames(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return keys(config.Topic, toComplete, false)
}

func completeBrokerKeys(_ *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return keys(config.Broker, toComplete, true)
}

func keys(table []config.Def, toComplete string, values bool) ([]string, cobra.ShellCompDirective) {
	var list []string
	if key, _, ok := strings.Cut(toComplete, "="); ok && values {
		for _, d := range table {
			if d.Name == key {
				for _, w := range d.Check.Words() {
					list = append(list, key+"="+w)
				}
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	for _, d := range table {
		if d.Status == config.Refused || d.Status == config.Removed {
			continue
		}
		if values {
			list = append(list, cobra.CompletionWithDesc(d.Name+"=", firstSentence(d.Doc)))
		} else {
			list = append(list, cobra.CompletionWithDesc(d.Name, firstSentence(d.Doc)))
		}
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	if values {
		directive |= cobra.ShellCompDirectiveNoSpace
	}
	return list, directive
}

func firstSentence(s string) string {
	s, _, _ = strings.Cut(s, ". ")
	return strings.TrimSuffix(s, ".")
}

// completeResource completes topic NAME and broker ID, then settings.
func completeResource(at *address, values bool) completer {
	return func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return []string{kindTopic, kindBroker}, cobra.ShellCompDirectiveNoFileComp
		case len(args) == 1 && args[0] == kindTopic:
			return completeTopics(at)(cmd, nil, toComplete)
		case cmd.Name() == "describe":
			return nil, cobra.ShellCompDirectiveNoFileComp
		case args[0] == kindTopic:
			return keys(config.Topic, toComplete, values)
		}
		return keys(config.Broker, toComplete, values)
	}
}
