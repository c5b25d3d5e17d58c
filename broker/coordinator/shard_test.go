package coordinator

import (
	"maps"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tailrace/batch"
	"tailrace/broker/partition"
	"tailrace/vfs/faultfs"
	"tailrace/wire/errcode"
)

// inBubble runs a test under a clock of its own.
func inBubble(t *testing.T, fn func(t *testing.T)) { t.Helper(); synctest.Test(t, fn) }

// TestPartition holds the place of a key against what Java gives for 50 partitions.
func TestPartition(t *testing.T) {
	for key, want := range map[string]int32{
		"": 0, "g": 3, "group": 47, "my-consumer-group": 13, "kcat": 49, "grüppe-日本": 16, "polygenelubricants": 0,
		"console-consumer-12345": 6, "😀": 49,
	} {
		if got := Partition(key, 50); got != want {
			t.Errorf("Partition(%q, 50) = %d, want %d", key, got, want)
		}
	}
}

// TestAnswersAreDurable: an answer comes when the log is synced as far as it was written then, on a topic that does not
// ask for it, and also an answer that wrote nothing itself.
func TestAnswersAreDurable(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		defer s.close()
		s.c.Lead(s.p)
		put, get := s.put("a", "1"), s.get("a")
		if put.wait(); put.code != errcode.None || put.end < 1 {
			t.Errorf("a put: %v, durable up to %d", put.code.Name(), put.end)
		}
		if get.wait(); get.value != "1" || get.end < 1 {
			t.Errorf("the get behind it reads %q, durable up to %d", get.value, get.end)
		}
	})
}

// TestStepsShareABatch: what has queued up while the shard was busy is one batch.
func TestStepsShareABatch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		defer s.close()
		gate := make(chan struct{})
		s.setup = func(b *book) { b.gate = gate }
		s.c.Lead(s.p)
		first := s.put("a", "0")
		synctest.Wait() // the shard is inside the first step
		var calls []*call
		for i := range 100 {
			calls = append(calls, s.put(keyOf(i), "1"))
		}
		close(gate)
		first.wait()
		for _, c := range calls {
			if c.wait(); c.code != errcode.None {
				t.Fatal(c.code.Name())
			}
		}
		if n := s.batches(); n != 2 {
			t.Errorf("101 puts are %d batches, want 2", n)
		}
	})
}

// TestLargeStep: a step larger than max.message.bytes, and larger than a batch of several steps may get, is written.
func TestLargeStep(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		defer s.close()
		s.c.Lead(s.p)
		c := s.submit(event{kind: "put", key: "a", value: strings.Repeat("x", 100), times: 50}).wait()
		if c.code != errcode.None || s.p.LogEnd() != 50 {
			t.Errorf("%v, log end %d", c.code.Name(), s.p.LogEnd())
		}
		c = s.submit(event{kind: "put", key: "c", value: strings.Repeat("x", 100), times: 500}).wait()
		if c.code != errcode.None || s.p.LogEnd() != 550 || s.batches() < 6 {
			t.Errorf("a step larger than a segment: %v, log end %d, %d batches", c.code.Name(), s.p.LogEnd(), s.batches())
		}
		// A record that fits into no segment can never be written: it is refused, and the shard goes on without.
		c = s.submit(event{kind: "put", key: "b", value: strings.Repeat("x", 9<<10)}).wait()
		if c.code != errcode.UnknownServerError {
			t.Errorf("too large a step: %v", c.code.Name())
		}
		s.loaded()
		if got := s.get("b").wait(); got.value != "" {
			t.Error("the value that could not be written is there")
		}
	})
}

// TestAwaited: a call that waits for another one's step is answered with it, and holds nobody up.
func TestAwaited(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		defer s.close()
		s.c.Lead(s.p)
		waits := s.submit(event{kind: "await", key: "a"})
		s.get("a").wait()
		select {
		case <-waits.told:
			t.Fatal("it was answered too early")
		default:
		}
		s.put("a", "1").wait()
		if waits.wait(); waits.value != "1" || waits.end < 1 {
			t.Errorf("it reads %q, durable up to %d", waits.value, waits.end)
		}
	})
}

// TestTimer: a tick comes when the machine wants it, and none without need.
func TestTimer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		defer s.close()
		s.c.Lead(s.p)
		began := time.Now()
		s.submit(event{kind: "wake", times: 5000}).wait()
		for range 20 {
			s.get("a").wait() // says the same time again
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		b := s.made[0]
		if len(b.ticks) != 1 || b.ticks[0]-began.UnixMilli() != 5000 {
			t.Errorf("%d ticks %v ms after the start, want one after 5000", len(b.ticks), b.ticks)
		}
		if n := len(s.timers[0].set); n != 1 {
			t.Errorf("the timer was set %d times", n)
		}
	})
}

