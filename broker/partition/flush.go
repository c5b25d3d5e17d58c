package partition

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"syscall"
	"time"
)

// countUnflushed applies flush.messages and flush.ms as Kafka does: the first
// makes the append that reaches the count wait for the disk, the second starts
// a sync after a time. Called with mu held.
func (p *Partition) countUnflushed(records int64, cfg *Config) bool {
	if cfg.FlushMessages == math.MaxInt64 && cfg.FlushMs == math.MaxInt64 {
		return false
	}
	p.unflushed += records
	if p.unflushed >= cfg.FlushMessages {
		p.unflushed = 0
		return true
	}
	if cfg.FlushMs != math.MaxInt64 && !p.flushTimer {
		p.flushTimer = true
		time.AfterFunc(time.Duration(cfg.FlushMs)*time.Millisecond, func() {
			p.mu.Lock()
			p.flushTimer, p.unflushed = false, 0
			p.mu.Unlock()
			p.dir.Rounds.Request(p.ticket)
		})
	}
	return false
}

func tooLarge(topic string, limit int, detail string) string {
	return fmt.Sprintf("%s: the limit is %d bytes: raise max.message.bytes of topic %s, or send smaller batches",
		detail, limit, topic)
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// fullReported is when a full disk was last logged: one line in 10 s for the
// process, not one for each refused batch.
var fullReported atomic.Int64

func (p *Partition) reportFull(err error) {
	now := time.Now().Unix()
	if last := fullReported.Load(); now-last >= 10 && fullReported.CompareAndSwap(last, now) {
		p.logger.Error("disk is full: produce is refused, fetch goes on; free space or lower retention",
			"dir", p.dir.Path(), "topic", p.Topic, "partition", p.Index, "error", err)
	}
}
