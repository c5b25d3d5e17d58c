package wire

// Error says why bytes were refused. The set is small and constant: a parser returns one without allocating.
type Error uint8

// The reasons for refusing bytes.
const (
	ErrShort    Error = iota + 1 // a field goes beyond the end of the frame
	ErrLength                    // a length or count is larger than the bytes left could hold
	ErrNull                      // null where the protocol does not allow it
	ErrVarint                    // a variable-length integer of more than its 32 or 64 bits
	ErrTag                       // a tagged field that this version does not have, or of the wrong size
	ErrTrailing                  // bytes left over behind the last field
	ErrVersion                   // a version outside the range that the codec knows
	ErrKey                       // an API key that Kafka does not have
	ErrCount                     // more elements than one request may have
)

var errorTexts = [...]string{
	ErrShort:    "the frame ends inside a field",
	ErrLength:   "a length or count is larger than what is left of the frame",
	ErrNull:     "null in a field that cannot be null",
	ErrVarint:   "a variable-length integer is too long",
	ErrTag:      "a tagged field does not belong to this version or has the wrong size",
	ErrTrailing: "bytes are left over behind the last field",
	ErrVersion:  "the version is outside the supported range",
	ErrKey:      "unknown API key",
	ErrCount:    "there are more elements than one request may have",
}

// Error returns the reason as a short text.
func (e Error) Error() string {
	if int(e) < len(errorTexts) && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "unknown wire error"
}

// err returns e as an error, nil for zero.
func (e Error) err() error {
	if e == 0 {
		return nil
	}
	return e
}
