package wire_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/wire"
	"tailrace/wire/randmsg"
)

// Every version of the three hot APIs is judged by kmsg: 1.15.0 knows all versions of Kafka 4.4, so there is none
// that the oracle cannot judge.
func TestOracleKnowsEveryVersion(t *testing.T) {
	for _, c := range []struct {
		key, max int16
	}{{wire.KeyProduce, wire.MaxProduce}, {wire.KeyFetch, wire.MaxFetch}, {wire.KeyAPIVersions, wire.MaxAPIVersions}} {
		if got := kmsg.RequestForKey(c.key).MaxVersion(); got != c.max {
			t.Errorf("key %d: kmsg goes to version %d, wire to %d", c.key, got, c.max)
		}
	}
}

func eachVersion(t *testing.T, run func(t *testing.T, c codec, v int16)) {
	t.Helper()
	for _, c := range codecs() {
		for v := c.min; v <= c.max; v++ {
			t.Run(fmt.Sprintf("%s/v%d", c.name, v), func(t *testing.T) { run(t, c, v) })
		}
	}
}

// random returns kmsg's encoding of a random message, and the same without tagged fields that are not known.
func (c codec) random(f *randmsg.Filler, v int16) (body, plain []byte) {
	k := c.kmsg()
	f.Fill(k)
	k.SetVersion(v)
	if c.tidy != nil {
		c.tidy(k, v)
	}
	body = k.AppendTo(nil)
	randmsg.StripTags(k)
	return body, k.AppendTo(nil)
}

func TestCodecsAgreeWithKmsg(t *testing.T) {
	eachVersion(t, func(t *testing.T, c codec, v int16) {
		f := randmsg.New(uint64(v) + 1)
		for i := range 300 {
			f.UnknownTags = i%2 == 1
			body, plain := c.random(f, v)
			ours, oracle, err := c.read(v, body)
			if err != nil {
				t.Fatalf("%x: %v", body, err)
			}
			if !bytes.Equal(ours, plain) {
				t.Fatalf("our bytes\n%x, want\n%x", ours, plain)
			}
			if !bytes.Equal(oracle, plain) {
				t.Fatalf("kmsg made of what we read\n%x, want\n%x", oracle, plain)
			}
		}
	})
}

func TestVersionsOutsideTheRange(t *testing.T) {
	for _, c := range codecs() {
		for _, v := range []int16{-32768, -1, c.min - 1, c.max + 1, 32767} {
			if err := c.parse(v, nil); err != wire.ErrVersion {
				t.Errorf("%s v%d: %v", c.name, v, err)
			}
		}
	}
}

func TestEveryPrefixIsRefused(t *testing.T) {
	eachVersion(t, func(t *testing.T, c codec, v int16) {
		body := c.encoded(v)
		for n := range body {
			if err := c.parse(v, body[:n]); err == nil {
				t.Fatalf("%d of %d bytes were accepted", n, len(body))
			}
		}
		if err := c.parse(v, append(bytes.Clone(body), 0)); err != wire.ErrTrailing {
			t.Fatalf("a byte too many: %v", err)
		}
	})
}

// encoded returns the sample message in version v.
func (c codec) encoded(v int16) []byte {
	c.sample.SetVersion(v)
	if c.tidy != nil {
		c.tidy(c.sample, v)
	}
	return c.sample.AppendTo(nil)
}

func TestMutationsNeverPanic(t *testing.T) {
	eachVersion(t, func(t *testing.T, c codec, v int16) {
		f := randmsg.New(99)
		f.UnknownTags = true
		for range 300 {
			body, _ := c.random(f, v)
			if len(body) == 0 {
				continue
			}
			for range 1 + f.Rand.IntN(4) {
				body[f.Rand.IntN(len(body))] = byte(f.Rand.Uint32())
			}
			judge(t, c, v, body)
		}
	})
}

// judge holds what must be true of arbitrary bytes: what we accept, kmsg accepts too, both understand it alike, and
// our encoding of it is stable.
func judge(t *testing.T, c codec, v int16, body []byte) {
	t.Helper()
	poisoned := append(bytes.Clone(body), 0xde, 0xad, 0xbe, 0xef)[:len(body)]
	ours, oracle, err := c.read(v, poisoned)
	if err != nil {
		return
	}
	if !bytes.Equal(ours, oracle) {
		t.Fatalf("v%d %x: ours\n%x, kmsg from the same values\n%x", v, body, ours, oracle)
	}
	k := c.kmsg()
	k.SetVersion(v)
	if err := k.ReadFrom(body); err != nil {
		t.Fatalf("v%d %x: accepted, but kmsg says: %v", v, body, err)
	}
	randmsg.StripTags(k)
	if c.tidy != nil {
		c.tidy(k, v)
	}
	if want := k.AppendTo(nil); !bytes.Equal(ours, want) {
		t.Fatalf("v%d %x: we read\n%x, kmsg\n%x", v, body, ours, want)
	}
	again, _, err := c.read(v, ours)
	if err != nil || !bytes.Equal(again, ours) {
		t.Fatalf("v%d: our own bytes %x became %x, %v", v, ours, again, err)
	}
}
