// Package randmsg fills kmsg messages with random values, for tests that compare a codec with kmsg or drive it with
// every version of a request.
//
// It owns nothing and is meant for tests only; nothing that ships imports it. A Filler is used by one goroutine.
package randmsg

import (
	"math/rand/v2"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// firstUnknownTag is above every tag that Kafka has given a meaning.
const firstUnknownTag = 1000

// Filler fills messages from a seeded source.
type Filler struct {
	Rand        *rand.Rand
	MaxElems    int  // the most elements of one array; 3 if zero
	UnknownTags bool // add tagged fields that no version knows
}

// New returns a Filler whose values depend on seed alone.
func New(seed uint64) *Filler {
	return &Filler{Rand: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))}
}

// Fill sets every exported field that msg, a pointer to a kmsg message, reaches, except its version. Values are
// often at the edge of what their type holds; null, empty and unset occur wherever kmsg can say them.
func (f *Filler) Fill(msg any) { f.fill(reflect.ValueOf(msg).Elem()) }

var tagsType = reflect.TypeFor[kmsg.Tags]()

func (f *Filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == tagsType {
			f.tags(v.Addr().Interface().(*kmsg.Tags))
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "Version" {
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.SetZero()
		if f.Rand.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Slice:
		f.slice(v)
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.String:
		v.SetString(string(f.bytes()))
	case reflect.Bool:
		v.SetBool(f.Rand.IntN(2) == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(f.int(v.Type().Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(f.Rand.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Float64:
		v.SetFloat(f.Rand.Float64())
	default:
		panic("BUG: kmsg has a field of kind " + v.Kind().String())
	}
}

// int returns a small number, a default, or random bits.
func (f *Filler) int(bits int) int64 {
	switch f.Rand.IntN(4) {
	case 0:
		return int64(f.Rand.IntN(4)) - 1
	case 1:
		return 1<<(bits-1) - 1
	default:
		return int64(f.Rand.Uint64()) >> (64 - bits)
	}
}

// bytes returns up to 12 random bytes, and now and then so many that their length takes two bytes.
func (f *Filler) bytes() []byte {
	n := f.Rand.IntN(13)
	if f.Rand.IntN(16) == 0 {
		n += 120
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.Rand.Uint32())
	}
	return b
}

func (f *Filler) slice(v reflect.Value) {
	if f.Rand.IntN(6) == 0 {
		v.SetZero()
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(f.bytes())
		return
	}
	most := f.MaxElems
	if most == 0 {
		most = 3
	}
	n := f.Rand.IntN(most + 1)
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		f.fill(v.Index(i))
	}
}

func (f *Filler) tags(t *kmsg.Tags) {
	*t = kmsg.Tags{}
	if !f.UnknownTags || f.Rand.IntN(3) > 0 {
		return
	}
	for range 1 + f.Rand.IntN(2) {
		t.Set(firstUnknownTag+f.Rand.Uint32N(1<<20), f.bytes())
	}
}

// StripTags removes all tagged fields that kmsg does not know from msg, a pointer to a kmsg message.
func StripTags(msg any) { strip(reflect.ValueOf(msg).Elem()) }

func strip(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == tagsType {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				strip(v.Field(i))
			}
		}
	case reflect.Slice:
		if k := v.Type().Elem().Kind(); k == reflect.Struct || k == reflect.Slice {
			for i := range v.Len() {
				strip(v.Index(i))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			strip(v.Elem())
		}
	}
}
