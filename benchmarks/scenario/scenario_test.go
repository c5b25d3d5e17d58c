package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheBookReads(t *testing.T) {
	b, err := Read("../scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range b.Order {
		if len(b.Rows(name, nil)) == 0 {
			t.Errorf("group %s has no rows", name)
		}
	}
	if r := b.Row("produce-64k-1k"); r == nil || r.Group != "headline" || r.With["batch"] != "64KiB" {
		t.Errorf("produce-64k-1k is %+v", r)
	}
	if got := b.Rows("rest", []string{"s5"}); len(got) != 5 {
		t.Errorf("%d rows of S5", len(got))
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	const groups = "a: {about: x, systems: [tailrace], alternations: 1}\n"
	for name, c := range map[string]struct{ groups, file, want string }{
		"unknown field":  {groups, "name: S1\ntitel: x\n", "titel"},
		"unknown system": {"a: {systems: [redis], alternations: 1}\n", "", "redis"},
		"no turns":       {"a: {systems: [kafka]}\n", "", "alternation"},
		"unknown group": {groups, "name: S1\ntitle: x\nabout: x\nrows: [{name: r, title: t, driver: d, metric: m, " +
			"group: b}]", `no group "b"`},
		"goal of nothing": {groups, "name: S1\ntitle: x\nabout: x\ngroup: a\nrows: [{name: r, title: t, driver: d, " +
			"metric: m, goals: [{metric: m}]}]", "times or at-most"},
		"twice": {groups, "name: S1\ntitle: x\nabout: x\ngroup: a\nrows: [{name: r, title: t, driver: d, metric: m}, " +
			"{name: r, title: t, driver: d, metric: m}]", "a name of its own"},
		"durability": {groups, "name: S1\ntitle: x\nabout: x\ngroup: a\nrows: [{name: r, title: t, driver: d, " +
			"metric: m, durability: some}]", "page cache or synced"},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"groups.yaml": c.groups, "S1.yaml": c.file} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; it should name %s", name, err, c.want)
		}
	}
}
