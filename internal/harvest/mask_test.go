package harvest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

const maskSecret = "Zg/7+k&9<é>\"x=Q🐟_-w"

// every escapes each character of s by f.
func every(s string, f func(r rune) string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(f(r))
	}
	return b.String()
}

func percentAll(format string) func(rune) string {
	return func(r rune) string {
		out := ""
		for _, b := range []byte(string(r)) {
			out += fmt.Sprintf(format, b)
		}
		return out
	}
}

// quotes are the ways in which a server may quote a secret.
func quotes(s string) map[string]string {
	asJSON, _ := json.Marshal(s)
	inJSON := strings.Trim(string(asJSON), `"`)
	twice, _ := json.Marshal(inJSON)
	all := map[string]string{
		"plain": s, "JSON": inJSON, "JSON in JSON": strings.Trim(string(twice), `"`), "JSON with slashes": strings.ReplaceAll(inJSON, "/", `\/`),
		"JSON, each character": every(s, func(r rune) string {
			if r > 0xffff {
				return string(r)
			}
			return fmt.Sprintf(`\u%04x`, r)
		}),
		"JSON, capitals": every(s, func(r rune) string {
			high, low := utf16Pair(r)
			if high == 0 {
				return fmt.Sprintf(`\u%04X`, r)
			}
			return fmt.Sprintf(`\u%04X\u%04X`, high, low)
		}),
		"HTML":                    html.EscapeString(s),
		"HTML, decimal":           every(s, func(r rune) string { return fmt.Sprintf("&#%d;", r) }),
		"HTML, hex":               every(s, func(r rune) string { return fmt.Sprintf("&#x%X;", r) }),
		"HTML, padded hex":        every(s, func(r rune) string { return fmt.Sprintf("&#x%06x;", r) }),
		"HTML in HTML":            html.EscapeString(html.EscapeString(s)),
		"HTML, names":             strings.NewReplacer("/", "&sol;", "+", "&plus;", "&", "&amp;", "<", "&lt;", "=", "&equals;", "_", "&lowbar;", `"`, "&quot;").Replace(s),
		"query":                   url.QueryEscape(s),
		"path":                    url.PathEscape(s),
		"percent, each byte":      every(s, percentAll("%%%02X")),
		"percent, lower case":     every(s, percentAll("%%%02x")),
		"percent twice":           url.QueryEscape(url.QueryEscape(s)),
		"percent thrice":          url.QueryEscape(url.QueryEscape(url.QueryEscape(s))),
		"percent, some":           strings.Replace(s, "Z", "%5A", 1),
		"hex":                     hex.EncodeToString([]byte(s)),
		"HEX":                     strings.ToUpper(hex.EncodeToString([]byte(s))),
		"JSON of percent":         strings.ReplaceAll(url.QueryEscape(s), "%", `\u0025`),
		"escaped base64 in a URL": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))),
	}
	for name, enc := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.URLEncoding, "raw base64": base64.RawStdEncoding, "raw base64url": base64.RawURLEncoding} {
		for i, before := range []string{"", "u", "us", "user:"} {
			all[fmt.Sprintf("%s behind %d bytes", name, i)] = enc.EncodeToString([]byte(before + s + "!"[:i%2]))
		}
	}
	delete(all, "JSON of percent") // one kind of escape around another is beyond what is promised
	return all
}

func TestMaskKnowsTheForms(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{maskSecret, "eyJhbGciOi.J9abc-_d", "12345678", "p@ss w0rd/+", `back\slash"quote`, "sk_live_abcDEF0123456789"} {
		m := NewMask(4, secret)
		for name, quoted := range quotes(secret) {
			text := "before " + quoted + " after"
			got := m.Text(text)
			want := "before [secret] after"
			if name == "plain" && secret == "12345678" {
				want = "before 0 after"
			}
			if strings.Contains(name, "base64") { // what stood before it in the same encoding may stay
				if !strings.Contains(got, "[secret]") || strings.Contains(got, quoted) {
					t.Errorf("%s of %q: Text(%q) = %q, want it masked", name, secret, text, got)
				}
				continue
			}
			if got != want && !(strings.Trim(quoted, "0123456789") == "" && got == "before 0 after") {
				t.Errorf("%s of %q: Text(%q) = %q, want %q", name, secret, text, got, want)
			}
		}
	}
}

