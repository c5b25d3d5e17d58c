package wire_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden files hold one fixed message per codec, in hexadecimal: a line "v<version>", then its bytes.
func TestGolden(t *testing.T) {
	for _, c := range codecs() {
		name := filepath.Join("testdata", c.name+".hex")
		if *update {
			writeGolden(t, name, c)
		}
		golden := readGolden(t, name)
		for v := c.min; v <= c.max; v++ {
			want, ok := golden[v]
			if !ok {
				t.Errorf("%s: no version %d; run go test with -update", name, v)
				continue
			}
			ours, oracle, err := c.read(v, want)
			if err != nil || !bytes.Equal(ours, want) || !bytes.Equal(oracle, want) {
				t.Errorf("%s v%d: wrote %x, kmsg %x, golden %x, %v", c.name, v, ours, oracle, want, err)
			}
			if sample := c.encoded(v); !bytes.Equal(sample, want) {
				t.Errorf("%s v%d: kmsg's sample %x is not the golden %x", c.name, v, sample, want)
			}
		}
		if len(golden) != int(c.max-c.min)+1 {
			t.Errorf("%s holds %d versions", name, len(golden))
		}
	}
}

func readGolden(t *testing.T, name string) map[int16][]byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	golden, v := map[int16][]byte{}, int16(0)
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if n, err := fmt.Sscanf(line, "v%d", &v); n == 1 && err == nil {
			golden[v] = []byte{}
			continue
		}
		b, err := hex.DecodeString(line)
		if err != nil {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
		golden[v] = append(golden[v], b...)
	}
	return golden
}

func writeGolden(t *testing.T, name string, c codec) {
	t.Helper()
	var out bytes.Buffer
	for v := c.min; v <= c.max; v++ {
		fmt.Fprintf(&out, "v%d\n", v)
		for b := c.encoded(v); len(b) > 0; {
			n := min(32, len(b))
			fmt.Fprintf(&out, "%x\n", b[:n])
			b = b[n:]
		}
	}
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
