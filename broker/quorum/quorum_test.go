package quorum

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tailrace/broker/metadata"
	"tailrace/vfs"
	"tailrace/vfs/faultfs"
	"tailrace/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dataDir = "data/meta"

// warnings collects what an operator would have been told.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) warn(msg string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, fmt.Sprint(msg, " ", args))
}

func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list = nil
	return list
}

// options are those of most tests: a snapshot every twelve records, written where it is begun, so that runs repeat.
func options(fsys vfs.FS, w *warnings) Options {
	now := int64(1_700_000_000_000)
	return Options{
		FS: fsys, Dir: dataDir, ClusterID: "cluster", NodeID: 1, Warn: w.warn, SnapshotRecords: 12,
		Now: func() int64 { now++; return now }, Background: func(job func()) { job() },
	}
}

func open(t testing.TB, fsys vfs.FS) *Single {
	t.Helper()
	return openWith(t, options(fsys, new(warnings)))
}

func openWith(t testing.TB, o Options) *Single {
	t.Helper()
	l, err := OpenSingle(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t testing.TB, l *Single) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// do proposes and waits.
func do(l Log, decide Decide) (index wire.Offset, err error) {
	ended := make(chan struct{})
	l.ProposeFunc(decide, func(i wire.Offset, e error) { index, err = i, e; close(ended) })
	<-ended
	return index, err
}

func propose(l Log, records ...metadata.Record) error {
	_, err := do(l, func(*metadata.Image, wire.Offset) []metadata.Record { return records })
	return err
}

func topicID(n int) metadata.UUID {
	id := metadata.UUID{0: 1}
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// newTopic is the records of topic number n: it has n%3 partitions.
func newTopic(n int) []metadata.Record {
	records := []metadata.Record{&metadata.TopicRecord{Name: fmt.Sprint("topic-", n), ID: topicID(n)}}
	for i := range n % 3 {
		records = append(records, &metadata.PartitionRecord{ID: int32(i), TopicID: topicID(n), Partition: metadata.Partition{
			Leader: 1, Replicas: []int32{1}, ISR: []int32{1}, Directories: []metadata.UUID{{1}},
		}})
	}
	return records
}

// content is what an image holds, without where in the log it stands.
func content(img *metadata.Image) string {
	var b strings.Builder
	for r := range img.Snapshot() {
		fmt.Fprintf(&b, "%x\n", metadata.AppendRecord(nil, r))
	}
	return b.String()
}

func topics(img *metadata.Image) map[string]bool {
	names := map[string]bool{}
	for t := range img.Topics() {
		names[t.Name] = true
	}
	return names
}

// files returns the log files or the snapshots, oldest first.
func files(t testing.TB, fsys vfs.FS, suffix string) []string {
	t.Helper()
	entries, err := fsys.ReadDir(filepath.Join(dataDir, topicDir))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			names = append(names, filepath.Join(dataDir, topicDir, e.Name()))
		}
	}
	return names
}

func TestEmptyDirectoryBecomesALog(t *testing.T) {
	fsys := faultfs.New()
	l := open(t, fsys)
	img := l.Image()
	if img.FeatureLevel(metadata.FeatureMetadataVersion) != 33 || len(img.Features()) != 1 || img.Offset != 1 ||
		img.Epoch != 1 || l.LeaderEpoch() != 1 {
		t.Errorf("begins at offset %d in term %d with %v", img.Offset, img.Epoch, img.Features())
	}
	closeLog(t, l)
	state, _ := vfs.ReadFile(fsys, filepath.Join(dataDir, topicDir, stateFile))
	if want := `{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":1,"appliedOffset":0,` +
		`"currentVoters":[{"voterId":1}],"data_version":0}`; string(state) != want {
		t.Errorf("quorum-state is %s", state)
	}
}

func TestRestartsKeepTheImage(t *testing.T) {
	fsys := faultfs.New()
	var want string
	for term := wire.LeaderEpoch(1); term <= 6; term++ {
		l := open(t, fsys)
		if l.LeaderEpoch() != term || l.Image().Epoch != term {
			t.Errorf("open number %d is in term %d, image %d", term, l.LeaderEpoch(), l.Image().Epoch)
		}
		if term > 1 && content(l.Image()) != want {
			t.Errorf("term %d begins with another image", term)
		}
		for i := range 3 {
			if err := propose(l, newTopic(int(term)*10+i)...); err != nil {
				t.Fatal(err)
			}
		}
		want = content(l.Image())
		closeLog(t, l)
	}
	epochs, err := vfs.ReadFile(fsys, filepath.Join(dataDir, topicDir, epochFile))
	if err != nil || !strings.HasSuffix(string(epochs), "\n6 36\n") {
		t.Errorf("leader-epoch-checkpoint is %q, %v", epochs, err)
	}
	if n := len(files(t, fsys, snapSuffix)); n != 2 {
		t.Errorf("%d snapshots are kept", n)
	}
}

func TestAnswersComeAfterImageAndSubscribers(t *testing.T) {
	l := open(t, faultfs.New())
	defer closeLog(t, l)
	var deltas []metadata.Delta
	base := l.Subscribe(func(d metadata.Delta, img *metadata.Image) {
		if l.Image() != img {
			t.Error("a subscriber is called before the image is there")
		}
		deltas = append(deltas, d)
	})
	index, err := do(l, func(img *metadata.Image, next wire.Offset) []metadata.Record {
		if img != base || next != base.Offset+1 {
			t.Error("decided on another image")
		}
		return newTopic(2)
	})
	if err != nil || index != base.Offset+3 || l.Image().Offset != index {
		t.Errorf("answered %d, %v; the image is at %d", index, err, l.Image().Offset)
	}
	if len(deltas) != 1 || deltas[0].From != base.Offset || deltas[0].To != index || len(deltas[0].Created) != 1 {
		t.Errorf("deltas %+v", deltas)
	}
	if index, err := do(l, func(*metadata.Image, wire.Offset) []metadata.Record { return nil }); err != nil ||
		index != l.Image().Offset || len(deltas) != 1 {
		t.Errorf("no records: answered %d, %v", index, err)
	}
}

