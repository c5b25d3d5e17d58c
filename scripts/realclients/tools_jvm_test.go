//go:build realclients

package realclients

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// toolClasses are the main classes behind Kafka's scripts.
var toolClasses = map[string]string{
	"kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
	"kafka-configs":             "kafka.admin.ConfigCommand",
	"kafka-console-consumer":    "org.apache.kafka.tools.consumer.ConsoleConsumer",
	"kafka-console-producer":    "org.apache.kafka.tools.ConsoleProducer",
	"kafka-consumer-groups":     "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	"kafka-consumer-perf-test":  "org.apache.kafka.tools.ConsumerPerformance",
	"kafka-delete-records":      "org.apache.kafka.tools.DeleteRecordsCommand",
	"kafka-get-offsets":         "org.apache.kafka.tools.GetOffsetShell",
	"kafka-log-dirs":            "org.apache.kafka.tools.LogDirsCommand",
	"kafka-producer-perf-test":  "org.apache.kafka.tools.ProducerPerformance",
	"kafka-topics":              "org.apache.kafka.tools.TopicCommand",
	"kafka-verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
	"kafka-verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
}

// printed is what a command left.
type printed struct {
	status   int
	out, err string
}

// toolJVM is a JVM that runs Kafka's tools (drivers/java/Tools.java). Commands may run at the same time.
type toolJVM struct {
	t         *testing.T
	classPath string
	stdin     io.WriteCloser

	mu      sync.Mutex
	last    int
	waiting map[string]chan printed
	ended   error // why no more answers come
}

func newToolJVM(t *testing.T, classPath string) *toolJVM {
	t.Helper()
	command := javaCommand(classPath, "Tools")
	cmd := exec.Command(command[0], command[1:]...)
	j := &toolJVM{t: t, classPath: classPath, waiting: map[string]chan printed{}}
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		j.stdin, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := j.read(stdout)
		if wait := cmd.Wait(); wait != nil {
			err = fmt.Errorf("%w\n%s", wait, &complaint)
		}
		j.end(err)
	}()
	t.Cleanup(func() {
		j.stdin.Close() // at which it halts, whatever still runs
		<-done
		if complaint.Len() > 0 {
			t.Logf("the JVM of the tools printed:\n%s", &complaint)
		}
	})
	return j
}

// read hands each answer to whoever waits for it.
func (j *toolJVM) read(from io.Reader) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 4 {
			return fmt.Errorf("the JVM answers %q", lines.Text())
		}
		status, err := strconv.Atoi(f[1])
		if err != nil {
			return err
		}
		out, _ := base64.StdEncoding.DecodeString(f[2])
		errs, _ := base64.StdEncoding.DecodeString(f[3])
		j.mu.Lock()
		j.waiting[f[0]] <- printed{status, string(out), string(errs)}
		delete(j.waiting, f[0])
		j.mu.Unlock()
	}
	return lines.Err()
}

func (j *toolJVM) end(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ended = fmt.Errorf("the JVM of the tools has ended: %v", err)
	for _, answer := range j.waiting {
		close(answer)
	}
}

// start begins a command; what it leaves comes on the channel, which is closed if the JVM ends before it.
func (j *toolJVM) start(stdin string, args ...string) (<-chan printed, error) {
	class, ok := toolClasses[args[0]]
	if !ok {
		return nil, fmt.Errorf("no tool is called %s", args[0])
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended != nil {
		return nil, j.ended
	}
	j.last++
	id := strconv.Itoa(j.last)
	line := []string{id}
	for _, s := range append([]string{class, stdin}, args[1:]...) {
		line = append(line, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	answer := make(chan printed, 1)
	j.waiting[id] = answer
	_, err := io.WriteString(j.stdin, strings.Join(line, "\t")+"\n")
	return answer, err
}

// alone is start in a JVM of its own.
func (j *toolJVM) alone(stdin string, args ...string) (<-chan printed, error) {
	command := append(javaCommand(j.classPath, toolClasses[args[0]]), args[1:]...)
	cmd := exec.CommandContext(within(j.t), command[0], command[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	answer := make(chan printed, 1)
	go func() {
		_ = cmd.Wait() // the exit status says it
		answer <- printed{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	}()
	return answer, nil
}
