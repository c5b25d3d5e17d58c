package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"

	"tailrace/batch"
	"tailrace/batch/codec"
	"tailrace/benchmarks/rawclient"
)

// jsonBatch builds a batch of JSON-like records of about the given size, which together come to total bytes before
// compression. The same in each run.
func jsonBatch(total, record int, codecName string) (b rawclient.Batch, inflated int, err error) {
	id, ok := codec.Parse(codecName)
	if !ok {
		return b, 0, fmt.Errorf("no codec %q: none, gzip, snappy, lz4 or zstd", codecName)
	}
	rng := rand.New(rand.NewPCG(1, uint64(record)))
	var plain, packed batch.Builder
	plain.Reset(batch.Options{LeaderEpoch: -1})
	packed.Reset(batch.Options{LeaderEpoch: -1, Codec: id, Level: codec.DefaultLevel(id)})
	now := time.Now().UnixMilli()
	const around = 16 // of a record, besides its value
	for size := batch.HeaderSize; b.Records == 0 || size+record+around <= total; b.Records++ {
		value := jsonRecord(rng, record)
		plain.Append(now, nil, value)
		packed.Append(now, nil, value)
		size += len(value) + around
	}
	whole, err := plain.Build()
	if err != nil {
		return b, 0, err
	}
	v, err := packed.Build()
	b.Bytes = bytes.Clone(v)
	return b, len(whole), err
}

var (
	cities = []string{"Lisbon", "Osaka", "Quito", "Tallinn", "Nairobi", "Halifax", "Perth", "Bergen", "Cusco", "Leeds"}
	events = []string{"page_view", "add_to_cart", "purchase", "search", "login", "logout", "refund", "share"}
)

// jsonRecord is an array of events, cut to the size: what applications log, with names that repeat and numbers that do
// not.
func jsonRecord(rng *rand.Rand, size int) []byte {
	b := []byte{'['}
	for len(b) < size {
		b = fmt.Appendf(b, `{"event":%q,"user_id":%d,"session":"%016x","city":%q,"amount":%d.%02d,"at":%d,"ok":%t},`,
			events[rng.IntN(len(events))], rng.IntN(2_000_000), rng.Uint64(), cities[rng.IntN(len(cities))],
			rng.IntN(500), rng.IntN(100), 1_764_000_000_000+rng.Int64N(86_400_000), rng.IntN(20) > 0)
	}
	b = b[:size]
	b[size-1] = ']'
	return b
}
