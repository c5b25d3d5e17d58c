//go:build realclients

package realclients

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"tailrace/benchmarks/proc"
	"tailrace/loadgen/result"
)

// buildLoadgen makes the load lab's program.
func buildLoadgen(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loadgen")
	if err := command("go", "build", "-o", path, "tailrace/cmd/loadgen"); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadRun runs the lab and reads its report. That the lab was the bottleneck (exit code 4) is no fault of a test.
func loadRun(t *testing.T, program string, args ...string) *result.Run {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "report")
	cmd := exec.CommandContext(t.Context(), program, append([]string{"run", "--out", dir}, args...)...)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !(errors.As(err, &ended) && ended.ExitCode() == 4) {
		t.Fatalf("loadgen %v: %v\n%s", args, err, out)
	}
	r, err := result.Read(dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("secret")) {
		t.Errorf("a password was printed:\n%s", out)
	}
	t.Logf("%s %s: %s", r.Broker.Software, r.Broker.Version, r.Verdict.Sentence)
	return r
}

// TestLoadgen loads Tailrace and Apache Kafka with the same command: every scheduled record is acknowledged and read,
// alone and in a group, and the report knows the broker's process.
func TestLoadgen(t *testing.T) {
	program := buildLoadgen(t)
	for name, address := range map[string]string{"Tailrace": startBroker(t), "Apache Kafka or compatible": startKafka(t)} {
		for _, more := range [][]string{
			{"--acks", "1", "--compression", "zstd", "--payload", "ratio:3"},
			{"--consumers", "2", "--group", "--partitions", "4", "--keys", "zipf:1k", "--warmup", "4s"},
			{"--raw", "--acks", "1", "--record-size", "100", "--batch-size", "4KiB", "--consumers", "2"},
			{"--raw", "--record-size", "100", "--batch-size", "4KiB", "--compression", "lz4", "--partitions", "2"},
		} {
			r := loadRun(t, program, append([]string{"--bootstrap-server", address, "--rate", "1k", "--duration", "2s",
				"--warmup", "1s"}, more...)...)
			want := int64(2000)
			switch n := r.Totals; {
			case r.Settings["raw"] == "true": // whole requests
				readers, _ := strconv.ParseInt(r.Settings["consumers"], 10, 64)
				if n.Acked < want-100 || n.Acked > want+100 || n.Failed != 0 || n.Received != n.Acked*readers ||
					n.Unstamped != 0 {
					t.Errorf("%s, raw: %+v", name, n)
				}
			case n.Acked != want || n.Received != want || n.Failed != 0 || n.Unstamped != 0:
				t.Errorf("%s, %v: %+v", name, more, n)
			}
			if r.Broker.Software != name && !againstKafka || r.Broker.PID == 0 || r.Broker.Cost == nil {
				t.Errorf("%s is taken for %+v", name, r.Broker)
			}
		}
	}
}

// TestLoadgenSASL: one file of client properties, as Kafka's own clients take it, leads through TLS and each mechanism.
func TestLoadgenSASL(t *testing.T) {
	program := buildLoadgen(t)
	secure, open, trust := startSecureKafka(t)
	adm := kadm.NewClient(franz(t, open))
	for _, m := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		_, err := adm.AlterUserSCRAMs(within(t), nil, []kadm.UpsertSCRAM{
			{User: "lab", Mechanism: m, Iterations: 4096, Password: "secret"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for mechanism, module := range map[string]string{
		"PLAIN":         "org.apache.kafka.common.security.plain.PlainLoginModule",
		"SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
		"SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
	} {
		file := filepath.Join(t.TempDir(), "client.properties")
		content := fmt.Sprintf("security.protocol=SASL_SSL\nsasl.mechanism=%s\n"+
			"sasl.jaas.config=%s required username=\"lab\" password=\"secret\";\n"+
			"ssl.truststore.type=PEM\nssl.truststore.location=%s\n", mechanism, module, trust)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		r := loadRun(t, program, "--bootstrap-server", secure, "--command-config", file, "--rate", "500",
			"--duration", "2s", "--warmup", "1s")
		if r.Totals.Acked != 1000 || r.Totals.Received != 1000 || r.Totals.Failed != 0 {
			t.Errorf("%s: %+v", mechanism, r.Totals)
		}
	}
}

// startSecureKafka runs Kafka with a second listener that wants TLS and a login.
func startSecureKafka(t *testing.T) (secure, open, trust string) {
	t.Helper()
	trust = filepath.Join(t.TempDir(), "trust.pem")
	store := filepath.Join(t.TempDir(), "store.pem")
	writeCertificate(t, trust, store)
	for range 5 {
		first, err := proc.Ports(3) // clients, controller, clients with TLS
		if err != nil {
			t.Fatal(err)
		}
		settings := []string{
			fmt.Sprintf("listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d,SECURE://127.0.0.1:%d",
				first, first+1, first+2),
			fmt.Sprintf("advertised.listeners=PLAINTEXT://127.0.0.1:%d,SECURE://127.0.0.1:%d", first, first+2),
			"listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
			"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
			"ssl.keystore.type=PEM", "ssl.keystore.location=" + store,
			"listener.name.secure.plain.sasl.jaas.config=" +
				`org.apache.kafka.common.security.plain.PlainLoginModule required user_lab="secret";`,
		}
		for _, m := range []string{"256", "512"} {
			settings = append(settings, "listener.name.secure.scram-sha-"+m+".sasl.jaas.config="+
				"org.apache.kafka.common.security.scram.ScramLoginModule required;")
		}
		dir := t.TempDir()
		if exec.Command("../kafka", append([]string{"up", dir, fmt.Sprint(first)}, settings...)...).Run() != nil {
			continue
		}
		t.Cleanup(func() {
			if err := command("../kafka", "down", dir); err != nil {
				t.Error(err)
			}
		})
		return fmt.Sprintf("127.0.0.1:%d", first+2), fmt.Sprintf("127.0.0.1:%d", first), trust
	}
	t.Fatal("Kafka with a secure listener does not start")
	return "", "", ""
}

// writeCertificate makes a certificate for 127.0.0.1 that signs itself: alone, and behind its key.
func writeCertificate(t *testing.T, trust, store string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), cert...)
	if err := errors.Join(os.WriteFile(trust, cert, 0o600), os.WriteFile(store, both, 0o600)); err != nil {
		t.Fatal(err)
	}
}
