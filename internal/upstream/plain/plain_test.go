package plain

import (
	"errors"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shoal/internal/harvest"
)

func newUpstream(t testing.TB, c Config) *Upstream {
	t.Helper()
	u, err := New(c)
	if err != nil {
		t.Fatalf("New(%+v): %v", c, err)
	}
	return u
}

func itemOf(t testing.TB, method string, body string) harvest.Item {
	t.Helper()
	item, err := harvest.NewItem("https://api.example/v1/items/7", "7", method, []byte(body))
	if err != nil {
		t.Fatalf("NewItem: %v", err)
	}
	return item
}

var arrived = time.Date(2026, 10, 21, 7, 26, 0, 0, time.UTC)

func answer(status int, body string) *harvest.Answer {
	return harvest.NewAnswer(harvest.Answer{
		Status: status, Body: []byte(body), Arrived: arrived,
		Header: http.Header{"Content-Type": {"application/json"}, "Etag": {`"v1"`}, "Set-Cookie": {"session=secret"}, "X-Other": {"x"}},
	}, nil)
}

// ending is the part of a reading that differs from answer to answer.
type ending struct {
	Fault   harvest.Fault
	Wait    time.Duration
	Outcome harvest.Outcome
	Reason  string // of the fault, else of the page
	Body    string
	Raw     string
	Records string // joined by blanks
	Detail  string
}

func endingOf(r harvest.Reading) ending {
	e := ending{Fault: r.Fault, Wait: r.Wait, Reason: r.Reason}
	for _, p := range r.Pages {
		e.Outcome, e.Reason, e.Body, e.Raw, e.Detail = p.Outcome, p.Reason, string(p.Body), string(p.Raw), p.Detail
		var data []string
		for _, record := range p.Records {
			data = append(data, string(record.Data))
		}
		e.Records = strings.Join(data, " ")
	}
	return e
}

func TestRead(t *testing.T) {
	for _, test := range readCases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, test.config)
			req, err := u.Request([]harvest.Item{itemOf(t, "", "")})
			if err != nil {
				t.Fatalf("Request: %v", err)
			}
			got := endingOf(u.Read(req, answer(test.status, test.body)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Read(%d, %s) (-want +got):\n%s", test.status, shorten(test.body), diff)
			}
		})
	}
}

func TestReadPage(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, Config{Extract: ".[]", KeepHeaders: []string{"x-other"}})
	item := itemOf(t, "", "")
	a := answer(200, `[1,"b"]`)
	got := u.Read(&harvest.Request{Items: []harvest.Item{item}}, a).Pages[0]
	if got.Answer != a || &got.Body[0] != &a.Body[0] {
		t.Errorf("Read: the page does not hold the answer whose bytes it uses")
	}
	got.Answer = nil
	want := harvest.Page{
		Key: item.Key, URL: item.URL, ID: "7", Outcome: harvest.Landed, Status: 200, FetchedAt: arrived, Body: []byte(`[1,"b"]`), MediaType: "application/json",
		Headers: []byte(`{"Content-Type":"application/json","ETag":"\"v1\"","X-Other":"x"}`),
		Records: []harvest.Record{{Ordinal: 0, Kind: "record", Data: []byte("1")}, {Ordinal: 1, Kind: "record", Data: []byte(`"b"`)}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(harvest.Page{}, harvest.Answer{})); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}

// A page that does not use the answer's bytes must not keep their memory.
func TestReadHoldsTheAnswerOnlyIfNeeded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config Config
		body   string
		want   bool
	}{
		"json":               {Config{}, `{}`, true},
		"json, mended":       {Config{}, `"\u0000"`, false},
		"json, skipped":      {Config{}, `1e200000`, false},
		"none":               {Config{Body: BodyNone, Extract: "."}, `"text"`, false},
		"raw":                {Config{Body: BodyRaw}, `text`, true},
		"raw, skipped":       {Config{Body: BodyRaw, Extract: ".n"}, `{"n":1e200000}`, false},
		"raw, not extracted": {Config{Body: BodyRaw, Extract: "error"}, `{}`, true},
	} {
		a := answer(200, test.body)
		page := newUpstream(t, test.config).Read(&harvest.Request{Items: []harvest.Item{itemOf(t, "", "")}}, a).Pages[0]
		if got := page.Answer == a; got != test.want {
			t.Errorf("%s: the page holds its answer: %v, want %v", name, got, test.want)
		}
		for i := range a.Body {
			a.Body[i] = 'X' // the memory belongs to another answer now
		}
		if !test.want && strings.Contains(string(page.Body)+joined(page), "X") {
			t.Errorf("%s: the page uses the answer's memory without holding it", name)
		}
	}
}

