package netio

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"tailrace/vfs"
	"tailrace/vfs/faultfs"
)

const mib = 1 << 20

// coldFile is a file of which nothing is in memory but what was read in, in pages of 4 KiB. Its bytes are real.
type coldFile struct {
	vfs.File

	mu      sync.Mutex
	size    int64 // what Size says; 0: the truth
	in      map[int64]bool
	end     int64         // of what was read in, at most
	bytes   int64         // read in
	now     int           // calls under way
	most    int           // at once
	release chan struct{} // if not nil, calls wait for it
}

const coldPage = 4 << 10

func (f *coldFile) Size() (int64, error) {
	if f.size != 0 {
		return f.size, nil
	}
	return f.File.Size()
}

func (f *coldFile) ReadAhead(_, _ int64) {}
func (f *coldFile) Close() error         { return nil } // the file is the test's

func (f *coldFile) Resident(pos, n int64) (resident, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for at := pos / coldPage; at*coldPage < pos+n; at++ {
		if !f.in[at] {
			return false, true
		}
	}
	return true, true
}

func (f *coldFile) ReadIn(pos, n int64) error {
	f.mu.Lock()
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	if f.release != nil {
		<-f.release
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
	f.end = max(f.end, pos+n)
	f.bytes += n
	for at := pos / coldPage; at*coldPage < pos+n; at++ {
		f.in[at] = true
	}
	return nil
}

func (f *coldFile) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// chill makes a file cold.
func chill(t *testing.T, s *spanFile) *coldFile {
	t.Helper()
	f := &coldFile{File: s.ref.File(), in: map[int64]bool{}}
	old := s.ref
	s.ref = vfs.NewRef(f, nil, func() {})
	t.Cleanup(func() { s.ref.Release(); s.ref = old })
	return f
}

// sized is a reference to a file that says it is so long.
func sized(t *testing.T, size int64) (*vfs.Ref, *coldFile) {
	t.Helper()
	s := newSpanFile(t, faultfs.New(), "f", 1, false)
	f := chill(t, s)
	f.size = size
	return s.ref, f
}

// ask passes one span, in windows as the server does, and returns what is to be read ahead at its last window.
func (t *streams) ask(ref *vfs.Ref, pos, n int64) (from, to int64) {
	for off := int64(0); off < n; off += warmWindow {
		s := t.pass(ref, pos+off, min(n-off, warmWindow), off == 0)
		if s == nil {
			return 0, 0
		}
		if from, to = s.due(); to > from {
			s.asked = to
		}
	}
	return from, to
}

// A stream is recognised by its second span. From then on a window is kept ahead of it, extended when half is used up,
// and never beyond the file.
func TestReadAheadOfAStream(t *testing.T) {
	const size = 30*mib + 4321
	ref, _ := sized(t, size)
	var all streams
	asked, asks := int64(0), 0
	for pos := int64(0); pos < size; pos += mib {
		n := min(mib, size-pos)
		from, to := all.ask(ref, pos, n)
		if pos == 0 {
			if to > from {
				t.Fatalf("the first span, and [%d, %d) is asked for: it may be the only one", from, to)
			}
			continue
		}
		if asks == 0 {
			asked = pos + n
		}
		if to > from {
			if from != asked || to > size || to > pos+n+aheadWindow {
				t.Fatalf("at %d [%d, %d) is asked for, after all below %d, of %d bytes", pos, from, to, asked, size)
			}
			asked = to
			asks++
		}
		if left := min(asked, size) - pos - n; left < min(aheadWindow/2, size-pos-n) {
			t.Fatalf("at %d only %d bytes are ahead", pos, left)
		}
	}
	if asked != size || asks < 4 || asks > 9 {
		t.Errorf("%d bytes of %d were asked for, in %d steps", asked, size, asks)
	}
}

// A file that grows is followed as far as it goes.
func TestReadAheadOfAGrowingFile(t *testing.T) {
	ref, f := sized(t, 3*mib)
	var all streams
	all.ask(ref, 0, mib)
	if from, to := all.ask(ref, mib, mib); from != 2*mib || to != 3*mib {
		t.Errorf("[%d, %d) of 3 MiB", from, to)
	}
	if from, to := all.ask(ref, 2*mib, mib); to > from {
		t.Errorf("[%d, %d) beyond the end", from, to)
	}
	f.size = 5 * mib
	if from, to := all.ask(ref, 3*mib, mib); from != 4*mib || to != 5*mib {
		t.Errorf("[%d, %d) of what has grown to 5 MiB", from, to)
	}
}

// Nothing is read ahead of spans that do not follow one another, however large they are, nor of the same one again.
func TestNoReadAheadOfRandomReads(t *testing.T) {
	ref, _ := sized(t, 1<<40)
	var all streams
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range int64(2000) {
		if from, to := all.ask(ref, rng.Int64N(1<<40), 1+rng.Int64N(20*mib)); to > from {
			t.Fatalf("read %d: [%d, %d) was asked for", i, from, to)
		}
		if from, to := all.ask(ref, 7, mib); to > from {
			t.Fatalf("the same span again: [%d, %d) was asked for", from, to)
		}
	}
}

// A consumer of several partitions is followed through each of them; what is being read in keeps its place.
func TestReadAheadOfManyStreams(t *testing.T) {
	var all streams
	var refs []*vfs.Ref
	for range maxStreams {
		ref, _ := sized(t, 1<<30)
		refs = append(refs, ref)
		all.ask(ref, 0, mib)
	}
	for i, ref := range refs {
		if from, to := all.ask(ref, mib, mib); to != from+aheadWindow {
			t.Errorf("partition %d: [%d, %d) is asked for", i, from, to)
		}
	}
	for i := range all.all {
		all.all[i].busy.Store(i != 3)
	}
	other, _ := sized(t, 1<<30)
	if s := all.pass(other, 0, mib, true); s != &all.all[3] || s.steady {
		t.Errorf("a new stream got a place that is taken, or somebody's past: %+v", s)
	}
	all.all[3].busy.Store(true)
	third, _ := sized(t, 1<<30)
	if s := all.pass(third, 0, mib, true); s != nil {
		t.Error("a stream was given up while bytes are read in for it")
	}
}

// Who goes through a cold file finds it read in, beyond its last span as well, and the disk has been asked
// for each byte once. A connection that jumps has nothing read in but what it asks for.
func TestColdStream(t *testing.T) {
	file := newSpanFile(t, vfs.OS, filepath.Join(t.TempDir(), "f"), 40*mib, false)
	for _, test := range []struct {
		name      string
		positions func(i int) int
		stream    bool
	}{
		{"forward", func(i int) int { return i * mib }, true},
		{"backward", func(i int) int { return (19 - i) * mib }, false},
		{"jumping", func(i int) int { return i * 7 % 40 * mib }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := chill(t, file)
			s := serve(t, Config{}, func(r *Request) { file.answer(r); r.Done() })
			c := dial(t, s.addr)
			for i := range 20 {
				span := [3]int{test.positions(i), mib, 0}
				send(t, c, AppendFrame(nil, spanRequest(span)))
				expect(t, c, file.want(span))
				eventually(t, "the read-ahead ends", func() bool { return f.waiting() == 0 && !s.cold.busy() })
			}
			if test.stream && (f.end < 20*mib+aheadWindow/2 || f.end > 20*mib+aheadWindow) {
				t.Errorf("%d MiB were sent, and read in up to %d", 20, f.end/mib)
			}
			if st := s.settled(); test.stream && (st.ColdHandoffs > 2 || st.ReadAheadBytes != f.end-2*mib) {
				t.Errorf("the stream stood still %d times, %d bytes of %d were read ahead", st.ColdHandoffs,
					st.ReadAheadBytes, f.end)
			}
			if !test.stream && f.bytes != 20*mib {
				t.Errorf("%d bytes were read in for 20 MiB that lie apart", f.bytes)
			}
		})
	}
}

