package broker

import "syscall"

// Logs open their files on use and give them back when idle. When more are
// open than the process can afford, the coldest logs are rested at once.

// boundFiles sets how many files the logs may hold: tailrace.max.open.files,
// or half of what the process may open, because connections need the rest. A
// log that is written holds three mappings, so the kernel's bound on those
// counts as well.
func (b *Broker) boundFiles() {
	limit := int64(b.config.MaxOpenFiles)
	if limit == 0 {
		limit = 8192
		var r syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) == nil {
			limit = int64(min(r.Cur, 1<<20)) / 2
		}
		limit = min(limit, maxMappings()/2)
	}
	b.files.Limit = max(limit, 64)
	b.files.OverLimit = func() {
		if !b.stopping.Load() { // called under locks of a log, where nothing may run on the spot
			b.jobs.run(b.restColdest)
		}
	}
}

// restColdest rests logs until an eighth of the bound is free again.
func (b *Broker) restColdest() {
	defer b.files.Relieved()
	for range 16 {
		open, _ := b.files.Open()
		over := open - (b.files.Limit - b.files.Limit/8)
		if over <= 0 {
			return
		}
		coldest := b.files.Coldest(int(over/3) + 1)
		if len(coldest) == 0 {
			return
		}
		for _, l := range coldest {
			if err := l.Rest(); err != nil {
				b.logger.Warn("an idle log could not be closed", "error", err)
				return
			}
		}
	}
}
