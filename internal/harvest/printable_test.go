package harvest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// hostile is what a server may put into any text: escapes, C0, C1 (as characters and as bytes),
// bidi controls, line breaks of every kind, zero-width characters and tags.
const hostile = "a\x1b[2J\x1b]0;title\x07\x00\x08\x7f\u0085\u009b31m\x9b31m\u202a\u202e\u2066\u2069\u200e\u200f\u061c\u2028\u2029\u200b\u200d\ufeff\u00ad\U000e0041\r\v\fz"

func isHarmless(r rune) bool {
	return r == '\n' || r == '\t' || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ in, want string }{
		{"plain, Ünïcödé, 日本語, 🐟\ta\nb", "plain, Ünïcödé, 日本語, 🐟\ta\nb"},
		{"a\x1b[31mb", `a\u001b[31mb`},
		{"a\x9bb", `a\x9bb`},
		{"a\u009bb\u202eb\u2028", `a\u009bb\u202eb\u2028`},
		{"\U000e0041", `\udb40\udc41`},
		{"a\r\nb\rc", "a\nb" + `\u000dc`},
		{"\ufffd", "\ufffd"},
		{"\x00\x7f", `\u0000\u007f`},
	} {
		if got := Visible(row.in); got != row.want {
			t.Errorf("Visible(%q) = %q, want %q", row.in, got, row.want)
		}
	}
	got := Visible(hostile)
	if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !isHarmless(r) }) || strings.Contains(got, "\n") {
		t.Errorf("Visible(%q) = %q, want nothing that acts on a terminal", hostile, got)
	}
}

// JSON that went through Visible is the same JSON.
func TestVisibleKeepsJSON(t *testing.T) {
	t.Parallel()
	in := strings.ToValidUTF8(hostile, "?")
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back string
	if err := json.Unmarshal([]byte(Visible(string(text))), &back); err != nil || back != in {
		t.Errorf("Visible(%s) reads back as %q, %v; want %q", text, back, err, in)
	}
}

// A text inside a sentence never begins a line of its own.
func TestLinesCannotBeForged(t *testing.T) {
	t.Parallel()
	forged := "x\nworker: drained\r\nrun finished\u2028y\u0085z\vq\fp"
	for name, got := range map[string]string{
		"Line":      Line(forged),
		"Linef":     Linef("%s, %v, %d", forged, errors.New(forged), 7),
		"ErrorText": ErrorText(fmt.Errorf("open: %w", errors.New(forged))),
	} {
		if strings.ContainsAny(got, "\n\r\v\f\u0085\u2028\u2029") {
			t.Errorf("%s = %q, want one line", name, got)
		}
	}
	detailed := &Detailed{Err: errors.New("refused: " + forged), Below: []string{"first " + forged, "second"}}
	if got := ErrorText(fmt.Errorf("work: %w (more)", detailed)); strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, "\n  second") {
		t.Errorf("ErrorText = %q, want a sentence and two lines", got)
	}
}

func TestNewVisibleHoldsACutCharacter(t *testing.T) {
	t.Parallel()
	const text = "é日🐟\u202e\x9b!"
	for size := 1; size <= len(text); size++ {
		var out strings.Builder
		w := NewVisible(&out)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if got, err := io.WriteString(w, rest[:n]); got != n || err != nil {
				t.Fatalf("Write = %d, %v, want %d", got, err, n)
			}
			rest = rest[n:]
		}
		if out.String() != Visible(text) {
			t.Errorf("in parts of %d: %q, want %q", size, out.String(), Visible(text))
		}
	}
}

func TestWord(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z0-9_-]{1,60}$`)
	for _, text := range []string{"", "maxlag", "Read-API Denied", hostile, strings.Repeat("é", 300), strings.Repeat("x", 99), "\x00", "ſK", "日本"} {
		if got := Word(text, "api_error"); !form.MatchString(got) {
			t.Errorf("Word(%q) = %q, want %s", text, got, form)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("plain")
	f.Add(hostile)
	f.Fuzz(func(t *testing.T, text string) {
		got := Visible(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !isHarmless(r) }) {
			t.Errorf("Visible(%q) = %q, want nothing that acts on a terminal", text, got)
		}
		if Visible(got) != got {
			t.Errorf("Visible(%q) is not stable: %q", text, Visible(got))
		}
	})
}