// What remains of base64 around a masked secret reveals nothing about it.
func TestMaskedBase64SaysNothing(t *testing.T) {
	t.Parallel()
	a, b := "first-secret-AAAA", "other-secret-BBBB"
	m := NewMask(4, a, b)
	for _, before := range []string{"", "u", "us", "use"} {
		for _, after := range []string{"", "x", "xy"} {
			one := m.Text(base64.StdEncoding.EncodeToString([]byte(before + a + after)))
			two := m.Text(base64.StdEncoding.EncodeToString([]byte(before + b + after)))
			if one != two {
				t.Errorf("between %q and %q: %q and %q differ", before, after, one, two)
			}
		}
	}
}

func TestMaskKeepsJSON(t *testing.T) {
	t.Parallel()
	secrets := []string{"nabc1234", `q"uote/\back`, "12345678", "u0041bcdef"}
	m := NewMask(8, secrets...)
	for _, value := range []string{`x`, `\`, "\n", `\\`, "\\\n"} {
		for _, secret := range secrets {
			body, _ := json.Marshal(map[string]any{"a": value + secret + value, "b": json.Number("912345678012345678"), "c": json.Number("12345678"), "d": json.Number("12345678.5")})
			if got := m.Bytes(body); !json.Valid(got) || bytes.Contains(got, []byte(secret)) {
				t.Errorf("Bytes(%s) = %s, want JSON without %q", body, got, secret)
			}
		}
	}
}

func TestMaskPairs(t *testing.T) {
	t.Parallel()
	m := NewMask(8)
	m.AddPair("key=", "a+")
	m.AddPair("me:", "pw")
	for in, want := range map[string]string{
		"?key=a+&x=1": "?key=[secret]&x=1", "key=a%2B": "key=[secret]", "key%3Da%2b": "key%3D[secret]", `key=a\u002b"`: `key=[secret]"`,
		"key=a+b": "key=a+b", "?monkey=a": "?monkey=a", "http://me:pw@host": "http://me:[secret]@host", "me:pwx": "me:pwx",
	} {
		if got := m.Text(in); got != want {
			t.Errorf("Text(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestMaskOfACutText(t *testing.T) {
	t.Parallel()
	m := NewMask(4, "abcdefgh12")
	for in, want := range map[string]string{
		"x abcdefgh1": "x [secret]", "x abcd": "x [secret]", "x abc": "x abc", `x \u0061bcd`: "x [secret]", "x abcdx": "x abcdx",
	} {
		if got := m.Text(in); got != want {
			t.Errorf("Text(%s) = %s, want %s", in, got, want)
		}
	}
	if got := string(m.Bytes([]byte("x abcdefg"))); got != "x abcdefg" {
		t.Errorf("Bytes = %s, want a whole body as it is", got)
	}
}

// Hostile bodies cost no more than honest ones.
func TestMaskIsLinear(t *testing.T) {
	t.Parallel()
	m := NewMask(8, maskSecret, "aaaaaaaaaaaaaaaab", `\\\\\\\\\\x`)
	for _, unit := range []string{`\`, "%", "&", "%25", "&amp;", "a", `\u0061`, "&#97;", "Zg/7", "&a;", `\\\\\\\\\\y`} {
		body := []byte(strings.Repeat(unit, (1<<20)/len(unit)))
		if got := m.Bytes(body); len(got) != len(body) {
			t.Errorf("Bytes(1 MiB of %q) = %d bytes, want it as it was", unit, len(got))
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add([]byte(`{"a":"\u0061bcdefgh"}`))
	f.Add([]byte("%61%2562&#x63;defgh YWJjZGVmZ2g="))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := NewMask(4, "abcdefgh", "nopqrstu")
		got := m.Bytes(body)
		if bytes.Contains(got, []byte("abcdefgh")) || json.Valid(body) != json.Valid(got) && json.Valid(body) {
			t.Errorf("Bytes(%q) = %q", body, got)
		}
	})
}

// BenchmarkMask is over JSON as APIs send it: one secret, and the fifty cookies of a session.
func BenchmarkMask(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for text.Len() < 1<<20 {
		fmt.Fprintf(&text, `{"id":%d,"title":"Fish \u00e9 & chips","url":"https:\/\/api.example\/items\/%d","tags":["%x","%x"]},`, r.IntN(1e9), r.IntN(1e9), r.Uint64(), r.Uint64())
	}
	body := []byte(text.String())
	many := make([]string, 50)
	for i := range many {
		many[i] = fmt.Sprintf("%x%x", r.Uint64(), r.Uint64())
	}
	for name, secrets := range map[string][]string{"one": {"sk_live_abcDEF0123456789"}, "fifty": many} {
		m := NewMask(8, secrets...)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				m.Bytes(body)
			}
		})
	}
}
