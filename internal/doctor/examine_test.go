package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errBroken = errors.New("broken")

func codes(err error) int {
	if errors.Is(err, errBroken) {
		return 4
	}
	return 2
}

// A look that hangs holds up neither the end nor another group.
func TestExamineNeverHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		hang := func(context.Context) Finding { <-release; return fine("late") }
		began := time.Now()
		r := Examine(t.Context(), []Group{
			{Name: "a", Rows: []Row{{Name: "a.1", About: "first", Look: hang}, {Name: "a.2", About: "second", Needs: []string{"a.1"}, Look: hang}, {Name: "a.3", About: "third", Look: hang}}},
			{Name: "b", Rows: []Row{{Name: "b.1", Limit: time.Minute, Look: func(ctx context.Context) Finding { <-ctx.Done(); return wrong(errBroken) }}}},
		}, codes)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("Examine() took %s, want the longest limit", took)
		}
		for i, want := range []string{"no answer within 5s", "first (a.1) has not ended", "first (a.1) has not ended", "broken"} {
			if got := r.Checks[i].Found; got != want {
				t.Errorf("Examine() = %q on line %d, want %q", got, i, want)
			}
		}
		close(release)
	})
}

// An interrupted look ends at once.
func TestExamineIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := Examine(ctx, []Group{{Name: "a", Rows: []Row{{Name: "a.1", Look: func(context.Context) Finding { select {} }}}}}, codes)
	if got := r.Checks[0]; got.Verdict != NotChecked || !strings.Contains(got.Found, "interrupted") {
		t.Errorf("Examine() = %+v, want an interrupted look", got)
	}
}

// The first fault in the order of the groups decides, whichever is found first.
func TestReport(t *testing.T) {
	t.Parallel()
	row := func(name string, f Finding) Group {
		return Group{Name: name, Rows: []Row{{Name: name + ".x", About: "it", Change: "repair it", Look: func(context.Context) Finding { return f }}}}
	}
	for _, test := range []struct {
		groups  []Group
		verdict Verdict
		code    int
		sum     string
	}{
		{[]Group{row("a", fine("good"))}, OK, 0, "0 faults, 0 warnings, 1 ok: a worker can start"},
		{[]Group{row("a", unknown("why")), row("b", warn("", "odd"))}, Warning, 0, "0 faults, 1 warning, 1 not checked, 0 ok: a worker can start"},
		{[]Group{row("a", warn("", "odd")), row("b", wrong(errBroken)), row("c", wrong(errors.New("other")))}, Fault, 4,
			"2 faults, 1 warning, 0 ok: a worker would leave with exit code 4"},
	} {
		r := Examine(t.Context(), test.groups, codes)
		if r.Verdict != test.verdict || r.Code != test.code || r.Sum() != test.sum {
			t.Errorf("Examine() = %s, %d, %q, want %s, %d, %q", r.Verdict, r.Code, r.Sum(), test.verdict, test.code, test.sum)
		}
		if err := r.Err(); (err != nil) != (test.code != 0) || err != nil && !errors.Is(err, errBroken) {
			t.Errorf("Err() = %v with exit code %d", err, test.code)
		}
		for _, l := range r.Checks {
			if named := l.Change != ""; named != (l.Verdict == Warning || l.Verdict == Fault) {
				t.Errorf("%s: %s with %q to change", l.Check, l.Verdict, l.Change)
			}
		}
	}
}

// Text from outside makes no line of its own.
func TestText(t *testing.T) {
	t.Parallel()
	r := Examine(t.Context(), []Group{{Name: "a", At: "x\ny", Rows: []Row{{Name: "a.1", About: "it", Look: func(context.Context) Finding {
		return warn("turn it off", "%s", "one\n  fault        two: three\x1b[2J")
	}}}}}, codes)
	want := "a x; y\n  warning      it: one;   fault        two: three\\u001b[2J\n               to do: turn it off\n\n0 faults, 1 warning, 0 ok: a worker can start\n"
	if got := r.Text(); got != want {
		t.Errorf("Text() = %q, want %q", got, want)
	}
}

// Each row that another one needs comes before it in its group, so that none waits for itself.
func TestRowsNeedOnlyEarlierOnes(t *testing.T) {
	t.Parallel()
	settings := OfSettings(Settings{Complete: true, Contact: func() error { return nil }})
	all := []Group{settings, OnMachine(1, ".", Here{}), InPostgres("", Postgres{}, Here{}), InSQLite(SQLite{}, Here{}), InRedis("", Redis{}), OfUpstream(Upstream{})}
	var seen []string
	for _, group := range all {
		for _, row := range group.Rows {
			if row.About == "" || row.Look == nil || !strings.HasPrefix(row.Name, group.Name+".") {
				t.Errorf("%s: %+v is not whole", group.Name, row.Name)
			}
			for _, need := range row.Needs {
				if !slices.Contains(seen, need) {
					t.Errorf("%s needs %s, which does not come before it", row.Name, need)
				}
			}
			if slices.Contains(seen, row.Name) {
				t.Errorf("two rows are called %s", row.Name)
			}
			seen = append(seen, row.Name)
		}
	}
}
