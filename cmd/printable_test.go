package cmd_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"shoal/internal/testenv"
)

// hostileText is what a peer may put into any text: escapes, C0 and C1 controls, bidi controls,
// separators, tags; and a line that looks like one of ours.
const hostileText = "x\x1b[2J\x1b]0;t\x07\u0085\u009b31m\x9b31m\u202e\u2066\u200f\u061c\u2028\u2029\u200b\U000e0041\b\rw\nFORGED: the run is finished\r\nFORGED too"

// unprintable is the first byte of a program's output that could act on a terminal, with what is
// around it.
func unprintable(out []byte) string {
	for i := 0; i < len(out); {
		r, width := utf8.DecodeRune(out[i:])
		if r == utf8.RuneError && width == 1 || r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return fmt.Sprintf("%q in %q", r, out[max(0, i-60):min(len(out), i+40)])
		}
		i += width
	}
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("FORGED")) {
			return fmt.Sprintf("a forged line %q", line)
		}
	}
	return ""
}

// hostileAPI puts hostile text wherever an answer has room for text.
func hostileAPI(w http.ResponseWriter, r *http.Request) {
	quoted, _ := json.Marshal(strings.ToValidUTF8(hostileText, "?"))
	// What JSON escapes is text again once it is read; what it does not escape is in the raw body.
	raw := strings.NewReplacer("\n", `\n`, "\r", `\r`, "\x1b", `\u001b`, "\x07", `\u0007`, "\b", `\b`).Replace(hostileText)
	switch {
	case strings.HasPrefix(r.URL.Path, "/api.php"):
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"error":{"code":%s,"info":%s}}`, quoted, quoted)
	case strings.HasPrefix(r.URL.Path, "/good"):
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"`+"e\u202e\u009b"+`"`)
		fmt.Fprintf(w, `{"id":1,"title":%s,"raw":"%s"}`, quoted, strings.ToValidUTF8(raw, "?"))
	case strings.HasPrefix(r.URL.Path, "/error"):
		w.Header().Set("Content-Type", "application/json; charset=\u202e")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":%s,"raw":"%s"}`+"\n%s", quoted, raw, hostileText)
	case strings.HasPrefix(r.URL.Path, "/html"):
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<title>%s</title>%s", hostileText, hostileText)
	case strings.HasPrefix(r.URL.Path, "/away"):
		w.Header()["Location"] = []string{"http://evil\u202e.example/\u009b31m\x1b[2J"}
		w.WriteHeader(http.StatusFound)
	default: // a reason phrase, and headers that we read
		conn, _, _ := w.(http.Hijacker).Hijack()
		fmt.Fprintf(conn, "HTTP/1.1 429 \x1b[31mFORGED\u202e\r\nRetry-After: \x1b[31m\u009b\r\nX-RateLimit-Reset: \u202e\r\nRateLimit: \x9b\r\nContent-Length: 2\r\n\r\n{}")
		conn.Close()
	}
}

type look struct {
	dir, bin string
	env      []string
}

// run runs a program and gives all that it printed.
func (l look) run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(l.bin, args[0]), args[1:]...)
	cmd.Dir, cmd.Env = l.dir, append(os.Environ(), l.env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%v = %v", args, err)
	}
	if bad := unprintable(out); bad != "" {
		t.Errorf("%v printed %s", args, bad)
	}
	return out
}

