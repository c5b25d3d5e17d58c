package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tailrace/benchmarks/scenario"
	"tailrace/benchmarks/tally"
)

// turn is one start of a system, and the rows it serves.
type turn struct {
	group       *scenario.Group
	system      scenario.System
	alternation int
	rows        []*scenario.Row
}

// What things take, for the estimate; measured on the machine of BENCHMARKS.md.
const (
	startOfKafka = 6 * time.Second
	aroundRow    = time.Second             // topic, fill, ramp, until the bytes of the row before are gone
	aroundKafka  = 1500 * time.Millisecond // the same
	aroundWarm   = time.Second             // topic, fill, ramp in the warm-up
)

// turns lays a run out. Alternation after alternation, systems take turns; every second time in the opposite order, so
// that none always follows the same other.
func (c *contest) turns(groups, rows []string) (list []turn) {
	for _, name := range c.book.Order {
		g := c.book.Groups[name]
		if len(groups) > 0 && !slices.Contains(groups, name) {
			continue
		}
		chosen := c.book.Rows(name, rows)
		slices.SortStableFunc(chosen, syncedFirst)
		n := g.Alternations
		if c.alternations > 0 {
			n = c.alternations
		}
		for a := range n {
			systems := slices.Clone(g.Systems)
			if a%2 == 1 {
				slices.Reverse(systems)
			}
			for _, s := range systems {
				t := turn{group: g, system: s, alternation: a + 1}
				for _, r := range chosen {
					if r.On(s) {
						t.rows = append(t.rows, r)
					}
				}
				if len(t.rows) > 0 {
					list = append(list, t)
				}
			}
		}
	}
	return list
}

// syncedFirst orders the rows of a turn. Rows that wait for the disk come before those that fill it: a disk that still
// writes what was just produced is slower, and the more so behind the faster system.
func syncedFirst(x, y *scenario.Row) int {
	rank := func(r *scenario.Row) int {
		if r.Durability == scenario.Synced {
			return 0
		}
		return 1
	}
	return rank(x) - rank(y)
}

// open leaves out what is measured already. Where something of a row's alternation is left, what an earlier boot of the
// machine has of it is measured again: a ratio is of neighbours in time.
func (c *contest) open(turns []turn) (left []turn) {
	type round struct {
		row         string
		alternation int
	}
	partly := map[round]bool{}
	for _, t := range turns {
		for _, r := range t.rows {
			if _, has := c.raw.Has(c.commit, r.Name, t.system, t.alternation); !has {
				partly[round{r.Name, t.alternation}] = true
			}
		}
	}
	for _, t := range turns {
		t.rows = slices.DeleteFunc(slices.Clone(t.rows), func(r *scenario.Row) bool {
			boot, has := c.raw.Has(c.commit, r.Name, t.system, t.alternation)
			return has && (boot == c.bootID || !partly[round{r.Name, t.alternation}])
		})
		if len(t.rows) > 0 {
			left = append(left, t)
		}
	}
	return left
}

// withKnee puts the search for Kafka's knee before rows whose rates are parts of it, if nobody has looked for it since
// the machine booted.
func (c *contest) withKnee(turns []turn) []turn {
	needs := func(t turn) bool {
		return slices.ContainsFunc(t.rows, func(r *scenario.Row) bool { return strings.HasSuffix(r.With["rate"], ofKnee) })
	}
	finds := func(t turn) bool {
		return slices.ContainsFunc(t.rows, func(r *scenario.Row) bool { return r.Name == kneeRow })
	}
	_, unknown := c.partOfKnee("100")
	if unknown == nil || !slices.ContainsFunc(turns, needs) || slices.ContainsFunc(turns, finds) {
		return turns
	}
	return append(c.turns(nil, []string{kneeRow}), turns...)
}

// warmUpOf is how long a system is warmed before it is measured.
func (c *contest) warmUpOf(t turn) time.Duration {
	switch {
	case !compiles(t.system) || t.group.Restarts:
		return 0
	case c.warmUp > 0:
		return c.warmUp
	}
	return t.group.WarmUp
}

func (c *contest) windowOf(r *scenario.Row) time.Duration {
	if r.Seconds > 0 {
		return time.Duration(r.Seconds * float64(time.Second))
	}
	return c.window
}

func (c *contest) estimate(turns []turn) string {
	var sum time.Duration
	rows := 0
	for _, t := range turns {
		if long := c.warmUpOf(t); long > 0 {
			loads := time.Duration(len(warming(t)))
			sum += max(long, loads*(warmWindow+aroundWarm)) + min(loads, 1)*(warmWindow+aroundWarm)
		}
		around := aroundRow
		if compiles(t.system) {
			sum += startOfKafka
			around = aroundKafka
		}
		for _, r := range t.rows {
			rows++
			sum += c.windowOf(r) + around + drivers[r.Driver].beside
		}
	}
	return fmt.Sprintf("%d measurements in %d starts: about %d minutes, until %s", rows, len(turns),
		int(sum.Minutes()+1), time.Now().Add(sum).Format(time.TimeOnly))
}