func joined(p harvest.Page) string {
	var all strings.Builder
	for _, r := range p.Records {
		all.Write(r.Data)
	}
	return all.String()
}

func TestReadMediaType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, header, want string }{
		{BodyRaw, "text/csv; charset=\xff\x1b[31mlatin1", "text/csv; charset=\ufffd[31mlatin1"},
		{BodyJSON, "application/hal+json; charset=utf-8", "application/hal+json; charset=utf-8"},
		{BodyJSON, "", ""},
		{BodyJSON, "text/" + strings.Repeat("x", 1000), "text/" + strings.Repeat("x", maxMediaType-5)},
		{BodyJSON, strings.Repeat("x", maxMediaType-1) + "ü", strings.Repeat("x", maxMediaType-1)},
		{BodyNone, "application/json", ""},
	} {
		a := answer(200, "{}")
		a.Header.Set("Content-Type", c.header)
		page := newUpstream(t, Config{Body: c.body}).Read(&harvest.Request{Items: []harvest.Item{itemOf(t, "", "")}}, a).Pages[0]
		if page.MediaType != c.want {
			t.Errorf("Read(%s, Content-Type %.40q).MediaType = %.60q, want %.60q", c.body, c.header, page.MediaType, c.want)
		}
	}
	empty := newUpstream(t, Config{Body: BodyRaw}).Read(&harvest.Request{Items: []harvest.Item{itemOf(t, "", "")}}, &harvest.Answer{Status: 200}).Pages[0]
	if empty.Raw == nil {
		t.Errorf("Raw of an empty answer = nil, want no bytes but not nil")
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	plain, reads := newUpstream(t, Config{}), newUpstream(t, Config{PostIsRead: true})
	tests := []struct {
		name     string
		u        *Upstream
		item     harvest.Item
		wantType string
		wantErr  error
	}{
		{"GET", plain, itemOf(t, "", ""), "", nil},
		{"POST without leave", plain, itemOf(t, "POST", `{}`), "", ErrMethod},
		{"POST that reads, of JSON", reads, itemOf(t, "POST", `{"q":1}`), "application/json", nil},
		{"POST that reads, of a form", reads, itemOf(t, "POST", `q=1&r=2`), "application/x-www-form-urlencoded", nil},
		{"DELETE never", reads, itemOf(t, "DELETE", ``), "", ErrMethod},
	}
	for _, test := range tests {
		req, err := test.u.Request([]harvest.Item{test.item})
		if !errors.Is(err, test.wantErr) {
			t.Errorf("%s: Request = %v, want %v", test.name, err, test.wantErr)
		}
		if err != nil {
			continue
		}
		if req.Method != test.item.Verb() || req.URL != test.item.URL || string(req.Body) != string(test.item.Body) || req.Type != test.wantType {
			t.Errorf("%s: Request = %+v, want the item's own with type %q", test.name, req, test.wantType)
		}
	}
	if _, err := plain.Request([]harvest.Item{itemOf(t, "", ""), itemOf(t, "", "")}); err == nil {
		t.Errorf("Request of two items = nil, want an error")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		config Config
		want   string
	}{
		{Config{Extract: ".items[}"}, "--extract: not a jq expression: unexpected token \"}\" at line 1, column 8:\n  .items[}\n         ^"},
		{Config{Check: ".a\n| .b |"}, "--check: not a jq expression: unexpected EOF at line 2, column 7:\n  | .b |\n        ^"},
		{Config{Wait: `"grüße" | "\q"`}, "--wait: not a jq expression: invalid escape sequence \"\\q\" in string literal at line 1, column 12:\n  \"grüße\" | \"\\q\"\n             ^"},
		{Config{Extract: ". | nonsense"}, "--extract: not a jq expression: function not defined: nonsense/0 at line 1, column 5:\n  . | nonsense\n      ^"},
		{Config{Extract: "$x"}, "--extract: not a jq expression: variable not defined: $x at line 1, column 1:\n  $x\n  ^"},
		{Config{Extract: `import "a" as a; .`}, "--extract: not a jq expression: cannot load module: \"a\" at line 1, column 8:\n  import \"a\" as a; .\n         ^"},
		{Config{Extract: "input"}, "--extract: not a jq expression: input(s)/0 is not allowed in: input"},
		{Config{Extract: "debug"}, "--extract: not a jq expression: function not defined: debug/0 at line 1, column 1:\n  debug\n  ^"},
		{Config{Body: "xml"}, `--body "xml" cannot be used: write json, raw or none`},
		{Config{KeepHeaders: []string{"ETag", "set-cookie"}}, `--keep-header "set-cookie" cannot be used: it holds a credential, and those are never stored`},
	}
	for _, test := range tests {
		if _, err := New(test.config); err == nil || err.Error() != test.want {
			t.Errorf("New(%+v) =\n%v, want\n%s", test.config, err, test.want)
		}
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, Config{Extract: ".[] | select(. > 1)"})
	got, err := u.Records([]byte(`[1,2,"\u0000"]`))
	want := []harvest.Record{{Ordinal: 0, Kind: "record", Data: []byte("2")}, {Ordinal: 1, Kind: "record", Data: []byte(`"` + "\ufffd" + `"`)}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Records: %v (-want +got):\n%s", err, diff)
	}
	for _, body := range []string{`[`, strings.Repeat("[", 300) + strings.Repeat("]", 300), `{"a":`} {
		if got, err := u.Records([]byte(body)); err == nil {
			t.Errorf("Records(%s) = %v, want an error", shorten(body), got)
		}
	}
	if got, err := u.Records(nil); got != nil || err != nil {
		t.Errorf("Records(nil) = %v, %v, want none: a page of a 204 has no body", got, err)
	}
	if got, err := newUpstream(t, Config{}).Records([]byte(`[1]`)); got != nil || err != nil {
		t.Errorf("Records without --extract = %v, %v, want none", got, err)
	}
}

