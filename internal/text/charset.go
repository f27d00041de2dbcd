package text

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Charset is the way in which bytes become UTF-8.
type Charset struct {
	Name string // such as windows-1252; empty for UTF-8
	Skip int    // length of the byte order marks, which are not part of the text

	encoding encoding.Encoding // nil: the bytes are UTF-8, or nothing names their encoding
}

// UTF8 reports whether the bytes behind Skip are the text itself.
func (c Charset) UTF8() bool { return c.encoding == nil }

// Reader decodes what follows the Skip bytes. It puts U+FFFD in place of what the charset does not
// have.
func (c Charset) Reader(r io.Reader) io.Reader {
	if c.encoding == nil {
		return r
	}
	return transform.NewReader(r, c.encoding.NewDecoder())
}

var utf8Mark = []byte("\xef\xbb\xbf")

// The encodings of Unicode. Byte order marks are handled before these are used.
var (
	utf16LE = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	utf16BE = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	utf32LE = utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	utf32BE = utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
)

// byteOrderMarks are tried in this order, because the mark of UTF-32LE begins like that of
// UTF-16LE.
var byteOrderMarks = []struct {
	mark     string
	name     string
	encoding encoding.Encoding
}{
	{"\xff\xfe\x00\x00", "utf-32le", utf32LE},
	{"\x00\x00\xfe\xff", "utf-32be", utf32BE},
	{"\xff\xfe", "utf-16le", utf16LE},
	{"\xfe\xff", "utf-16be", utf16BE},
	{"\x84\x31\x95\x33", "gb18030", simplifiedchinese.GB18030},
}

// Find finds the charset of a text. It believes, in this order: a byte order mark, as browsers do;
// the zero bytes that JSON begins with in UTF-16 and UTF-32; the Content-Type; the declaration of
// XML and HTML. JSON is UTF-8 by its standard, so an answer of a JSON type that is valid UTF-8
// stays as it is, whatever else its type declares. An unknown label changes nothing.
func Find(contentType string, body []byte) Charset {
	return find(contentType, body, func() bool { return utf8.Valid(body) })
}

// FindStream is [Find] for a text of which only the beginning is known: if that is ASCII, the
// declared charset counts.
func FindStream(contentType string, head []byte) Charset {
	whole := head
	for i := 1; i < utf8.UTFMax && i <= len(head); i++ { // a character may be cut at its end
		if tail := head[len(head)-i:]; utf8.RuneStart(tail[0]) && !utf8.FullRune(tail) {
			whole = head[:len(head)-i]
		}
	}
	return find(contentType, head, func() bool { return utf8.Valid(whole) && utf8.RuneCount(whole) < len(whole) })
}

// find is [Find] with a function that reports whether the text is UTF-8; it is called last.
func find(contentType string, body []byte, valid func() bool) Charset {
	if marked, ok := ByMark(body); ok {
		return marked
	}
	if c, ok := byZeros(body); ok {
		return c
	}
	label := declared(contentType)
	if label == "" {
		label = inside(body)
		if wide(label) { // it could be read as ASCII, so it is not
			return Charset{}
		}
	}
	c := lookup(label)
	if c.encoding == nil || !valid() {
		return c
	}
	if wide(label) || ascii(label) || isJSON(contentType) && !stateful(c.Name) {
		return Charset{}
	}
	return c
}

// lateMark is a mark after blanks and before JSON, as included files leave it, within the first
// longestLead bytes.
var lateMark = regexp.MustCompile("^(?:[ \t\r\n]*\ufeff)+[ \t\r\n]*[{\\[]")

const longestLead = 256

