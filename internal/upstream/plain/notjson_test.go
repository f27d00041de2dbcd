package plain

import (
	"net/http"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// TestNotJSON checks what the reading reports about an answer that should be JSON and is not: what
// it is, or where it breaks.
func TestNotJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, kind, body, reason, says string }{
		{"JSON lines", "application/json", "{\"a\":1}\n{\"a\":2}\n", "bad_json", "line 2: a second value: is it JSON lines?"},
		{"JSON lines with CRLF", "application/x-ndjson", "{\"a\":1}\r\n\r\n[2]", "bad_json", "line 3: a second value: is it JSON lines?"},
		{"two values on a line", "", `{"a":1}{"a":2}`, "bad_json", "line 1, column 8: a second value"},
		{"NaN", "application/json", "[1,\n NaN]", "bad_json", "line 2, column 2: NaN: JSON has no such number"},
		{"nan", "", `{"a":nan}`, "bad_json", "nan: JSON has no such number"},
		{"Infinity", "", `{"a":Infinity}`, "bad_json", "column 6: Infinity: JSON has no such number"},
		{"minus Infinity", "", `{"a":-Infinity}`, "bad_json", "-Infinity: JSON has no such number"},
		{"undefined", "", `{"a":undefined}`, "bad_json", "undefined: JSON has no such value"},
		{"Python's None", "", `{"a": None}`, "bad_json", "None: Python's, JSON has null"},
		{"JSONP", "application/javascript", `cb({"a":1});`, "bad_json", "it is JSONP, a call of “cb”"},
		{"JSONP behind a comment", "", `/**/jQuery1_2.done([1])`, "bad_json", "it is JSONP, a call of “jQuery1_2.done”"},
		{"JSONP typeof", "", `/**/ typeof cb === 'function' && cb({"a":1});`, "bad_json", "a call of “cb”"},
		{"a script", "", `var data = {"a":1};`, "bad_json", "it is a script that stores a value"},
		{"a prefix against other sites", "application/json", ")]}'\n{\"a\":1}", "bad_json", "it begins with “)]}'”"},
		{"a loop against other sites", "", `while(1);{"a":1}`, "bad_json", "it begins with “while(1);”"},
		{"HTML with a title", "text/html; charset=utf-8", "<!DOCTYPE html>\n<html><head><title>Sign in &amp; go\n on</title>", "html", "it is HTML (Content-Type text/html; charset=utf-8), titled “Sign in & go on”"},
		{"HTML that is called JSON", "application/json", "\n<!-- x --><HTML><TITLE>Down</TITLE>", "html", "it is HTML (Content-Type application/json), titled “Down”"},
		{"HTML without a title", "", "<html><h1>502 Bad Gateway</h1>", "html", "titled “502 Bad Gateway”"},
		{"HTML of words", "text/html", "<p>Please <b>log in</b></p>", "html", "begins with “Please log in”"},
		{"HTML with a script first", "", "<html><script>var title='x'</script><body>Wait", "html", "begins with “Wait”"},
		{"HTML whose title is in an attribute", "", `<html data-x="<title>no</title>"><title>yes</title>`, "html", "titled “yes”"},
		{"text that is called HTML", "text/html", "Service unavailable", "html", "begins with “Service unavailable”"},
		{"broken JSON that is called HTML", "text/html", `{"a":1,}`, "bad_json", "line 1, column 8: a comma before “}”"},
		{"a warning behind JSON", "text/html", `{"a":1}<br /><b>Warning</b>`, "bad_json", "after the JSON value comes “<br /><b>Warning</b>”"},
		{"a warning within JSON", "", `{"a":<br>1}`, "bad_json", "HTML or XML within the JSON"},
		{"XML", "application/xml", `<?xml version="1.0"?><feed><entry/></feed>`, "bad_json", "it is XML (Content-Type application/xml), with the root element “feed”"},
		{"XHTML", "application/xhtml+xml", `<?xml version="1.0"?><html><title>X</title></html>`, "html", "titled “X”"},
		{"single quotes", "", `{'a': 1}`, "bad_json", "line 1, column 2: a string in single quotes"},
		{"a key without quotes", "", `{a: 1}`, "bad_json", "a key without quotes: “a”"},
		{"a comma too many in a list", "", "[1,\n2,\n]", "bad_json", "line 3, column 1: a comma before “]”"},
		{"a comma too many in an object", "", `{"a":1,}`, "bad_json", "a comma before “}”"},
		{"a line comment", "", "// made by x\n{}", "bad_json", "line 1, column 1: a comment"},
		{"a block comment", "", "[1, /* two */ 2]", "bad_json", "line 1, column 5: a comment"},
		{"a hash comment", "", "# made by x\n{}", "bad_json", "a comment"},
		{"nothing", "application/json", "", "bad_json", "it is empty (Content-Type application/json)"},
		{"blanks", "", " \r\n\t", "bad_json", "it holds only white space (no Content-Type)"},
		{"cut off in a string", "", `{"a":"b`, "bad_json", "it ends in the middle of a string after 7 bytes: is it cut off?"},
		{"cut off in an object", "", `{"a":1`, "bad_json", "it ends in the middle of a list or object after 6 bytes"},
		{"a brace too many", "", `{"a":1}}`, "bad_json", "one “}” too many"},
		{"a line break in a string", "", "{\"a\":\"b\nc\"}", "bad_json", "a line break within a string"},
		{"an escape of another language", "", `["\x41"]`, "bad_json", "an escape that JSON does not have"},
		{"a number in hex", "", `[0x10]`, "bad_json", "line 1, column 3"},
		{"characters, not bytes, are counted", "", `["äöü", NaN]`, "bad_json", "line 1, column 9: NaN"},
		{"text", "text/plain", "Rate limit exceeded", "bad_json", "it is not JSON (Content-Type text/plain): it begins with “Rate limit exceeded”"},
		{"CSV", "text/csv", "id,name\n1,a\n", "bad_json", "it is text/csv, not JSON: it begins with “id,name 1,a”"},
		{"JSONP that is guarded", "text/javascript", "window.cb && window.cb({\"a\":1})", "bad_json", "it is JSONP, a call of “window.cb”"},
		{"JSONP in a try", "text/javascript", "try{cb({\"a\":1})}catch(e){}", "bad_json", "it is JSONP, a call of “cb”"},
		{"JSONP around a number", "application/json", "callback(123);", "bad_json", "it is JSONP, a call of “callback”"},
		{"JSONP around null", "application/json", "callback(null)", "bad_json", "it is JSONP, a call of “callback”"},
		{"words with brackets are no JSONP", "text/plain", "Error (123) at noon", "bad_json", "it begins with “Error (123) at noon”"},
		{"events", "text/event-stream", "data: {\"a\":1}\n\n", "bad_json", "a stream of events"},
		{"a JSON sequence", "application/json-seq", "\x1e{\"a\":1}\n", "bad_json", "a JSON text sequence"},
		{"a picture", "image/png", "\x89PNG\r\n\x1a\n\x00\x00", "bad_json", "it is image/png (Content-Type image/png): keep the bytes with --body raw"},
		{"a PDF", "", "%PDF-1.7 …", "bad_json", "it is application/pdf"},
		{"no line is forged", "text/plain", "\x1b[31mx\r\nlevel=info y", "bad_json", "�[31mx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{}
			if c.kind != "" {
				header.Set("Content-Type", c.kind)
			}
			r := u.Read(&harvest.Request{Items: make([]harvest.Item, 1)}, harvest.NewAnswer(harvest.Answer{Status: 200, Header: header, Body: []byte(c.body)}, nil))
			if r.Fault != harvest.FaultUndecodable || r.Reason != c.reason || r.Cause == nil {
				t.Fatalf("Read(%q) = %q %q %v, want %q %q and a cause", c.body, r.Fault, r.Reason, r.Cause, harvest.FaultUndecodable, c.reason)
			}
			if got := r.Cause.Error(); !strings.Contains(got, c.says) || strings.ContainsAny(got, "\n\r\x1b") {
				t.Errorf("Read(%q) says %q, want one line with %q", c.body, got, c.says)
			}
		})
	}
}