// busy tells whether a thread of the pool is at work.
func (p *coldPool) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running > 0
}

// However many connections read what is cold, and however long the disk takes, so many threads wait for it and no more;
// and a connection whose bytes are in memory is answered.
func TestColdThreadsAreBounded(t *testing.T) {
	file := newSpanFile(t, vfs.OS, filepath.Join(t.TempDir(), "f"), 40*mib, false)
	hot := newSpanFile(t, vfs.OS, filepath.Join(t.TempDir(), "hot"), mib, false)
	f := chill(t, file)
	f.release = make(chan struct{})
	s := serve(t, Config{ColdReaders: 3}, func(r *Request) {
		if len(r.Body) == 1 {
			r.Out.AddSpan(hot.span(0, mib, false))
		} else {
			file.answer(r)
		}
		r.Done()
	})
	var wg sync.WaitGroup
	for id := range 8 {
		c := dial(t, s.addr)
		wg.Go(func() {
			for i := range 6 {
				span := [3]int{(id*4 + i) * mib, mib, 0}
				if err := c.Send(AppendFrame(nil, spanRequest(span))); err != nil {
					t.Error(err)
				}
				if got, err := c.Receive(); err != nil || !bytes.Equal(got, file.want(span)) {
					t.Errorf("connection %d, span %d: %d wrong bytes, %v", id, i, len(got), err)
				}
			}
		})
	}
	eventually(t, "all threads wait", func() bool { return f.waiting() == 3 })
	c := dial(t, s.addr)
	send(t, c, AppendFrame(nil, []byte{0}))
	expect(t, c, hot.data)
	if n := f.waiting(); n != 3 {
		t.Errorf("%d threads wait for the disk", n)
	}
	close(f.release)
	wg.Wait()
	eventually(t, "the read-ahead ends", func() bool { return !s.cold.busy() })
	if f.most != 3 {
		t.Errorf("%d threads waited at once", f.most)
	}
}

