package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Listener is one entry of listeners or advertised.listeners: NAME://HOST:PORT.
type Listener struct {
	Name     string // upper case, as Kafka compares it
	Protocol string // PLAINTEXT for all that is bound at present
	Host     string // without brackets; "" = every interface (advertised: the address the client came in by)
	Port     int    // 0 = the kernel chooses
}

// Address is host:port as the net package wants it.
func (l Listener) Address() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// String is the form of the settings file.
func (l Listener) String() string { return l.Name + "://" + l.Address() }

// Loopback reports whether only this machine can reach the listener.
func (l Listener) Loopback() bool {
	if strings.EqualFold(l.Host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(l.Host)
	return err == nil && addr.IsLoopback()
}

// ParseListeners reads a comma-separated list of NAME://HOST:PORT. The host may be empty; IPv6 stands in brackets;
// port 0 is allowed. Two entries may share a name only as an IPv4 and IPv6 pair (KIP-797), and an address never.
func ParseListeners(text string) ([]Listener, error) {
	all, err := parseEndpoints(text)
	for i, l := range all {
		for _, other := range all[:i] {
			if err := other.clash(l); err != nil {
				return nil, err
			}
		}
	}
	return all, err
}

func parseEndpoints(text string) ([]Listener, error) {
	var all []Listener
	for item := range strings.SplitSeq(text, ",") {
		l, err := parseListener(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func parseListener(item string) (Listener, error) {
	name, address, ok := strings.Cut(item, "://")
	if !ok || name == "" || strings.ContainsAny(name, ":/[] ") {
		return Listener{}, fmt.Errorf("%q is not a listener: write NAME://HOST:PORT, as in PLAINTEXT://localhost:9092",
			item)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return Listener{}, fmt.Errorf("%q is not a listener: %q wants HOST:PORT (IPv6 in brackets: [::1]:9092)",
			item, address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Listener{}, fmt.Errorf("%q is not a listener: the port %q is not a number from 0 to 65535", item, port)
	}
	if _, err := netip.ParseAddr(host); err != nil && !hostname(host) {
		return Listener{}, fmt.Errorf("%q is not a listener: %q is neither a host name nor an address", item, host)
	}
	return Listener{Name: strings.ToUpper(name), Host: host, Port: int(n)}, nil
}

func hostname(host string) bool {
	return len(host) <= 255 && strings.IndexFunc(host, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r))
	}) < 0
}

// clash says why two listeners cannot stand side by side.
func (l Listener) clash(other Listener) error {
	pair := l.family() != "" && other.family() != "" && l.family() != other.family()
	if l.Name == other.Name && !pair {
		return fmt.Errorf("the listener name %s is used twice (%s and %s): "+
			"only an IPv4 and an IPv6 address may share one", l.Name, l.Address(), other.Address())
	}
	if l.Port == other.Port && l.Port != 0 && (l.Host == other.Host || l.Host == "" || other.Host == "") {
		return fmt.Errorf("%s and %s are the same address", l, other)
	}
	return nil
}

// family is "4" or "6" for a literal address, "" for a name.
func (l Listener) family() string {
	addr, err := netip.ParseAddr(l.Host)
	if err != nil {
		return ""
	}
	if addr.Is4() {
		return "4"
	}
	return "6"
}

var protocols = []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}

// parseProtocolMap reads listener.security.protocol.map: NAME:PROTOCOL, separated by commas.
func parseProtocolMap(text string) (map[string]string, error) {
	m := map[string]string{}
	for _, item := range splitList(strings.TrimSpace(text)) {
		name, protocol, ok := strings.Cut(item, ":")
		name, protocol = strings.ToUpper(strings.TrimSpace(name)), strings.ToUpper(strings.TrimSpace(protocol))
		switch {
		case !ok || name == "":
			return nil, fmt.Errorf("%q is not a mapping: write LISTENER:PROTOCOL", item)
		case !slices.Contains(protocols, protocol):
			return nil, fmt.Errorf("%q is not a protocol of listener %s: one of %s", protocol, name,
				strings.Join(protocols, ", "))
		case m[name] != "" && m[name] != protocol:
			return nil, fmt.Errorf("listener %s is mapped twice, to %s and %s", name, m[name], protocol)
		}
		m[name] = protocol
	}
	return m, nil
}

func checkListeners(text string) string {
	if _, err := ParseListeners(text); err != nil {
		return err.Error()
	}
	return ""
}

func checkProtocolMap(text string) string {
	if _, err := parseProtocolMap(text); err != nil {
		return err.Error()
	}
	return ""
}

// ListenFlag turns --listen HOST:PORT into a setting. Several addresses are separated by commas, and a NAME:// in
// front is kept. ":9092" means every interface.
func ListenFlag(text string) (Setting, error) {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); !strings.Contains(item, "://") {
			item = "PLAINTEXT://" + item
		}
		items = append(items, item)
	}
	value := strings.Join(items, ",")
	if _, err := ParseListeners(value); err != nil {
		return Setting{}, fmt.Errorf("--listen %s: %w", text, err)
	}
	return Setting{"listeners", value, "--listen"}, nil
}
