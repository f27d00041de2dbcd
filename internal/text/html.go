package text

import (
	"bytes"
	"encoding/xml"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// window bounds how much of a page is looked through for its title.
const window = 64 << 10

// marks are the beginnings of HTML, in lower case. A blank, > or / follows each.
var marks = []string{
	"<!doctype html", "<html", "<head", "<body", "<title", "<meta", "<script", "<style", "<link", "<iframe", "<center", "<font",
	"<h1", "<h2", "<h3", "<p", "<div", "<span", "<table", "<br", "<b", "<a", "<i", "<em", "<strong", "<form", "<img", "<pre", "<hr", "<ul", "<ol", "<li", "<noscript",
}

// isHTML reports whether a text, after leading blanks, is a page for people. A text that begins
// like JSON is not, whatever its type: many scripts send JSON as text/html.
func isHTML(contentType string, start []byte) bool {
	media := mediaType(contentType)
	declared := media == "text/html" || media == "application/xhtml+xml"
	if start[0] != '<' {
		return declared && !strings.ContainsRune("{[\"'-0123456789tfn)/", rune(start[0])) && !call.Match(start[:min(len(start), 400)])
	}
	if declared {
		return true
	}
	head := bytes.ToLower(start[:min(len(start), window)])
	for bytes.HasPrefix(head, []byte("<!--")) || bytes.HasPrefix(head, []byte("<?xml")) {
		end := bytes.IndexByte(head, '>')
		if end < 0 {
			return false
		}
		head = bytes.TrimLeft(head[end+1:], " \t\r\n\f")
	}
	for _, mark := range marks {
		if rest, ok := bytes.CutPrefix(head, []byte(mark)); ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n\f>/"), rest[0]) >= 0) {
			return true
		}
	}
	return false
}

// describeHTML names the type and the title of a page; without a title, its first words.
func describeHTML(contentType string, body []byte) string {
	title, words := headline(body)
	switch {
	case title != "":
		return "it is HTML" + typed(contentType) + ", titled " + quote(cut(title, 100))
	case words != "":
		return "it is HTML" + typed(contentType) + ", which begins with " + quote(cut(words, 100))
	}
	return "it is HTML" + typed(contentType) + ", without a title"
}

// headline returns the text of a page's title, or else of its first heading, and the first words of
// its text.
func headline(body []byte) (title, words string) {
	var within atom.Atom
	var heading, text strings.Builder
	for z := html.NewTokenizer(bytes.NewReader(body[:min(len(body), window)])); ; {
		switch z.Next() {
		case html.ErrorToken:
			if title = strings.TrimSpace(heading.String()); title == "" {
				return "", text.String()
			}
			return title, ""
		case html.StartTagToken:
			name, _ := z.TagName()
			within = atom.Lookup(name)
		case html.EndTagToken:
			within = 0
		case html.TextToken:
			said := strings.TrimSpace(string(z.Text()))
			switch {
			case said == "":
			case within == atom.Title:
				return said, ""
			case within == atom.H1 && heading.Len() == 0:
				heading.WriteString(said)
			case within != atom.Script && within != atom.Style && text.Len() < 200:
				text.WriteString(said + " ")
			}
		default: // comments and the like
		}
	}
}

// describeXML names the root element of a text that begins with <.
func describeXML(contentType string, start []byte) string {
	d := xml.NewDecoder(bytes.NewReader(start[:min(len(start), window)]))
	d.Strict = false
	for {
		token, err := d.RawToken()
		if err != nil {
			return "it begins with " + beginning(start) + typed(contentType)
		}
		if root, ok := token.(xml.StartElement); ok {
			return "it is XML" + typed(contentType) + ", with the root element " + quote(cut(root.Name.Local, 60)) + ": ask the API for JSON, or keep the bytes with --body raw"
		}
	}
}
