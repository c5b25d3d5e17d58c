package broker

import (
	"errors"
	"fmt"
	"io/fs"

	"tailrace/broker/logdir"
	"tailrace/broker/quorum"
)

// findAdoption tells whether the log directories were taken over from Kafka (`tailrace storage adopt`). If Kafka has
// run on them since, the start is refused: topics that it made, deleted or changed are unknown to Tailrace's metadata,
// which would put old state over new.
func (b *Broker) findAdoption() error {
	_, _, ours, err := quorum.Identity(b.fs, b.config.MetadataDir)
	if err != nil {
		return err
	}
	if !ours {
		return b.refuseForeign()
	}
	if b.adoption, err = quorum.ReadAdoption(b.fs, b.config.MetadataDir); err != nil || b.adoption == nil {
		return err
	}
	a, from := b.adoption, b.adoption.From
	for _, dir := range b.config.LogDirs { // may have been moved, or copied, with what lies in them
		if quorum.HasForeign(b.fs, quorum.LogDir(dir)) {
			from = quorum.LogDir(dir)
		}
	}
	end, err := quorum.EndOfForeign(b.fs, from)
	switch {
	case errors.Is(err, fs.ErrNotExist): // removed by somebody who does not go back
		return nil
	case err != nil:
		return fmt.Errorf("the metadata log of Kafka's that was adopted: %w", err)
	case end.Offset != a.End || end.Epoch != a.Epoch:
		return fmt.Errorf("Kafka has run on these log directories since they were adopted: its metadata log %s ended at "+
			"offset %d then and ends at %d now. Take over what it left with `tailrace storage adopt --again`, or stay with "+
			"Kafka (docs/MIGRATING.md)", from, a.End, end.Offset)
	}
	return nil
}

// refuseForeign refuses log directories that hold partitions, but of which no Tailrace has ever been: their metadata is
// elsewhere, and to begin without it would be to serve none of them.
func (b *Broker) refuseForeign() error {
	for _, dir := range b.config.LogDirs {
		s, err := logdir.Look(b.fs, dir)
		if err == nil && s.Formatted && !s.Used && len(s.Partitions) > 0 {
			return fmt.Errorf("log directory %s was written by Apache Kafka (it holds %d partitions): adopt it first with "+
				"`tailrace storage adopt --log-dir %s`", dir, len(s.Partitions), dir)
		}
	}
	return nil
}

// cleanStopEpoch is the broker epoch that a clean stop records. Kafka believes a clean-stop marker if it names the
// epoch that Kafka's own metadata has of this broker, so in adopted directories that one is named: given back, they
// count as stopped in order.
func (b *Broker) cleanStopEpoch() int64 {
	if b.adoption != nil {
		return b.adoption.BrokerEpoch
	}
	return b.epoch.Load()
}