func (c *contest) list(w io.Writer) error {
	for _, s := range c.book.Scenarios {
		fmt.Fprintf(w, "%s  %s\n", s.Name, s.Title)
		for _, r := range s.Rows {
			fmt.Fprintf(w, "    %-24s %-10s %s\n", r.Name, r.Group, r.Title)
		}
	}
	return nil
}

// take starts the system, warms it, and measures the rows of the turn. A row that fails is kept as failed, and the rest
// goes on.
func (c *contest) take(ctx context.Context, t turn) error {
	if t.group.Restarts || !broker(t.system) {
		for _, r := range t.rows {
			if err := c.one(ctx, t, r, nil); err != nil {
				return err
			}
		}
		return nil
	}
	s, err := c.start(t.system)
	if err != nil {
		return err
	}
	defer func() {
		if err := s.discard(); err != nil {
			fmt.Println("  ", err)
		}
	}()
	if err := c.warm(ctx, t, s); err != nil {
		return err
	}
	for _, r := range t.rows {
		if err := c.one(ctx, t, r, s); err != nil {
			return err
		}
		if s.gone() {
			return fmt.Errorf("%s ended while it was measured: %s", t.system, s.lastWords())
		}
	}
	return nil
}

// warm puts the rows' own loads on, in turn, until the time is over and each was on once: a virtual machine compiles
// what it is asked for. The first of these loads is on once more at the end, so that what is measured first does not
// stand behind the heaviest of them. Where no row's load is a warm-up, produce and fetch are put on.
func (c *contest) warm(ctx context.Context, t turn, s *served) error {
	long := c.warmUpOf(t)
	if long == 0 {
		return nil
	}
	rows := warming(t)
	until := time.Now().Add(long)
	for first := true; first || time.Now().Before(until); first = false {
		if len(rows) == 0 {
			if err := c.warmWithRecords(ctx, s, time.Until(until)); err != nil {
				return fmt.Errorf("warm %s: %w; it printed:\n%s", t.system, err, s.lastWords())
			}
		}
		for _, r := range rows {
			if !first && time.Now().After(until) {
				break
			}
			if err := c.warmWith(ctx, s, r); err != nil {
				return err
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	settleDisk()
	return c.warmWith(ctx, s, rows[0])
}

func (c *contest) warmWith(ctx context.Context, s *served, r *scenario.Row) error {
	if _, _, err := drivers[r.Driver].load(ctx, c, s, r, warmWindow); err != nil {
		return fmt.Errorf("warm %s with %s: %w; it printed:\n%s", s.system, r.Name, err, s.lastWords())
	}
	return nil
}

// warming are the rows of a turn whose loads are a warm-up.
func warming(t turn) (rows []*scenario.Row) {
	for _, r := range t.rows {
		if drivers[r.Driver].warms {
			rows = append(rows, r)
		}
	}
	return rows
}

// warmWindow is how long one load lasts while a system is warmed.
const warmWindow = 1500 * time.Millisecond

// one measures a row once and keeps what came of it.
func (c *contest) one(ctx context.Context, t turn, r *scenario.Row, s *served) error {
	settleDisk()
	d := drivers[r.Driver]
	var values map[string]float64
	var note string
	var err error
	if d.life != nil {
		values, note, err = c.live(ctx, d, t.system, r)
	} else {
		values, note, err = d.measure(ctx, c, t.system, s, r, c.windowOf(r))
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), errors.New("--resume goes on"))
	}
	m := tally.Measurement{
		Row: r.Name, System: t.system, Alternation: t.alternation, Durability: r.Durability, At: time.Now().UTC(),
		Values: values, Note: note,
	}
	if err != nil {
		m.Failed = err.Error()
	}
	fmt.Printf("   %-26s %s\n", r.Name, told(&m, r))
	return c.raw.Add(m)
}

// told is a measurement in a line.
func told(m *tally.Measurement, r *scenario.Row) string {
	if m.Failed != "" {
		return "FAILED: " + m.Failed
	}
	text := ""
	for i, name := range append([]string{r.Metric}, r.Show...) {
		if v, ok := m.Values[name]; ok && (i == 0 || name != r.Metric) {
			text += fmt.Sprintf("%s %.4g  ", name, v)
		}
	}
	if m.Note != "" {
		text += "(" + m.Note + ")"
	}
	return text
}
