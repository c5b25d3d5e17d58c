package link

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"tailrace/loadgen/plan"
)

// Link is the way to a broker.
type Link struct {
	Options []kgo.Opt // everything but how to dial
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	SASL    bool     // the broker wants authentication
	Ignored []string // properties without an effect here
}

// New connects as the plan says.
func New(p *plan.Plan) (*Link, error) {
	props := map[string]string{}
	if p.CommandConfig != "" {
		content, err := os.ReadFile(p.CommandConfig)
		if err != nil {
			return nil, fmt.Errorf("command-config: %w", err)
		}
		if props, err = parseProperties(string(content)); err != nil {
			return nil, fmt.Errorf("command-config: %s: %w", p.CommandConfig, err)
		}
	}
	maps.Copy(props, p.Properties)
	l := &Link{Options: []kgo.Opt{
		kgo.SeedBrokers(strings.Split(p.BootstrapServer, ",")...),
		kgo.ClientID("loadgen"),
	}}
	if err := l.secure(props); err != nil {
		return nil, err
	}
	for name := range props {
		if understood[name] {
			continue
		}
		if strings.HasPrefix(name, "sasl.") || strings.HasPrefix(name, "ssl.") || strings.HasPrefix(name, "security.") {
			return nil, fmt.Errorf("client property %s is not understood here, and it concerns security: "+
				"take it out, or use one of %s", name, strings.Join(slices.Sorted(maps.Keys(understood)), ", "))
		}
		l.Ignored = append(l.Ignored, name)
	}
	slices.Sort(l.Ignored)
	return l, nil
}

var understood = map[string]bool{
	"bootstrap.servers": true, "security.protocol": true,
	"sasl.mechanism": true, "sasl.jaas.config": true,
	"ssl.truststore.type": true, "ssl.truststore.location": true, "ssl.truststore.certificates": true,
	"ssl.keystore.type": true, "ssl.keystore.location": true, "ssl.keystore.key": true,
	"ssl.keystore.certificate.chain": true, "ssl.endpoint.identification.algorithm": true,
}

// dialWithin bounds a connection attempt.
const dialWithin = 10 * time.Second

func (l *Link) secure(props map[string]string) error {
	protocol := strings.ToUpper(props["security.protocol"])
	plain := &net.Dialer{Timeout: dialWithin}
	switch protocol {
	case "", "PLAINTEXT", "SASL_PLAINTEXT":
		l.Dial = plain.DialContext
	case "SSL", "SASL_SSL":
		config, err := tlsConfig(props)
		if err != nil {
			return err
		}
		l.Dial = (&tls.Dialer{NetDialer: plain, Config: config}).DialContext
	default:
		return fmt.Errorf("security.protocol: %q is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", protocol)
	}
	if strings.HasPrefix(protocol, "SASL_") {
		mechanism, err := mechanismOf(props)
		if err != nil {
			return err
		}
		l.Options, l.SASL = append(l.Options, kgo.SASL(mechanism)), true
	}
	return nil
}

func mechanismOf(props map[string]string) (sasl.Mechanism, error) {
	user, password, err := jaas(props["sasl.jaas.config"])
	if err != nil {
		return nil, err
	}
	switch m := strings.ToUpper(props["sasl.mechanism"]); m {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	default:
		return nil, fmt.Errorf("sasl.mechanism: %q is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", m)
	}
}

// jaas reads the user name and the password of a login module's line:
//
//	org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";
func jaas(line string) (user, password string, err error) {
	get := func(name string) (string, bool) {
		_, rest, ok := strings.Cut(line, name+"=")
		if !ok {
			return "", false
		}
		rest = strings.TrimSpace(rest)
		if !strings.HasPrefix(rest, `"`) {
			end := strings.IndexAny(rest, " ;\t\n")
			if end < 0 {
				end = len(rest)
			}
			return rest[:end], true
		}
		var b strings.Builder
		for i := 1; i < len(rest); i++ {
			switch {
			case rest[i] == '\\' && i+1 < len(rest):
				i++
				b.WriteByte(rest[i])
			case rest[i] == '"':
				return b.String(), true
			default:
				b.WriteByte(rest[i])
			}
		}
		return "", false
	}
	user, ok := get("username")
	if ok {
		password, ok = get("password")
	}
	if !ok {
		return "", "", fmt.Errorf(`sasl.jaas.config: username="…" password="…" were expected in it`)
	}
	return user, password, nil
}

func tlsConfig(props map[string]string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := trust(c, props); err != nil {
		return nil, err
	}
	if err := identity(c, props); err != nil {
		return nil, err
	}
	if alg, set := props["ssl.endpoint.identification.algorithm"]; set && alg == "" {
		verifyWithoutName(c)
	}
	return c, nil
}
