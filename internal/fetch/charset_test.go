package fetch

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

func utf16le(text string) []byte {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}

// TestCharsets checks that an answer is UTF-8 when it arrives, whatever its charset was, and that
// bytes to be kept stay as they came.
func TestCharsets(t *testing.T) {
	t.Parallel()
	const text = `{"a":"é"}`
	for _, row := range []struct {
		name, kind string
		body       []byte
		raw        bool
		want       string
	}{
		{"a mark is skipped", "application/json", []byte("\xef\xbb\xbf" + text), false, text},
		{"marks at the end are skipped", "application/json", []byte(text + "\n\xef\xbb\xbf\n\xef\xbb\xbf"), false, text},
		{"marks at the end are kept in bytes", "application/json", []byte(text + "\xef\xbb\xbf"), true, text + "\xef\xbb\xbf"},
		{"latin1 is decoded", "application/json; charset=ISO-8859-1", []byte("{\"a\":\"\xe9\"}"), false, text},
		{"UTF-16 is decoded", "application/json", utf16le(text), false, text},
		{"a mark is kept in bytes", "application/json", []byte("\xef\xbb\xbf" + text), true, "\xef\xbb\xbf" + text},
		{"latin1 is kept in bytes", "text/plain; charset=ISO-8859-1", []byte("\xe9"), true, "\xe9"},
		{"UTF-16 is kept in bytes", "application/json", utf16le(text), true, string(utf16le(text))},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, o fakeapi.Options) {
				for _, status := range []int{200, 404} {
					for _, coding := range []string{"", "gzip"} {
						body, header := row.body, map[string]string{"Content-Type": row.kind}
						if coding != "" {
							body, header["Content-Encoding"] = gzipped(t, string(row.body)), coding
						}
						o.Behaviour.Answer = replyWith(status, header, body)
						s, c := serve(t, o, Config{Raw: row.raw})
						a, err := get(t.Context(), c, s.URL+"/items/1")
						if err != nil || string(a.Body) != row.want || a.Replaced {
							t.Fatalf("Send, status %d, coding %q = %+v, %v, want the body %q", status, coding, a, err, row.want)
						}
						a.Release()
						if used := c.Stats().Budget; used != 0 {
							t.Errorf("Stats().Budget after Release = %d, want 0", used)
						}
					}
				}
			})
		})
	}
}

// The size of a text in UTF-8 counts against --max-body, as its size before does.
func TestCharsetsKeepToMaxBody(t *testing.T) {
	t.Parallel()
	euros := bytes.Repeat([]byte("\x80"), 4000)
	for limit, want := range map[int64]harvest.Fault{12_000: "", 11_999: harvest.FaultTooLarge} {
		header := map[string]string{"Content-Type": "text/plain; charset=windows-1252"}
		s, c := serve(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Answer: replyWith(200, header, euros)}}, Config{MaxBody: limit})
		a, err := get(t.Context(), c, s.URL+"/items/1")
		if faultIn(err) != want {
			t.Errorf("Send of 12000 decoded bytes, max %d = %v, want fault %q", limit, err, want)
		}
		a.Release()
		if used := c.Stats().Budget; used != 0 {
			t.Errorf("Stats().Budget = %d, want 0", used)
		}
	}
}

func TestCharsetsSayWhatTheyReplaced(t *testing.T) {
	t.Parallel()
	header := map[string]string{"Content-Type": "application/json; charset=shift_jis"}
	s, c := serve(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Answer: replyWith(200, header, []byte("[\"\x82\xa0\x82\"]"))}}, Config{})
	a, err := get(t.Context(), c, s.URL+"/items/1")
	if err != nil || !a.Replaced || !strings.Contains(string(a.Body), "\uFFFD") {
		t.Errorf("Send of a broken character = %+v, %v, want U+FFFD and Replaced", a, err)
	}
}

// TestCodingsThatChangeNothing checks words in Content-Encoding that are not codings, and codings
// that are not true.
func TestCodingsThatChangeNothing(t *testing.T) {
	t.Parallel()
	const text = `{"fish":"herring"}`
	gz := gzipped(t, text)
	for _, row := range []struct {
		name  string
		lines []string
		body  []byte
		text  harvest.Fault // of an answer that is read as text
		raw   harvest.Fault // of one whose bytes are kept
	}{
		{"utf-8", []string{"utf-8"}, []byte(text), "", ""},
		{"UTF8", []string{"UTF8"}, []byte(text), "", ""},
		{"none", []string{"none"}, []byte(text), "", ""},
		{"aws-chunked", []string{"aws-chunked"}, []byte(text), "", ""},
		{"aws-chunked and gzip", []string{"aws-chunked, gzip"}, gz, "", ""},
		{"gzip and aws-chunked on two lines", []string{"gzip", "aws-chunked"}, gz, "", ""},
		{"identity and gzip", []string{"identity, gzip"}, gz, "", ""},
		{"empty members", []string{" , ,gzip,"}, gz, "", ""},
		{"empty", []string{""}, []byte(text), "", ""},
		{"quoted", []string{`"gzip"`}, gz, "", ""},
		{"with a parameter", []string{"gzip;q=1.0"}, gz, "", ""},
		{"an unknown word", []string{"x-sparkle"}, []byte(text), "", harvest.FaultEncoding},
		{"gzip that is not", []string{"gzip"}, []byte(text), "", harvest.FaultPartial},
		{"gzip that nothing says", nil, gz, "", ""},
		{"gzip that is called utf-8", []string{"utf-8"}, gz, "", ""},
		{"br", []string{"br"}, []byte("\x0b\x02\x80{}\x03"), harvest.FaultEncoding, harvest.FaultEncoding},
		{"zstd", []string{"zstd"}, []byte("\x28\xb5\x2f\xfd"), harvest.FaultEncoding, harvest.FaultEncoding},
		{"br in gzip", []string{"br, gzip"}, gz, harvest.FaultEncoding, harvest.FaultEncoding},
		{"gzip cut in its first byte", []string{"gzip"}, gz[:1], harvest.FaultPartial, harvest.FaultPartial},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, o fakeapi.Options) {
				o.Behaviour.Answer = func(*http.Request) *fakeapi.Reply {
					return &fakeapi.Reply{Status: 200, Header: http.Header{"Content-Encoding": row.lines, "Content-Type": {"application/json"}}, Body: row.body}
				}
				for raw, want := range map[bool]harvest.Fault{false: row.text, true: row.raw} {
					s, c := serve(t, o, Config{Raw: raw})
					a, err := get(t.Context(), c, s.URL+"/items/1")
					if got := faultIn(err); got != want {
						t.Fatalf("Send with Content-Encoding %q, raw %t = %v, want fault %q", row.lines, raw, err, want)
					}
					if wanted := text; err == nil && string(a.Body) != wanted && !(raw && row.lines == nil || raw && row.name == "gzip that is called utf-8") {
						t.Errorf("Body with raw %t = %q, want %q", raw, a.Body, wanted)
					}
				}
			})
		})
	}
}
