package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// spelled is a worker as a careless log line would print it.
func spelled(w Worker) string {
	if w.layers == nil {
		return ""
	}
	return fmt.Sprintf("%v %+v %#v %s", w, w, w, w.LogValue())
}

func TestCheckContact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		host string
		want string // empty: fine
	}{
		{nil, "api.lab.edu", "who is asking? add --contact you@uni.edu"},
		{nil, "127.0.0.1:8080", ""},
		{nil, "[::1]:8080", ""},
		{nil, "localhost", ""},
		{nil, "localhost.evil.org", "who is asking?"},
		{nil, "10.0.0.1", "who is asking?"},
		{[]string{"--contact", "ada@lab.edu"}, "api.lab.edu", ""},
		{[]string{"--contact", "https://lab.edu/~ada; ada@lab.edu"}, "api.lab.edu", ""},
		{[]string{"--contact", "you@uni.edu"}, "api.lab.edu", "placeholder"},
		{[]string{"--contact", "you@uni.edu"}, "127.0.0.1", ""},
		{[]string{"--contact", "ada@example.com"}, "api.lab.edu", "placeholder"},
		{[]string{"--contact", "https://www.example.org/bot"}, "api.lab.edu", "placeholder"},
		{[]string{"--contact", "ada@example.edu.au"}, "api.lab.edu", ""},
		{[]string{"--user-agent", "lab/1.0 (ada@lab.edu)"}, "api.lab.edu", ""},
		{[]string{"--user-agent", "lab/1.0"}, "api.lab.edu", "does not identify you"},
		{[]string{"--user-agent", "lab/1.0 (your-name@lab.edu)"}, "api.lab.edu", "placeholder"},
	} {
		err := load(t, Env{}, test.args...).CheckContact(test.host)
		switch {
		case test.want != "":
			wantUsage(t, fmt.Sprintf("%q: CheckContact(%s)", test.args, test.host), err, test.want)
		case err != nil:
			t.Errorf("%q: CheckContact(%s) = %v, want nil", test.args, test.host, err)
		}
	}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	env := Env{Version: "1.2"}
	if got := load(t, env, "--contact", "ada@lab.edu").Agent(); !strings.HasPrefix(got, "shoal/1.2 (ada@lab.edu; bot) Go/") {
		t.Errorf("Agent() = %q, want shoal/1.2 (ada@lab.edu; bot) Go/…", got)
	} else if err := LintUserAgent(got); err != nil {
		t.Errorf("LintUserAgent(%q) = %v, want nil", got, err)
	}
	if got := load(t, env, "--user-agent", "lab/1.0 (ada@lab.edu)").Agent(); got != "lab/1.0 (ada@lab.edu)" {
		t.Errorf("Agent() = %q, want the text of --user-agent", got)
	}
	if got := load(t, env).Agent(); got != "shoal/1.2" {
		t.Errorf("Agent() = %q, want shoal/1.2", got)
	}
	for _, bad := range []string{"python-requests/2.0", "a\r\nX: y", "lab é", strings.Repeat("x", 600), "(ada@lab.edu)"} {
		if LintUserAgent(bad) == nil {
			t.Errorf("LintUserAgent(%q) = nil, want an error", bad)
		}
	}
}

func TestForHost(t *testing.T) {
	t.Parallel()
	const auth = "auth: {kind: bearer, secret-env: API_TOKEN}\n"
	const own = "profiles: {mine: {rate: 60/s}}\n"
	for _, test := range []struct {
		name, args, file, host string
		profile, rate          string
		concurrency            int
		want                   string // empty: fine
	}{
		{"elsewhere", "", "", "api.lab.edu", "generic", "50/s", 40, ""},
		{"Wikipedia", "", "", "en.wikipedia.org", "wikimedia-anon", "200/min", 1, ""},
		{"Wikipedia with a port", "", "", "EN.wikipedia.org:8443", "wikimedia-anon", "200/min", 1, ""},
		{"a domain that only looks like it", "", "", "notwikipedia.org", "generic", "50/s", 40, ""},
		{"another one", "", "", "wikipedia.org.evil.net", "generic", "50/s", 40, ""},
		{"with a credential", "", auth, "www.wikidata.org", "wikimedia-auth", "2000/min", 3, ""},
		{"a lower rate", "--rate 1/s", "", "en.wikipedia.org", "wikimedia-anon", "1/s", 1, ""},
		{"a higher rate", "--rate 50/s", "", "en.wikipedia.org", "", "", 0, "add --force"},
		{"more at once", "--concurrency 2", "", "en.wikipedia.org", "", "", 0, "add --force"},
		{"a higher rate by force", "--rate 50/s --force", "", "en.wikipedia.org", "wikimedia-anon", "50/s", 1, ""},
		{"another profile", "--profile generic", "", "en.wikipedia.org", "", "", 0, "add --force"},
		{"one's own profile", "--profile mine", own, "en.wikipedia.org", "", "", 0, "rate of profile mine"},
		{"one's own profile elsewhere", "--profile mine", own, "api.lab.edu", "mine", "60/s", 40, ""},
		{"the site's profile elsewhere", "--profile wikimedia-anon", "", "wiki.lab.edu", "wikimedia-anon", "200/min", 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env := Env{Dir: fileDir(t, test.file), Environ: []string{"API_TOKEN=x"}}
			before := load(t, env, append(strings.Fields(test.args), "--contact", "ada@lab.edu")...)
			before.Run, before.Corpus = "2026q4", "stored.txt"
			w, err := before.ForHost(test.host)
			if test.want != "" {
				wantUsage(t, "ForHost("+test.host+")", err, test.want)
				return
			}
			if err != nil || w.Profile != test.profile || w.Rate.Text != test.rate || w.Concurrency != test.concurrency {
				t.Errorf("ForHost(%s) = %s %s %d, %v, want %s %s %d", test.host, w.Profile, w.Rate, w.Concurrency, err, test.profile, test.rate, test.concurrency)
			}
			if w.Run != before.Run || w.Corpus != before.Corpus {
				t.Errorf("ForHost(%s) changed Run, Corpus to %q, %q", test.host, w.Run, w.Corpus)
			}
		})
	}
	if _, err := load(t, Env{}).ForHost("api.lab.edu"); err == nil {
		t.Error("ForHost without contact = nil, want an error")
	}
}

