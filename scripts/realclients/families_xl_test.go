//go:build realclients

package realclients

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// installed is what libraries has returned, by language.
var installed = map[string]string{}

// libraries installs a language's client libraries, if need be, and returns what scripts/setup.sh prints of them.
func libraries(t *testing.T, language string) string {
	t.Helper()
	if printed, ok := installed[language]; ok {
		return printed
	}
	cmd := exec.Command("bash", "-c", `source ../setup.sh && libraries "$0"`, language)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the libraries of %s: %v\n%s", language, err, complaint.String())
	}
	installed[language] = strings.TrimSpace(string(out))
	return installed[language]
}

// otherDrivers are the drivers of the client libraries that are not in Go.
func otherDrivers(t *testing.T) []*driver {
	t.Helper()
	python := libraries(t, "python")
	node := libraries(t, "node")
	return []*driver{
		newDriver(t, "kafka-python", python, "drivers/python/kafka_python.py"),
		newDriver(t, "kafkajs", "env", "NODE_PATH="+node, "node", "drivers/node/kafkajs_driver.js"),
		newDriver(t, "apache-java", javaCommand(libraries(t, "java"), "Driver")...),
		newDriver(t, "aiokafka", python, "drivers/python/aiokafka_driver.py"),
		newDriver(t, "rdkafka", libraries(t, "rust")),
		newDriver(t, "confluent-kafka", python, "drivers/python/confluent_driver.py"),
	}
}

// javaCommand starts a class with a small heap that only warns.
func javaCommand(classPath, class string) []string {
	return []string{"java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m",
		"-Dlog4j2.configurationFile=drivers/java/log4j2.properties", "-cp", classPath, class}
}

// TestFamiliesXL: each library writes the corpus in each of five codecs, and each of the five others reads one of them:
// so each reads each codec, and none its own records.
func TestFamiliesXL(t *testing.T) {
	addr := startBroker(t)
	all := otherDrivers(t)
	for i, producer := range all {
		for j, codec := range codecs {
			reader := all[(i+j+1)%len(all)]
			t.Run(producer.name+"-"+codec+"-"+reader.name, func(t *testing.T) { pair(t, addr, producer, reader, codec) })
		}
	}
}

// TestFamiliesAcross: the libraries in Go and those in other languages read each other's records.
func TestFamiliesAcross(t *testing.T) {
	addr := startBroker(t)
	others := otherDrivers(t)
	for i, inGo := range goDrivers(t) {
		other := others[(i+2)%len(others)]
		t.Run(inGo.name+"-"+other.name, func(t *testing.T) {
			pair(t, addr, inGo, other, inGo.codecs[i%len(inGo.codecs)])
			pair(t, addr, other, inGo, inGo.codecs[(i+1)%len(inGo.codecs)])
		})
	}
}

// TestFamilyGroupsXL: a group of two of each library, and of libraries that have an assignor in common.
func TestFamilyGroupsXL(t *testing.T) {
	addr := startBroker(t)
	all := otherDrivers(t)
	byName := map[string]*driver{}
	for _, d := range all {
		byName[d.name] = d
		t.Run(d.name, func(t *testing.T) { shareGroup(t, addr, d) })
	}
	for _, names := range [][]string{
		{"apache-java", "rdkafka", "kafka-python"}, // range
		{"aiokafka", "confluent-kafka"},            // roundrobin
	} {
		drivers := make([]*driver, len(names))
		for i, name := range names {
			drivers[i] = byName[name]
		}
		t.Run(strings.Join(names, "-"), func(t *testing.T) { shareGroup(t, addr, drivers...) })
	}
}