// What a probe found ahead of a stream is taken to be there for a moment from the first of several finds on that follow
// on one another, and no byte beyond them.
func TestFoundAhead(t *testing.T) {
	const ms = 1e6
	var s stream
	if s.has(0, 1, 1*ms) {
		t.Error("nothing was found, and it is there")
	}
	s.found(mib, 5*mib, 10*ms)
	s.found(5*mib, 9*mib, 60*ms)
	for _, c := range []struct {
		from, to int64
		nowMs    int64
		want     bool
	}{
		{mib, 9 * mib, 60, true},
		{4*mib + 7, 6 * mib, 110, true},
		{mib - 1, 2 * mib, 60, false},
		{8 * mib, 9*mib + 1, 60, false},
		{5 * mib, 6 * mib, 111, false}, // as old as the oldest
	} {
		if got := s.has(c.from, c.to, c.nowMs*ms); got != c.want {
			t.Errorf("[%d, %d) after %d ms: %v", c.from, c.to, c.nowMs, got)
		}
	}
	s.found(9*mib, 13*mib, 300*ms) // what was found before is too old to go on with
	if s.has(8*mib, 10*mib, 300*ms) || !s.has(9*mib, 13*mib, 300*ms) {
		t.Error("an old find was carried on by a new one")
	}
	s.found(20*mib, 21*mib, 301*ms)
	if s.has(9*mib, 10*mib, 301*ms) || s.has(13*mib, 20*mib, 301*ms) {
		t.Error("a gap was taken to be there")
	}
	ref, _ := sized(t, 30*mib)
	other, _ := sized(t, 30*mib)
	all := streams{}
	at := all.pass(ref, 0, mib, true)
	at.found(mib, 9*mib, ms)
	for i := range maxStreams {
		all.pass(other, int64(1+2*i)*mib, 1, true)
	}
	if now := all.pass(ref, mib, mib, true); now.has(mib, 2*mib, ms) {
		t.Error("a place that another stream has taken kept what was found for the first")
	}
}
