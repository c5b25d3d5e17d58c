package rawclient

import (
	"time"

	"tailrace/benchmarks/proc"
)

// Sample is what one window of a load cost.
type Sample struct {
	Requests  int64         `json:"requests"`
	Wall      time.Duration `json:"wall_ns"`
	ServerCPU time.Duration `json:"server_cpu_ns"`
	ClientCPU time.Duration `json:"client_cpu_ns"`
}

// PerRequest is the server's CPU time for one request, in nanoseconds.
func (s Sample) PerRequest() float64 { return float64(s.ServerCPU) / float64(max(s.Requests, 1)) }

// Rate is requests per second of wall time.
func (s Sample) Rate() float64 { return float64(s.Requests) / s.Wall.Seconds() }

// Run sends so many requests on each connection of a load and waits for the last reply.
func Run(load Load, limit int64) error {
	load.Limit = limit
	c, err := Start(load)
	if err != nil {
		return err
	}
	return c.Wait()
}

// Measure runs a load, lets it warm up, and returns what one window of it cost the server.
func Measure(load Load, server *proc.Process, warmUp, window time.Duration) (Sample, error) {
	c, err := Start(load)
	if err != nil {
		return Sample{}, err
	}
	time.Sleep(warmUp)
	before, cpu, self, at := c.Replied(), time.Duration(0), proc.SelfCPU(), time.Now()
	if cpu, err = server.CPU(); err == nil {
		time.Sleep(window)
		var s Sample
		s.Requests, s.Wall = c.Replied()-before, time.Since(at)
		s.ClientCPU = proc.SelfCPU() - self
		if s.ServerCPU, err = server.CPU(); err == nil {
			s.ServerCPU -= cpu
			return s, c.Stop()
		}
	}
	_ = c.Stop()
	return Sample{}, err
}
