package metadata

import (
	"tailrace/wire/errcode"
)

// Result is the answer to one item of a request. Message is "" where the code says enough.
type Result struct {
	Code    errcode.Code
	Message string
}

// OK reports success.
func (r Result) OK() bool { return r.Code == errcode.None }

func fail(code errcode.Code, message string) Result { return Result{code, message} }

// MaxPartitionsPerRequest bounds what one CreateTopics may ask for, as in Kafka.
const MaxPartitionsPerRequest = 10_000

// MaxConfigValueBytes bounds one config value, as in Kafka.
const MaxConfigValueBytes = 1<<15 - 1

// Random fills a slice with random bytes. Decisions take their ids and first placements from it.
type Random func([]byte)

// NewID makes an id as Kafka does: a version 4 UUID that is not reserved and whose text has no '-', so that command
// lines do not take it for a flag.
func NewID(random Random) UUID {
	for {
		var id UUID
		random(id[:])
		id[6] = id[6]&0x0f | 0x40
		id[8] = id[8]&0x3f | 0x80
		if !reserved(id) && !hasDash(id) {
			return id
		}
	}
}

// reserved reports whether id is one of the first hundred, which Kafka keeps for itself.
func reserved(id UUID) bool {
	for _, c := range id[:15] {
		if c != 0 {
			return false
		}
	}
	return id[15] < 100
}

// hasDash reports whether the text of id has a '-', which stands for the six bits 62.
func hasDash(id UUID) bool {
	text := id.String()
	for i := range len(text) {
		if text[i] == '-' {
			return true
		}
	}
	return false
}