// ByMark finds the charset by a byte order mark. ok is false if there is none.
func ByMark(body []byte) (c Charset, ok bool) {
	for rest := body; bytes.HasPrefix(rest, utf8Mark); rest = body[c.Skip:] {
		c.Skip, ok = c.Skip+len(utf8Mark), true
	}
	if late := len(lateMark.Find(body[c.Skip:min(len(body), c.Skip+longestLead)])); late > 0 {
		c.Skip, ok = c.Skip+late-1, true
	}
	if ok {
		return c, true
	}
	for _, m := range byteOrderMarks {
		if bytes.HasPrefix(body, []byte(m.mark)) {
			return Charset{Name: m.name, Skip: len(m.mark), encoding: m.encoding}, true
		}
	}
	return c, false
}

// byZeros finds UTF-16 and UTF-32 without a mark: JSON begins with a character of ASCII, and has no
// zero byte in UTF-8. Source: RFC 4627, 3.
func byZeros(b []byte) (Charset, bool) {
	if len(b) < 2 || b[0] != 0 && b[1] != 0 {
		return Charset{}, false
	}
	ascii := func(i int) bool { return b[i] != 0 && b[i] < utf8.RuneSelf }
	zeros := func(from, to int) bool { return len(b) >= 4 && bytes.Count(b[from:to], []byte{0}) == to-from }
	switch {
	case zeros(0, 3) && ascii(3):
		return Charset{Name: "utf-32be", encoding: utf32BE}, true
	case ascii(0) && zeros(1, 4):
		return Charset{Name: "utf-32le", encoding: utf32LE}, true
	case b[0] == 0 && ascii(1):
		return Charset{Name: "utf-16be", encoding: utf16BE}, true
	case ascii(0) && b[1] == 0:
		return Charset{Name: "utf-16le", encoding: utf16LE}, true
	}
	return Charset{}, false
}

// parameter is the charset of a Content-Type, behind whatever separates it from the type.
var parameter = regexp.MustCompile(`(?i)[;,\s]\s*charset\s*=([^;,]*)`)

// declared returns the charset of a Content-Type, in lower case, however it is quoted.
func declared(contentType string) string {
	if m := parameter.FindStringSubmatch(contentType); m != nil {
		return label(m[1])
	}
	return ""
}

func label(s string) string { return strings.ToLower(strings.Trim(s, " \t\r\n\"'")) }