// The programs must not see what the process knows.
func TestJQSeesNothing(t *testing.T) {
	t.Setenv("SHOAL_TEST_SECRET", "hidden")
	if os.Getenv("SHOAL_TEST_SECRET") != "hidden" {
		t.Fatal("the environment is not as this test needs it")
	}
	for _, jq := range []string{"env", "$ENV", `env.SHOAL_TEST_SECRET`, `$ENV.SHOAL_TEST_SECRET`} {
		records, err := newUpstream(t, Config{Extract: jq}).Records([]byte(`{}`))
		for _, r := range records {
			if s := string(r.Data); err != nil || (s != "{}" && s != "null") {
				t.Errorf("Records with %s = %s, %v, want nothing", jq, s, err)
			}
		}
	}
}

func TestDetail(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                               "",
		"<h1>Too many</h1>\r\nbye ":      "<h1>Too many</h1>\nbye",
		"a\x00b\x1b[31mc\xffd\u202ee\tf": "a\ufffdb\ufffd[31mc\ufffdd\ufffde\tf",
		strings.Repeat("x", 5000):        strings.Repeat("x", harvest.MaxDetail),
		strings.Repeat("日", 1000):        strings.Repeat("日", harvest.MaxDetail/3),
		strings.Repeat("\x00", 5000):     strings.Repeat("\ufffd", harvest.MaxDetail/3),
	} {
		if got := Detail(&harvest.Answer{Body: []byte(body)}); got != want {
			t.Errorf("Detail(%q) = %q, want %q", shorten(body), shorten(got), shorten(want))
		}
	}
	if got := Detail(nil); got != "" {
		t.Errorf("Detail(nil) = %q, want none", got)
	}
}

