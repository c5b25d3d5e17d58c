package broker

import "sync"

// jobs runs the logs' background work (reserving ahead, preparing segments,
// trimming) on a few goroutines that exist only while there is work.
type jobs struct {
	limit int

	mu      sync.Mutex
	idle    sync.Cond
	queue   []func()
	running int
	stopped bool
}

func newJobs(limit int) *jobs {
	j := &jobs{limit: limit}
	j.idle.L = &j.mu
	return j
}

// run queues a job. After stop it runs at once, on the caller.
func (j *jobs) run(job func()) {
	j.mu.Lock()
	if j.stopped {
		j.mu.Unlock()
		job()
		return
	}
	j.queue = append(j.queue, job)
	start := j.running < j.limit
	if start {
		j.running++
	}
	j.mu.Unlock()
	if start {
		go j.work()
	}
}

func (j *jobs) work() {
	j.mu.Lock()
	for len(j.queue) > 0 {
		job := j.queue[0]
		j.queue[0] = nil
		j.queue = j.queue[1:]
		j.mu.Unlock()
		job()
		j.mu.Lock()
	}
	j.running--
	j.idle.Broadcast()
	j.mu.Unlock()
}

// stop waits for what is queued.
func (j *jobs) stop() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopped = true
	for j.running > 0 {
		j.idle.Wait()
	}
}