func (l look) file(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Nothing from an upstream, a file or a setting reaches a terminal as anything but visible text, by
// any command.
func TestOutputIsPrintable(t *testing.T) {
	t.Parallel()
	l := look{dir: t.TempDir(), bin: bothPrograms(t)}
	api := httptest.NewServer(http.HandlerFunc(hostileAPI))
	t.Cleanup(api.Close)
	var urls strings.Builder
	for i := range 3 {
		for _, path := range []string{"good", "error", "html", "away"} {
			fmt.Fprintf(&urls, "%s/%s/%d\n", api.URL, path, i)
		}
	}
	l.file(t, "urls.txt", urls.String()+"# \n"+strings.ReplaceAll(hostileText, "\n", "")+"\nhttp://evil\u202e.example/\n")
	harvest := []string{"worker", "--corpus", "urls.txt", "--retries", "0", "--no-canary", "--rate", "500", "--extract", ".", "--max-dead", "none", "--max-skipped", "none", "--max-rejected", "none"}
	for _, mode := range [][]string{{"--progress", "plain", "--log-level", "debug"}, {"--progress", "json", "--run", "second"}, {"--try", "12"}} {
		l.run(t, append(harvest, mode...)...)
	}
	for _, command := range []string{"runs", "status", "report", "list", "show"} {
		for _, form := range []string{"", "--json"} {
			args := []string{"coordinator", command}
			if command != "runs" {
				args = append(args, "--run", "second")
			}
			if command == "show" {
				args = append(args, api.URL+"/good/1")
			}
			if command == "list" {
				args = append(args, "--outcome", "landed,dead,skipped")
			}
			if form != "" {
				args = append(args, form)
			}
			if out := l.run(t, args...); command == "show" && !bytes.Contains(out, []byte("title")) {
				t.Errorf("%v printed %q, want the item", args, out)
			}
		}
	}
	l.run(t, "worker", "--corpus", l.file(t, "limited.txt", api.URL+"/limited/1\n"), "--try", "1")
	l.run(t, "worker", "--corpus", l.file(t, "titles.txt", "A\nB\n"), "--api", api.URL+"/api.php", "--store", "sqlite:wiki.db", "--patience", "3s", "--retries", "0")
	l.run(t, "worker", "--corpus", "list:"+api.URL+"/good", "--next", ".title", "--store", "sqlite:list.db", "--patience", "3s", "--retries", "0")
	odd := "urls\x1b[2J\u202e\n.txt"
	l.run(t, "worker", "--corpus", odd)
	l.run(t, "worker", "--corpus", l.file(t, odd, urls.String()), "--limit", "1", "--store", "sqlite:odd\x1b[2J\u202e.db")
	l.run(t, "worker", "--config", l.file(t, "odd.yaml", "rate: \"\x1b[2J\u202e\"\n"+"k\u202eey\u009b: 1\n"))
	l.run(t, "worker", "--config", l.file(t, "bad.yaml", "a: [\x1b[31m\n\u202e: :\n"))
	l.run(t, "worker", "--config", "no\x1b[2J\u202e\nFORGED.yaml")
	l.run(t, "worker", "--"+hostileText)
	l.run(t, "worker", "--corpus", "urls.txt", "--extract", ".a | \u202e\x1b[2J\n  FORGED")
	l.run(t, "coordinator", hostileText)
	l.run(t, "coordinator", "show", "--run", "second", hostileText)
	l.run(t, "worker", "--print-config", "--corpus", "a\x1b[2J\u202e\u009b")
}

// The messages of Redis and PostgreSQL are text of a peer as well, and none of it with our password
// in it is shown.
func TestServicesOutputIsPrintable(t *testing.T) {
	t.Parallel()
	const password = "s3cr3t-p4ss/w+rd"
	l := look{dir: t.TempDir(), bin: bothPrograms(t)}
	l.file(t, "urls.txt", "http://127.0.0.1:1/1\n")
	said := hostileText + " " + password + " " + base64.StdEncoding.EncodeToString([]byte(password))
	redis := speak(t, func(conn net.Conn, in *bufio.Reader) {
		for {
			if _, err := in.ReadString('\n'); err != nil {
				return
			}
			fmt.Fprintf(conn, "-NOPERM %s\r\n", strings.NewReplacer("\r", " ", "\n", " ").Replace(said))
		}
	})
	postgres := speak(t, func(conn net.Conn, in *bufio.Reader) {
		if _, err := io.ReadFull(in, make([]byte, 8)); err != nil {
			return
		}
		fields := "SFATAL\x00VFATAL\x00C28P01\x00M" + said + "\x00D" + said + "\x00\x00"
		fmt.Fprintf(conn, "E%c%c%c%c%s", 0, 0, (len(fields)+4)>>8, (len(fields)+4)&0xff, fields)
	})
	l.env = []string{
		"SHOAL_REDIS=redis://:" + strings.NewReplacer("/", "%2F", "+", "%2B").Replace(password) + "@" + redis,
		"DATABASE_URL=postgres://me:" + strings.NewReplacer("/", "%2F", "+", "%2B").Replace(password) + "@" + postgres + "/db?sslmode=disable",
	}
	for _, args := range [][]string{
		{"worker", "--corpus", "urls.txt", "--store", "sqlite:a.db", "--patience", "2s"},
		{"worker", "--corpus", "urls.txt", "--redis", "", "--patience", "2s"},
		{"coordinator", "status"}, {"coordinator", "runs"},
		{"coordinator", "run", "--corpus", "urls.txt", "--patience", "2s"},
	} {
		out := l.run(t, args...)
		if bytes.Contains(out, []byte(password)) || bytes.Contains(out, []byte(base64.StdEncoding.EncodeToString([]byte(password)))) {
			t.Errorf("%v printed our password: %q", args, out)
		}
	}
}

// speak is a server that talks to each connection as talk does.
func speak(t *testing.T, talk func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				talk(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return l.Addr().String()
}

// bothPrograms is a folder with worker and coordinator.
func bothPrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"worker", "coordinator"} {
		if err := os.Symlink(testenv.Build(t, "./cmd/"+name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