// TestLoad: what a stop or a kill has left is there again, and calls before that are told to wait.
func TestLoad(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		fsys := faultfs.New()
		s := openShelf(t, fsys)
		s.c.Lead(s.p)
		for i := range 100 {
			s.put(keyOf(i), "v").wait()
		}
		s.close()
		for _, power := range []bool{false, true} {
			s = openShelf(t, fsys)
			s.c.loads <- struct{}{}
			s.c.loads <- struct{}{} // nothing can load
			s.c.Lead(s.p)
			if c := s.get("key-07").wait(); c.code != errcode.CoordinatorLoadInProgress {
				t.Errorf("a call during the load: %v", c.code.Name())
			}
			<-s.c.loads
			s.loaded()
			<-s.c.loads
			if c := s.get("key-07").wait(); c.value != "v" {
				t.Errorf("after the load: %q", c.value)
			}
			if !maps.Equal(s.current(), s.replayed()) {
				t.Errorf("the shard has %v, a replay gives %v", s.current(), s.replayed())
			}
			fsys = s.crash(power)
		}
	})
}

// TestLoadOfTransactions: records of a transaction count when it was committed, and from then on, but what was written
// after them counts more. A record that the machine does not take is named once and left out.
func TestLoadOfTransactions(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		defer s.close()
		var a partition.Appender
		write := func(o batch.Options, key, value []byte) {
			t.Helper()
			var b batch.Builder
			o.LeaderEpoch = -1
			b.Reset(o)
			b.Append(time.Now().UnixMilli(), key, value)
			v, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			r := s.p.AppendAs(partition.Coordinator, &a, v, -1, time.Now().UnixMilli())
			if r.Code != errcode.None {
				t.Fatalf("%v %s", r.Code.Name(), r.Message)
			}
		}
		sequence := map[int64]int32{}
		in := func(id int64) batch.Options {
			sequence[id]++
			return batch.Options{Transactional: true, Producer: &batch.Producer{ID: id, Sequence: sequence[id] - 1}}
		}
		end := func(id int64, kind byte) {
			write(batch.Options{Transactional: true, Control: true, Producer: &batch.Producer{ID: id, Sequence: -1}},
				[]byte{0, 0, 0, kind}, []byte{0, 0, 0, 0, 0, 0})
		}
		write(batch.Options{}, []byte("plain"), []byte("1"))
		write(batch.Options{}, []byte("gone"), []byte("1"))
		write(batch.Options{}, []byte("gone"), nil)
		write(batch.Options{}, []byte("bad"), []byte("1"))
		write(in(1), []byte("committed"), []byte("1"))
		write(in(2), []byte("aborted"), []byte("1"))
		write(in(3), []byte("undecided"), []byte("1"))
		write(batch.Options{}, []byte("before"), []byte("0"))
		write(in(1), []byte("before"), []byte("1"))
		write(in(1), []byte("overtaken"), []byte("1"))
		write(in(1), []byte("removed"), []byte("1"))
		write(in(4), []byte("twice"), []byte("older"))
		write(in(5), []byte("twice"), []byte("newer"))
		write(batch.Options{}, []byte("overtaken"), []byte("2"))
		write(batch.Options{}, []byte("removed"), nil)
		end(1, 1)
		end(2, 0)
		end(5, 1)
		end(4, 1)
		s.c.Lead(s.p)
		s.loaded()
		want := map[string]string{"plain": "1", "committed": "1", "before": "1", "overtaken": "2", "twice": "newer"}
		if got := s.current(); !maps.Equal(got, want) {
			t.Errorf("the shard has %v, want %v", got, want)
		}
		if text := s.log.String(); strings.Count(text, "smeared") != 1 {
			t.Errorf("the log says:\n%s", text)
		}
	})
}

// TestStop: calls that wait for an event are refused, answers on their way to the disk arrive, and what comes later is
// refused as well.
func TestStop(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		s.c.Lead(s.p)
		waits := s.submit(event{kind: "await", key: "b"})
		s.get("a").wait()
		put := s.put("a", "1")
		s.c.Stop()
		if put.wait(); put.code != errcode.None && put.code != errcode.NotCoordinator {
			t.Errorf("the put: %v", put.code.Name())
		}
		if waits.wait(); waits.code != errcode.NotCoordinator {
			t.Errorf("what waits: %v", waits.code.Name())
		}
		if c := s.put("a", "2").wait(); c.code != errcode.NotCoordinator {
			t.Errorf("after the stop: %v", c.code.Name())
		}
		if put.code == errcode.None && s.replayed()["a"] != "1" {
			t.Error("an answered put is lost")
		}
		s.close()
	})
}

