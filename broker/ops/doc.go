// Package ops will hold what an operator opens in a browser: Prometheus metrics, health, profiles and the web console,
// all on one HTTP listener apart from the Kafka one.
//
// The room is furnished by a later issue.
//
// Promise: handlers read immutable images and counters; no HTTP request can block a Kafka request.
package ops
