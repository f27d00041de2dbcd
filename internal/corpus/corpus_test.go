package corpus_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shoal/internal/corpus"
	"shoal/internal/harvest"
)

// read returns what a corpus on standard input holds: URLs, the rejected lines by number, the last
// error.
func read(t *testing.T, cfg corpus.Config, text string) (items []harvest.Item, rejected []harvest.Rejection, err error) {
	t.Helper()
	cfg.URI, cfg.Stdin = "-", strings.NewReader(text)
	return pass(t, cfg)
}

func pass(t *testing.T, cfg corpus.Config) (items []harvest.Item, rejected []harvest.Rejection, err error) {
	t.Helper()
	s, err := corpus.Open(t.Context(), cfg)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	for entry, err := range s.Entries() {
		switch {
		case err != nil:
			return items, rejected, err
		case entry.Rejected != nil:
			rejected = append(rejected, *entry.Rejected)
		default:
			items = append(items, entry.Item)
		}
	}
	return items, rejected, nil
}

func urls(items []harvest.Item) (list []string) {
	for _, item := range items {
		list = append(list, item.URL)
	}
	return list
}

func TestLinesAreTrimmedAndCommentsIgnored(t *testing.T) {
	t.Parallel()
	text := "\xef\xbb\xbfhttps://a.example/1\r\n" + // a byte order mark and a Windows line end
		"\r\n" + "   \t\n" + "# a comment\n" + "  # another\n" +
		" \thttps://a.example/2 \n" +
		"\xef\xbb\xbfhttps://a.example/3\n" + // files put together
		"https://a.example/1\n" + // repeated: the corpus does not care
		"https://a.example/4" // no line end
	items, rejected, err := read(t, corpus.Config{}, text)
	if err != nil || len(rejected) != 0 {
		t.Fatalf("Entries() = %v, %v rejected, want nil, none", err, rejected)
	}
	want := []string{"https://a.example/1", "https://a.example/2", "https://a.example/3", "https://a.example/1", "https://a.example/4"}
	if diff := cmp.Diff(want, urls(items)); diff != "" {
		t.Errorf("Entries() differs (-want +got):\n%s", diff)
	}
	if got := items[1].Line; got != 6 {
		t.Errorf("Line of the second item = %d, want 6", got)
	}
}

func TestARejectedLineIsNamedByItsNumberAndReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, line, reason, text string
	}{
		{"another scheme", "ftp://a.example/x", "url_scheme", "must start with http"},
		{"a file", "file:///etc/passwd", "url_scheme", "must start with http"},
		{"gopher", "gopher://a.example/", "url_scheme", "must start with http"},
		{"no URL at all", "12345", "url_scheme", "add --url https://…/{id}"},
		{"a user name", "http://h@evil.example/", "url_userinfo", `host "evil.example"`},
		{"an address in disguise", "http://0x7f.1/", "url_host", "in disguise"},
		{"no host", "https:///x", "url_host", "missing"},
		{"another host", "https://b.example/x", "foreign_host", "--allow-host"},
		{"another port", "https://a.example:8443/x", "foreign_host", "--allow-host"},
		{"a control character", "https://a.example/\x1b[31mred", "url_control", `\x1b`},
		{"CR in the middle", "https://a.example/x\rGET /y", "url_control", `\r`},
		{"an encoded NUL", "https://a.example/%00", "url_control", "NUL"},
		{"a NUL", "https://a.example/\x00", "url_control", `\x00`},
		{"a long URL", "https://a.example/" + strings.Repeat("x", 100<<10), "line_too_long", "at most 8192"},
		{"one byte too long", "https://a.example/" + strings.Repeat("x", 8192-17), "line_too_long", "8193 bytes"},
		{"long once encoded", "https://a.example/" + strings.Repeat(" ", 4000) + "x", "url_too_long", "percent-encoded"},
		{"a line over all bounds", `{"url":"` + strings.Repeat("x", 2<<20), "line_too_long", "more than 1048576"},
		{"broken JSON", `{"url":"https://a.example/`, "bad_json", "ends inside"},
		{"an unknown field", `{"uri":"https://a.example/x"}`, "bad_json", `unknown field "uri"`},
		{"two objects", `{"url":"https://a.example/x"}{}`, "bad_json", "more than one value"},
		{"no url", `{"method":"GET"}`, "bad_json", "neither"},
		{"an id without a template", `{"id":"7"}`, "bad_json", "--url"},
		{"an id that is a list", `{"url":"https://a.example/x","id":[7]}`, "bad_id", "neither a string nor a number"},
		{"an id with a NUL", `{"url":"https://a.example/x","id":"a\u0000"}`, "bad_id", "control character"},
		{"JSON that is not UTF-8", "{\"url\":\"https://a.example/\xff\"}", "bad_json", "not UTF-8"},
		{"POST unasked for", `{"url":"https://a.example/x","method":"POST","body":{}}`, "method", "--post-is-read"},
		{"HEAD", `{"url":"https://a.example/x","method":"HEAD"}`, "method", "GET can, and POST with --post-is-read"},
		{"DELETE", `{"url":"https://a.example/x","method":"delete"}`, "method", "DELETE"},
		{"a GET with a body", `{"url":"https://a.example/x","body":"x"}`, "body", "POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			items, rejected, err := read(t, corpus.Config{}, "https://a.example/ok\n"+c.line+"\nhttps://a.example/after\n")
			if err != nil || len(items) != 2 || len(rejected) != 1 {
				t.Fatalf("Entries() = %d items, %v rejected, %v, want 2 items, 1 rejected, nil", len(items), rejected, err)
			}
			got := rejected[0]
			if got.Line != 2 || got.Reason != c.reason || !strings.Contains(got.Text, c.text) {
				t.Errorf("Rejected = %d, %q, %q, want 2, %q, …%s…", got.Line, got.Reason, got.Text, c.reason, c.text)
			}
			if strings.ContainsFunc(got.Text, func(r rune) bool { return r < 0x20 || r == 0x7f }) || len(got.Text) > 2000 {
				t.Errorf("Text = %q: it must be short and hold no control character", got.Text)
			}
		})
	}
}

func TestARejectedSecretIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"https://me:hunter2@a.example/x", "ftp://me:hunter2@a.example/x", "https://me:hunter2@a.example/\x01", "https://me:hun?ter2@hunter2@a.example\\@/"} {
		_, rejected, err := read(t, corpus.Config{}, "https://a.example/ok\n"+line+"\n")
		if err != nil || len(rejected) != 1 || strings.Contains(rejected[0].Text, "me:hunter2") {
			t.Errorf("Rejected = %v, %v, want one without the password", rejected, err)
		}
	}
}

func TestExactlyOneShardCountsARejectedLine(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("https://a.example/ok\n")
	for i := range 300 {
		text.WriteString("https://b.example/" + strings.Repeat("y", i) + "\n")
	}
	_, rejected, err := read(t, corpus.Config{}, text.String())
	if err != nil {
		t.Fatal(err)
	}
	owners := map[int]int{}
	for _, r := range rejected {
		for i := range 4 {
			if (harvest.Shard{Index: i, Of: 4}).Owns(r.Key) {
				owners[i]++
			}
		}
	}
	if sum := owners[0] + owners[1] + owners[2] + owners[3]; sum != 300 || len(owners) != 4 {
		t.Errorf("lines counted by shard = %v, want 300 in all, some in each", owners)
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	text := `{"url":"https://a.example/1","id":"one"}
{"id": 12345678901234567890, "url": "https://a.example/2", "method": "get"}
  {"url":"https://a.example/3","method":"POST","body":{ "q" : [1, 2] }}
{"url":"https://a.example/3","method":"post","body":"q=1"}
{"url":"https://a.example/4","id":null,"body":null}
`
	items, rejected, err := read(t, corpus.Config{PostIsRead: true}, text)
	if err != nil || len(rejected) != 0 {
		t.Fatalf("Entries() = %v, rejected %v, want nil, none", err, rejected)
	}
	type row struct{ ID, Method, Body string }
	want := []row{{"one", "", ""}, {"12345678901234567890", "", ""}, {"", "POST", `{"q":[1,2]}`}, {"", "POST", "q=1"}, {"", "", ""}}
	var got []row
	for _, item := range items {
		got = append(got, row{item.ID, item.Method, string(item.Body)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Entries() differs (-want +got):\n%s", diff)
	}
	if items[2].Key == items[3].Key {
		t.Error("two bodies for one URL have the same key, want two keys")
	}
}

func TestIDsBecomeURLsByTheTemplate(t *testing.T) {
	t.Parallel()
	text := "7\na/b?c#d&e=ü\n{\"id\":\"#1\"}\n{\"id\":9}\n# comment\n..\n.\n{\"url\":\"https://a.example/own\",\"id\":\"own\"}\n"
	items, rejected, err := read(t, corpus.Config{Template: "https://A.example/v1/{id}?again={id}"}, text)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"https://a.example/v1/7?again=7",
		"https://a.example/v1/a%2Fb%3Fc%23d%26e%3D%C3%BC?again=a%2Fb%3Fc%23d%26e%3D%C3%BC",
		"https://a.example/v1/%231?again=%231",
		"https://a.example/v1/9?again=9",
		"https://a.example/own",
	}
	if diff := cmp.Diff(want, urls(items)); diff != "" {
		t.Errorf("Entries() differs (-want +got):\n%s", diff)
	}
	if got := items[1].ID; got != "a/b?c#d&e=ü" {
		t.Errorf("ID = %q, want the id as the corpus has it", got)
	}
	if len(rejected) != 2 || rejected[0].Line != 6 || rejected[0].Reason != "bad_id" {
		t.Errorf("rejected = %v, want the dots of lines 6 and 7", rejected)
	}
}

func TestATemplateMustNotLetIDsChooseTheHost(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"https://a.example/items":      "needs {id}",
		"https://{id}.example/":        "path or the query",
		"https://a.example{id}":        "path or the query",
		"{id}":                         "path or the query",
		"https://a.example/#{id}":      "path or the query",
		"https://a.example/{id}/{rev}": "only placeholder",
		"ftp://a.example/{id}":         "http://",
		"https://u:p@a.example/{id}":   "user name",
	} {
		_, _, err := read(t, corpus.Config{Template: template}, "1\n")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(--url %s) = %v, want …%s…", template, err, want)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	text := "https://b.example/1\nhttps://A.example:443/2\nhttp://a.example:8080/3\nhttps://[::1]:8080/4\nhttps://c.example:99/5\n"
	for _, c := range []struct {
		hosts []string
		host  string
		want  []int64
	}{
		{nil, "b.example", []int64{1}},
		{[]string{"a.example"}, "a.example", []int64{2, 3}},
		{[]string{"A.example:8080", "C.EXAMPLE"}, "a.example:8080", []int64{3, 5}},
		{[]string{"[::1]"}, "[::1]:8080", []int64{4}},
	} {
		s, err := corpus.Open(t.Context(), corpus.Config{URI: "-", Stdin: strings.NewReader(text), Hosts: c.hosts})
		if err != nil {
			t.Fatal(err)
		}
		if s.Host() != c.host {
			t.Errorf("Host() with %v = %q, want %q", c.hosts, s.Host(), c.host)
		}
		var got []int64
		for entry := range s.Entries() {
			if entry.Rejected == nil {
				got = append(got, entry.Item.Line)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("lines admitted with %v = %v, want %v", c.hosts, got, c.want)
		}
	}
	if _, _, err := read(t, corpus.Config{Hosts: []string{"https://a.example/"}}, text); err == nil {
		t.Error("Open with a URL as an allowed host = nil, want an error")
	}
}

func TestACorpusWithoutAnItemIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		rejected bool
		want     string
	}{
		{"", false, "0 lines were looked at"},
		{"\n# nothing\n", false, "2 lines were looked at, all of them blank or comments"},
		{"# ids\none\ntwo\n", true, "3 lines were looked at, such as line 2"},
		{"ftp://x/1\nftp://x/2\n", true, "2 lines were looked at, 2 rejected, such as line 1"},
		{strings.Repeat("x\n", 5000), true, "they are ids: the first 1000 lines were looked at"},
	} {
		_, _, err := read(t, corpus.Config{}, c.text)
		if !errors.Is(err, corpus.ErrEmpty) || errors.Is(err, corpus.ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%.10q) = %v, want ErrEmpty with …%s…", c.text, err, c.want)
		}
		if got := errors.Is(err, corpus.ErrAllRejected); got != c.rejected {
			t.Errorf("Open(%.10q) = %v: ErrAllRejected is %t, want %t", c.text, err, got, c.rejected)
		}
	}
}

