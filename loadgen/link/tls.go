package link

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// onlyPEM refuses the formats that only Java reads.
func onlyPEM(props map[string]string, store string) error {
	if kind := strings.ToUpper(props[store+".type"]); kind != "" && kind != "PEM" {
		return fmt.Errorf("%s.type: %s stores are read by Java only: give a PEM file and %s.type=PEM", store, kind, store)
	}
	return nil
}

// trust takes the certificates that the broker's is held against; without any, the system's.
func trust(c *tls.Config, props map[string]string) error {
	if err := onlyPEM(props, "ssl.truststore"); err != nil {
		return err
	}
	text := []byte(props["ssl.truststore.certificates"])
	if path := props["ssl.truststore.location"]; path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return fmt.Errorf("ssl.truststore.location: %w", err)
		}
	}
	if len(text) == 0 {
		return nil
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return errors.New("ssl.truststore: no PEM certificate in it")
	}
	return nil
}

// identity takes the client's own certificate and key.
func identity(c *tls.Config, props map[string]string) error {
	if err := onlyPEM(props, "ssl.keystore"); err != nil {
		return err
	}
	chain, key := []byte(props["ssl.keystore.certificate.chain"]), []byte(props["ssl.keystore.key"])
	if path := props["ssl.keystore.location"]; path != "" {
		both, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("ssl.keystore.location: %w", err)
		}
		chain, key = both, both
	}
	if len(chain) == 0 && len(key) == 0 {
		return nil
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("ssl.keystore: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return nil
}

// verifyWithoutName checks the chain of the broker's certificate but not the name in it, which an empty
// ssl.endpoint.identification.algorithm asks for. Go has no switch for it: the check is switched off and done here.
func verifyWithoutName(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(s tls.ConnectionState) error {
		rest := x509.NewCertPool()
		for _, cert := range s.PeerCertificates[1:] {
			rest.AddCert(cert)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: rest})
		return err
	}
}
