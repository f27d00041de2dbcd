package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"shoal/internal/doctor"
	"shoal/internal/fakeapi"
	"shoal/internal/testenv"

	"github.com/redis/go-redis/v9"
)

// secret is in settings of many set-ups, and in no output.
const secret = "s3cr3t-of-ours"

// patient is a set-up that coordinator doctor looks at, and that a worker starts with.
type patient struct {
	t    *testing.T
	dir  string
	api  *fakeapi.Server
	args map[string]string
	env  []string
	via  []string // a command that starts the program
}

// healthy is a set-up of one machine with which a worker harvests.
func healthy(t *testing.T, behaviour fakeapi.Behaviour) *patient {
	t.Helper()
	p := &patient{t: t, dir: t.TempDir()}
	behaviour.Items = 10
	api, err := fakeapi.New(fakeapi.Options{Behaviour: behaviour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	p.api = api
	ca, err := api.CAFile(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	p.args = map[string]string{
		"corpus": filepath.Join(p.dir, "urls.txt"), "ca": ca, "store": "sqlite:" + filepath.Join(p.dir, "shoal.db"), "contact": "ada@lab.edu",
	}
	p.corpus(api.URL + "/items/1")
	return p
}

// corpus replaces the corpus by one line.
func (p *patient) corpus(line string) { p.write("urls.txt", line+"\n") }

func (p *patient) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// at makes the upstream another one.
func (p *patient) at(url, ca string) {
	p.corpus(url + "/items/1")
	p.args["ca"] = ca
}

// start runs a program with the flags of the set-up.
func (p *patient) start(program string, more ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	line := slices.Concat(p.via, []string{program}, more)
	for name, value := range p.args {
		if value != "" {
			line = append(line, "--"+name, value)
		}
	}
	cmd := exec.CommandContext(p.t.Context(), line[0], line[1:]...)
	cmd.Dir = p.dir
	around := slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "SHOAL_") }) // what scripts/test sets
	cmd.Env = append(append(around, "SECRET="+secret), p.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	exit := (*exec.ExitError)(nil)
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("%v = %v", line, err)
	}
	if all := out.String() + errs.String(); strings.Contains(all, secret) {
		p.t.Errorf("%v shows a secret:\n%s", line, all)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// look is coordinator doctor --json.
func (p *patient) look() (r doctor.Report, code int) {
	p.t.Helper()
	program := testenv.Build(p.t, "./cmd/coordinator")
	began := time.Now()
	stdout, stderr, code := p.start(program, "doctor", "--json")
	if took := time.Since(began); took > 40*time.Second {
		p.t.Errorf("coordinator doctor took %s", took)
	}
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		p.t.Fatalf("coordinator doctor --json = %v:\n%s\n%s", err, stdout, stderr)
	}
	if r.Code != code {
		p.t.Errorf("exit code %d, and exit_code is %d", code, r.Code)
	}
	return r, code
}

// broken is a set-up with something wrong, and how it is to be named.
type broken struct {
	name    string
	spoil   func(p *patient)
	check   string
	verdict doctor.Verdict
	code    int
	want    string   // in the line
	beside  []string // further faults that follow from it
	other   int      // the exit code of a worker whose corpus is so short that it ends before its patience
}

// examine checks that the right line names what is wrong, and that a worker leaves with that code.
func (b broken) examine(t *testing.T) {
	p := healthy(t, fakeapi.Behaviour{})
	b.spoil(p)
	r, code := p.look()
	if code != b.code {
		t.Errorf("exit code %d, want %d", code, b.code)
	}
	found := false
	for _, l := range r.Checks {
		if l.Check == b.check {
			found = true
			if text := l.Found + " " + l.Change; l.Verdict != b.verdict || !strings.Contains(text, b.want) {
				t.Errorf("%s = %s: %q, want %s with %q", l.Check, l.Verdict, text, b.verdict, b.want)
			}
			if (l.Verdict == doctor.Fault || l.Verdict == doctor.Warning) && l.Change == "" {
				t.Errorf("%s names nothing to change: %q", l.Check, l.Found)
			}
		} else if l.Verdict == doctor.Fault && !slices.Contains(b.beside, l.Check) {
			t.Errorf("%s is a fault too: %q", l.Check, l.Found)
		}
	}
	if !found {
		t.Errorf("no line %s in %v", b.check, r.Checks)
	}
	if b.code == 0 {
		return
	}
	want := b.code
	if b.other != 0 {
		want = b.other
	}
	_, stderr, code := p.start(testenv.Build(t, "./cmd/worker"), "--patience", "3s", "--progress", "none", "--status-addr", "off")
	if code != want {
		t.Errorf("a worker leaves with %d, want %d:\n%s", code, want, stderr)
	}
}

// TestDoctorFindsNothingWrong checks healthy set-ups: no line is a fault, and nothing is changed.
func TestDoctorFindsNothingWrong(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(p *patient){
		"a laptop": func(*patient) {},
		"a laptop after a run": func(p *patient) {
			if _, stderr, code := p.start(testenv.Build(p.t, "./cmd/worker")); code != 0 {
				p.t.Fatalf("worker = %d:\n%s", code, stderr)
			}
		},
		"a fleet": func(p *patient) {
			p.args["store"] = ""
			p.env = []string{"DATABASE_URL=" + testenv.Postgres(p.t).URL, "REDIS_URL=" + testenv.Redis(p.t).URL}
		},
		"a fleet after a run": func(p *patient) {
			p.args["store"] = ""
			p.env = []string{"DATABASE_URL=" + testenv.Postgres(p.t).URL, "REDIS_URL=" + testenv.Redis(p.t).URL}
			if _, stderr, code := p.start(testenv.Build(p.t, "./cmd/worker")); code != 0 {
				p.t.Fatalf("worker = %d:\n%s", code, stderr)
			}
		},
		"a partner with a token": func(p *patient) {
			p.api.Set(func(b *fakeapi.Behaviour) { b.Token = secret })
			p.write("shoal.yaml", "auth: {kind: bearer, secret-env: SECRET}\n")
			p.args["allow-host"] = p.api.Addr
		},
		"ids": func(p *patient) {
			p.corpus("1")
			p.args["url"] = p.api.URL + "/items/{id}"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := healthy(t, fakeapi.Behaviour{})
			prepare(p)
			before, sent := files(t, p.dir), p.api.Count()
			r, code := p.look()
			for _, l := range r.Checks {
				if l.Verdict == doctor.Fault || l.Verdict == doctor.Warning && l.Check != "postgres.fsync" { // the servers of tests run without
					t.Errorf("%s = %s: %s", l.Check, l.Verdict, l.Found)
				}
				if l.Check == "upstream.answer" && l.Verdict != doctor.OK {
					t.Errorf("%s = %s: %s", l.Check, l.Verdict, l.Found)
				}
			}
			if code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if n := p.api.Count() - sent; n < 1 || n > 2 {
				t.Errorf("%d requests, want 2 at most", n)
			}
			p.leftBehind(name)
			if after := files(t, p.dir); after != before {
				t.Errorf("the folder holds\n%s, want\n%s", after, before)
			}
		})
	}
}

