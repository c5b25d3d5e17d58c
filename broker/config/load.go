package config

import (
	"errors"
	"fmt"
	"strings"
)

// Sources is all that a start is told. Stronger sources come first: Flags, Sets, Env, the file, Dev, the defaults.
type Sources struct {
	Flags   []Setting // from command-line flags of their own: see DataDir and ListenFlag
	Sets    []string  // the arguments of --set: key=value; later ones win
	Env     []string  // os.Environ(): KAFKA_*, TAILRACE_* and CLUSTER_ID are looked at
	File    string    // the name of the properties file, for messages; empty when there is none
	Content []byte    // what the file holds
	Dev     bool      // --dev: tailrace.flush.before.ack is never unless something sets it
}

// Level ranks sources; a higher one wins.
type Level uint8

// The levels, weakest first.
const (
	FromDefault Level = iota
	FromDev
	FromFile
	FromEnv
	FromSet
	FromFlag
	FromCluster // changed while brokers run, for all of them
	FromNode    // the same for one broker
)

// Origin is where a value comes from: the source, and the place in it ("server.properties:12", "KAFKA_LOG_DIRS").
type Origin struct {
	Level Level
	Where string
}

// String is the place, or "default".
func (o Origin) String() string {
	if o.Level == FromDefault {
		return "default"
	}
	return o.Where
}

type entry struct {
	value  string
	origin Origin
}

// WarnKind sorts warnings; each is logged once at start.
type WarnKind uint8

// What a start may be warned of.
const (
	WarnUnknown   WarnKind = iota // a key nobody knows, in a file or the environment
	WarnRepeated                  // a key twice in one file
	WarnLater                     // keys of what is not served yet
	WarnIgnored                   // keys that have no effect here
	WarnRemoved                   // keys that Kafka itself dropped
	WarnRelation                  // values that do not fit one another
	WarnDropped                   // a setting that a stronger one made meaningless
	WarnExposed                   // listening beyond loopback without authentication
	WarnUndurable                 // --dev: acks=all does not wait for the disk
)

// Warning is one line for the log at start: a whole sentence, and the keys it is about.
type Warning struct {
	Kind WarnKind
	Keys []string
	Text string
}

// SettingError refuses a start over one setting. Its text tells what to do.
type SettingError struct {
	Key, Where, Text string
}

// Error is "place: sentence".
func (e *SettingError) Error() string {
	if e.Where == "" {
		return e.Text
	}
	return e.Where + ": " + e.Text
}

// loader carries one Load.
type loader struct {
	server   *Server
	warnings []Warning
	problems []error
	idle     map[Status][]Setting // set keys without effect, for one warning per status; Value is a hint
}

// Load makes the snapshot of a start, or says everything that is wrong with it: the error joins one *SettingError per
// fault. Warnings come with either result.
func Load(src Sources) (*Server, []Warning, error) {
	l := &loader{server: &Server{set: map[string]entry{}}, idle: map[Status][]Setting{}}
	l.collect(src)
	l.readAll()
	l.dropOvertaken()
	l.placeDirs()
	l.identity()
	l.quorum()
	l.network()
	l.topicDefaults()
	l.relations()
	l.warnIdle()
	if len(l.problems) > 0 {
		return nil, l.warnings, errors.Join(l.problems...)
	}
	return l.server, l.warnings, nil
}

// collect lays the sources over one another, weakest first.
func (l *loader) collect(src Sources) {
	if src.Dev {
		l.put(FromDev, Setting{"tailrace.flush.before.ack", "never", "--dev"})
	}
	if src.File != "" {
		settings, err := ParseProperties(src.File, src.Content)
		if err != nil {
			l.problems = append(l.problems, err)
		}
		seen := map[string]string{}
		for _, s := range settings {
			if first, twice := seen[s.Key]; twice {
				l.warn(WarnRepeated, fmt.Sprintf("%s is set twice, at %s and %s: the later one counts",
					s.Key, first, s.Where), s.Key)
			}
			seen[s.Key] = s.Where
			l.put(FromFile, s)
		}
	}
	for _, s := range fromEnvironment(src.Env) {
		l.put(FromEnv, s)
	}
	for _, text := range src.Sets {
		key, value, ok := strings.Cut(text, "=")
		if !ok || strings.TrimSpace(key) == "" {
			l.problems = append(l.problems, &SettingError{"", "--set " + text, "write --set key=value"})
			continue
		}
		l.put(FromSet, Setting{strings.TrimSpace(key), value, "--set"})
	}
	for _, s := range src.Flags {
		l.put(FromFlag, s)
	}
	if src.Dev && l.server.set["tailrace.flush.before.ack"].origin.Level == FromDev {
		l.warn(WarnUndurable, "--dev: acks=all answers before the disk has the records; do not keep data you need",
			"tailrace.flush.before.ack")
	}
}

