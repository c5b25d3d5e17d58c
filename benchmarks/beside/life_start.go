package main

import (
	"context"

	"tailrace/benchmarks/rawclient"
	"tailrace/benchmarks/scenario"
)

// firstAck is a driver: the time from exec on an empty directory to the ack of the first record, whose topic the broker
// creates by itself.
func firstAck(_ context.Context, l *life, r *scenario.Row) (
	values map[string]float64, note string, err error,
) {
	if err := settingsOf(r).done(); err != nil {
		return nil, "", err
	}
	if err := l.exec(); err != nil {
		return nil, "", err
	}
	answers, err := l.until((*rawclient.Caller).ApiVersions)
	if err != nil {
		return nil, "", err
	}
	took, err := l.until(func(q *rawclient.Caller) error { return q.FirstAck("first") })
	if err != nil {
		return nil, "", err
	}
	return map[string]float64{"startMs": ms(took), "answersMs": ms(answers)}, "", nil
}
