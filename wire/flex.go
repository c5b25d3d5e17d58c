package wire

// Most fields come in two forms: the classic one, and since a version that each API has of its own, the flexible
// one (KIP-482) with compact lengths and tagged fields. These choose between them.

func (r *Reader) str(flexible bool) []byte {
	if flexible {
		return r.CompactString()
	}
	return r.String()
}

func (r *Reader) nullableStr(flexible bool) []byte {
	if flexible {
		return r.CompactNullableString()
	}
	return r.NullableString()
}

func (r *Reader) nullableBytes(flexible bool) []byte {
	if flexible {
		return r.CompactNullableBytes()
	}
	return r.NullableBytes()
}

func (r *Reader) arrayLen(flexible bool, minElem int) int {
	if flexible {
		return r.CompactArrayLen(minElem)
	}
	return r.ArrayLen(minElem)
}

func (r *Reader) nullableArrayLen(flexible bool, minElem int) int {
	if flexible {
		return r.CompactNullableArrayLen(minElem)
	}
	return r.NullableArrayLen(minElem)
}

func (r *Reader) tags(flexible bool) {
	if flexible {
		r.SkipTags()
	}
}

func appendStr[S text](b []byte, flexible bool, s S) []byte {
	if flexible {
		return AppendCompactString(b, s)
	}
	return AppendString(b, s)
}

func appendNullableStr(b []byte, flexible bool, s []byte) []byte {
	if flexible {
		return AppendCompactNullableString(b, s)
	}
	return AppendNullableString(b, s)
}

// appendMessage writes a nullable string whose empty value is null: error messages are absent or say something.
func appendMessage(b []byte, flexible bool, s string) []byte {
	switch {
	case s == "":
		return appendNullableStr(b, flexible, nil)
	default:
		return appendStr(b, flexible, s)
	}
}

func appendNullableBytes(b []byte, flexible bool, p []byte) []byte {
	if flexible {
		return AppendCompactNullableBytes(b, p)
	}
	return AppendNullableBytes(b, p)
}

func appendArrayLen(b []byte, flexible bool, n int) []byte {
	if flexible {
		return AppendCompactArrayLen(b, n)
	}
	return AppendArrayLen(b, n)
}

func appendTags0(b []byte, flexible bool) []byte {
	if flexible {
		return AppendTags0(b)
	}
	return b
}