// leftBehind checks that a look made no table, and left nothing in Redis except the count of the
// budget.
func (p *patient) leftBehind(setup string) {
	p.t.Helper()
	for _, pair := range p.env {
		name, address, _ := strings.Cut(pair, "=")
		if name == "DATABASE_URL" && setup == "a fleet" { // whose tables the first worker makes
			p.sql(address, "CREATE SCHEMA shoal", "DROP SCHEMA shoal")
		}
		if name != "REDIS_URL" {
			continue
		}
		options, err := redis.ParseURL(address)
		if err != nil {
			p.t.Fatal(err)
		}
		client := redis.NewClient(options)
		defer func() { _ = client.Close() }()
		keys, err := client.Keys(p.t.Context(), "*").Result()
		for _, key := range keys {
			if !strings.HasSuffix(key, ":pace") && !strings.Contains(key, ":done:") {
				p.t.Errorf("Redis holds %s", key)
			}
		}
		if err != nil {
			p.t.Error(err)
		}
	}
}

// TestDoctorDoesNotAskOutOfTurn checks that nothing is sent during a pause.
func TestDoctorDoesNotAskOutOfTurn(t *testing.T) {
	t.Parallel()
	p := healthy(t, fakeapi.Behaviour{})
	if _, stderr, code := p.start(testenv.Build(t, "./cmd/worker")); code != 0 {
		t.Fatalf("worker = %d:\n%s", code, stderr)
	}
	pause := exec.CommandContext(t.Context(), testenv.Build(t, "./cmd/coordinator"), "pause", "10m", "--store", p.args["store"])
	if out, err := pause.CombinedOutput(); err != nil {
		t.Fatalf("coordinator pause = %v:\n%s", err, out)
	}
	sent := p.api.Count()
	r, code := p.look()
	found := map[string]doctor.Line{}
	for _, l := range r.Checks {
		found[l.Check] = l
	}
	if l := found["upstream.turn"]; l.Verdict != doctor.NotChecked || !strings.Contains(l.Found, "has paused it") || found["upstream.answer"].Verdict != doctor.NotChecked {
		t.Errorf("upstream.turn = %s: %s, want a pause", l.Verdict, l.Found)
	}
	if n := p.api.Count() - sent; n != 0 || code != 0 {
		t.Errorf("%d requests during a pause, exit code %d, want none and 0", n, code)
	}
}

// files are the names and sizes of what is in a folder.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %d %s\n", e.Name(), info.Size(), info.ModTime())
	}
	return all.String()
}
