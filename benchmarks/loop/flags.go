package loop

import "strconv"

// The thresholds of docs/decisions/0001-append-and-fetch-paths.md, in bytes.
const (
	mappedMax     = 8 << 10
	sendfileMin   = 64 << 10
	populateAhead = 1 << 20
)

// BatchFlags tell a loop which batches it stores: how many bytes and records one has.
func BatchFlags(bytes, records int) []string {
	return []string{"--batch-bytes", strconv.Itoa(bytes), "--batch-records", strconv.Itoa(records)}
}

// PlainFlags are those of the loop that shares are taken of: it reads a request's length, then its body, and answers
// each alone.
func PlainFlags() []string {
	return []string{"--read", "frame", "--join-acks=false", "--store", "pwrite", "--send", "sendfile"}
}

// BestFlags are those of the best loop known for a load: batches of so many bytes, fetches of so many (0: it produces),
// acks after a sync or not.
func BestFlags(batchBytes, fetch int, synced bool) []string {
	flags := []string{"--read", "buffered", "--join-acks=true"}
	switch {
	case fetch >= sendfileMin:
		return append(flags, "--send", "cork")
	case fetch > 0:
		return append(flags, "--send", "writev")
	case batchBytes <= mappedMax && !synced:
		return append(flags, "--store", "mapped", "--populate", strconv.Itoa(populateAhead))
	}
	return flags
}
