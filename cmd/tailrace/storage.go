package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tailrace/broker/config"
	"tailrace/broker/logdir"
)

// newStorage holds the verbs of kafka-storage, for those who type them, and the adoption of Kafka's directories.
func newStorage() *cobra.Command {
	return group("storage", "Adopt Kafka's data directories, look at them, format new ones (which is never needed)",
		newAdopt(), newStorageInfo(), newFormat(), newRandomUUID())
}

func newRandomUUID() *cobra.Command {
	return &cobra.Command{
		Use:   "random-uuid",
		Short: "Print a random id, as a cluster or a directory has one",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), logdir.NewUUID())
			return err
		},
	}
}

// storageFlags say which directories a verb is about, in the words of serve.
type storageFlags struct {
	configFile string
	logDirs    []string
	sets       []string
}

func (f *storageFlags) addTo(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.configFile, "config", "c", "", "properties file: Kafka's server.properties")
	fl.StringArrayVar(&f.logDirs, "log-dir", nil, "log directory, in place of the file's log.dirs; may be repeated")
	fl.StringArrayVar(&f.sets, "set", nil, "setting key=value, as serve takes it; may be repeated")
}

// load makes the settings that serve would have. With log directories alone, the node is the one that they belong to.
func (f *storageFlags) load(cmd *cobra.Command) (*config.Server, error) {
	if f.configFile == "" && len(f.logDirs) == 0 {
		return nil, usage("name the directories with --config FILE or --log-dir DIR; see `%s --help`", cmd.CommandPath())
	}
	src := config.Sources{Sets: f.sets, Env: os.Environ()}
	if f.configFile != "" {
		content, err := os.ReadFile(f.configFile)
		if err != nil {
			return nil, usage("--config: %w", err)
		}
		src.File, src.Content = f.configFile, content
	}
	src.Flags = f.flags()
	cfg, _, err := config.Load(src)
	if err != nil {
		return nil, &usageError{err}
	}
	return cfg, nil
}

func (f *storageFlags) flags() []config.Setting {
	if len(f.logDirs) == 0 {
		return nil
	}
	list := config.LogDirFlags(f.logDirs)
	if node, ok := nodeOf(f.logDirs[0]); ok && f.configFile == "" {
		list = append(list, config.Setting{Key: "node.id", Value: fmt.Sprint(node), Where: "--log-dir"})
	}
	return list
}

// fileValue is what the file says of a setting, without what is stronger than the file; "" for nothing.
func (f *storageFlags) fileValue(key string) string {
	value := ""
	if content, err := os.ReadFile(f.configFile); err == nil {
		settings, _ := config.ParseProperties(f.configFile, content)
		for _, s := range settings {
			if s.Key == key {
				value = s.Value
			}
		}
	}
	return value
}

// serveCommand is how to start a broker on what these flags say.
func (f *storageFlags) serveCommand(cfg *config.Server) string {
	line := "tailrace serve"
	if f.configFile != "" {
		line += " --config " + f.configFile
	}
	if len(f.logDirs) > 0 {
		line += " --set log.dirs=" + cfg.Value("log.dirs")
		if f.configFile == "" {
			line += fmt.Sprintf(" --set node.id=%d", cfg.NodeID)
		}
	}
	for _, s := range f.sets {
		line += " --set " + s
	}
	return line
}
