package broker

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWheelFiresInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel()
		defer w.stop()
		for _, d := range []time.Duration{
			0, time.Millisecond, 63 * time.Millisecond, 64 * time.Millisecond, time.Second,
			5 * time.Second, time.Hour + time.Minute,
		} {
			fired := make(chan time.Time, 1)
			e := &timerEntry{}
			e.fire = func() { fired <- time.Now() }
			began := time.Now()
			w.arm(e, d)
			if took := (<-fired).Sub(began); took < d || took > d+2*wheelTick {
				t.Errorf("armed for %v, fired after %v", d, took)
			}
		}
	})
}

func TestWheelForgetsTheDisarmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWheel()
		defer w.stop()
		var fired atomic.Int32
		var entries [2000]timerEntry
		for i := range entries {
			entries[i].fire = func() { fired.Add(1) }
			w.arm(&entries[i], time.Duration(rand.IntN(20_000))*time.Millisecond)
		}
		disarmed := 0
		for i := range entries {
			if i%2 == 0 && w.disarm(&entries[i]) {
				disarmed++
			}
		}
		time.Sleep(30 * time.Second)
		if int(fired.Load())+disarmed != len(entries) {
			t.Fatalf("%d fired, %d disarmed of %d", fired.Load(), disarmed, len(entries))
		}
		if w.count != 0 {
			t.Fatalf("%d entries left", w.count)
		}
	})
}

func TestWheelCanBeHurried(t *testing.T) {
	w := newWheel()
	defer w.stop()
	fired := 0
	entries := make([]timerEntry, 100)
	for i := range entries {
		entries[i].fire = func() { fired++ }
		w.arm(&entries[i], time.Duration(i)*time.Hour+time.Hour)
	}
	w.disarm(&entries[7])
	w.hurry()
	if fired != 99 || w.count != 0 {
		t.Errorf("%d of 99 fired, %d are left", fired, w.count)
	}
}

func TestWheelUnderConcurrency(t *testing.T) {
	w := newWheel()
	defer w.stop()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var e timerEntry
			fired := make(chan struct{}, 1)
			e.fire = func() { fired <- struct{}{} }
			for i := range 300 {
				w.arm(&e, time.Duration(i%3)*time.Millisecond)
				if i%2 == 0 && w.disarm(&e) {
					continue
				}
				<-fired
			}
		})
	}
	wg.Wait()
}
