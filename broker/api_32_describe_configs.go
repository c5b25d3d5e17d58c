package broker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/config"
	"tailrace/broker/metadata"
	"tailrace/wire/errcode"
)

// DescribeConfigs, key 32, versions 1 to 4.
//
// Behaviour: every setting of topics, of this broker, of groups and of
// client-metrics subscriptions, or those of them that are named: value, where
// it comes from, type, documentation, whether it can be changed. The broker
// named "" is what was set for all brokers. There is one logger, "root".
//
// Versions: 1 synonyms, 3 documentation and types, 4 flexible.
//
// Departures: a resource that is named twice is described once, and one request
// describes 10,000 resources at most, because a small request would otherwise
// make an answer of any size; a topic that does not exist gets a message beside
// its code; a default that was given in another unit (log.retention.hours for
// retention.ms) is named, where Kafka calls the value a default of its own.
func (b *Broker) describeConfigs(q *request) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	img, resp := b.quorum.Image(), kmsg.NewPtrDescribeConfigsResponse()
	seen := make(map[metadata.Resource]bool, min(len(req.Resources), maxDescribed))
	for i := range req.Resources {
		r := &req.Resources[i]
		id := metadata.Resource{Type: metadata.ResourceType(r.ResourceType), Name: r.ResourceName}
		if seen[id] {
			continue
		}
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = r.ResourceType, r.ResourceName
		var rows []config.Row
		wrong := metadata.Result{Code: errcode.InvalidRequest, Message: tooManyDescribed}
		if len(seen) < maxDescribed {
			seen[id] = true
			rows, wrong = b.describe(img, id)
		}
		out.ErrorCode, out.ErrorMessage = int16(wrong.Code), &wrong.Message
		for j := range rows {
			if len(r.ConfigNames) == 0 || slices.Contains(r.ConfigNames, rows[j].Name) {
				out.Configs = append(out.Configs, describedConfig(&rows[j], req))
			}
		}
		resp.Resources = append(resp.Resources, out)
	}
	q.reply(resp)
}

// maxDescribed is how many resources one request describes.
const maxDescribed = 10_000

const tooManyDescribed = "More than 10000 resources in one request: ask for them in parts."

// resourceBrokerLogger has log levels instead of configs (KIP-412).
const resourceBrokerLogger metadata.ResourceType = 8

func (b *Broker) describe(img *metadata.Image, r metadata.Resource) ([]config.Row, metadata.Result) {
	set := img.Config(r)
	invalid := func(format string, args ...any) ([]config.Row, metadata.Result) {
		return nil, metadata.Result{Code: errcode.InvalidRequest, Message: fmt.Sprintf(format, args...)}
	}
	switch r.Type {
	case metadata.ResourceTopic:
		if wrong := metadata.CheckTopicName(r.Name); wrong != "" {
			return nil, metadata.Result{Code: errcode.InvalidTopicException, Message: wrong}
		}
		if img.TopicByName(r.Name) == nil {
			code := errcode.UnknownTopicOrPartition
			return nil, metadata.Result{Code: code, Message: code.Message()}
		}
		return b.live().DescribeTopic(set), metadata.Result{}
	case metadata.ResourceBroker, resourceBrokerLogger:
		return b.describeBroker(r, invalid)
	case metadata.ResourceGroup:
		if r.Name == "" {
			return invalid("Group name must not be empty")
		}
		return b.live().DescribeGroup(set), metadata.Result{}
	case metadata.ResourceClientMetrics:
		if r.Name == "" {
			return invalid("Client metrics subscription name must not be empty")
		}
		return config.DescribeClientMetrics(set), metadata.Result{}
	}
	return invalid("Unexpected resource type %d for resource %s", r.Type, r.Name)
}

func (b *Broker) describeBroker(
	r metadata.Resource, invalid func(string, ...any) ([]config.Row, metadata.Result),
) ([]config.Row, metadata.Result) {
	logger, own := r.Type == resourceBrokerLogger, b.config.NodeID
	id, err := strconv.ParseInt(r.Name, 10, 32)
	switch {
	case r.Name == "" && logger:
		return invalid("Broker id must not be empty")
	case r.Name == "":
		return b.live().DescribeCluster(), metadata.Result{}
	case err != nil:
		return invalid("Broker id must be an integer, but it is: %s", r.Name)
	case int(id) != own && logger:
		return invalid("Unexpected broker id, expected %d but received %s", own, r.Name)
	case int(id) != own:
		return invalid("Unexpected broker id, expected %d or empty string, but received %s", own, r.Name)
	case logger:
		return []config.Row{{Name: rootLogger, Value: b.logLevel(), Source: config.SourceLogger, ReadOnly: true}},
			metadata.Result{}
	}
	return b.live().Describe(), metadata.Result{}
}

// rootLogger is the one logger there is.
const rootLogger = "root"

// logLevel is the lowest level that is logged, in the words of log4j.
func (b *Broker) logLevel() string {
	for _, l := range [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if b.logger.Enabled(context.Background(), l) {
			return l.String()
		}
	}
	return slog.LevelError.String()
}

func describedConfig(row *config.Row, req *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceConfig {
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Source, c.ReadOnly, c.IsSensitive = row.Name, kmsg.ConfigSource(row.Source), row.ReadOnly, row.Sensitive
	c.ConfigType = kmsg.ConfigType(row.Kind)
	if !row.Null && !row.Sensitive {
		c.Value = &row.Value
	}
	if req.IncludeDocumentation {
		c.Documentation = &row.Doc
	}
	if !req.IncludeSynonyms {
		return c
	}
	for i := range row.Synonyms {
		y := &row.Synonyms[i]
		out := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
		out.Name, out.Source = y.Name, kmsg.ConfigSource(y.Source)
		if !y.Null {
			out.Value = &y.Value
		}
		c.ConfigSynonyms = append(c.ConfigSynonyms, out)
	}
	return c
}
