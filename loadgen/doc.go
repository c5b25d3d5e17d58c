// Package loadgen is the load lab: open-loop load for any Kafka-compatible broker, three clocks per record, lossless
// HDR histograms, reports that can be compared.
//
// Its sub-rooms: plan (what is asked), payload (records), drive (the load), meter (the clocks), machine (where), link
// (the way to the broker), result (the files), page (report.html). This room runs them: find or start the broker, make
// the topic, warm up, measure, judge, clean up.
//
// Verbs beside run stand on search (rates and settings, found by measuring), snippet (settings the way clients read
// them) and proof (what a killed broker kept).
//
// What it promises:
//
//   - A record's latency counts from the moment it was meant to be sent, not from the moment it was sent.
//   - What limited the run is said: nothing, the broker, or the lab itself, whose figures then say nothing of the
//     broker.
//   - It writes into no topic that it did not create, unless told to; what it created it deletes.
//   - It speaks to brokers as a client and never imports broker.
//
// A run belongs to one goroutine; Progress is called from another, one call at a time.
package loadgen
