// Package snippet writes the producer settings of a plan the way clients read them: a properties file for Java's
// client, a file of lines for librdkafka (kcat -F FILE), and Go source for franz-go.
//
// What it promises: each file is loaded by its client as it is, holds every setting that the plan decides under the
// client's own name and unit, and says in a comment where the client cannot do what was measured. It holds no secrets:
// how to reach and to trust the broker is left to the reader.
//
// Functions only; they may be called from any goroutine.
package snippet
