package config

import (
	"slices"
	"strings"
)

// wrapperVariables belong to Kafka's start scripts and container images, not to the broker. Those that end in an
// asterisk are prefixes.
var wrapperVariables = []string{
	"KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_GC_LOG_OPTS", "KAFKA_LOG4J_*", "KAFKA_JMX_*",
	"KAFKA_TOOLS_LOG4J_LOGLEVEL", "KAFKA_DEBUG", "KAFKA_HOME", "KAFKA_VERSION", "KAFKA_MODE", "KAFKA_CLASSPATH",
	// Kubernetes adds these to every pod beside a Service named kafka or tailrace.
	"KAFKA_SERVICE_HOST", "KAFKA_SERVICE_PORT*", "KAFKA_PORT", "KAFKA_PORT_*",
	"TAILRACE_SERVICE_HOST", "TAILRACE_SERVICE_PORT*", "TAILRACE_PORT", "TAILRACE_PORT_*",
}

// fromEnvironment picks the settings out of os.Environ(), in the order of the variables' names. Later ones win over
// earlier ones with the same key, so TAILRACE_LOG_DIRS wins over KAFKA_LOG_DIRS.
//
// The rule is that of Kafka's container image: the prefix goes, the rest becomes lower case, _ is a dot, __ an
// underscore, ___ a dash. TAILRACE_X_Y is tailrace.x.y if there is such a key, else x.y. CLUSTER_ID, with which
// Kafka's image formats its storage, is tailrace.cluster.id.
func fromEnvironment(environ []string) []Setting {
	var found []Setting
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(variable, "=")
		if key, ok := environmentKey(name); ok {
			found = append(found, Setting{key, value, name})
		}
	}
	return found
}

func environmentKey(name string) (key string, ok bool) {
	if name == "CLUSTER_ID" {
		return "tailrace.cluster.id", true
	}
	isWrapper := func(w string) bool {
		prefix, open := strings.CutSuffix(w, "*")
		return name == w || (open && strings.HasPrefix(name, prefix))
	}
	if slices.ContainsFunc(wrapperVariables, isWrapper) {
		return "", false
	}
	if rest, ok := strings.CutPrefix(name, "KAFKA_"); ok && rest != "" {
		return dotted(rest), true
	}
	if rest, ok := strings.CutPrefix(name, "TAILRACE_"); ok && rest != "" {
		if key := dotted(rest); brokerIndex["tailrace."+key] == nil && brokerIndex[key] != nil {
			return key, true
		}
		return "tailrace." + dotted(rest), true
	}
	return "", false
}

// dotted applies the image's replacements in the image's order.
func dotted(name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "_", ".")
	name = strings.ReplaceAll(name, "...", "-")
	return strings.ReplaceAll(name, "..", "_")
}

// EnvName is the variable that sets a broker key, the inverse of the rule above: KAFKA_LOG_DIRS for log.dirs,
// TAILRACE_SYNC_PARALLELISM for tailrace.sync.parallelism.
func EnvName(key string) string {
	prefix := "KAFKA_"
	if rest, ours := strings.CutPrefix(key, "tailrace."); ours {
		prefix, key = "TAILRACE_", rest
	}
	key = strings.NewReplacer("-", "___", "_", "__", ".", "_").Replace(key)
	return prefix + strings.ToUpper(key)
}