func TestNoURLKeepsTheCredential(t *testing.T) {
	u, err := New(Config{Next: NextLink, Credential: "api_key"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := u.ListRequest("https://a.example/i", "https://a.example/i?api_key=ab&page=2") // as an earlier version stored it
	if err != nil || req.URL != "https://a.example/i?page=2" {
		t.Fatalf("ListRequest() = %+v, %v, want no key in the URL", req, err)
	}
	link := `<https://a.example/i?api_key=ab&page=3>; rel="next", </i?page=9&api_key=ab>; rel=last`
	header := http.Header{"Link": {link}}
	l, _, r := u.ReadList(req, "https://a.example/i", 2, &harvest.Answer{Status: 200, Header: header, Body: []byte(`{}`)}, nil)
	if want := `{"Link":"<https://a.example/i?page=3>; rel=\"next\", </i?page=9>; rel=last"}`; r.Fault != "" || l.Page.URL != req.URL || string(l.Page.Headers) != want {
		t.Errorf("ReadList() = %s at %s with %s, want %s", r.Fault, l.Page.URL, l.Page.Headers, want)
	}
	if header.Get("Link") != link {
		t.Error("the answer's own header was changed")
	}
}

func TestKeptHeaders(t *testing.T) {
	t.Parallel()
	h := http.Header{"Etag": {"a\"b"}, "Link": {"<1>", "<2>"}, "Last-Modified": {"now\xff"}, "Set-Cookie": {"s"}, "Authorization": {"t"}, "X-One": {"1\x00"}, "X-Two": {"2"}}
	const want = `{"ETag":"a\"b","Last-Modified":"now` + "\ufffd" + `","Link":"<1>, <2>","X-One":"1` + "\ufffd" + `"}`
	if got := KeptHeaders(h, []string{"x-ONE", "Set-Cookie", "authorization", "Etag", "X-Absent"}); string(got) != want {
		t.Errorf("KeptHeaders = %s, want %s", got, want)
	}
	if got := KeptHeaders(http.Header{"Set-Cookie": {"s"}}, []string{"set-cookie"}); got != nil {
		t.Errorf("KeptHeaders of nothing to keep = %s, want nil", got)
	}
}

// FuzzRead looks for an answer that breaks any of it; whatever lands must be clean.
func FuzzRead(f *testing.F) {
	for _, text := range texts() {
		f.Add([]byte(text))
	}
	u, err := New(Config{Extract: ".. , (.. | tojson, tostring), (.. | strings | fromjson?, length, ascii_downcase, @base64d?)", MaxRecords: 1000})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := u.Read(&harvest.Request{Items: []harvest.Item{{URL: "https://a.example/"}}}, &harvest.Answer{Status: 200, Body: body})
		for _, p := range r.Pages {
			if p.Outcome != harvest.Landed {
				continue
			}
			for _, data := range append([][]byte{p.Body}, bodies(p)...) {
				if found, err := scan(data, 256); err != nil || found.dirty() || found.number != "" {
					t.Errorf("Read(%q) lands %q, which scan finds %+v, %v", body, data, found, err)
				}
			}
		}
	})
}

func bodies(p harvest.Page) [][]byte {
	all := make([][]byte, 0, len(p.Records))
	for _, r := range p.Records {
		all = append(all, r.Data)
	}
	return all
}

func BenchmarkRead(b *testing.B) {
	doc := document(8<<10, strings.Repeat("The quick brown fox. ", 20))
	for name, c := range map[string]Config{"body": {}, "extract": {Extract: ".items[]|{id,title}"}, "raw": {Body: BodyRaw}} {
		b.Run(name, func(b *testing.B) {
			u := newUpstream(b, c)
			req := &harvest.Request{Items: []harvest.Item{itemOf(b, "", "")}}
			a := answer(200, string(doc))
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if r := u.Read(req, a); len(r.Pages) != 1 {
					b.Fatal(r)
				}
			}
		})
	}
}

func TestTheBoundOnMemoryFollowsThatOfTheProcess(t *testing.T) { //nolint:paralleltest // the limit is the process's
	before := debug.SetMemoryLimit(400 << 20)
	u, err := New(Config{Extract: "."})
	debug.SetMemoryLimit(before)
	if err != nil || u.config.MaxMemory != 200<<20 {
		t.Errorf("New() with GOMEMLIMIT=400MiB = a bound of %d bytes, %v, want half of that, nil", u.config.MaxMemory, err)
	}
}

// An expression that would fill the memory is ended while it does.
func TestAnExpressionThatFillsTheMemoryIsEnded(t *testing.T) {
	t.Parallel()
	u, err := New(Config{Extract: `[range(1e9) | tostring * 20] | length`, Limit: time.Minute, MaxMemory: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Records([]byte(`{}`)); err == nil || !strings.Contains(err.Error(), "too much memory") {
		t.Errorf("Records() = %v, want an error that names the memory", err)
	}
}