var (
	xmlEncoding = regexp.MustCompile(`^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)
	metaCharset = regexp.MustCompile(`(?i)<meta\s[^>]{0,300}?charset\s*=\s*["']?\s*([a-z0-9._:-]{1,40})`)
)

// inside returns the charset that XML or HTML declares within itself. Browsers look for it in the
// first 1,024 bytes.
func inside(body []byte) string {
	head := body[:min(len(body), 1024)]
	if start := bytes.TrimLeft(head, " \t\r\n"); len(start) == 0 || start[0] != '<' {
		return ""
	}
	for _, pattern := range []*regexp.Regexp{xmlEncoding, metaCharset} {
		if m := pattern.FindSubmatch(head); m != nil {
			return label(string(m[1]))
		}
	}
	return ""
}

// lookup finds the encoding that a label names: first as browsers do, where latin1 means
// windows-1252, then in IANA's list.
func lookup(label string) Charset {
	switch label {
	case "", "utf-8", "utf8", "unicode-1-1-utf-8":
		return Charset{}
	case "utf-32", "utf32", "utf-32le", "ucs-4", "iso-10646-ucs-4":
		return Charset{Name: "utf-32le", encoding: utf32LE}
	case "utf-32be":
		return Charset{Name: "utf-32be", encoding: utf32BE}
	}
	if e, name := charset.Lookup(label); e != nil && name != "replacement" {
		if name == "utf-8" {
			return Charset{}
		}
		return Charset{Name: name, encoding: e}
	}
	if e, err := ianaindex.IANA.Encoding(label); err == nil && e != nil {
		return Charset{Name: label, encoding: e}
	}
	if known := spelling(label); known != label {
		return lookup(known)
	}
	return Charset{}
}

// spelling returns the usual label for one that languages and databases spell differently: latin-1,
// ISO8859_1, cp932. It returns the label itself if there is none.
func spelling(label string) string {
	short := strings.NewReplacer("-", "", "_", "", " ", "", ".", "", ":", "").Replace(label)
	if known := spellings[short]; known != "" {
		return known
	}
	for prefix, known := range map[string]string{"iso8859": "iso-8859-", "8859": "iso-8859-", "latin": "latin", "windows125": "windows-125", "win125": "windows-125", "cp125": "windows-125", "ms125": "windows-125"} {
		if number, ok := strings.CutPrefix(short, prefix); ok && number != "" && len(number) <= 2 && strings.Trim(number, "0123456789") == "" {
			return known + number
		}
	}
	return label
}

var spellings = map[string]string{
	"cp932": "shift_jis", "ms932": "shift_jis", "windows932": "shift_jis", "shiftjis": "shift_jis", "sjis": "shift_jis", "cp949": "euc-kr", "ms949": "euc-kr", "uhc": "euc-kr", "cp936": "gbk", "ms936": "gbk", "cp950": "big5", "ms950": "big5",
	"cp874": "windows-874", "cp28591": "iso-8859-1", "eucjp": "euc-jp", "euckr": "euc-kr", "koi8r": "koi8-r", "koi8u": "koi8-u", "latin9": "iso-8859-15", "latin10": "iso-8859-16", "latin7": "iso-8859-13", "latin8": "iso-8859-14", "iso2022jp": "iso-2022-jp", "macroman": "macintosh",
}

func wide(label string) bool {
	return strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "utf16") || strings.HasPrefix(label, "utf-32") || strings.HasPrefix(label, "utf32") || strings.Contains(label, "ucs-") || label == "unicode" || label == "csunicode"
}

// ascii reports whether a label promises that no byte is above 127. A UTF-8 text that keeps the
// promise stays as it is.
func ascii(label string) bool {
	return label == "ascii" || label == "us-ascii" || strings.HasPrefix(label, "ansi_x3.4")
}

// stateful reports whether a charset writes its characters as ASCII between escapes.
func stateful(name string) bool { return strings.HasPrefix(name, "iso-2022") || name == "hz-gb-2312" }

func isJSON(contentType string) bool {
	media := mediaType(contentType)
	for _, end := range []string{"/json", "+json", "/x-ndjson", "/ndjson", "/jsonl", "/x-jsonlines", "/jsonlines", "/json-seq"} {
		if strings.HasSuffix(media, end) {
			return true
		}
	}
	return false
}

// ErrTooLong is the error of a text that has more bytes in UTF-8 than are allowed.
var ErrTooLong = errors.New("too long in UTF-8")

// Decode returns a body as UTF-8, of at most limit bytes. It is the body itself, or the part behind
// its mark, if the bytes are already UTF-8. replaced reports that U+FFFD may be in place of bytes
// that the charset does not have.
func Decode(contentType string, body []byte, limit int) (text []byte, replaced bool, err error) {
	c := Find(contentType, body)
	body = body[c.Skip:]
	if c.UTF8() {
		return TrimMarks(body), false, nil
	}
	text, err = io.ReadAll(io.LimitReader(c.Reader(bytes.NewReader(body)), int64(limit)+1))
	if err == nil && len(text) > limit {
		err = ErrTooLong
	}
	return text, Replaced(text), err
}

// TrimMarks returns a text in UTF-8 without the byte order marks at its end, as files that were put
// together leave them, and the blanks around those.
func TrimMarks(body []byte) []byte {
	for {
		rest, ok := bytes.CutSuffix(bytes.TrimRight(body, " \t\r\n"), utf8Mark)
		if !ok {
			return body
		}
		body = bytes.TrimRight(rest, " \t\r\n")
	}
}

// Replaced reports whether a decoded text has U+FFFD.
func Replaced(text []byte) bool { return bytes.Contains(text, []byte("\uFFFD")) }
