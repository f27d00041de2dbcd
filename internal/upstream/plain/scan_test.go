package plain

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// texts are JSON and nearly JSON; the seeds of the fuzz tests and rows of others.
func texts() []string {
	return []string{
		`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `1.5e-3`, `""`, `"a"`, ` { "a" : [ 1 , 2 , { "b" : null } ] , "c" : "d" } `,
		`{"a":1,"a":2}`, `[[],{},[{}]]`, `[{},0]`, `[{},"a",{"b":{}},"c"]`, `{"a":{},"b":[{},"c"],"d":{"e":{}}}`, `[1,[2,[3,[4]]]]`, `"\u0041\n\t\/\"\\"`, `{"":""}`, "[1]\n", "\t[1]\r\n",
		``, ` `, `{}{}`, `{} x`, "\ufeff{}", `{`, `[`, `"`, `"abc`, `[1,]`, `[,1]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `{"a":}`, `{"a":1 "b":2}`,
		`[1 2]`, `[1}`, `{"a":1]`, `]`, `}`, `,`, `:`, `nul`, `nulll`, `True`, `NaN`, `Infinity`, `01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `0x1`, `1_000`,
		`'a'`, "\"a\x01b\"", "\"a\x7fb\"", `"\x"`, `"\u12"`, `"\u12g4"`, `"\`, "<html><body>Bad gateway</body></html>",
		`"\u0000"`, `{"\u0000":1}`, `"\\u0000"`, `"\\\u0000"`, `"\ud800"`, `"\udc00"`, `"\ud83d\ude00"`, `"\ud800\ud800"`, `"\ud800\ud83d\ude00"`, `"\ude00\ud83d"`,
		`"\ud800x"`, `"\ud800\n"`, `"\uD83D\uDE00"`, "\"\xff\"", "\"\xc3\x28\"", "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\"", "\"grüße 日本 😀\"", "\xff",
		`1e400`, `1e131071`, `1e131072`, `1e200000`, `1e-16383`, `1e-16384`, `0e999999999999`, `12345678901234567890123`,
		strings.Repeat("[", 256) + strings.Repeat("]", 256), strings.Repeat("[", 257) + strings.Repeat("]", 257),
		strings.Repeat(`{"a":`, 256) + "1" + strings.Repeat("}", 256), strings.Repeat("a", 30), `"` + strings.Repeat("a", 7) + `\n` + strings.Repeat("b", 9) + `"`,
	}
}

// The verdict is that of encoding/json, except for depth.
func checkVerdict(t *testing.T, text []byte) {
	t.Helper()
	found, err := scan(text, deepest)
	if errors.Is(err, errDeep) {
		return
	}
	if got, want := err == nil, stdjson.Valid(text); got != want {
		t.Fatalf("scan(%q) = %v, want the verdict of encoding/json: valid %v", text, err, want)
	}
	if err != nil {
		return
	}
	if found.utf8 == utf8.Valid(text) {
		t.Fatalf("scan(%q).utf8 = %v, want %v", text, found.utf8, !found.utf8)
	}
	checkSanitized(t, text, found)
}

// A sanitized text means the same except for U+FFFD, and needs no further fixing.
func checkSanitized(t *testing.T, text []byte, found findings) {
	t.Helper()
	before := bytes.Clone(text)
	clean := sanitize(text)
	if !bytes.Equal(before, text) {
		t.Fatalf("sanitize(%q) changed its argument", before)
	}
	if !found.dirty() && !bytes.Equal(clean, text) {
		t.Fatalf("sanitize(%q) = %q, want it unchanged", text, clean)
	}
	again, err := scan(clean, deepest)
	if err != nil || again.dirty() {
		t.Fatalf("sanitize(%q) = %q, which scan finds %+v, %v", text, clean, again, err)
	}
	want, got := std(t, text), decode(clean)
	if !reflect.DeepEqual(literals(got), withoutNUL(want)) {
		t.Fatalf("decode(sanitize(%q)) = %#v, want what encoding/json makes of it: %#v", text, got, want)
	}
}

func std(t *testing.T, text []byte) any {
	t.Helper()
	d := stdjson.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("encoding/json on %q: %v", text, err)
	}
	return v
}

// literals turns the small integers of decode into the literals that encoding/json gives.
func literals(v any) any {
	return walk(v, func(v any) any {
		if n, ok := v.(int); ok {
			return stdjson.Number(fmt.Sprint(n))
		}
		return v
	})
}

// withoutNUL does to values what sanitize does to their text.
func withoutNUL(v any) any {
	return walk(v, func(v any) any {
		if s, ok := v.(string); ok {
			return strings.ReplaceAll(s, "\x00", "\ufffd")
		}
		return v
	})
}

func walk(v any, leaf func(any) any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = walk(v[i], leaf)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			out[leaf(k).(string)] = walk(member, leaf)
		}
		return out
	}
	return leaf(v)
}

func TestScanVerdicts(t *testing.T) {
	for _, text := range texts() {
		checkVerdict(t, []byte(text))
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range texts() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		// Two keys that become equal are one member, as they are for jsonb; it does not matter to
		// scan which of them wins.
		if bytes.Contains(text, []byte(`\u0000`)) && bytes.Count(text, []byte(`:`)) > 1 {
			return
		}
		checkVerdict(t, text)
	})
}

