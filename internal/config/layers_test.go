package config

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"shoal/internal/upstream/all"
)

// partner is what two settings need beside them to be accepted.
func partner(name string) []string {
	switch name {
	case "cert":
		return []string{"SHOAL_KEY=k.pem"}
	case "key":
		return []string{"SHOAL_CERT=c.pem"}
	}
	return nil
}

func TestEveryVariableIsSeen(t *testing.T) {
	t.Parallel()
	given := samples(t)
	for _, s := range Settings() {
		if s.In == inProfile {
			continue
		}
		sample, ok := given[s.Name]
		if !ok || sample == s.Default && s.Name != "upstream" && s.Name != "shard" {
			t.Errorf("samples[%s] = %q, want a value other than the default", s.Name, sample)
			continue
		}
		environ := append(partner(s.Name), s.Env()+"="+sample)
		flags := bind(WorkerCommand(Env{}, nil).Flags(), 0, nil)
		l, err := newLayers(Env{Environ: environ, Dir: t.TempDir()}, inAll, flags)
		if err != nil {
			t.Errorf("newLayers(%s) = error %v, want none", environ, err)
			continue
		}
		if got := l.text(s.Name); got != sample {
			t.Errorf("%s=%s: text(%s) = %q, want %q", s.Env(), sample, s.Name, got, sample)
		}
		if got, want := l.source(s.Name).String(), "env "+s.Env(); got != want {
			t.Errorf("%s=%s: source(%s) = %q, want %q", s.Env(), sample, s.Name, got, want)
		}
	}
}

// without are the settings whose sample is the only possible value, or that are not in a Worker.
var without = []string{"upstream", "shard", "config", "print-config"}

// TestALineEndIsNoPartOfAVariable: a Secret made from a file ends in one.
func TestALineEndIsNoPartOfAVariable(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"SHOAL_CORPUS": "https://corpus.example/x?signature=y", "SHOAL_STORE": "postgres://shoal@127.0.0.1/shoal", "SHOAL_REDIS": "redis://127.0.0.1:6379/0",
	} {
		for _, end := range []string{"\n", "\r\n"} {
			l, err := newLayers(Env{Environ: []string{name + "=" + value + end}, Dir: t.TempDir()}, inAll, bind(WorkerCommand(Env{}, nil).Flags(), 0, nil))
			if err != nil {
				t.Fatalf("newLayers(%s=%q) = error %v, want none", name, value+end, err)
			}
			if got := l.text(strings.ToLower(strings.TrimPrefix(name, "SHOAL_"))); got != value {
				t.Errorf("%s=%q is taken for %q, want %q", name, value+end, got, value)
			}
		}
	}
}

func TestEverySettingReachesTheWorker(t *testing.T) {
	t.Parallel()
	plain := load(t, Env{})
	for name, sample := range samples(t) {
		s, _ := find(name)
		if s.In&InWorker == 0 || slices.Contains(without, name) {
			continue
		}
		byEnv := load(t, Env{Environ: append(partner(name), s.Env()+"="+sample)})
		byFlag := load(t, Env{Environ: partner(name)}, "--"+name+"="+sample)
		byFile := load(t, Env{Environ: partner(name), Dir: fileDir(t, name+": "+scalar(sample, s.List)+"\n")})
		for how, got := range map[string]Worker{"env": byEnv, "flag": byFlag, "file": byFile} {
			if same(got, plain) {
				t.Errorf("%s by %s = %q changes nothing in the Worker", name, how, sample)
			}
			if !same(got, byEnv) {
				t.Errorf("%s by %s and by env differ", name, how)
			}
			if !got.Given(name) {
				t.Errorf("Given(%s) by %s = false, want true", name, how)
			}
		}
	}
}

