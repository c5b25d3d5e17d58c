package group

import "fmt"

// UnknownRecordError is a record of a kind, or of a version, that this build does not know: one of a newer Kafka, or of
// the group protocols that are not served yet. It is left where it is.
type UnknownRecordError struct{ Type, Version int16 }

func (e *UnknownRecordError) Error() string {
	return fmt.Sprintf("record type %d version %d is not known; it was skipped", e.Type, e.Version)
}

// BadRecordError is a record whose bytes do not hold what its type says.
type BadRecordError struct {
	Type   int16
	Reason string
}

func (e *BadRecordError) Error() string {
	return fmt.Sprintf("record of type %d cannot be read: %s; it was skipped", e.Type, e.Reason)
}
