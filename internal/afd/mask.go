package afd

import "strings"

// hidden fills what looks like markup and is not. It is a control character that MediaWiki keeps
// out of its pages, and counts as something visible.
const hidden = 0x1a

// span is a piece of text that MediaWiki does not read as wikitext.
type span struct {
	open, close string
	fill        byte
}

// spans all begin with <. Comments are filled with blanks, because they separate nothing; what a
// reader sees stays visible.
var spans = [...]span{
	{"<!--", "-->", ' '},
	{"<nowiki", "</nowiki>", hidden},
	{"<ref", "</ref>", hidden},
	{"<pre", "</pre>", hidden},
	{"<syntaxhighlight", "</syntaxhighlight>", hidden},
	{"<source", "</source>", hidden},
	{"<math", "</math>", hidden},
}

// mask returns text of the same length in which everything within a comment, nowiki, ref and the
// like is filled in, newlines too: what remains is markup. An opening without an end is markup, or
// one slip would hide the whole rest.
func mask(text string) string {
	var (
		out     []byte
		missing [len(spans)]bool // so that a missing end is searched for only once
	)
	for i := 0; i < len(text); {
		j := strings.IndexByte(text[i:], '<')
		if j < 0 {
			break
		}
		i += j
		end, fill := spanEnd(text, i, &missing)
		if end == 0 {
			i++
			continue
		}
		if out == nil {
			out = []byte(text)
		}
		for k := i; k < end; k++ {
			out[k] = fill
		}
		i = end
	}
	if out == nil {
		return text
	}
	return string(out)
}

// spanEnd returns where the span that begins at i ends, 0 if none begins there.
func spanEnd(text string, i int, missing *[len(spans)]bool) (int, byte) {
	for k := range spans {
		s := &spans[k]
		if missing[k] || !hasPrefixFold(text[i:], s.open) {
			continue
		}
		from := i + len(s.open)
		if s.open != "<!--" {
			end, empty := tagEnd(text, i)
			if end == 0 || !tagNameEnds(text, from) {
				return 0, 0
			}
			if empty {
				return end, s.fill
			}
			from = end
		}
		j := indexFold(text[from:], s.close)
		if j < 0 {
			missing[k] = true
			return 0, 0
		}
		return from + j + len(s.close), s.fill
	}
	return 0, 0
}

func tagNameEnds(text string, i int) bool {
	return i < len(text) && (text[i] == '>' || text[i] == '/' || text[i] == ' ' || text[i] == '\n' || text[i] == '\t')
}

// longestTag bounds how far to look for the end of a tag.
const longestTag = 600

// tagEnd returns the place after the tag that begins with the < at i, 0 if that is not the
// beginning of a tag; empty reports whether the tag closes itself, as in <br/>.
func tagEnd(text string, i int) (end int, empty bool) {
	if i+1 >= len(text) || !(letter(text[i+1]) || text[i+1] == '/' || text[i+1] == '!') {
		return 0, false
	}
	for k := i + 1; k < len(text) && k < i+longestTag; k++ {
		switch text[k] {
		case '<':
			return 0, false
		case '>':
			return k + 1, text[k-1] == '/'
		}
	}
	return 0, false
}

// tagName returns the name of the tag at the start of s, in lower case with its slash if it is a
// closing one.
func tagName(s string) string {
	i := 1
	if i < len(s) && s[i] == '/' {
		i++
	}
	for i < len(s) && i < 20 && (letter(s[i]) || digit(s[i])) {
		i++
	}
	return strings.ToLower(s[1:i])
}
