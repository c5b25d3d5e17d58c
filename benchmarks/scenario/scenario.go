package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// System is what is measured.
type System string

// The systems.
const (
	Tailrace System = "tailrace"
	Kafka    System = "kafka"    // Apache Kafka, heap 1 GiB
	Kafka4g  System = "kafka-4g" // the same, heap 4 GiB
	Loop     System = "loop"     // the bare loop: no broker at all
	BestLoop System = "best-loop"
)

// Systems are all of them, in the order of tables.
var Systems = []System{Tailrace, Kafka, Kafka4g, Loop, BestLoop}

// Durability is what an acknowledgement means.
type Durability string

// The durabilities.
const (
	PageCache Durability = "page cache" // the kernel has it: a power cut may lose it
	Synced    Durability = "synced"     // it is on the disk
	Nothing   Durability = ""           // the row acknowledges nothing
)

// Group is what one start of a system serves.
type Group struct {
	Name         string        `yaml:"-"`
	About        string        `yaml:"about"`
	Systems      []System      `yaml:"systems"`
	Alternations int           `yaml:"alternations"` // turns of each system
	WarmUp       time.Duration `yaml:"warm-up"`      // of a system that compiles while it runs, once a start
	Restarts     bool          `yaml:"restarts"`     // its drivers start and stop the system by themselves
}

// Scenario is one file.
type Scenario struct {
	Name  string `yaml:"name"` // S4
	Title string `yaml:"title"`
	About string `yaml:"about"` // what it shows, and what it does not; a paragraph for readers of BENCHMARKS.md
	Group string `yaml:"group"` // of rows that name none
	Rows  []Row  `yaml:"rows"`

	File string `yaml:"-"`
}

// Row is one line of a table.
type Row struct {
	Name       string            `yaml:"name"` // unique in all files
	Title      string            `yaml:"title"`
	Group      string            `yaml:"group"`
	Driver     string            `yaml:"driver"`
	With       map[string]string `yaml:"with"`       // settings of the driver
	Durability Durability        `yaml:"durability"` // each system is set so that its acks mean this
	Systems    []System          `yaml:"systems"`    // of the group's; none: all of them
	Seconds    float64           `yaml:"seconds"`    // of the measured window; 0: the run's default
	Metric     string            `yaml:"metric"`     // the figure of the table, by its name in a record
	More       bool              `yaml:"more"`       // more of it is better
	Show       []string          `yaml:"show"`       // further figures worth a column
	Goals      []Goal            `yaml:"goals"`

	Scenario string `yaml:"-"` // filled by Read
}

// Goal is what Tailrace is held to, against Kafka in the same run.
type Goal struct {
	Metric string  `yaml:"metric"`  // none: the row's
	Times  float64 `yaml:"times"`   // Kafka's cost is at least so many times Tailrace's, or Tailrace's rate Kafka's
	AtMost float64 `yaml:"at-most"` // Tailrace's figure is at most this part of Kafka's
}

// Book is every scenario, in the order of their files.
type Book struct {
	Groups    map[string]*Group
	Order     []string // of groups, as groups.yaml has them
	Scenarios []Scenario
}

// Read takes all files of a directory.
func Read(dir string) (*Book, error) {
	b := &Book{Groups: map[string]*Group{}}
	if err := b.readGroups(filepath.Join(dir, "groups.yaml")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "S*.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, file := range files {
		var s Scenario
		if err := decode(file, &s); err != nil {
			return nil, err
		}
		s.File = filepath.Base(file)
		for i := range s.Rows {
			r := &s.Rows[i]
			r.Scenario = s.Name
			if r.Group == "" {
				r.Group = s.Group
			}
		}
		b.Scenarios = append(b.Scenarios, s)
	}
	return b, b.check()
}

func (b *Book) readGroups(file string) error {
	var doc yaml.Node
	if err := decode(file, &doc); err != nil {
		return err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("%s: a mapping of groups was expected", file)
	}
	for list := doc.Content[0].Content; len(list) > 1; list = list[2:] {
		g := &Group{Name: list[0].Value}
		if err := list[1].Decode(g); err != nil {
			return fmt.Errorf("%s: %s: %w", file, g.Name, err)
		}
		b.Groups[g.Name], b.Order = g, append(b.Order, g.Name)
	}
	return nil
}

func decode(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// check names everything that is wrong, not only the first.
func (b *Book) check() error {
	var wrong []error
	seen := map[string]bool{}
	for _, name := range b.Order {
		g := b.Groups[name]
		if g.Alternations < 1 || len(g.Systems) == 0 {
			wrong = append(wrong, fmt.Errorf("groups.yaml: %s needs systems and at least one alternation", name))
		}
		wrong = append(wrong, known("groups.yaml: "+name, g.Systems))
	}
	for _, s := range b.Scenarios {
		if s.Name == "" || s.Title == "" || s.About == "" {
			wrong = append(wrong, fmt.Errorf("%s: name, title and about are needed", s.File))
		}
		for i := range s.Rows {
			r := &s.Rows[i]
			at := s.File + ": " + r.Name
			switch {
			case r.Name == "" || seen[r.Name]:
				wrong = append(wrong, fmt.Errorf("%s: a row needs a name of its own", at))
			case r.Title == "" || r.Driver == "" || r.Metric == "":
				wrong = append(wrong, fmt.Errorf("%s: title, driver and metric are needed", at))
			case b.Groups[r.Group] == nil:
				wrong = append(wrong, fmt.Errorf("%s: no group %q in groups.yaml", at, r.Group))
			case r.Durability != PageCache && r.Durability != Synced && r.Durability != Nothing:
				wrong = append(wrong, fmt.Errorf("%s: durability %q: page cache or synced", at, r.Durability))
			}
			for _, g := range r.Goals {
				if (g.Times > 0) == (g.AtMost > 0) {
					wrong = append(wrong, fmt.Errorf("%s: a goal is either times or at-most", at))
				}
			}
			seen[r.Name] = true
			wrong = append(wrong, known(at, r.Systems))
		}
	}
	return errors.Join(wrong...)
}

func known(at string, list []System) error {
	for _, s := range list {
		if !slices.Contains(Systems, s) {
			return fmt.Errorf("%s: no system %q", at, s)
		}
	}
	return nil
}

// Rows are the rows of a group whose names begin with one of only (all, if there is none).
func (b *Book) Rows(group string, only []string) (list []*Row) {
	for i := range b.Scenarios {
		s := &b.Scenarios[i]
		for j := range s.Rows {
			r := &s.Rows[j]
			if r.Group == group && (len(only) == 0 || r.is(only)) {
				list = append(list, r)
			}
		}
	}
	return list
}

// is reports whether a row, or its scenario, is among those wanted.
func (r *Row) is(wanted []string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool {
		return strings.HasPrefix(r.Name, w) || strings.EqualFold(r.Scenario, w)
	})
}

// On reports whether the row is measured on a system of its group.
func (r *Row) On(s System) bool { return len(r.Systems) == 0 || slices.Contains(r.Systems, s) }

// Row finds a row by its name.
func (b *Book) Row(name string) *Row {
	for i := range b.Scenarios {
		for j := range b.Scenarios[i].Rows {
			if r := &b.Scenarios[i].Rows[j]; r.Name == name {
				return r
			}
		}
	}
	return nil
}
