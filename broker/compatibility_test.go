package broker

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update", false, "write docs/COMPATIBILITY.md anew")

const compatibilityPage = "../docs/COMPATIBILITY.md"

// TestCompatibilityPage holds docs/COMPATIBILITY.md to the API table, to the list of Kafka's APIs and to the head
// comments of the handlers, which say in what an API departs from Kafka and why.
func TestCompatibilityPage(t *testing.T) {
	page := compatibility(t)
	if *updateDocs {
		if err := os.WriteFile(compatibilityPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(compatibilityPage)
	if err != nil || string(have) != page {
		t.Errorf("docs/COMPATIBILITY.md is out of date (%v): run go test ./broker -run Compatibility -update", err)
	}
}

// TestServedVersions: what is served is an API of Kafka, under its name and in its stable versions, and nothing else.
func TestServedVersions(t *testing.T) {
	known := map[int16]kafkaAPI{}
	for _, k := range kafkaAPIs {
		if _, twice := known[k.key]; twice {
			t.Errorf("key %d stands in the list twice", k.key)
		}
		known[k.key] = k
		if findAPI(k.key) == nil && k.why == "" {
			t.Errorf("%s is not served, and no reason is given", k.name)
		}
	}
	for _, a := range apis {
		k, ok := known[a.key]
		if !ok || a.name != k.name || a.min != k.min || a.max != k.max {
			t.Errorf("%s %d to %d is served; Kafka has %+v", a.name, a.min, a.max, k)
		}
	}
}

const compatibilityHead = `# Compatibility

Generated from the API table of the broker by ` + "`go test ./broker -run Compatibility -update`" + `; do not edit.

The requests of Apache Kafka 4.4 that clients send to brokers, in its stable versions. What is **served** is told to
clients (ApiVersions) and answers with Kafka's error codes and messages, in every version named. Anything else is not
told of: a client that can do without does, any other says which API it misses. Departures are where an answer to the
same request differs from Kafka's; settings have a page of their own, [CONFIG](CONFIG.md). One holds for all but
Produce, Fetch and ApiVersions: the arrays of a request may have 262,144 elements together, or the connection is closed.

| key | API | versions | status | departures, or why not |
|---|---|---|---|---|
`

// compatibility is the page.
func compatibility(t *testing.T) string {
	t.Helper()
	departures := departuresByKey(t)
	var b strings.Builder
	b.WriteString(compatibilityHead)
	served := 0
	for _, k := range kafkaAPIs {
		versions, status, text := fmt.Sprintf("%d–%d", k.min, k.max), "not yet", k.why
		if k.min == k.max {
			versions = fmt.Sprint(k.min)
		}
		if k.why == hidden {
			status = "no"
		}
		if a := findAPI(k.key); a != nil {
			served++
			status = "**served**"
			if text = departures[k.key]; text == "" {
				t.Errorf("%s: the head comment of its handler has no paragraph \"Departures:\"", k.name)
			}
			if a.advertisedMin != a.min {
				text = fmt.Sprintf("advertised from %d, as Kafka does; otherwise %s", a.advertisedMin, text)
			}
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s |\n", k.key, k.name, versions, status, text)
	}
	fmt.Fprintf(&b, "\n%d of %d are served. Not in the list: what only brokers and controllers say to one another.\n",
		served, len(kafkaAPIs))
	return b.String()
}

// departuresByKey reads the paragraph that begins with "Departures:" from the head comment of every handler.
func departuresByKey(t *testing.T) map[int16]string {
	t.Helper()
	files, err := filepath.Glob("api_*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no handlers", err)
	}
	head := regexp.MustCompile(`(?m)^// [A-Za-z]+, key (\d+), versions? `)
	found := map[int16]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range head.FindAllStringSubmatchIndex(string(source), -1) {
			var key int16
			_, _ = fmt.Sscan(string(source[at[2]:at[3]]), &key)
			found[key] = paragraph(string(source[at[0]:]), "Departures:")
		}
	}
	return found
}

// paragraph returns the paragraph of a comment that begins with a word, without the word.
func paragraph(comment, begin string) string {
	var words []string
	in := false
	for line := range strings.Lines(comment) {
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "//")
		text = strings.TrimSpace(text)
		if rest, here := strings.CutPrefix(text, begin); here {
			in, text = true, strings.TrimSpace(rest)
		}
		if in && (text == "" && len(words) > 0 || !ok) || !ok {
			break
		}
		if in && text != "" {
			words = append(words, text)
		}
	}
	return strings.TrimSuffix(strings.ReplaceAll(strings.Join(words, " "), "|", "\\|"), ".")
}

// kafkaAPI is an API of Kafka 4.4 with its stable versions; why counts as long as it is not served.
type kafkaAPI struct {
	key      int16
	name     string
	min, max int16
	why      string
}

const (
	noGroups  = "consumer groups are not served yet"
	noNewer   = "next-generation consumer groups (KIP-848) are not served yet"
	noShare   = "share groups (KIP-932) are not served yet"
	noStreams = "streams groups (KIP-1071) are not served yet"
	noTxn     = "transactions are not served yet"
	noAuth    = "authentication is not served yet"
	noACL     = "authorization is not served yet"
	noToken   = "delegation tokens are not served yet"
	noQuota   = "quotas are not served yet"
	oneNode   = "clusters of more than one node are not served yet"
	hidden    = "Kafka hides it as well while nothing receives metrics"
)

