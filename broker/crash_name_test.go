package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tailrace/vfs/faultfs"
)

// TestNameIsUsedAgain deletes a topic and makes another of the same name, with
// a crash at each operation of the deletion and another at each of the
// creation. The new topic must open, be empty and keep what it gets: nothing
// of the old one may show up in it or get in its way.
func TestNameIsUsedAgain(t *testing.T) {
	seed, deep := crashSeed(t), false
	for n := 1; !deep && !t.Failed(); n++ { // the crash in the deletion
		reached := true
		for m := 1; reached && !t.Failed(); m++ { // the crash in the creation
			for _, power := range []bool{false, true} {
				err := inBubble(t, func() (err error) {
					fsys := faultfs.New()
					fsys.Seed(seed + uint64(n*1000+m))
					deep, reached, err = nameIsUsedAgain(fsys, n, m, power, rand.New(rand.NewPCG(seed, uint64(n*1000+m))))
					return err
				})
				if err != nil {
					t.Errorf("crash at operation %d of the deletion and %d of the creation, power cut %v: %v", n, m, power, err)
				}
			}
		}
	}
}

// nameIsUsedAgain tells whether the deletion was over before its crash, and
// whether the creation was not.
func nameIsUsedAgain(fsys *faultfs.FS, n, m int, power bool, r *rand.Rand) (deleted, crashed bool, err error) {
	s := &script{m: newModel(), w: &warnings{}, fsys: fsys}
	s.life(func() { s.create("b", 1); s.write("b", 0, 9) })
	if s.err != nil {
		return true, false, s.err
	}
	s.step(s.open)
	fsys.CrashAtOp(fsys.Ops() + n)
	s.drop("b")
	deleted = s.err == nil
	s.leave()
	fsys = afterCrash(fsys, power, r)
	s.fsys, s.err = fsys, nil

	s.step(s.open)
	s.m.resolve(s.h)
	fsys.CrashAtOp(fsys.Ops() + m)
	if s.m.topics["b"] == nil {
		s.create("b", 1)
		s.write("b", 0, 1)
	}
	crashed = s.err != nil
	s.leave()
	left := afterCrash(fsys, power, r)
	if err := survive(left, s.m, power); err != nil {
		return deleted, crashed, fmt.Errorf("%w\nlogged before:\n%s", err, s.w)
	}
	return deleted, crashed, nil
}
