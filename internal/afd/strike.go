package afd

import (
	"html"
	"strings"
)

// opened is a tag or template that is open.
type opened struct {
	name    string // of the tag; "{" for a template
	strikes bool
}

// maxFrames bounds how deeply tags are followed.
const maxFrames = 64

// strikes follows which tags and templates that strike out are open.
type strikes struct {
	open []opened
	on   int // how many of them strike out
}

// tag reads a tag, as it is written.
func (s *strikes) tag(tag string) {
	name := tagName(tag)
	if closed, ok := strings.CutPrefix(name, "/"); ok {
		s.pop(closed)
		return
	}
	if !strings.HasSuffix(tag, "/>") {
		s.push(name, strikesOut(tag))
	}
}

// push opens one. A tag that does not strike matters only within one that does, where it may have
// the same name.
func (s *strikes) push(name string, on bool) {
	if !on && s.on == 0 || len(s.open) >= maxFrames {
		return
	}
	s.open = append(s.open, opened{name, on})
	if on {
		s.on++
	}
}

// pop closes the innermost of the name.
func (s *strikes) pop(name string) {
	for i := len(s.open) - 1; i >= 0; i-- {
		if s.open[i].name != name {
			continue
		}
		if s.open[i].strikes {
			s.on--
		}
		s.open = append(s.open[:i], s.open[i+1:]...)
		return
	}
}

// template reads the braces that the text begins with, and returns how many bytes of markup they
// are; 0 if none.
func (s *strikes) template(text string) int {
	switch {
	case strings.HasPrefix(text, "}}"):
		s.pop("{")
		return 2
	case !strings.HasPrefix(text, "{{"):
		return 0
	}
	n := strikeTemplate(text)
	s.push("{", n > 0)
	return n
}

// strikesOut reports whether a tag draws a line through its text: by its name or by its style.
func strikesOut(tag string) bool {
	name := tagName(tag)
	struck := name == "s" || name == "del" || name == "strike"
	if !containsFold(tag, "style") || !containsFold(tag, "decoration") && strings.IndexByte(tag, '&') < 0 {
		return struck
	}
	if strings.IndexByte(tag, '&') >= 0 {
		tag = html.UnescapeString(tag)
	}
	for rule := range strings.FieldsFuncSeq(tag, func(r rune) bool { return strings.ContainsRune(";\"'{}<>", r) }) {
		property, value, ok := strings.Cut(rule, ":")
		if i := strings.LastIndexByte(property, '='); i >= 0 {
			property = property[i+1:] // style=text-decoration:line-through
		}
		switch strings.ToLower(strings.TrimSpace(property)) {
		case "text-decoration", "text-decoration-line":
			struck = ok && containsFold(value, "line-through") || struck && !containsFold(value, "none")
		}
	}
	return struck
}

// strikeNames are the templates that strike out.
var strikeNames = words("strike s strikethrough strike-through del stricken struck strikeout strike-out st")

// strikeTemplate returns the length of the start of a template that strikes out its argument, up to
// that argument; 0 for any other text.
func strikeTemplate(s string) int {
	name, n := templateName(s[2:])
	n += 2
	if n >= len(s) || s[n] != '|' || !strikeNames[strings.ReplaceAll(name, "strike through", "strike")] {
		return 0
	}
	if hasPrefixFold(s[n:], "|1=") {
		return n + len("|1=")
	}
	return n + 1
}

// unstruck returns the text without its struck words.
func unstruck(text string) string {
	var b strings.Builder
	var s strikes
	for i := 0; i < len(text); {
		n := 0
		switch text[i] {
		case '<':
			if n, _ = tagEnd(text, i); n > 0 {
				n -= i
				s.tag(text[i : i+n])
			}
		case '{', '}':
			n = s.template(text[i:])
		}
		if s.on == 0 {
			b.WriteString(text[i : i+max(n, 1)])
		}
		i += max(n, 1)
	}
	return b.String()
}