// same compares settings, not where they came from.
func same(a, b Worker) bool {
	a.layers, b.layers = nil, nil
	return reflect.DeepEqual(a, b)
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	const own = "profiles:\n  mine: {rate: 4/s, concurrency: 4, retries: 4}\nprofile: mine\n"
	file := own + "rate: 3/s\nconcurrency: 3\n"
	for _, test := range []struct {
		name, file, variable, flag string
		want                       string
		source                     string
	}{
		{"flag over all", file, "SHOAL_RATE=2/s", "--rate=1/s", "1/s", "flag"},
		{"environment over file", file, "SHOAL_RATE=2/s", "", "2/s", "env SHOAL_RATE"},
		{"an empty variable says nothing", file, "SHOAL_RATE=", "", "3/s", "file shoal.yaml:4"},
		{"file over profile", file, "", "", "3/s", "file shoal.yaml:4"},
		{"profile over default", own, "", "", "4/s", "profile mine"},
		{"an empty key says nothing", own + "rate:\n", "", "", "4/s", "profile mine"},
		{"built-in profile", "", "", "", "50/s", "profile generic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env := Env{Dir: fileDir(t, test.file), Environ: []string{test.variable}}
			var args []string
			if test.flag != "" {
				args = []string{test.flag}
			}
			w := load(t, env, args...)
			if w.Rate.Text != test.want || w.Source("rate").String() != test.source {
				t.Errorf("Rate = %s from %s, want %s from %s", w.Rate, w.Source("rate"), test.want, test.source)
			}
		})
	}
}

func TestServiceVariables(t *testing.T) {
	t.Parallel()
	usual := []string{"REDIS_URL=redis://usual:1", "DATABASE_URL=postgres://usual/db"}
	w := load(t, Env{Environ: usual})
	if w.Redis != "redis://usual:1" || w.Store != "postgres://usual/db" {
		t.Errorf("with %q: Redis, Store = %q, %q, want those", usual, w.Redis, w.Store)
	}
	if got := w.Source("store").String(); got != "env DATABASE_URL" {
		t.Errorf("Source(store) = %q, want env DATABASE_URL", got)
	}
	w = load(t, Env{Environ: append(usual, "SHOAL_REDIS=redis://ours:1", "SHOAL_STORE=sqlite:ours.db")})
	if w.Redis != "redis://ours:1" || w.Store != "sqlite:ours.db" {
		t.Errorf("with the twins too: Redis, Store = %q, %q, want the twins'", w.Redis, w.Store)
	}
	if w = load(t, Env{Environ: usual}, "--redis", ""); w.Redis != "" {
		t.Errorf("--redis '' : Redis = %q, want none", w.Redis)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	w := load(t, Env{})
	if w.Shard.String() != "0/1" || w.Upstream != "plain" || w.Body != "json" || w.Store != "sqlite:shoal.db" ||
		w.Rate.PerSecond != 50 || w.Concurrency != 40 || w.Batch != 1000 || w.BatchBytes != 8<<20 || w.Flush != time.Second ||
		w.Timeout != 30*time.Second || w.MaxBody != 16<<20 || w.Retries != 5 || w.Headroom != 0.01 || w.StatusAddr != "127.0.0.1:0" {
		t.Errorf("defaults differ from the documented ones: %+v", settingsOf(w))
	}
	if w.MaxDead.String() != "1%" || w.MaxSkipped.String() != "1%" || w.MaxRejected.String() != "1%" || !w.MaxMissing.Unlimited {
		t.Errorf("allowances = %v %v %v %v, want 1%% 1%% 1%% none", w.MaxDead, w.MaxSkipped, w.MaxRejected, w.MaxMissing)
	}
}

// settingsOf lets a failing test print what Worker itself hides.
func settingsOf(w Worker) any {
	type open Worker
	w.layers = nil
	return open(w)
}

func TestPatience(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		terminal bool
		args     []string
		want     time.Duration
		auto     bool
	}{
		{false, nil, 15 * time.Minute, true},
		{true, nil, 0, true},
		{true, []string{"--patience", "5m"}, 5 * time.Minute, false},
		{false, []string{"--patience", "0"}, 0, false},
		{true, []string{"--patience", "auto"}, 0, true},
		{false, []string{"--patience", "auto"}, 15 * time.Minute, true},
	} {
		w := load(t, Env{Terminal: test.terminal}, test.args...)
		if w.Patience != test.want || w.PatienceAuto != test.auto {
			t.Errorf("terminal %v, %q: Patience = %v, %v, want %v, %v", test.terminal, test.args, w.Patience, w.PatienceAuto, test.want, test.auto)
		}
	}
}