func TestLinesBeforeTheFirstItemAreKept(t *testing.T) {
	t.Parallel()
	items, rejected, err := read(t, corpus.Config{}, "url\n\nhttps://a.example/1\n")
	if err != nil || len(items) != 1 || len(rejected) != 1 || rejected[0].Line != 1 || items[0].Line != 3 {
		t.Errorf("Entries() = %v, %v, %v, want line 1 rejected and the item of line 3", items, rejected, err)
	}
}

func TestWhatCannotBeOpenedIsASentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "gone"), link); err != nil {
		t.Fatal(err)
	}
	for uri, want := range map[string]string{
		"":                             "no corpus",
		filepath.Join(dir, "none.txt"): "does not exist",
		dir:                            "is a folder",
		link:                           "is a link to",
		"ftp://a.example/urls":         "from an https address",
		"http://a.example/urls":        "from an https address",
		"https://me:secret@a.example/": "user name",
		"https://":                     "no host",
		"https://a.example/%zz":        "malformed",
	} {
		_, err := corpus.Open(t.Context(), corpus.Config{URI: uri})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q) = %v, want …%s…", uri, err, want)
		}
	}
}

func TestForeignFormatsAreNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\xfd7zXZ\x00…": "xz -dc",
		"BZh91AY&SY":    "bzip2 -dc",
		"PK\x03\x04…":   "unzip -p",
	} {
		_, _, err := read(t, corpus.Config{}, text)
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, corpus.ErrDamaged) {
			t.Errorf("Open(%q) = %v, want …%s…", text, err, want)
		}
	}
}

func TestAPassIsReadOnce(t *testing.T) {
	t.Parallel()
	s, err := corpus.Open(t.Context(), corpus.Config{URI: "-", Stdin: strings.NewReader("https://a.example/1\nhttps://a.example/1\n")})
	if err != nil {
		t.Fatal(err)
	}
	for range s.Entries() {
	}
	if got := s.Digest().Count; got != 2 {
		t.Errorf("Digest().Count = %d, want 2: repeats count", got)
	}
	for _, err := range s.Entries() {
		if err == nil {
			t.Error("a second Entries() = an entry, want an error")
		}
	}
}