func TestScanFindings(t *testing.T) {
	tests := []struct {
		text string
		want findings
	}{
		{`{"a":[1,"b"]}`, findings{values: 5, longest: 1, objects: 1}},
		{`"\u0000"`, findings{nul: true, values: 1}},
		{`"\\u0000"`, findings{values: 1}},
		{`{"\u0000":"\ud800"}`, findings{nul: true, surrogate: true, values: 3, objects: 1}},
		{`"\ud83d\ude00"`, findings{values: 1}},
		{`"\ud800\ud83d\ude00"`, findings{surrogate: true, values: 1}},
		{"\"\xff\"", findings{utf8: true, values: 1}},
		{`[1e400, 1e200000, 1e300000]`, findings{number: "1e200000", values: 4, longest: 8}},
	}
	for _, test := range tests {
		got, err := scan([]byte(test.text), 256)
		if err != nil {
			t.Errorf("scan(%s): %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(findings{})); diff != "" {
			t.Errorf("scan(%s) (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestMend(t *testing.T) {
	for text, want := range map[string]string{
		`"a\u0000b"`:             `"a\ufffdb"`,
		`"\\u0000"`:              `"\\u0000"`,
		`"\ud800"`:               `"\ufffd"`,
		`"\ud800\ud83d\ude00"`:   `"\ufffd\ud83d\ude00"`,
		"\"\xffx\"":              "\"\ufffdx\"",
		"\"\xed\xa0\x80\"":       "\"\ufffd\ufffd\ufffd\"",
		`{"\uDC00k":"\uD83Dv"}`:  `{"\ufffdk":"\ufffdv"}`,
		"{\"grüße\":[\"日本\",1]}": "{\"grüße\":[\"日本\",1]}",
	} {
		if got := sanitize([]byte(text)); string(got) != want {
			t.Errorf("sanitize(%q) = %q, want %q", text, got, want)
		}
	}
}

// Poison must be refused before it costs anything, and must not reach a recursive parser.
func TestScanDeep(t *testing.T) {
	for name, text := range map[string][]byte{
		"20,000 levels, 40 KB":       []byte(strings.Repeat("[", 20000) + strings.Repeat("]", 20000)),
		"10M brackets":               bytes.Repeat([]byte("["), 10_000_000),
		"10M levels of objects":      bytes.Repeat([]byte(`{"":`), 10_000_000),
		"levels of lists in objects": bytes.Repeat([]byte(`{"a":[`), 1_000_000),
	} {
		start := time.Now()
		_, err := scan(text, 256)
		if !errors.Is(err, errDeep) {
			t.Errorf("scan(%s) = %v, want %v", name, err, errDeep)
		}
		// The length must not matter; the bound is wide because other tests run beside this one.
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("scan(%s) took %v", name, took)
		}
	}
	if _, err := scan([]byte(strings.Repeat("[", 256)+strings.Repeat("]", 256)), 256); err != nil {
		t.Errorf("scan(256 levels) = %v, want none", err)
	}
}

func TestFitsNumeric(t *testing.T) {
	for literal, want := range map[string]bool{
		"0": true, "-0": true, "1e400": true, "1e131071": true, "9.99e131071": true, "-1E+131071": true, "1e131072": false, "10e131071": false,
		"0.1e131072": true, "0.01e131073": true, "1e200000": false, "1e-16383": true, "1e-16384": false, "1.5e-16382": true, "1.5e-16383": false,
		"15e-16383": true, "0e131072": true, "0e-16384": false, "0e9999999999": false, "1e0000000000000005": true, "1e-9999999999": false,
		"0." + strings.Repeat("0", 16383): true, "0." + strings.Repeat("0", 16384): false, "0." + strings.Repeat("0", 20000) + "e20000": true,
		strings.Repeat("9", 131072): true, strings.Repeat("9", 131073): false, strings.Repeat("9", 131073) + "e-1": true,
		strings.Repeat("1", 131072) + "." + strings.Repeat("1", 16383): true,
	} {
		if got := fitsNumeric([]byte(literal)); got != want {
			t.Errorf("fitsNumeric(%s) = %v, want %v", shorten(literal), got, want)
		}
	}
}

// document is JSON of about size bytes as APIs send it: objects with text and numbers.
func document(size int, text string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"score":%d.25,"title":"item number %d","ok":true,"text":%q}`, i, i%100, i, text)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkScan(b *testing.B) {
	prose := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)
	for name, doc := range map[string][]byte{
		"prose8K":    document(8<<10, prose),
		"short8K":    document(8<<10, "x"),
		"japanese8K": document(8<<10, strings.Repeat("吾輩は猫である。名前はまだ無い。", 20)),
		"prose1M":    document(1<<20, prose),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := scan(doc, 256); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("std/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				if !stdjson.Valid(doc) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	doc := document(8<<10, strings.Repeat("The quick brown fox. ", 20))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		decode(doc)
	}
}

func BenchmarkMend(b *testing.B) {
	doc := bytes.Replace(document(8<<10, "x"), []byte("number 1"), []byte(`\u0000`), 1)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		sanitize(doc)
	}
}