func TestSiteProfileIsComplete(t *testing.T) {
	t.Parallel()
	w, err := load(t, Env{}, "--contact", "ada@lab.edu").ForHost("en.wikipedia.org")
	if err != nil || w.Workers != 1 || w.MinPause != 5*time.Second || w.ProfileAsOf == "" {
		t.Errorf("ForHost(en.wikipedia.org) = workers %d, min-pause %v, as of %q, %v; want 1, 5s and a day", w.Workers, w.MinPause, w.ProfileAsOf, err)
	}
	if got := w.Source("rate").String(); got != "profile wikimedia-anon" {
		t.Errorf("Source(rate) = %q, want profile wikimedia-anon", got)
	}
}

func TestProfileIsKnownFromURL(t *testing.T) {
	t.Parallel()
	if w := load(t, Env{}, "--url", "https://en.wikipedia.org/{id}"); w.Profile != "wikimedia-anon" || w.Concurrency != 1 {
		t.Errorf("Profile, Concurrency = %s, %d, want wikimedia-anon, 1", w.Profile, w.Concurrency)
	}
}

func TestProfileHeadersAndAuth(t *testing.T) {
	t.Parallel()
	const file = `profiles:
  mine:
    as-of: 2026-11-01
    reset-unit: epoch
    headers: [{name: X-Team, value: reef}]
    auth: {kind: oauth2, token-url: 'https://t.edu/token', client-id: shoal, client-secret-env: API_TOKEN, scopes: [a, b]}
`
	env := Env{Dir: fileDir(t, file), Environ: []string{"API_TOKEN=x"}}
	w := load(t, env, "--profile", "mine")
	if len(w.Headers) != 1 || w.Headers[0] != (Header{Name: "X-Team", Value: "reef"}) || w.ResetUnit != "epoch" || w.ProfileAsOf != "2026-11-01" {
		t.Errorf("profile mine = %+v, want its header, reset-unit and as-of", settingsOf(w))
	}
	if w.Auth.Kind != "oauth2" || w.Auth.ClientID != "shoal" || len(w.Auth.Scopes) != 2 {
		t.Errorf("Auth = %+v, want that of the profile", w.Auth)
	}
	if w := load(t, env); w.Auth.Kind != "" || w.Headers != nil {
		t.Errorf("without --profile: Auth, Headers = %v, %v, want none", w.Auth, w.Headers)
	}
}

func TestAllowance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text     string
		n, total int64
		want     bool
	}{
		{"1%", 1, 100, false}, {"1%", 2, 100, true}, {"1%", 1, 99, true}, {"0", 0, 10, false}, {"0", 1, 10, true},
		{"20", 20, 10, false}, {"20", 21, 1e9, true}, {"none", 1e9, 1e9, false}, {"0.5%", 6, 1000, true}, {"1%", 0, 0, false},
	} {
		a, err := ParseAllowance(test.text)
		if got := a.Exceeded(test.n, test.total); err != nil || got != test.want {
			t.Errorf("ParseAllowance(%q).Exceeded(%d, %d) = %v, %v, want %v", test.text, test.n, test.total, got, err, test.want)
		}
		if again, err := ParseAllowance(a.String()); err != nil || again != a {
			t.Errorf("ParseAllowance(%q) = %v, %v, want %v", a.String(), again, err, a)
		}
	}
}
