// Package auth will hold who may do what: SASL mechanisms, SCRAM credentials, principals and ACL matching.
//
// The room is furnished by a later issue. Until then a setting that asks for security is refused at start, never
// ignored.
//
// Promise: pure decisions over the metadata image. No socket, no file, no clock. Values are immutable once published
// and therefore safe for concurrent reading.
package auth
