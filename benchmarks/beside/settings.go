package main

import (
	"errors"
	"fmt"
	"strconv"

	"tailrace/benchmarks/scenario"
	"tailrace/loadgen/plan"
)

// settings reads what a row gives its driver. Errors are gathered, and told by done, which also finds settings that
// nobody read.
type settings struct {
	r    *scenario.Row
	read map[string]bool
	errs []error
}

func settingsOf(r *scenario.Row) *settings { return &settings{r: r, read: map[string]bool{}} }

func (s *settings) text(name, otherwise string) string {
	s.read[name] = true
	if v, ok := s.r.With[name]; ok {
		return v
	}
	return otherwise
}

func (s *settings) bytes(name, otherwise string) int64 {
	n, err := plan.ParseSize(s.text(name, otherwise))
	s.wrong(name, err)
	return n
}

func (s *settings) count(name string, otherwise int) int {
	n, err := plan.ParseCount(s.text(name, strconv.Itoa(otherwise)))
	s.wrong(name, err)
	return int(n)
}

func (s *settings) yes(name string) bool {
	v, err := strconv.ParseBool(s.text(name, "false"))
	s.wrong(name, err)
	return v
}

func (s *settings) wrong(name string, err error) {
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("%s: %s: %w", s.r.Name, name, err))
	}
}

func (s *settings) done() error {
	for name := range s.r.With {
		if !s.read[name] {
			s.errs = append(s.errs, fmt.Errorf("%s: driver %s has no setting %s", s.r.Name, s.r.Driver, name))
		}
	}
	return errors.Join(s.errs...)
}
