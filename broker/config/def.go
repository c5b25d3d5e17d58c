package config

// Kind is the type of a setting's value. The numbers are those of DescribeConfigs (ConfigResponse.ConfigType), so a
// handler can send them as they are.
type Kind int8

// The kinds, with Kafka's codes.
const (
	Bool     Kind = 1
	String   Kind = 2
	Int      Kind = 3 // 32 bits
	Short    Kind = 4 // 16 bits
	Long     Kind = 5 // 64 bits
	Double   Kind = 6
	List     Kind = 7 // separated by commas
	Class    Kind = 8 // a Java class name: Tailrace loads none
	Password Kind = 9 // never shown
)

// String names the kind as Kafka's documentation does.
func (k Kind) String() string {
	names := [...]string{"unknown", "boolean", "string", "int", "short", "long", "double", "list", "class", "password"}
	if k < 0 || int(k) >= len(names) {
		return names[0]
	}
	return names[k]
}

// Status says what the present engine does with a setting.
type Status uint8

// The five ways in which a known key is treated. Only Refused stops a start.
const (
	Served  Status = iota // it does what its text says
	Later                 // accepted and kept, without effect until what it configures is served; warned of
	Ignored               // accepted, never has an effect here; warned of
	Refused               // an error unless it has its default value, because ignoring it would betray its purpose
	Removed               // Kafka itself no longer knows it; warned of
)

// String is the word used in docs/CONFIG.md.
func (s Status) String() string {
	return [...]string{"served", "not served yet", "ignored", "refused", "gone from Kafka"}[s]
}

// Def is one row of the table: one setting.
type Def struct {
	Name      string
	Kind      Kind
	Default   string // as a file would give it; empty and meaningless when Null
	Null      bool   // no default: unset is Kafka's null
	Check     Check
	Status    Status
	Why       string // the reason, unless Served
	Doc       string
	Family    string    // heading in docs/CONFIG.md
	Restart   bool      // a new value counts only after a restart
	Sensitive bool      // its value is never shown
	AliasOf   string    // the broker key whose typed field this one feeds: log.dir → log.dirs
	Synonyms  []Synonym // topic rows: the broker keys that give the default, strongest first
}

// Synonym is a broker key that supplies a topic key's default. Scale turns its unit into the topic key's
// (log.retention.hours → retention.ms: 3,600,000); negative values stay −1.
type Synonym struct {
	Name  string
	Scale int64
}

// Broker and Topic are the tables, in the order of docs/CONFIG.md. Read-only.
var (
	Broker = assemble(
		identityRows, networkRows, topicDefaultRows, storageRows, tailraceRows, metadataRows, cleanerRows,
		replicationRows, groupRows, shareRows, streamsRows, transactionRows, securityRows, pluginRows, quotaRows,
		tieredRows, threadRows, metricRows, removedRows,
	)
	Topic = topicTable()
)

var (
	brokerIndex = index(Broker)
	topicIndex  = index(Topic)
)

// BrokerDef finds a broker row by its exact name.
func BrokerDef(name string) (*Def, bool) {
	d, ok := brokerIndex[name]
	return d, ok
}

// TopicDef finds a topic row by its exact name.
func TopicDef(name string) (*Def, bool) {
	d, ok := topicIndex[name]
	return d, ok
}

// null in a row means that the setting has no default.
const null = "\x00"

// row is a Def as the tables write it; family, status and reason come from the group it stands in.
type row struct {
	name  string
	kind  Kind
	def   string
	check Check
	doc   string
}

func family(name string, status Status, why string, rows ...row) []Def {
	defs := make([]Def, 0, len(rows))
	for _, r := range rows {
		d := Def{
			Name: r.name, Kind: r.kind, Default: r.def, Check: r.check, Doc: r.doc,
			Family: name, Status: status, Why: why, Restart: true, Sensitive: r.kind == Password,
		}
		if r.def == null {
			d.Default, d.Null = "", true
		}
		defs = append(defs, d)
	}
	return defs
}

func assemble(groups ...[][]Def) []Def {
	var all []Def
	for _, group := range groups {
		for _, defs := range group {
			all = append(all, defs...)
		}
	}
	for i := range all {
		all[i].AliasOf = aliases[all[i].Name]
		all[i].Restart = all[i].Restart && !dynamicKeys[all[i].Name]
	}
	return all
}

// aliases are the served broker keys without a field of their own: they feed the field of another one.
var aliases = map[string]string{
	"log.dir":   "log.dirs",
	"broker.id": "node.id",
}

func index(defs []Def) map[string]*Def {
	m := make(map[string]*Def, len(defs))
	for i := range defs {
		m[defs[i].Name] = &defs[i]
	}
	return m
}
