package runs

import (
	"errors"
	"testing"
	"time"

	"shoal/internal/harvest"
)

func TestSince(t *testing.T) {
	t.Parallel()
	now, opened := time.Date(2024, 5, 20, 12, 0, 0, 0, time.UTC), time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	away := errors.New("away")
	base := func(name string) (harvest.Run, error) {
		if name != "jan" {
			return harvest.Run{}, away
		}
		return harvest.Run{Name: name, OpenedAt: opened}, nil
	}
	for name, c := range map[string]struct {
		base   string
		stored bool
		want   time.Time
		says   string
	}{
		"a look":                       {"", false, now.AddDate(0, -3, 0), ""},
		"the first run of its corpus":  {"", true, time.Time{}, ""},
		"a run after another":          {"jan", true, opened, ""},
		"a run before it is not found": {"feb", true, time.Time{}, "the run before run may, whose opening {since} stands for: away"},
	} {
		run := harvest.Run{Name: "may", Base: c.base}
		got, err := Since(run, c.stored, now, base)
		if !got.Equal(c.want) || (err == nil) != (c.says == "") || err != nil && (err.Error() != c.says || !errors.Is(err, away)) {
			t.Errorf("%s: Since() = %s, %v, want %s, %q", name, got, err, c.want, c.says)
		}
	}
	if got, want := SinceIs(harvest.Run{Base: "jan"}, opened), "{since} is 2024-01-02 03:04:05 UTC, when run jan was opened"; got != want {
		t.Errorf("SinceIs() = %q, want %q", got, want)
	}
}
