package payload

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"

	"tailrace/loadgen/plan"
)

// Source is what all Makers of a run share. Read-only once made.
type Source struct {
	size    plan.Size
	keys    plan.Keys
	seed    uint64
	noise   []byte // random bytes, from which values are cut
	content float64
	lines   [][]byte
}

// noiseBytes is how much random data is made ahead: so much that what two records of a batch share is no matter for a
// codec, whose windows are smaller.
const noiseBytes = 8 << 20

// NewSource makes what values are cut from.
func NewSource(p *plan.Plan) (*Source, error) {
	s := &Source{size: p.RecordSize, keys: p.Keys, seed: p.Seed, content: 1}
	if p.Payload.File != "" {
		return s, s.readLines(p.Payload.File)
	}
	s.content = 1 / max(1, p.Payload.Ratio)
	s.noise = make([]byte, noiseBytes+max(0, int(s.size.Max())))
	rng := rand.NewChaCha8([32]byte{byte(p.Seed), byte(p.Seed >> 8), byte(p.Seed >> 16), byte(p.Seed >> 24)})
	_, _ = rng.Read(s.noise)
	return s, nil
}

func (s *Source) readLines(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	for line := range bytes.Lines(content) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			s.lines = append(s.lines, line)
		}
	}
	if len(s.lines) == 0 {
		return fmt.Errorf("payload: %s has no lines", path)
	}
	return nil
}

// Maker makes the records of one lane of a load.
type Maker struct {
	s    *Source
	rng  *rand.Rand
	zipf *rand.Zipf
	line int
}

// Maker begins a lane.
func (s *Source) Maker(lane int) *Maker {
	m := &Maker{s: s, rng: rand.New(rand.NewPCG(s.seed, uint64(lane)+1))}
	if s.keys.Skew > 0 {
		m.zipf = rand.NewZipf(m.rng, s.keys.Skew, 1, uint64(s.keys.Distinct-1))
	}
	if len(s.lines) > 0 {
		m.line = m.rng.IntN(len(s.lines))
	}
	return m
}

// Value appends the next value to dst. Its first bytes are free for a stamp, unless it is a line of a file that is too
// short for one.
func (m *Maker) Value(dst []byte) []byte {
	if len(m.s.lines) > 0 {
		line := m.s.lines[m.line]
		if m.line++; m.line == len(m.s.lines) {
			m.line = 0
		}
		return append(dst, line...)
	}
	size := m.s.size.Draw(m.rng)
	random := int(float64(size)*m.s.content + 0.5)
	at := m.rng.IntN(noiseBytes)
	dst = append(dst, m.s.noise[at:at+random]...)
	for left := size - random; left > 0; {
		n := min(left, len(filler))
		dst = append(dst, filler[:n]...)
		left -= n
	}
	return dst
}

// filler is what the compressible part of a value is made of: every codec shrinks it to nearly nothing.
var filler = bytes.Repeat([]byte{'.'}, 4096)

// Key appends the next key to dst; nil without keys.
func (m *Maker) Key(dst []byte) []byte {
	if m.s.keys.Distinct == 0 {
		return nil
	}
	var k uint64
	if m.zipf != nil {
		k = m.zipf.Uint64()
	} else {
		k = m.rng.Uint64N(uint64(m.s.keys.Distinct))
	}
	return strconv.AppendUint(append(dst, "key-"...), k, 10)
}