// put stores a known setting and reports an unknown one.
func (l *loader) put(level Level, s Setting) {
	if _, known := brokerIndex[s.Key]; known {
		l.server.set[s.Key] = entry{s.Value, Origin{level, s.Where}}
		return
	}
	if level <= FromEnv && foreign(s.Key) {
		l.idle[Ignored] = append(l.idle[Ignored], Setting{s.Key, "", s.Where})
		return
	}
	text := fmt.Sprintf("unknown setting %q", s.Key)
	if level <= FromEnv {
		text = s.Where + ": " + text + " has no effect"
	}
	if near, ok := Nearest(s.Key); ok {
		text += ": did you mean " + near + "?"
	}
	if level <= FromEnv {
		l.warn(WarnUnknown, text, s.Key)
		return
	}
	l.problems = append(l.problems, &SettingError{s.Key, s.Where, text})
}

// foreign keys are open-ended families that other software puts into server.properties.
func foreign(key string) bool {
	for _, prefix := range []string{"listener.name.", "confluent.", "zookeeper.", "rlmm.config.", "rsm.config.",
		"config.providers.", "strimzi.", "cruise.control."} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// readAll parses and checks every row's value and stores it in its field.
func (l *loader) readAll() {
	for i := range Broker {
		d := &Broker[i]
		text, set := d.Default, false
		if e, ok := l.server.set[d.Name]; ok && (!d.Null || strings.TrimSpace(e.value) != "") {
			text, set = e.value, true
		}
		if d.Null && !set {
			continue
		}
		v, reason := d.parse(text)
		if reason != "" {
			l.refuse(d.Name, invalid(d.Name, strings.TrimSpace(text), reason))
			continue
		}
		if set && d.Status != Served && !d.isDefault(v) {
			if d.Status == Refused {
				l.refuse(d.Name, fmt.Sprintf("%s=%s is refused: %s", d.Name, l.server.Value(d.Name), d.Why))
			} else {
				l.idle[d.Status] = append(l.idle[d.Status], Setting{d.Name, hint(d), l.server.set[d.Name].origin.Where})
			}
		}
		if d.AliasOf == "" {
			bind(l.server, serverFields, d.Name, v)
		}
	}
}

// hint names the successor of a key that is gone.
func hint(d *Def) string {
	if d.Status == Removed && strings.HasPrefix(d.Why, "use ") {
		return "; " + d.Why
	}
	return ""
}

// isDefault reports whether a value asks for nothing.
func (d *Def) isDefault(v any) bool {
	if d.Null {
		return false
	}
	def, _ := d.parse(d.Default)
	return show(def) == show(v)
}

func (l *loader) topicDefaults() {
	for i := range Topic {
		d := &Topic[i]
		text, from := l.server.topicDefault(d)
		v, reason := d.parse(text)
		switch {
		case reason != "" && from != nil:
			l.refuse(from.Name, invalid(from.Name, text, reason))
		case reason == "" && !d.Null:
			bind(&l.server.topics, topicFields, d.Name, v)
		}
	}
}

// warnIdle says in one line per status which settings have no effect.
func (l *loader) warnIdle() {
	for _, w := range []struct {
		status Status
		kind   WarnKind
		text   string
	}{
		{Later, WarnLater, "set, but what they configure is not served yet: "},
		{Ignored, WarnIgnored, "set, but without effect on Tailrace: "},
		{Removed, WarnRemoved, "set, but gone from Kafka 4 and without effect: "},
	} {
		var keys, texts []string
		for _, s := range l.idle[w.status] {
			keys, texts = append(keys, s.Key), append(texts, s.Key+" ("+s.Where+s.Value+")")
		}
		if len(keys) > 0 {
			l.warn(w.kind, w.text+strings.Join(texts, ", "), keys...)
		}
	}
}

// text is the value of a row in force.
func (l *loader) text(name string) string {
	if e, ok := l.server.set[name]; ok {
		return e.value
	}
	return brokerIndex[name].Default
}

// strongest picks, of keys that say the same thing, the one from the strongest source; within a source the order
// given decides.
func (l *loader) strongest(names ...string) (name string, set bool) {
	name = names[0]
	for _, n := range names {
		e, ok := l.server.set[n]
		if ok && strings.TrimSpace(e.value) != "" && (!set || e.origin.Level > l.server.set[name].origin.Level) {
			name, set = n, true
		}
	}
	return name, set
}

func (l *loader) refuse(name, text string) {
	l.problems = append(l.problems, &SettingError{name, l.server.set[name].origin.Where, text})
}

func (l *loader) warn(kind WarnKind, text string, keys ...string) {
	l.warnings = append(l.warnings, Warning{kind, keys, text})
}
