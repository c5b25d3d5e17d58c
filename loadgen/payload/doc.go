// Package payload makes the records of a load: values of the asked sizes and compressibility, keys, and the stamp by
// which a consumer in the same process tells when a record was meant to be sent.
//
// The stamp is the first 8 bytes of a value, big-endian:
//
//	63        48 47                                  0
//	┌───────────┬─────────────────────────────────────┐
//	│ run nonce │ intended time, ns since the base    │
//	└───────────┴─────────────────────────────────────┘
//
// 48 bits of nanoseconds are 78 hours. Kafka's own record timestamp was not taken: it has milliseconds, and the wall
// clock steps. Values shorter than 8 bytes carry no stamp and have no end-to-end clock.
//
// A Maker belongs to one goroutine; Makers of the same plan and lane make the same records in the same order. The bytes
// that Next fills belong to the caller.
package payload
