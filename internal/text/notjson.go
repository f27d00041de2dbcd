package text

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"shoal/internal/harvest"
)

// Why an answer is not JSON, in the Reason of a [harvest.Reading].
const (
	ReasonHTML    = "html"     // a page for people: a login form, an error page, a wrong address
	ReasonBadJSON = "bad_json" // anything else
)

// Break is where a parser of JSON gave up.
type Break struct {
	At     int    // byte; len(body) where the text ends too early; negative where the parser does not report it
	Behind bool   // one JSON value is complete there, and something follows it
	Within string // what the parser was reading: a string, an object
}

// NotJSON finds a reason and a sentence for a body that is not JSON: what it is, or where and how
// it breaks. The sentence is one line of printable text, with the page's title if the body is HTML.
func NotJSON(contentType string, body []byte, b Break) (reason, sentence string) {
	b.At = min(b.At, len(body))
	start := bytes.TrimLeft(bytes.TrimPrefix(body, utf8Mark), " \t\r\n\f\v\x00")
	reason = ReasonBadJSON
	if len(start) == 0 {
		return reason, emptiness(contentType, body)
	}
	if isHTML(contentType, start) {
		return ReasonHTML, sentenceOf(describeHTML(contentType, body))
	}
	if s := wrapped(start); s != "" {
		return reason, sentenceOf(s)
	}
	if s := otherFormat(contentType, start); s != "" && !b.Behind {
		return reason, sentenceOf(s)
	}
	return reason, sentenceOf(b.describe(contentType, body))
}

// sentenceOf makes text that may quote the body one printable line.
func sentenceOf(s string) string {
	return strings.Join(strings.Fields(harvest.Printable(s)), " ")
}

func emptiness(contentType string, body []byte) string {
	if len(body) == 0 {
		return "it is empty" + typed(contentType)
	}
	return "it holds only white space" + typed(contentType)
}

// typed names the declared media type, if there is one.
func typed(contentType string) string {
	if contentType = strings.TrimSpace(contentType); contentType == "" {
		return " (no Content-Type)"
	}
	return " (Content-Type " + cut(contentType, 80) + ")"
}

func mediaType(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && media == "" {
		media, _, _ = strings.Cut(contentType, ";")
	}
	return strings.ToLower(strings.TrimSpace(media))
}

// xssi are the prefixes that prevent scripts of other sites from reading an answer.
var xssi = []string{")]}'", ")]}", "while(1);", "while (1);", "for(;;);", "for (;;);", "{}&&", "throw 1;", "&&&START&&&", "/*-secure-", "/*O_o*/"}

var call = regexp.MustCompile(`^(?:/\*.{0,40}?\*/\s*)?;?\s*(?:try\s*\{\s*)?(?:typeof\s+[\w.$]+\s*===?\s*'function'\s*&&\s*|[\w.$]+\s*&&\s*)?([A-Za-z_$][\w$.]*(?:\[["'\w]+\])?)(?:\s*\(\s*["\[{]|\((?:-?[\d.]+|null|true|false)\)\s*;?\s*$)`)

// assignment is a script that stores the value: var data = {…}.
var assignment = regexp.MustCompile(`^(?:(?:var|let|const)\s+[A-Za-z_$][\w$]*|(?:window|self|module)\.[\w$.]+|[A-Za-z_$][\w$]*)\s*=\s*["\[{]`)

// wrapped finds JSON with something around it.
func wrapped(start []byte) string {
	head := start[:min(len(start), 400)]
	for _, prefix := range xssi {
		if bytes.HasPrefix(head, []byte(prefix)) {
			return fmt.Sprintf("it begins with %s, which keeps other sites from reading it; Shoal does not cut that off: ask the API for plain JSON, or keep the bytes with --body raw", quote(prefix))
		}
	}
	if m := call.FindSubmatch(head); m != nil {
		return fmt.Sprintf("it is JSONP, a call of %s: leave the parameter out that names the function, such as callback", quote(string(m[1])))
	}
	if assignment.Match(head) {
		return "it is a script that stores a value, not JSON: it begins with " + beginning(start)
	}
	return ""
}

// magic are the beginnings of formats that [http.DetectContentType] does not know.
var magic = []struct{ prefix, name string }{
	{"\x1f\x8b", "gzip, without a Content-Encoding for it"}, {"\x28\xb5\x2f\xfd", "zstd, without a Content-Encoding for it"}, {"BZh", "bzip2"},
	{"\xfd7zXZ\x00", "xz"}, {"PAR1", "Parquet"}, {"Obj\x01", "Avro"}, {"SQLite format 3", "an SQLite database"}, {"%YAML", "YAML"}, {"---\n", "YAML"},
	{"data:", "a stream of events (text/event-stream)"}, {"event:", "a stream of events (text/event-stream)"},
	{"\x1e", "a JSON text sequence (RFC 7464)"},
}

// otherFormat names a format that was never meant to be JSON.
func otherFormat(contentType string, start []byte) string {
	for _, m := range magic {
		if bytes.HasPrefix(start, []byte(m.prefix)) {
			return "it is " + m.name + typed(contentType)
		}
	}
	if start[0] == '<' {
		return describeXML(contentType, start)
	}
	if strings.ContainsRune("{[\"", rune(start[0])) {
		return ""
	}
	if kind := http.DetectContentType(start); !strings.HasPrefix(kind, "text/plain") {
		return "it is " + strings.Replace(kind, "application/octet-stream", "binary data", 1) + typed(contentType) + ": keep the bytes with --body raw"
	}
	switch media := mediaType(contentType); media {
	case "text/csv", "text/tab-separated-values", "text/event-stream", "application/x-yaml", "application/yaml", "text/yaml", "application/x-www-form-urlencoded":
		return "it is " + media + ", not JSON: it begins with " + beginning(start)
	}
	return ""
}

// beginning quotes the first words of a text.
func beginning(start []byte) string { return quote(cut(string(start[:min(len(start), 200)]), 60)) }

// quote puts text between quotes that JSON does not use, so that it stays readable.
func quote(s string) string { return "“" + s + "”" }

// cut shortens text to a number of characters, on one line.
func cut(s string, most int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