// hold keeps the log's goroutine busy until the returned function is called, so that proposals gather.
func hold(l Log) (release func()) {
	entered, leave := make(chan struct{}), make(chan struct{})
	l.ProposeFunc(func(*metadata.Image, wire.Offset) []metadata.Record {
		close(entered)
		<-leave
		return nil
	}, nil)
	<-entered
	return func() { close(leave) }
}

func TestProposalsThatWaitShareASync(t *testing.T) {
	fsys := faultfs.New()
	o := options(fsys, new(warnings))
	o.SnapshotRecords = 1 << 20
	l := openWith(t, o)
	release := hold(l)
	before := fsys.Ops()
	var answered sync.WaitGroup
	errs := make([]error, 100)
	for i := range errs {
		answered.Add(1)
		l.Propose(newTopic(i), func(_ wire.Offset, err error) { errs[i] = err; answered.Done() })
	}
	release()
	answered.Wait()
	if ops := fsys.Ops() - before; ops != 2 {
		t.Errorf("100 proposals took %d operations where a write and a sync do", ops)
	}
	if err := errors.Join(errs...); err != nil || l.Image().TopicCount() != 100 {
		t.Errorf("%d topics, %v", l.Image().TopicCount(), err)
	}
	closeLog(t, l)
}

// TestEachDecidesOnWhatTheOneBeforeLeft is compare-and-set: of many that create the same topic, one does.
func TestEachDecidesOnWhatTheOneBeforeLeft(t *testing.T) {
	l := open(t, faultfs.New())
	defer closeLog(t, l)
	release := hold(l)
	created := 0
	var answered sync.WaitGroup
	for range 20 {
		answered.Add(1)
		l.ProposeFunc(func(img *metadata.Image, _ wire.Offset) []metadata.Record {
			if img.TopicByName("topic-2") != nil {
				return nil
			}
			created++
			return newTopic(2)
		}, func(_ wire.Offset, err error) {
			if err != nil {
				t.Error(err)
			}
			answered.Done()
		})
	}
	release()
	answered.Wait()
	if created != 1 || l.Image().TopicCount() != 1 {
		t.Errorf("created %d times", created)
	}
}

func TestOneBadProposalSpoilsNoOther(t *testing.T) {
	fsys := faultfs.New()
	l := open(t, fsys)
	release := hold(l)
	huge := strings.Repeat("x", 1<<20)
	tooLarge := make([]metadata.Record, 9)
	for i := range tooLarge {
		tooLarge[i] = &metadata.ConfigRecord{Resource: metadata.Resource{Type: metadata.ResourceTopic, Name: "t"},
			Name: fmt.Sprint(i), Value: &huge}
	}
	cases := []struct {
		records []metadata.Record
		want    string
	}{
		{newTopic(1), ""},
		{append(newTopic(2), newTopic(1)...), "already"}, // the good half must not stay
		{newTopic(4), ""},
		{tooLarge, ErrTooLarge.Error()},
		{tooLarge[:5], ""},
		{tooLarge[4:], ""}, // does not fit beside the last, so it takes a turn of its own
		{newTopic(5), ""},
	}
	var answered sync.WaitGroup
	for i, c := range cases {
		answered.Add(1)
		l.Propose(c.records, func(index wire.Offset, err error) {
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("proposal %d: %d, %v", i, index, err)
			}
			answered.Done()
		})
	}
	release()
	answered.Wait()
	img := l.Image()
	if img.TopicCount() != 3 || img.TopicByName("topic-2") != nil || img.PartitionCount() != 1+1+2 ||
		len(img.Config(metadata.Resource{Type: metadata.ResourceTopic, Name: "t"})) != 9 {
		t.Errorf("%d topics, %d partitions", img.TopicCount(), img.PartitionCount())
	}
	want := content(img)
	closeLog(t, l)
	l = open(t, fsys)
	defer closeLog(t, l)
	if content(l.Image()) != want {
		t.Error("another image after a restart")
	}
}

func TestCallbacksMayPropose(t *testing.T) {
	l := open(t, faultfs.New())
	ended := make(chan error)
	l.Propose(newTopic(1), func(_ wire.Offset, err error) {
		l.Propose(newTopic(2), func(_ wire.Offset, err2 error) {
			go func() { ended <- errors.Join(err, err2) }()
		})
	})
	if err := <-ended; err != nil {
		t.Error(err)
	}
	closeLog(t, l)
	if err := propose(l, newTopic(3)...); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestManyGoroutines(t *testing.T) {
	fsys := faultfs.New()
	o := options(fsys, new(warnings))
	o.Background = nil // real goroutines
	l := openWith(t, o)
	last := wire.Offset(-1)
	l.Subscribe(func(d metadata.Delta, img *metadata.Image) {
		if d.From < last || img.Offset <= d.From {
			t.Error("deltas out of order")
		}
		last = img.Offset
	})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 25 {
				n := g*100 + i
				if err := propose(l, newTopic(n)...); err != nil || l.Image().TopicByID(topicID(n)) == nil {
					t.Errorf("topic %d: %v", n, err)
				}
			}
		})
	}
	all.Wait()
	want := content(l.Image())
	closeLog(t, l)
	l = open(t, fsys)
	defer closeLog(t, l)
	if content(l.Image()) != want || l.Image().TopicCount() != 200 {
		t.Errorf("%d topics after a restart", l.Image().TopicCount())
	}
}
