package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"os"

	"github.com/spf13/cobra"

	"shoal/internal/config"
	"shoal/internal/upstream/all"
)

// commandLine is the program's command line, whose commands note their settings in place of work.
func commandLine(t *testing.T, note func(run, store, redis string, json bool)) (*cobra.Command, []config.Subcommand) {
	t.Helper()
	commands := (&program{}).commands()
	for i := range commands {
		c := &commands[i]
		if c.Print != nil {
			c.Print = func(_ string, asJSON bool) error {
				note("", "", "", asJSON)
				return nil
			}
			continue
		}
		if c.Inspect != nil {
			c.Inspect = func(_ context.Context, i config.Inspection) error {
				note(i.Worker.Run, i.Worker.Store, i.Worker.Redis, i.JSON)
				return nil
			}
			continue
		}
		if c.Harvest != nil {
			c.Harvest = func(_ context.Context, set config.Worker) error {
				note(set.Run, set.Store, set.Redis, set.JSON)
				return nil
			}
			continue
		}
		c.Run = func(_ context.Context, set config.Coordinator) error {
			note(set.Run, set.Store, set.Redis, set.JSON)
			return nil
		}
	}
	return config.CoordinatorCommand(config.Env{Dir: t.TempDir(), Kinds: all.Kinds()}, commands...), commands
}

// arguments are those that a command needs besides flags.
func arguments(c config.Subcommand) []string {
	switch c.Arg {
	case "RATE":
		return []string{"30/s"}
	case "URL|ID|KEY":
		return []string{"4711"}
	}
	return nil
}

// TestOneSetOfFlagsFitsAll checks that all commands take the flags that most of them need. The demo
// has a store of its own, which must not seem to be the operator's.
func TestOneSetOfFlagsFitsAll(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "shoal.yaml")
	if err := os.WriteFile(file, []byte("rate: 5/s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--store", "sqlite:x.db", "--redis", "redis://localhost:6379", "--run", "2026q4", "--json", "--log-level", "warn", "--config", file}
	_, commands := commandLine(t, nil)
	if len(commands) < 20 {
		t.Fatalf("%d commands", len(commands))
	}
	for _, c := range commands {
		var got []any
		root, _ := commandLine(t, func(run, store, redis string, json bool) { got = []any{run, store, redis, json} })
		root.SetArgs(append(append([]string{c.Name}, arguments(c)...), flags...))
		err := root.Execute()
		if c.Name == "demo" {
			if err == nil || !strings.Contains(err.Error(), "there is no flag --store") {
				t.Errorf("demo --store = %v, want a refusal", err)
			}
			continue
		}
		want := []any{"", "", "", false}
		for _, s := range config.Settings() {
			if s.In&c.Set == 0 {
				continue // the command has no use for it
			}
			switch s.Name {
			case "run":
				want[0] = "2026q4"
			case "store":
				want[1] = "sqlite:x.db"
			case "redis":
				want[2] = "redis://localhost:6379"
			case "json":
				want[3] = true
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s %s = %v with run, store, redis, json %v, want %v", c.Name, strings.Join(flags, " "), err, got, want)
		}
	}
}

// TestEachCommandCompletes checks that a shell is offered each flag that the help of a command
// shows.
func TestEachCommandCompletes(t *testing.T) {
	t.Parallel()
	_, commands := commandLine(t, nil)
	for _, c := range commands {
		var out bytes.Buffer
		root, _ := commandLine(t, nil)
		root.SetOut(&out)
		root.SetErr(&bytes.Buffer{})
		root.SetArgs([]string{"__complete", c.Name, "--"})
		if err := root.Execute(); err != nil {
			t.Fatalf("__complete %s -- = %v", c.Name, err)
		}
		offered := map[string]bool{}
		for line := range strings.Lines(out.String()) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			offered[name] = true
		}
		for _, s := range config.Settings() {
			if s.In&c.Set != 0 && !offered["--"+s.Name] {
				t.Errorf("completion of %s lacks --%s", c.Name, s.Name)
			}
		}
	}
}

// TestCompletion checks what a shell loads, and what it is offered for the value of a flag.
func TestCompletion(t *testing.T) {
	t.Parallel()
	run := func(args ...string) string {
		var out bytes.Buffer
		root, _ := commandLine(t, nil)
		root.SetOut(&out)
		root.SetErr(&bytes.Buffer{})
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			t.Errorf("coordinator %s = %v", strings.Join(args, " "), err)
		}
		return out.String()
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if script := run("completion", shell); !strings.Contains(script, "coordinator") || len(script) < 1000 {
			t.Errorf("completion %s = %d bytes", shell, len(script))
		}
	}
	check := exec.CommandContext(t.Context(), "bash", "-n")
	check.Stdin = strings.NewReader(run("completion", "bash"))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("bash -n of the script = %v: %s", err, out)
	}
	for _, test := range []struct{ flag, want string }{
		{"export --table", "records\npages\n:4\n"}, {"status --log-level", "debug\ninfo\nwarn\nerror\n:4\n"},
		{"status --run", ":4\n"}, {"status --config", ":0\n"}, {"run --corpus", ":0\n"}, {"sta", "status\tShow how far a run is, who works on it, and what has no owner\n:4\n"},
	} {
		args := append([]string{"__complete"}, strings.Fields(test.flag)...)
		if len(args) > 2 {
			args = append(args, "")
		}
		if got := run(args...); got != test.want {
			t.Errorf("__complete %s = %q, want %q", test.flag, got, test.want)
		}
	}
}
