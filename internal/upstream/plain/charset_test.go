package plain

import (
	"net/http"
	"testing"

	"shoal/internal/harvest"
)

// TestCharsets checks that expressions see characters where the page keeps the bytes of an answer,
// and that a page records lost characters.
func TestCharsets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind, body string
		config           Config
		replaced         bool // by the decoder of the answer
		reason, records  string
	}{
		{"bytes in UTF-16", "application/json", "\xff\xfe\"\x00\xe9\x00\"\x00", Config{Body: BodyRaw, Extract: "."}, false, "", `"é"`},
		{"bytes in latin1", "application/json; charset=latin1", "\"\xe9\"", Config{Body: BodyRaw, Extract: "."}, false, "", `"é"`},
		{"bytes with a mark", "", "\xef\xbb\xbf1", Config{Body: BodyRaw, Extract: "."}, false, "", "1"},
		{"bytes that their charset does not have", "application/json; charset=shift_jis", "\"\x82\"", Config{Body: BodyRaw, Extract: "."}, false, "mended_utf8", "\"\uFFFD\""},
		{"text that was replaced", "", "\"\uFFFD\"", Config{Extract: "."}, true, "mended_utf8", "\"\uFFFD\""},
		{"UTF-8 without a declaration is replaced here", "", "\"\xe9\"", Config{Extract: "."}, false, "mended_utf8", "\"\uFFFD\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := harvest.NewAnswer(harvest.Answer{Status: 200, Header: http.Header{"Content-Type": {c.kind}}, Body: []byte(c.body), Replaced: c.replaced}, nil)
			r := newUpstream(t, c.config).Read(&harvest.Request{Items: []harvest.Item{itemOf(t, "", "")}}, a)
			got := endingOf(r)
			if got.Fault != harvest.FaultNone || got.Outcome != harvest.Landed || got.Reason != c.reason || got.Records != c.records {
				t.Fatalf("Read(%q) = %+v, want it landed with the reason %q and the records %s", c.body, got, c.reason, c.records)
			}
			if c.config.Body == BodyRaw && got.Raw != c.body {
				t.Errorf("Read(%q) keeps %q, want the bytes that came", c.body, got.Raw)
			}
		})
	}
}

func TestListingInUTF16(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, Config{Body: BodyRaw, Next: ".next"})
	body := "\xfe\xff\x00{\x00\"\x00n\x00e\x00x\x00t\x00\"\x00:\x00\"\x00?\x00p\x00=\x002\x00\"\x00}"
	request, err := u.ListRequest("https://a.example/x", "")
	if err != nil {
		t.Fatal(err)
	}
	_, then, r := u.ReadList(request, "https://a.example/x", 1, answer(200, body), nil)
	if r.Fault != harvest.FaultNone || then != "https://a.example/x?p=2" {
		t.Errorf("ReadList of UTF-16 continues at %q, %+v, want https://a.example/x?p=2", then, r)
	}
}
