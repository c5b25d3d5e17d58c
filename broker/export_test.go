package broker

import "context"

// Crash ends the broker as kill -9 would: nothing is synced, trimmed or marked. What was written lies in the page cache
// and on the disk as it is at that moment.
func (b *Broker) Crash() error {
	b.stopping.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = b.server.Shutdown(ctx)
	return b.closeStorage(false)
}