func TestHeadroom(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]float64{"0%": -1, "0": -1, "0.2%": 0.002, "0.5": 0.5} {
		if got := load(t, Env{}, "--headroom", typed).Headroom; got != want {
			t.Errorf("--headroom %s: Headroom = %v, want %v", typed, got, want)
		}
	}
}

func TestTry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want int
	}{
		{nil, 0}, {[]string{"--try"}, 3}, {[]string{"--try", "7"}, 7}, {[]string{"--try=8"}, 8}, {[]string{"--try", "--rate", "5"}, 3},
	} {
		if got := load(t, Env{}, test.args...).Try; got != test.want {
			t.Errorf("worker %q: Try = %d, want %d", test.args, got, test.want)
		}
	}
}

func TestRepeatedFlagsAreLists(t *testing.T) {
	t.Parallel()
	w := load(t, Env{}, "--keep-header", "x-one", "--keep-header", "X-TWO,x-three", "--allow-private", "10.1.2.3/16", "--allow-private", "::1")
	if want := []string{"X-One", "X-Two", "X-Three"}; !slices.Equal(w.KeepHeaders, want) {
		t.Errorf("KeepHeaders = %q, want %q", w.KeepHeaders, want)
	}
	if len(w.AllowPrivate) != 2 || w.AllowPrivate[0].String() != "10.1.0.0/16" || w.AllowPrivate[1].String() != "::1/128" {
		t.Errorf("AllowPrivate = %v, want [10.1.0.0/16 ::1/128]", w.AllowPrivate)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	env := Env{Environ: []string{"SHOAL_RATES=canary-value", "HTTPS_PROXY=http://u:canary-proxy@h", "SHOAL_REDIS=redis://db.lab.edu"}}
	got := strings.Join(load(t, env, "--url", "https://h.edu/{id}?api_key=x").Warnings, "\n")
	for _, want := range []string{"SHOAL_RATES", "SHOAL_RATE?", "HTTPS_PROXY is set and has no effect", "rediss://", "api_key"} {
		if !strings.Contains(got, want) {
			t.Errorf("Warnings = %q, want them to say %q", got, want)
		}
	}
	if strings.Contains(got, "canary") {
		t.Errorf("Warnings = %q, want no value of a variable", got)
	}
	if got := load(t, Env{Environ: []string{"HTTPS_PROXY=http://h"}}, "--proxy", "env").Warnings; len(got) != 0 {
		t.Errorf("with --proxy env: Warnings = %q, want none", got)
	}
}

func TestPrintedConfigReadsBack(t *testing.T) {
	t.Parallel()
	const file = `
rate: 5000/h   # comment
extract: '.data[] | {id: .id, note: "a # b"}'
check: "true"
keep-header: [X-One, X-Two]
run: null
headers:
  - {name: X-Team, value: "reef: 7"}
auth: {kind: bearer, secret-env: API_TOKEN}
profile: mine
profiles:
  mine: {concurrency: 3, min-pause: 7s, auth: {kind: basic, user: ada, secret-env: API_TOKEN}}
`
	env := Env{Dir: fileDir(t, file), Environ: []string{"API_TOKEN=x", "SHOAL_WAIT=.a, .b", "REDIS_URL=redis://:canary@localhost/1"}}
	args := []string{"--contact", "ada@lab.edu", "--allow-host", "b.edu"}
	first := load(t, env, args...)
	printed := world{env: env, args: append(args, "--print-config")}.run(t)
	if printed.err != nil || printed.ran {
		t.Fatalf("--print-config = ran %v, error %v, want neither", printed.ran, printed.err)
	}
	again := Env{Dir: fileDir(t, printed.out), Environ: env.Environ[:1]}
	again.Environ = append(slices.Clone(again.Environ), env.Environ[2])
	second := load(t, again)
	if !same(first, second) {
		t.Errorf("read back:\n%+v\nwant\n%+v\nprinted:\n%s", settingsOf(second), settingsOf(first), printed.out)
	}
	third := world{env: again, args: []string{"--print-config"}}.run(t)
	if values(third.out) != values(printed.out) {
		t.Errorf("printed again:\n%s\nwant\n%s", values(third.out), values(printed.out))
	}
	for _, want := range []string{"# from flag", "# from env SHOAL_WAIT", "# from file shoal.yaml:2", "# from default", "# from profile mine", "# from env REDIS_URL (redacted)"} {
		if !strings.Contains(printed.out, want) {
			t.Errorf("--print-config does not say %q:\n%s", want, printed.out)
		}
	}
}

// values is a printed configuration without the origins of its values.
func values(printed string) string {
	var b bytes.Buffer
	for line := range strings.Lines(printed) {
		value, _, _ := strings.Cut(line, "# from ")
		b.WriteString(strings.TrimSpace(value) + "\n")
	}
	return b.String()
}

func TestPrintConfigOfAWrongValue(t *testing.T) {
	t.Parallel()
	w := world{args: []string{"--print-config", "--rate", "0"}}.run(t)
	if !strings.Contains(w.out, "rate: 0") {
		t.Errorf("--print-config with a wrong value printed %q, want the value", w.out)
	}
	wantUsage(t, "--print-config --rate 0", w.err, "above 0")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	w := world{args: []string{"--help"}}.run(t)
	if w.err != nil || w.ran {
		t.Fatalf("--help = ran %v, error %v, want neither", w.ran, w.err)
	}
	last := -1
	for _, head := range append([]string{"Usage:", "Examples:"}, headings()...) {
		at := strings.Index(w.out, head)
		if at <= last {
			t.Errorf("--help has %q at %d, want it after %d", head, at, last)
		}
		last = at
	}
	for _, s := range Settings() {
		if shown := strings.Contains(w.out, "--"+s.Name); s.In&InWorker != 0 && !shown {
			t.Errorf("--help does not show --%s", s.Name)
		}
	}
	for _, variable := range []string{"DATABASE_URL", "REDIS_URL"} {
		if !strings.Contains(w.out, variable) {
			t.Errorf("--help does not say that %s is read", variable)
		}
	}
	for line := range strings.Lines(w.out) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > helpWidth {
			t.Errorf("--help has a line of %d columns, want at most %d: %q", n, helpWidth, line)
		}
	}
}

