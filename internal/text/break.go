package text

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// describe explains where and how a text breaks that begins like JSON.
func (b Break) describe(contentType string, body []byte) string {
	switch {
	case b.At < 0:
		return "it is not JSON" + typed(contentType) + ": it begins with " + beginning(body)
	case b.At >= len(body):
		return fmt.Sprintf("it ends in the middle of %s after %d bytes: is it cut off?", orValue(b.Within), len(body))
	case b.Behind:
		return b.behind(body)
	}
	line, column := b.place(body)
	return fmt.Sprintf("line %d, column %d: %s", line, column, b.what(contentType, body))
}

func orValue(within string) string {
	if within == "" {
		return "a value"
	}
	return within
}

// place counts lines and characters from 1.
func (b Break) place(body []byte) (line, column int) {
	before := body[:b.At]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// behind describes what follows one complete value.
func (b Break) behind(body []byte) string {
	line, column := b.place(body)
	rest := body[b.At:]
	switch c := rest[0]; {
	case bytes.HasPrefix(rest, utf8Mark):
		return fmt.Sprintf("line %d, column %d: a byte order mark after the JSON value: were files put together?", line, column)
	case c == '{' || c == '[' || c == '"' || c == '-' || '0' <= c && c <= '9':
		if line > 1 {
			return fmt.Sprintf("line %d: a second value: is it JSON lines?", line)
		}
		return fmt.Sprintf("line 1, column %d: a second value: were several put together?", column)
	case c == '<':
		return fmt.Sprintf("line %d, column %d: after the JSON value comes %s", line, column, beginning(rest))
	case c == ',':
		return fmt.Sprintf("line %d, column %d: a comma after the JSON value: is it a list without its brackets?", line, column)
	case c == ';' || c == ')':
		return fmt.Sprintf("line %d, column %d: %s after the JSON value: is it a script?", line, column, quote(string(c)))
	case c == '/' || c == '#':
		return fmt.Sprintf("line %d, column %d: a comment after the JSON value", line, column)
	case c == '}' || c == ']':
		return fmt.Sprintf("line %d, column %d: one %s too many", line, column, quote(string(c)))
	case c == 0:
		return fmt.Sprintf("line %d, column %d: a zero byte after the JSON value", line, column)
	}
	return fmt.Sprintf("line %d, column %d: text after the JSON value: %s", line, column, beginning(rest))
}

// words are values of other languages that JSON does not have.
var words = map[string]string{
	"NaN": "JSON has no such number", "nan": "JSON has no such number", "Infinity": "JSON has no such number", "inf": "JSON has no such number", "Inf": "JSON has no such number",
	"undefined": "JSON has no such value", "None": "Python's, JSON has null", "True": "Python's, JSON has true", "False": "Python's, JSON has false",
	"NULL": "JSON has null, in lower case", "nil": "JSON has null", "TRUE": "JSON has true, in lower case", "FALSE": "JSON has false, in lower case",
}

// what explains how the text breaks at b.At.
func (b Break) what(contentType string, body []byte) string {
	at := body[b.At:]
	before := bytes.TrimRight(body[:b.At], " \t\r\n")
	inString := strings.HasSuffix(b.Within, "string")
	switch c := at[0]; {
	case inString && c < 0x20:
		return fmt.Sprintf("%s within a string, which JSON writes as an escape", control(c))
	case b.Within == "an escape":
		return "an escape that JSON does not have: " + beginning(body[max(0, b.At-1):])
	case inString:
		return "a broken string: " + beginning(at)
	case c == '\'':
		return "a string in single quotes: is it Python's or a script's, rather than JSON?"
	case (c == ']' || c == '}') && bytes.HasSuffix(before, []byte(",")):
		return fmt.Sprintf("a comma before %s, where JSON needs a value", quote(string(c)))
	case c == ',' && bytes.HasSuffix(before, []byte(",")):
		return "two commas without a value between"
	case bytes.HasPrefix(at, []byte("//")) || bytes.HasPrefix(at, []byte("/*")) || c == '#':
		return "a comment, which JSON does not have"
	case c == '<':
		return "HTML or XML within the JSON: " + beginning(at)
	case typographic(at):
		return "a typographic quote in place of a straight one"
	case c == 0:
		return "a zero byte: is it UTF-16 that no header declares?"
	}
	return b.word(contentType, body)
}

// typographic reports whether a text begins with a quote that JSON does not have.
func typographic(text []byte) bool {
	r, _ := utf8.DecodeRune(text)
	return strings.ContainsRune("\u201c\u201d\u2018", r)
}

// word names the word that the text breaks at or in.
func (b Break) word(contentType string, body []byte) string {
	from, to := b.At, b.At
	for from > 0 && letter(body[from-1]) {
		from--
	}
	for to < len(body) && letter(body[to]) && to-from < 40 {
		to++
	}
	word := string(body[from:to])
	sign := from > 0 && (body[from-1] == '-' || body[from-1] == '+')
	if why, ok := words[word]; ok {
		if sign {
			word = string(body[from-1:from]) + word
		}
		return fmt.Sprintf("%s: %s", word, why)
	}
	switch {
	case b.Within == "an object's key" && word != "":
		return fmt.Sprintf("a key without quotes: %s", quote(word))
	case b.Within == "a number":
		return "a number that JSON does not write so: " + beginning(body[max(from, b.At-20):])
	case from == 0 || len(bytes.TrimSpace(body[:from])) == 0:
		return "it is not JSON" + typed(contentType) + ": it begins with " + beginning(body)
	case b.Within != "":
		return beginning(body[from:]) + " in " + b.Within
	}
	return beginning(body[from:]) + " is not expected here"
}

func letter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '$'
}

// control names a control character.
func control(c byte) string {
	switch c {
	case '\n', '\r':
		return "a line break"
	case '\t':
		return "a tab"
	}
	return fmt.Sprintf("the control character %#02x", c)
}
