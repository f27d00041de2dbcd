package config

import (
	"context"
	"slices"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// order runs one command of the coordinator and returns its settings.
func order(t *testing.T, s Subcommand, args ...string) (c Coordinator, err error) {
	t.Helper()
	s.Run = func(_ context.Context, set Coordinator) error { c = set; return nil }
	cmd := CoordinatorCommand(Env{Dir: t.TempDir()}, s)
	cmd.SetArgs(append([]string{s.Name}, args...))
	return c, cmd.Execute()
}

func TestCommandsTakeTheirArgument(t *testing.T) {
	t.Parallel()
	rate := Subcommand{Name: "rate", Arg: "RATE", Set: InControl, Example: "coordinator rate 30/s"}
	pause := Subcommand{Name: "pause", Arg: "[DURATION]", Set: InControl}
	if c, err := order(t, rate, "30/s"); err != nil || c.Arg != "30/s" {
		t.Errorf("rate 30/s = %q, %v, want 30/s", c.Arg, err)
	}
	if c, err := order(t, pause); err != nil || c.Arg != "" {
		t.Errorf("pause = %q, %v, want no argument and no error", c.Arg, err)
	}
	_, err := order(t, rate)
	wantUsage(t, "rate", err, "needs its RATE", "coordinator rate 30/s")
	_, err = order(t, rate, "30/s", "40/s")
	wantUsage(t, "rate 30/s 40/s", err, `what is "40/s"`)
}

func TestRetryReadsItsOutcomes(t *testing.T) {
	t.Parallel()
	retry := Subcommand{Name: "retry", Set: InRetry}
	c, err := order(t, retry, "--outcome", "dead,skipped", "--status", "502", "--match", "*/talk/*")
	if err != nil || !slices.Equal(c.Outcomes, []harvest.Outcome{harvest.Dead, harvest.Skipped}) || c.Status != 502 || c.Match != "*/talk/*" {
		t.Errorf("retry = %v, status %d, match %q, %v, want dead and skipped, 502, */talk/*", c.Outcomes, c.Status, c.Match, err)
	}
	if c, err = order(t, retry); err != nil || !slices.Equal(c.Outcomes, []harvest.Outcome{harvest.Dead}) {
		t.Errorf("retry = %v, %v, want dead", c.Outcomes, err)
	}
	_, err = order(t, retry, "--outcome", "landed")
	wantUsage(t, "retry --outcome landed", err, "what has landed stays")
	_, err = order(t, retry, "--outcome", "lost")
	wantUsage(t, "retry --outcome lost", err, "dead")
}

func TestRateKeepsToTheSite(t *testing.T) {
	t.Parallel()
	rate := Subcommand{Name: "rate", Arg: "RATE", Set: InControl}
	for _, test := range []struct {
		host, rate string
		force      bool
		refused    string
	}{
		{"en.wikipedia.org", "100/min", false, ""},
		{"en.wikipedia.org", "300/min", false, "above the 200/min that profile wikimedia-anon"},
		{"en.wikipedia.org", "300/min", true, ""},
		{"api.example", "5000/s", false, ""},
	} {
		args := []string{test.rate}
		if test.force {
			args = append(args, "--force")
		}
		c, err := order(t, rate, args...)
		if err != nil {
			t.Fatalf("rate %v = %v, want nil", args, err)
		}
		r, err := ParseRate(test.rate)
		if err != nil {
			t.Fatal(err)
		}
		err = c.CheckRate(test.host, r)
		if (test.refused == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.refused) {
			t.Errorf("CheckRate(%s, %s) with force %t = %v, want it to say %q", test.host, test.rate, test.force, err, test.refused)
		}
	}
}

func TestScheduledIsTheJobsMinute(t *testing.T) {
	t.Parallel()
	for job, want := range map[string]string{
		"shoal-worker-29864520":   "2026-10-13T06:00:00Z",
		"shoal-coordinator-28000": "", "first-worker": "", "": "", "29864520": "", "again-1763900000": "", "x--5": "",
	} {
		got := ""
		if at := scheduled(job); !at.IsZero() {
			got = at.Format("2006-01-02T15:04:05Z")
		}
		if got != want {
			t.Errorf("scheduled(%q) = %q, want %q", job, got, want)
		}
	}
	w := load(t, Env{Environ: []string{"JOB_NAME=shoal-worker-29864520"}})
	if w.Scheduled.IsZero() {
		t.Error("JOB_NAME is not read")
	}
}