func headings() []string {
	var all []string
	for _, g := range groups() {
		all = append(all, string(g)+":")
	}
	return all
}

func TestConfigFlagNamesTheFile(t *testing.T) {
	t.Parallel()
	dir := fileDir(t, "rate: 3/s\n")
	if err := os.Rename(dir+"/"+fileName, dir+"/other.yaml"); err != nil {
		t.Fatal(err)
	}
	if got := load(t, Env{Dir: dir}).Rate.Text; got != "50/s" {
		t.Errorf("without --config: Rate = %s, want 50/s", got)
	}
	if got := load(t, Env{Dir: dir}, "--config", "other.yaml").Rate.Text; got != "3/s" {
		t.Errorf("--config other.yaml: Rate = %s, want 3/s", got)
	}
	if got := load(t, Env{Environ: []string{"SHOAL_CONFIG=" + dir + "/other.yaml"}}).Rate.Text; got != "3/s" {
		t.Errorf("SHOAL_CONFIG: Rate = %s, want 3/s", got)
	}
	wantUsage(t, "--config none.yaml", world{args: []string{"--config", "none.yaml"}}.run(t).err, "none.yaml", "no such file")
}

func TestMarkdownHasEverySetting(t *testing.T) {
	t.Parallel()
	table := Markdown(all.Kinds())
	for _, s := range Settings() {
		if s.In != inProfile && !strings.Contains(table, "`"+s.Env()+"`") {
			t.Errorf("Markdown(all.Kinds()) has no row for %s", s.Name)
		}
	}
}
