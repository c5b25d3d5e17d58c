package broker_test

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func configChange(text string) kmsg.IncrementalAlterConfigsRequestResourceConfig {
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	name, value, set := strings.Cut(text, "=")
	c.Name = name
	switch {
	case !set:
		c.Name, c.Op = strings.TrimSuffix(name, "-"), kmsg.IncrementalAlterConfigOpDelete
		return c
	case strings.HasSuffix(name, "+"):
		c.Name, c.Op = strings.TrimSuffix(name, "+"), kmsg.IncrementalAlterConfigOpAppend
	case strings.HasSuffix(name, "-"):
		c.Name, c.Op = strings.TrimSuffix(name, "-"), kmsg.IncrementalAlterConfigOpSubtract
	}
	c.Value = &value
	return c
}
