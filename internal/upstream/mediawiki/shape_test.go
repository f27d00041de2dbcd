package mediawiki

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// 16 MiB of empty objects are 70 KiB on the wire and gigabytes in memory.
//
//nolint:paralleltest // it measures what the process allocates
func TestValuesAreCountedBeforeDecoding(t *testing.T) {
	const size = 16<<20 - 100
	fill := func(before, value, after string) string {
		return before + strings.TrimSuffix(strings.Repeat(value+",", size/(len(value)+1)), ",") + after
	}
	bodies := map[string]string{
		"pages":        fill(`{"query":{"pages":[`, `{}`, `]}}`),
		"pages by id":  fill(`{"query":{"pages":{`, `"1":{}`, `}}}`),
		"normalized":   fill(`{"query":{"normalized":[`, `{}`, `]}}`),
		"revisions":    fill(`{"query":{"pages":[{"title":"A","revisions":[`, `{}`, `]}]}}`),
		"errors":       fill(`{"errors":[`, `{}`, `]}`),
		"rights":       fill(`{"query":{"userinfo":{"rights":[`, `""`, `]}}}`),
		"numbers":      fill(`{"query":{"pages":[`, `1`, `]}}`),
		"continue":     fill(`{"continue":{`, `"a":1`, `}}`),
		"unknown":      fill(`{"x":[`, `[]`, `]}`),
		"after quotes": fill(`{"a":"\\\"{","query":{"pages":[`, `{}`, `]}}`),
	}
	u := wiki(t)
	items := titles(t, "A", "B")
	for name, body := range bodies {
		two, one, answer := ask(t, u, items), ask(t, u, items[:1]), answered(body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, lone := u.Read(two, answer), u.Read(one, answer)
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if r.Fault != harvest.FaultUndecodable || r.Reason != "too_many_values" || ends(lone, items[:1]) != "skipped too_many_values" || allocated > 1<<20 {
			t.Errorf("%s: Read() = %+v for two, %q for one, after %d bytes allocated, want too_many_values and nothing decoded", name, r, ends(lone, items[:1]), allocated)
		}
		if _, _, r := u.ReadList(answered(body)); r.Fault != harvest.FaultUndecodable || r.Reason != "too_many_values" {
			t.Errorf("%s: ReadList() = %+v, want too_many_values", name, r)
		}
	}
	var listing strings.Builder
	for range 5000 {
		listing.WriteString(`,{"pageid":1,"ns":4,"title":"A","contentmodel":"wikitext","pagelanguage":"en","pagelanguagehtmlcode":"en","pagelanguagedir":"ltr","touched":"2020-01-01T00:00:00Z","lastrevid":1,"length":2}`)
	}
	if listed, _, r := u.ReadList(answered(`{"query":{"pages":[` + listing.String()[1:] + `]}}`)); len(listed) != 5000 || r.Fault != harvest.FaultNone {
		t.Errorf("ReadList(5,000 pages) = %d pages, %+v, want all", len(listed), r)
	}
	if r := u.Read(ask(t, u, items[:1]), answered(`{"continue":{"a":"`+strings.Repeat("x", maxContinue)+`"},"query":{"pages":[{"title":"A"}]}}`)); r.Next != nil || len(r.Unfinished) != 1 {
		t.Errorf("Read(a continue object of 16 KiB) = %+v, want its item unfinished", r)
	}
}

func TestMarksAreSkipped(t *testing.T) {
	t.Parallel()
	u := wiki(t)
	for _, mark := range []string{"\uFEFF", "\uFEFF\uFEFF", "\r\n\uFEFF \n", "\uFEFF\n\uFEFF"} {
		items := titles(t, "A")
		body := mark + `{"query":{"pages":[` + rev(1, "A", "\uFEFFa") + `]}}`
		for _, text := range []string{body, body + mark} {
			r := u.Read(ask(t, u, items), answered(text))
			if got := ends(r, items); got != "landed" || !strings.Contains(string(r.Pages[0].Body), "\"content\":\"\uFEFFa\"") {
				t.Errorf("Read(%q) = %q, want it landed with its own mark kept", text, got)
			}
		}
	}
}

// A code is shown in a row, in a label of a metric and on a terminal.
func TestReasonsAreWords(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`badvalue`: "badvalue", `a\u0000b`: "a_b", `\u001b[31mred\u0007`: "__31mred_", `two words`: "two_words", `x\u202ey`: "x_y", `\u0441`: "_",
		strings.Repeat("long", 99): strings.Repeat("long", 15), "": "api_error", `a\nfake line`: "a_fake_line", `Ünknown_Code-7`: "_nknown_code-7",
	} {
		u := wiki(t)
		r := u.Read(ask(t, u, titles(t, "A")), answered(`{"errors":[{"code":"`+code+`","text":"x\u0000\u001b[31m"}]}`))
		if r.Reason != want || strings.ContainsAny(r.Cause.Error(), "\x00\x1b\u202e\n") {
			t.Errorf("Read(error %s) = reason %q, cause %q, want reason %q and printable text", code, r.Reason, r.Cause, want)
		}
	}
}

func TestShapeIsQuick(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for _, body := range []string{`{"a":"` + strings.Repeat(`\\`, 8<<20) + `"}`, `{"a":"` + strings.Repeat(`\"`, 8<<20) + `"}`, `"` + strings.Repeat(`\`, 16<<20)} {
		if err := checkShape([]byte(body), 256); err != nil {
			t.Errorf("checkShape(%d bytes of backslashes) = %v, want nil", len(body), err)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("checkShape(48 MiB) took %s, want linear time", took)
	}
}

// An answer that is not from api.php is described.
func TestWhatIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`<!DOCTYPE html><html><head><title>Log in - Our wiki</title></head></html>`:                            "Log in - Our wiki",
		"\uFEFF<html><title>Down for repairs</title></html>":                                                   "Down for repairs",
		`<br /><b>Warning</b>: Undefined index in <b>/srv/w/LocalSettings.php</b><br />{"query":{"pages":[]}}`: "",
		``: "empty", `{"query":{"pages":[`: "",
	} {
		u := wiki(t)
		a := answered(body)
		a.Header.Set("Content-Type", "text/html; charset=UTF-8")
		r := u.Read(ask(t, u, titles(t, "A")), a)
		if r.Fault != harvest.FaultUndecodable || r.Cause == nil || !strings.Contains(r.Cause.Error(), want) || r.Reason != "html" && r.Reason != "bad_json" {
			t.Errorf("Read(%q) = %+v, want a cause with %q", body, r, want)
		}
	}
}