// kafkaAPIs is every API that clients may send to a broker.
var kafkaAPIs = []kafkaAPI{
	{0, "Produce", 3, 13, ""},
	{1, "Fetch", 4, 18, ""},
	{2, "ListOffsets", 1, 11, ""},
	{3, "Metadata", 0, 13, ""},
	{8, "OffsetCommit", 2, 10, noGroups},
	{9, "OffsetFetch", 1, 10, noGroups},
	{10, "FindCoordinator", 0, 6, ""},
	{11, "JoinGroup", 0, 9, noGroups},
	{12, "Heartbeat", 0, 4, noGroups},
	{13, "LeaveGroup", 0, 5, noGroups},
	{14, "SyncGroup", 0, 5, noGroups},
	{15, "DescribeGroups", 0, 6, noGroups},
	{16, "ListGroups", 0, 5, noGroups},
	{17, "SaslHandshake", 0, 1, noAuth},
	{18, "ApiVersions", 0, 5, ""},
	{19, "CreateTopics", 2, 7, ""},
	{20, "DeleteTopics", 1, 6, ""},
	{21, "DeleteRecords", 0, 2, ""},
	{22, "InitProducerId", 0, 5, ""},
	{23, "OffsetForLeaderEpoch", 2, 4, ""},
	{24, "AddPartitionsToTxn", 0, 5, noTxn},
	{25, "AddOffsetsToTxn", 0, 4, noTxn},
	{26, "EndTxn", 0, 5, noTxn},
	{27, "WriteTxnMarkers", 1, 2, noTxn},
	{28, "TxnOffsetCommit", 0, 6, noTxn},
	{29, "DescribeAcls", 1, 3, noACL},
	{30, "CreateAcls", 1, 3, noACL},
	{31, "DeleteAcls", 1, 3, noACL},
	{32, "DescribeConfigs", 1, 4, ""},
	{33, "AlterConfigs", 0, 2, ""},
	{34, "AlterReplicaLogDirs", 1, 2, "partitions do not move between directories yet"},
	{35, "DescribeLogDirs", 1, 5, ""},
	{36, "SaslAuthenticate", 0, 2, noAuth},
	{37, "CreatePartitions", 0, 3, ""},
	{38, "CreateDelegationToken", 1, 3, noToken},
	{39, "RenewDelegationToken", 1, 2, noToken},
	{40, "ExpireDelegationToken", 1, 2, noToken},
	{41, "DescribeDelegationToken", 1, 3, noToken},
	{42, "DeleteGroups", 0, 3, noGroups},
	{43, "ElectLeaders", 0, 2, oneNode},
	{44, "IncrementalAlterConfigs", 0, 1, ""},
	{45, "AlterPartitionReassignments", 0, 1, oneNode},
	{46, "ListPartitionReassignments", 0, 0, oneNode},
	{47, "OffsetDelete", 0, 0, noGroups},
	{48, "DescribeClientQuotas", 0, 1, noQuota},
	{49, "AlterClientQuotas", 0, 1, noQuota},
	{50, "DescribeUserScramCredentials", 0, 0, noAuth},
	{51, "AlterUserScramCredentials", 0, 0, noAuth},
	{55, "DescribeQuorum", 0, 2, oneNode},
	{57, "UpdateFeatures", 0, 2, "features other than metadata.version are not served yet"},
	{60, "DescribeCluster", 0, 2, ""},
	{61, "DescribeProducers", 0, 0, noTxn},
	{64, "UnregisterBroker", 0, 0, oneNode},
	{65, "DescribeTransactions", 0, 0, noTxn},
	{66, "ListTransactions", 0, 2, noTxn},
	{68, "ConsumerGroupHeartbeat", 0, 1, noNewer},
	{69, "ConsumerGroupDescribe", 0, 1, noNewer},
	{71, "GetTelemetrySubscriptions", 0, 0, hidden},
	{72, "PushTelemetry", 0, 0, hidden},
	{74, "ListConfigResources", 0, 1, ""},
	{75, "DescribeTopicPartitions", 0, 0, ""},
	{76, "ShareGroupHeartbeat", 1, 1, noShare},
	{77, "ShareGroupDescribe", 1, 1, noShare},
	{78, "ShareFetch", 1, 2, noShare},
	{79, "ShareAcknowledge", 1, 2, noShare},
	{80, "AddRaftVoter", 0, 1, oneNode},
	{81, "RemoveRaftVoter", 0, 0, oneNode},
	{88, "StreamsGroupHeartbeat", 0, 1, noStreams},
	{89, "StreamsGroupDescribe", 0, 1, noStreams},
	{90, "DescribeShareGroupOffsets", 0, 1, noShare},
	{91, "AlterShareGroupOffsets", 0, 0, noShare},
	{92, "DeleteShareGroupOffsets", 0, 0, noShare},
	{93, "StreamsGroupTopologyDescriptionUpdate", 0, 0, noStreams},
	{94, "UnregisterController", 0, 0, oneNode},
}
