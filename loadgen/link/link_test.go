package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tailrace/loadgen/plan"
)

func planWith(t *testing.T, content string, props ...string) *plan.Plan {
	t.Helper()
	p := plan.Default()
	p.BootstrapServer = "127.0.0.1:1"
	if content != "" {
		p.CommandConfig = filepath.Join(t.TempDir(), "client.properties")
		if err := os.WriteFile(p.CommandConfig, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range props {
		if err := p.Set("property", s); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestProperties(t *testing.T) {
	got, err := parseProperties("# a comment\n! another\n\na=1\n b : two words \nc=x\\\n   y\nd=k=v\npem=a\\nb\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": "1", "b": "two words", "c": "xy", "d": "k=v", "pem": "a\nb"}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	if _, err := parseProperties("a=1\nsecret"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
}

func TestJaas(t *testing.T) {
	for line, want := range map[string][2]string{
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`:     {"u", "p"},
		`o.a.k.ScramLoginModule required  password="p\"q" username="a b";`:                                {"a b", `p"q`},
		`o.a.k.ScramLoginModule required username=u password=p;`:                                          {"u", "p"},
		`org.apache.kafka.common.security.plain.PlainLoginModule required username="" password="x y=z" ;`: {"", "x y=z"},
	} {
		if user, password, err := jaas(line); err != nil || user != want[0] || password != want[1] {
			t.Errorf("%s: %q %q %v", line, user, password, err)
		}
	}
	for _, line := range []string{"", `required username="u";`, `username="u" password="p`} {
		if _, _, err := jaas(line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

// TestRefusals: what concerns security and is not understood is refused, by name and without its value.
func TestRefusals(t *testing.T) {
	const login = "sasl.jaas.config=x required username=\"u\" password=\"hunter2\";\n"
	for content, want := range map[string]string{
		"security.protocol=KERBEROS\n":                                                   "security.protocol",
		"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=GSSAPI\n" + login:              "sasl.mechanism",
		"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n":                       "sasl.jaas.config",
		"security.protocol=SSL\nssl.truststore.type=JKS\n":                               "PEM",
		"security.protocol=SSL\nssl.truststore.location=/no/such/file\n":                 "ssl.truststore.location",
		"security.protocol=SSL\nssl.truststore.certificates=nonsense\n":                  "no PEM certificate",
		"security.protocol=SSL\nssl.keystore.key=hunter2\n":                              "ssl.keystore",
		"security.protocol=SASL_SSL\nsasl.login.class=x\nsasl.mechanism=PLAIN\n" + login: "sasl.login.class",
		"sasl.oauthbearer.scope=hunter2\n":                                               "sasl.oauthbearer.scope",
		"nonsense\n":                                                                     "client.properties",
	} {
		_, err := New(planWith(t, content))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q in it", content, err, want)
		}
	}
}

func TestWhatHasNoEffectIsNamed(t *testing.T) {
	l, err := New(planWith(t, "security.protocol=PLAINTEXT\nlinger.ms=5\nbootstrap.servers=x:1\n", "retries=3"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(l.Ignored, " "); got != "linger.ms retries" {
		t.Errorf("ignored: %q", got)
	}
}

// certificate is one that signs itself, for the names given, as PEM.
func certificate(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		NotBefore: time.Now().Add(-time.Hour), DNSNames: names, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// echo is a TLS server that sends back what it gets; with mutual it wants a certificate of its own.
func echo(t *testing.T, cert, key []byte, mutual bool) string {
	t.Helper()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if mutual {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(cert)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func talk(t *testing.T, p *plan.Plan, address string) error {
	t.Helper()
	l, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Dial(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 5))
	return err
}

// TestTLS: the broker's certificate is held against the trust store and, unless told otherwise, against its name.
func TestTLS(t *testing.T) {
	cert, key := certificate(t, "broker.test")
	other, _ := certificate(t, "broker.test")
	address := echo(t, cert, key, false)
	dir := t.TempDir()
	path := filepath.Join(dir, "trust.pem")
	if err := os.WriteFile(path, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	base := "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + path + "\n"
	anyName := base + "ssl.endpoint.identification.algorithm=\n"
	if err := talk(t, planWith(t, anyName), address); err != nil {
		t.Errorf("a trusted certificate, any name: %v", err)
	}
	var name x509.HostnameError
	if err := talk(t, planWith(t, base), address); !errors.As(err, &name) {
		t.Errorf("a certificate for another name: %v", err)
	}
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := talk(t, planWith(t, anyName), address); err == nil {
		t.Error("a certificate that nobody trusts was taken")
	}
}

// TestMutualTLS: the client shows its own certificate.
func TestMutualTLS(t *testing.T) {
	cert, key := certificate(t, "broker.test")
	address := echo(t, cert, key, true)
	store := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(store, append(key, cert...), 0o600); err != nil {
		t.Fatal(err)
	}
	inline := strings.ReplaceAll(strings.TrimSpace(string(cert)), "\n", `\n`)
	base := "security.protocol=SSL\nssl.endpoint.identification.algorithm=\nssl.truststore.type=PEM\n" +
		"ssl.truststore.certificates=" + inline + "\n"
	if err := talk(t, planWith(t, base+"ssl.keystore.type=PEM\nssl.keystore.location="+store+"\n"), address); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	var op *net.OpError
	if err := talk(t, planWith(t, base), address); err == nil {
		t.Error("without a certificate it was let in")
	} else if !errors.As(err, &op) && !errors.Is(err, io.EOF) {
		t.Errorf("without a certificate: %v", err)
	}
}
