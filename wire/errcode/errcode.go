// Package errcode names Kafka's protocol error codes.
//
// It owns the numbers, Kafka's names for them, whether a client may retry, and a short message each. A Code is a
// value: hot paths return it instead of an allocated error, and zero (None) is success. Because Code has an Error
// method it also works where an error is wanted; but a None in an error variable is not nil, so convert with
// Code.Err there.
//
// Everything here is constant and safe for concurrent use.
package errcode

import "strconv"

// Code is one error code as it stands on the wire, an int16.
type Code int16

// Known reports whether c is in the table.
func (c Code) Known() bool { return c >= UnknownServerError && c <= Max }

// Name returns Kafka's name of the code, for example "UNKNOWN_TOPIC_OR_PARTITION", or "ERROR_<number>" for a code
// that this build does not know.
func (c Code) Name() string {
	if !c.Known() {
		return "ERROR_" + strconv.Itoa(int(c))
	}
	return table[c+1].name
}

// Message returns one short sentence, without full stop, that says what the code means.
func (c Code) Message() string {
	if !c.Known() {
		return "an error code unknown to this version of Tailrace"
	}
	return table[c+1].message
}

// Retriable reports whether Kafka's client treats the code as worth another attempt, possibly after it has
// refreshed its metadata. A code that is not known is not retriable.
func (c Code) Retriable() bool { return c.Known() && table[c+1].retriable }

// Error returns name and message.
func (c Code) Error() string { return c.Name() + ": " + c.Message() }

// String returns the name.
func (c Code) String() string { return c.Name() }

// Err returns c as an error, nil for None.
func (c Code) Err() error {
	if c == None {
		return nil
	}
	return c
}
