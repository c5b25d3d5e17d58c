// Package link connects the lab to a broker: it turns a plan's address and Kafka client properties into options of the
// client library.
//
// The properties are those of Kafka's own clients, so that one --command-config file serves both: security.protocol
// (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL), sasl.mechanism (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), sasl.jaas.config,
// ssl.truststore.* and ssl.keystore.* of type PEM, ssl.endpoint.identification.algorithm. A property that is not
// understood is refused when it concerns security, and named in a warning otherwise.
//
// Functions may be called from any goroutine. Secrets are never part of an error or a report.
package link
