package plan

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Read takes a scenario file into the plan: YAML, a mapping of setting names to values. A list, or a mapping, gives a
// setting that may be repeated its pairs.
//
//	rate: 50k
//	record-size: 1KiB
//	topic-config:
//	  segment.bytes: 64MiB
func (p *Plan) Read(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := p.parse(content); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (p *Plan) parse(content []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return err
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("a scenario is a mapping of settings, as in \"rate: 50k\"")
	}
	list := doc.Content[0].Content
	seen := map[string]bool{}
	for i := 0; i+1 < len(list); i += 2 {
		name := list[i].Value
		if seen[name] {
			return fmt.Errorf("line %d: %s is given twice", list[i].Line, name)
		}
		seen[name] = true
		value, err := scalar(list[i+1])
		if err == nil {
			err = p.Set(name, value)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", list[i].Line, err)
		}
	}
	return nil
}

func scalar(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, nil
	case yaml.SequenceNode:
		var lines []string
		for _, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return "", fmt.Errorf("a list of key=value was expected")
			}
			lines = append(lines, c.Value)
		}
		return strings.Join(lines, "\n"), nil
	case yaml.MappingNode:
		var lines []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			lines = append(lines, n.Content[i].Value+"="+n.Content[i+1].Value)
		}
		return strings.Join(lines, "\n"), nil
	}
	return "", fmt.Errorf("this kind of value is not understood")
}

// Scenario writes the settings that differ from the defaults as a scenario file.
func (p *Plan) Scenario() []byte {
	var b bytes.Buffer
	def := Default()
	for i := range Settings {
		s := &Settings[i]
		if v := s.Get(p); v != s.Get(def) {
			fmt.Fprintf(&b, "%s: %s\n", s.Name, strconv.Quote(v))
		}
	}
	return b.Bytes()
}
