package doctor

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRedisVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Verdict{
		"7.0.15": OK, "8.0": OK, "7.2.4-beta": OK, "6.2.14": Warning, "6.0.16": Warning, "5.0.7": Warning, "": NotChecked, "unstable": NotChecked, "-1.2": NotChecked, "7": NotChecked,
	} {
		if got := redisVersion(text); got.Verdict != want {
			t.Errorf("redisVersion(%q) = %s (%s), want %s", text, got.Verdict, got.Found, want)
		}
	}
}

func TestRobots(t *testing.T) {
	t.Parallel()
	const many = "User-agent: shoal\nUser-agent: other\nDisallow: /a\nAllow: /a/b\n\nUser-agent: *\nDisallow: /\n"
	for _, test := range []struct {
		text, path string
		allowed    bool
	}{
		{"", "/x", true},
		{"User-agent: *\nDisallow:\n", "/x", true},
		{"User-agent: *\nDisallow: /\n", "/x", false},
		{"\uFEFFUSER-AGENT: *  # all\r\nDISALLOW: /x\r\n", "/x/1", false},
		{"User-agent: another\nDisallow: /\n", "/x", true},
		{many, "/a/1", false},
		{many, "/a/b/1", true},
		{many, "/c", true},
		{"User-agent: *\nDisallow: /\n\nUser-agent: Shoal/1.0\nAllow: /x\n", "/x", true},
		{"User-agent: *\nDisallow: /*.json$\n", "/a.json", false},
		{"User-agent: *\nDisallow: /*.json$\n", "/a.json?b=1", true},
		{"User-agent: *\nDisallow: /w/\nAllow: /w/api.php\n", "/w/api.php?action=query", true},
		{"User-agent: *\nDisallow: /x$\n", "/x", false},
		{"User-agent: *\nDisallow: /x$\n", "/xy", true},
		{"<html><body>Not: here</body></html>", "/x", true},
		{"Disallow: /\n", "/x", true},
		{"User-agent: *\nDisallow: /a*b*c\n", "/a1b2c3", false},
		{"User-agent: *\nDisallow: /x\nAllow: /x\n", "/x", true},
	} {
		r := parseRobots(test.text, "shoal")
		if got, by := r.allows(test.path); got != test.allowed {
			t.Errorf("parseRobots(%q).allows(%s) = %t by %q, want %t", test.text, test.path, got, by, test.allowed)
		}
	}
	r := parseRobots("User-agent: *\nCrawl-delay: 2.5\nSitemap: https://x.example/s.xml\nDisallow: /y\n", "shoal")
	if r.delay != 2500*time.Millisecond || len(r.rules) != 1 {
		t.Errorf("parseRobots() = %+v, want a delay of 2.5 s and one rule", r)
	}
}

func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /*a$\n", "/a")
	f.Fuzz(func(t *testing.T, text, path string) {
		r := parseRobots(text, "shoal")
		if allowed, by := r.allows(path); !allowed && !strings.Contains(text, strings.TrimSpace(by)) {
			t.Errorf("allows(%q) = false by %q, which %q does not hold", path, by, text)
		}
	})
}

// machine is one disk, and a limit of files.
type machine struct {
	disk  Disk
	known bool
	files uint64
}

func (m machine) Files() (uint64, bool)    { return m.files, m.known }
func (m machine) Disk(string) (Disk, bool) { return m.disk, m.known }

func TestMachine(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	for name, test := range map[string]struct {
		here machine
		want Verdict
	}{
		"much room":      {machine{known: true, disk: Disk{Free: 1 << 40}}, OK},
		"little room":    {machine{known: true, disk: Disk{Free: 1 << 29}}, Warning},
		"no room":        {machine{known: true, disk: Disk{Free: 1 << 10}}, Fault},
		"another system": {machine{}, NotChecked},
	} {
		if got := free(test.here, "/x", full); got.Verdict != test.want {
			t.Errorf("%s: free() = %s (%s), want %s", name, got.Verdict, got.Found, test.want)
		}
	}
	for files, want := range map[uint64]Verdict{63: Warning, 104: OK, 1 << 20: OK} {
		if got := OnMachine(40, "/x", machine{known: true, files: files, disk: Disk{Free: 1 << 40}}).Rows[0].Look(t.Context()); got.Verdict != want {
			t.Errorf("%d files = %s (%s), want %s", files, got.Verdict, got.Found, want)
		}
	}
	network := InSQLite(SQLite{File: "/x/y.db"}, machine{known: true, disk: Disk{Network: "NFS"}}).Rows[2].Look(t.Context())
	if network.Verdict != Warning || !strings.Contains(network.Found, "NFS") {
		t.Errorf("a network file system = %+v, want a warning", network)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]Verdict{0: OK, 4 * time.Second: OK, -4 * time.Second: OK, time.Minute: Warning, -time.Hour: Warning} {
		if got := clock("it", ahead); got.Verdict != want {
			t.Errorf("clock(%s) = %s (%s), want %s", ahead, got.Verdict, got.Found, want)
		}
	}
}
