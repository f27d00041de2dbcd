package text

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
)

const nonsense = "\x00{\x00\"" // of UTF-16BE

func wideText(s string, order func(byte, byte) string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(order(byte(r>>8), byte(r)))
	}
	return b.String()
}

func little(high, low byte) string { return string([]byte{low, high}) }
func big(high, low byte) string    { return string([]byte{high, low}) }

func wide32(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.Write([]byte{byte(r), byte(r >> 8), byte(r >> 16), 0})
	}
	return b.String()
}

// TestDecode checks that a text becomes UTF-8 by its mark, its zero bytes, its type or its own
// declaration.
func TestDecode(t *testing.T) {
	t.Parallel()
	const text = `{"a":"café €"}`
	jis, _ := japanese.ShiftJIS.NewEncoder().String(`{"a":"日本"}`)
	iso2022, _ := japanese.ISO2022JP.NewEncoder().String(`{"a":"日本"}`)
	euckr, _ := korean.EUCKR.NewEncoder().String(`{"a":"한국"}`)
	for _, c := range []struct{ name, kind, body, want string }{
		{"nothing declared", "", text, text},
		{"UTF-8 declared", "application/json; charset=utf-8", text, text},
		{"a mark", "application/json", "\xef\xbb\xbf" + text, text},
		{"two marks", "", "\xef\xbb\xbf\xef\xbb\xbf" + text, text},
		{"a mark beats the type", "application/json; charset=iso-8859-1", "\xef\xbb\xbf" + text, text},
		{"a mark in the middle stays", "", "{\"a\":\"\ufeff\"}", "{\"a\":\"\ufeff\"}"},
		{"latin1", "application/json; charset=iso-8859-1", "{\"a\":\"caf\xe9\"}", `{"a":"café"}`},
		{"latin1 has what Windows has", "text/plain; charset=latin1", "\x80\x93", "€“"},
		{"an odd case in single quotes", "application/json;CharSet='ISO-8859-1'", "[\"\xe9\"]", `["é"]`},
		{"blanks around", "application/json ; charset = \"windows-1252\" ; x=y", "[\"\xe9\"]", `["é"]`},
		{"a type said twice", "application/json; charset=windows-1252, application/json", "[\"\xe9\"]", `["é"]`},
		{"windows-1251", "application/json; charset=cp1251", "[\"\xcf\xf0\xe8\"]", `["При"]`},
		{"koi8-r", "application/json; charset=KOI8-R", "[\"\xf0\xd2\xc9\"]", `["При"]`},
		{"an alias of iso-8859-15", "application/json; charset=latin-9", "[\"\xa4\"]", `["€"]`},
		{"iso-8859-15 by its name", "application/json; charset=iso-8859-15", "[\"\xa4\"]", `["€"]`},
		{"a code page of DOS", "application/json; charset=ibm437", "[\"\x82\"]", `["é"]`},
		{"Shift_JIS", "application/json; charset=Shift_JIS", jis, `{"a":"日本"}`},
		{"ISO-2022-JP, which is ASCII to look at", "application/json; charset=iso-2022-jp", iso2022, `{"a":"日本"}`},
		{"EUC-KR", "application/json; charset=ks_c_5601-1987", euckr, `{"a":"한국"}`},
		{"latin1 as Python has it", "application/json; charset=latin-1", "[\"\xe9\"]", `["é"]`},
		{"latin9", "application/json; charset=latin9", "[\"\xa4\"]", `["€"]`},
		{"latin10", "application/json; charset=latin-10", "[\"\xa4\"]", `["€"]`},
		{"marks at the end", "application/json", "[1]\ufeff \n\ufeff", `[1]`},
		{"latin1 as Python lists it", "application/json; charset=iso8859_1", "[\"\xe9\"]", `["é"]`},
		{"latin1 as Java has it", "application/json; charset=ISO8859_1", "[\"\xe9\"]", `["é"]`},
		{"latin1 with other dashes", "application/json; charset=ISO_8859_1", "[\"\xe9\"]", `["é"]`},
		{"a code page of Windows without a dash", "application/json; charset=Windows1251", "[\"\xcf\"]", `["П"]`},
		{"a code page of Windows, shortened", "application/json; charset=win-1251", "[\"\xcf\"]", `["П"]`},
		{"Windows' Shift_JIS", "application/json; charset=cp932", jis, `{"a":"日本"}`},
		{"Windows' Korean", "application/json; charset=cp949", euckr, `{"a":"한국"}`},
		{"EUC-KR with other dashes", "application/json; charset=EUC_KR", euckr, `{"a":"한국"}`},
		{"a comma before the parameter", "application/json, charset=latin1", "[\"\xe9\"]", `["é"]`},
		{"a blank before the parameter", "application/json charset=latin1", "[\"\xe9\"]", `["é"]`},
		{"another parameter that ends alike", "application/json; x-charset=latin1", "[\"\xe9\"]", "[\"\xe9\"]"},
		{"a mark behind line breaks", "application/json", "\r\n\ufeff\n{\"a\":\"é\"}", `{"a":"é"}`},
		{"marks from two files", "", "\ufeff\n\ufeff[1]", "[1]"},
		{"a mark behind blanks in other text", "text/plain", " \ufeffx", " \ufeffx"},
		{"an unknown label", "application/json; charset=klingon", text, text},
		{"an unknown label, bytes that are not UTF-8", "application/json; charset=klingon", "[\"\xe9\"]", "[\"\xe9\"]"},
		{"JSON that is UTF-8, whatever is declared", "application/json; charset=iso-8859-1", text, text},
		{"JSON of a vendor's type", "application/vnd.api+json; charset=windows-1252", text, text},
		{"another type is what it declares", "text/plain; charset=iso-8859-1", "é", "Ã©"},
		{"ASCII that is UTF-8", "text/plain; charset=us-ascii", "é", "é"},
		{"ASCII that is not", "text/plain; charset=us-ascii", "\xe9", "é"},
		{"UTF-16LE by its mark", "", "\xff\xfe" + wideText(text, little), text},
		{"UTF-16BE by its mark", "application/json; charset=utf-8", "\xfe\xff" + wideText(text, big), text},
		{"UTF-16LE by its zeros", "application/json", wideText(text, little), text},
		{"UTF-16BE by its zeros", "", wideText(text, big), text},
		{"UTF-16BE by its type, LE by its zeros", "application/json; charset=utf-16be", wideText(text, little), text},
		{"UTF-16 of a short text", "", "1\x00", "1"},
		{"UTF-16 that is UTF-8", "application/json; charset=utf-16", text, text},
		{"UTF-32LE by its mark", "", "\xff\xfe\x00\x00" + wide32(text), text},
		{"UTF-32LE by its zeros", "", wide32(text), text},
		{"UTF-32LE by its type", "text/plain; charset=utf-32", wide32("é"), "é"},
		{"a pair beyond the plane", "", "\xff\xfe\x3d\xd8\x00\xde", "😀"},
		{"half a pair", "", "\xff\xfe\x3d\xd8", "\uFFFD"},
		{"an odd byte at the end", "", "\xff\xfe1\x002", "1\uFFFD"},
		{"XML declares it", "text/xml", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>"},
		{"the type beats XML", "text/xml; charset=utf-8", "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>", "<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>"},
		{"XML declares UTF-16 and is UTF-8", "", `<?xml version="1.0" encoding="utf-16"?><a>é</a>`, `<?xml version="1.0" encoding="utf-16"?><a>é</a>`},
		{"HTML declares it", "text/html", "<meta charset=windows-1252><title>\xe9", "<meta charset=windows-1252><title>é"},
		{"HTML declares it the old way", "", `<html><META http-equiv=x content="text/html; charset=iso-8859-1">` + "\xe9", `<html><META http-equiv=x content="text/html; charset=iso-8859-1">é`},
		{"JSON that quotes a meta element", "application/json", `{"a":"<meta charset=windows-1252>é"}`, `{"a":"<meta charset=windows-1252>é"}`},
		{"empty", "application/json; charset=utf-16", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := Decode(c.kind, []byte(c.body), 1000)
			if err != nil || string(got) != c.want {
				t.Errorf("Decode(%q, %q) = %q, %v, want %q", c.kind, c.body, got, err, c.want)
			}
		})
	}
}

