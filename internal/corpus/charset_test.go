package corpus_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"shoal/internal/corpus"
)

func utf16(text string, order func(high, low byte) []byte) string {
	var out []byte
	for _, r := range text {
		out = append(out, order(byte(r>>8), byte(r))...)
	}
	return string(out)
}

func little(high, low byte) []byte { return []byte{low, high} }
func big(high, low byte) []byte    { return []byte{high, low} }

// TestCharsets reads a corpus of ids that is not UTF-8, as editors and shells on Windows write it,
// as a file and as a download with a declared type.
func TestCharsets(t *testing.T) {
	t.Parallel()
	var long strings.Builder
	var many []string
	for i := range 20_000 { // more than any buffer
		fmt.Fprintf(&long, "é%d\r\n", i)
		many = append(many, fmt.Sprintf("é%d", i))
	}
	two := []string{"café", "日本"}
	for _, c := range []struct {
		name, kind, text string
		want             []string
	}{
		{"UTF-8 with a mark", "", "\ufeffcafé\n日本\n", two},
		{"UTF-16LE with a mark", "", "\xff\xfe" + utf16("café\r\n日本\r\n", little), two},
		{"UTF-16BE with a mark", "", "\xfe\xff" + utf16("café\n日本", big), two},
		{"UTF-16LE without a mark", "", utf16("café\n日本\n", little), two},
		{"UTF-16LE in JSON lines", "application/x-ndjson", "\xff\xfe" + utf16("{\"id\":\"café\"}\n{\"id\":\"日本\"}\n", little), two},
		{"a long one", "", "\xff\xfe" + utf16(long.String(), little), many},
		{"UTF-16 in gzip", "", string(gz(t, "\xff\xfe"+utf16("café\n日本\n", little))), two},
		{"latin1 declared", "text/plain; charset=ISO-8859-1", "caf\xe9\n", two[:1]},
		{"Shift_JIS declared, in gzip", "text/plain; charset=shift_jis", string(gz(t, "\x93\xfa\x96\x7b\n")), two[1:]},
		{"latin1 declared, JSON lines that are UTF-8", "application/x-ndjson; charset=latin1", "{\"id\":\"café\"}\n", two[:1]},
		{"latin1 declared, JSON lines that are not", "application/x-ndjson; charset=latin1", "{\"id\":\"caf\xe9\"}\n", two[:1]},
		{"a mark beats the type", "text/plain; charset=ISO-8859-1", "\ufeffcafé\n", two[:1]},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			check := func(from string, cfg corpus.Config) {
				cfg.Template = "https://a.example/{id}"
				items, rejected, err := pass(t, cfg)
				var got []string
				for _, item := range items {
					got = append(got, item.ID)
				}
				if err != nil || len(rejected) > 0 || !slices.Equal(got, c.want) {
					t.Errorf("ids of %s = %d, %q, rejected %v, %v, want %d, %q", from, len(got), got[:min(5, len(got))], rejected, err, len(c.want), c.want[:1])
				}
			}
			if c.kind == "" || strings.HasPrefix(c.text, "\xff\xfe") {
				check("a stream", corpus.Config{URI: "-", Stdin: strings.NewReader(c.text)})
				check("a file", corpus.Config{URI: file(t, "ids.txt", []byte(c.text))})
			}
			s := &shelf{data: []byte(c.text), etag: `"1"`, cut: int64(len(c.text)/2) | 1}
			s.special = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				if w.Header().Set("Content-Type", c.kind); c.kind == "" {
					w.Header().Set("Content-Type", "text/plain")
				}
				return false
			}
			check("a download that breaks", serve(t, s, false))
		})
	}
}