// TestResign: the shard of a partition that goes refuses its calls, those that wait for the disk included.
func TestResign(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		s.c.Lead(s.p)
		waits := s.submit(event{kind: "await", key: "b"})
		s.get("a").wait()
		s.c.Resign(s.p)
		if waits.wait(); waits.code != errcode.NotCoordinator {
			t.Errorf("what waits: %v", waits.code.Name())
		}
		if c := s.get("a").wait(); c.code != errcode.NotCoordinator {
			t.Errorf("afterwards: %v", c.code.Name())
		}
		s.close()
	})
}

// TestPartitionRetires under the shard: nobody is forgotten.
func TestPartitionRetires(t *testing.T) {
	s := openShelf(t, faultfs.New())
	s.c.Lead(s.p)
	var calls []*call
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 200 {
			calls = append(calls, s.put(keyOf(i%50), "1"))
		}
	})
	s.p.Retire()
	wg.Wait()
	s.c.Resign(s.p)
	for _, c := range calls {
		c.wait()
	}
	_ = s.dir.Close(false, 0)
}

// TestPanic of a machine: the calls of the shard are refused, and it is made again from the log.
func TestPanic(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		defer s.close()
		s.c.Lead(s.p)
		s.put("a", "1").wait()
		waits := s.submit(event{kind: "await", key: "b"})
		if c := s.submit(event{kind: "panic"}).wait(); c.code != errcode.UnknownServerError {
			t.Errorf("the call that met the fault: %v", c.code.Name())
		}
		waits.wait()
		s.loaded()
		if c := s.get("a").wait(); c.value != "1" {
			t.Errorf("afterwards it reads %q", c.value)
		}
		if !strings.Contains(s.log.String(), "BUG:") {
			t.Error("the fault was not logged")
		}
	})
}

// TestAnnounce: an event that nobody waits for happens, also when it came during the load.
func TestAnnounce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		fsys := faultfs.New()
		s := openShelf(t, fsys)
		s.c.Lead(s.p)
		s.put("a", "1").wait()
		s.close()
		s = openShelf(t, fsys)
		defer s.close()
		s.c.loads <- struct{}{}
		s.c.loads <- struct{}{}
		s.c.Lead(s.p)
		s.c.Announce(event{kind: "put", key: "a", value: "2", to: &call{told: make(chan struct{}), s: s}})
		<-s.c.loads
		<-s.c.loads
		s.loaded()
		if c := s.get("a").wait(); c.value != "2" {
			t.Errorf("it reads %q", c.value)
		}
	})
}

// TestAnnouncedInVain: an event that nobody waits for happens again when what it led to could not be written. One that
// the machine cannot bear does not.
func TestAnnouncedInVain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		fsys := faultfs.New()
		s := openShelf(t, fsys)
		defer s.close()
		s.c.Lead(s.p)
		s.put("a", "1").wait()
		fsys.FailNth(1, syscall.ENOSPC, faultfs.Write, faultfs.MapStore)
		s.c.Announce(event{kind: "silent", key: "a", value: "2"})
		synctest.Wait()
		if n := len(s.made); n != 1 || s.replayed()["a"] != "1" {
			t.Fatalf("%d machines, the log has %v: the disk was not full", n, s.replayed())
		}
		fsys.ClearFaults()
		s.loaded()
		if c := s.get("a").wait(); c.value != "2" {
			t.Errorf("after a full disk it reads %q", c.value)
		}
		s.c.Announce(event{kind: "panic"})
		time.Sleep(time.Minute)
		s.loaded()
		if n := len(s.made); n != 3 {
			t.Errorf("%d machines, want 3: one for the disk, one for the fault", n)
		}
	})
}

// TestAnnouncedIsKept: what an event that nobody waits for has led to is on the disk soon.
func TestAnnouncedIsKept(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		s.c.Lead(s.p)
		s.put("a", "1").wait()
		s.c.Announce(event{kind: "silent", key: "a", value: "2"})
		synctest.Wait()
		if durable, end := s.p.DurableEnd(), s.p.LogEnd(); durable != end || end != 2 {
			t.Errorf("the log ends at %d and is durable up to %d", end, durable)
		}
		s.close()
	})
}

// TestLostShard: a shard that cannot be loaded is no coordinator. It is not one that will be there soon: members would
// be told that they live, and a list of groups would fail for those of one lost directory.
func TestLostShard(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := openShelf(t, faultfs.New())
		s.c.Lead(s.p)
		s.put("a", "1").wait()
		s.dir.Fail(syscall.EIO)
		for range 20 {
			s.put("a", "2").wait()
			time.Sleep(time.Second)
			if c := s.get("a").wait(); c.code != errcode.NotCoordinator {
				t.Errorf("a call to a shard whose directory has failed: %v", c.code.Name())
				break
			}
		}
		s.c.Stop()
		s.p.Abandon()
		_ = s.dir.Close(false, 0)
	})
}

var _ Waiter = (*call)(nil)