func TestDecodeCountsWhatItDecodes(t *testing.T) {
	t.Parallel()
	euros := bytes.Repeat([]byte("\x80"), 400) // three bytes each in UTF-8
	if _, _, err := Decode("text/plain; charset=windows-1252", euros, 1200); err != nil {
		t.Errorf("Decode of 1200 bytes, at most 1200 = %v, want none", err)
	}
	if text, _, err := Decode("text/plain; charset=windows-1252", euros, 1199); !errors.Is(err, ErrTooLong) || len(text) > 1200 {
		t.Errorf("Decode of 1200 bytes, at most 1199 = %d bytes, %v, want ErrTooLong", len(text), err)
	}
}

func TestDecodeSaysWhatItReplaced(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{"\x82\xa0": false, "\x82": true, "a": false} {
		if _, got, err := Decode("text/plain; charset=shift_jis", []byte(body), 100); got != want || err != nil {
			t.Errorf("Decode(%q) replaced = %t, %v, want %t", body, got, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("application/json; charset=utf-16", []byte(nonsense))
	f.Add("text/html", []byte("<meta charset=gb18030>\x84\x31\x95\x33"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		c := Find(kind, body)
		if c.Skip > len(body) {
			t.Fatalf("Find skips %d of %d bytes", c.Skip, len(body))
		}
		text, err := io.ReadAll(c.Reader(bytes.NewReader(body[c.Skip:])))
		if err != nil {
			t.Fatalf("read %s: %v", c.Name, err)
		}
		if !c.UTF8() && !utf8.Valid(text) {
			t.Errorf("%s gives %q, which is not UTF-8", c.Name, text)
		}
		NotJSON(kind, body, Break{At: len(body) / 2})
	})
}
