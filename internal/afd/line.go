package afd

import "strings"

// line is one line of the page, measured.
type line struct {
	from, to int // in the text, without the blanks around
	content  int // after the list marker
	depth    int // length of the marker
	outdent  bool
}

// markerLength returns how many list markers s begins with.
func markerLength(s string) (n int) {
	for n < len(s) && strings.IndexByte("*:#;", s[n]) >= 0 {
		n++
	}
	return n
}

// measure separates the list marker from the content.
func measure(mask string, from, to int) line {
	from, to = trimSpan(mask, from, to)
	l := line{from: from, to: to, depth: markerLength(mask[from:to])}
	l.content, _ = trimSpan(mask, from+l.depth, to)
	if n := outdentLength(mask[l.content:to]); n > 0 {
		l.outdent = true
		l.content, _ = trimSpan(mask, l.content+n, to)
	}
	return l
}

func trimSpan(mask string, from, to int) (int, int) {
	for from < to && space(mask[from]) {
		from++
	}
	for to > from && space(mask[to-1]) {
		to--
	}
	return from, to
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// outdentLength returns the length of the template that takes a thread back to the margin.
func outdentLength(s string) int {
	for _, name := range [...]string{"{{outdent", "{{od", "{{undent", "{{unindent"} {
		if hasPrefixFold(s, name) && len(s) > len(name) && strings.IndexByte("|}0123456789 ", s[len(name)]) >= 0 {
			return strings.Index(s[:min(len(s), longestTemplate)], "}}") + 2
		}
	}
	return 0
}

// heading returns the level of a heading, and its words; 0 for any other line.
func heading(s string) (level int, title string) {
	for level < len(s) && level < 6 && s[level] == '=' {
		level++
	}
	if level == 0 || len(s) < 2*level+1 {
		return 0, ""
	}
	end := len(s)
	for end > level && end > len(s)-6 && s[end-1] == '=' {
		end--
	}
	if end == len(s) {
		return 0, ""
	}
	level = min(level, len(s)-end)
	return level, strings.TrimSpace(s[level : len(s)-level])
}

// lead returns s without the blanks, quotes, markers and tags before its first word.
func lead(s string) string {
	for s != "" {
		switch n := blankAt(s); {
		case n > 0:
			s = s[n:]
		case strings.IndexByte(":*#;'-(", s[0]) >= 0:
			s = s[1:]
		case s[0] == '<':
			end, _ := tagEnd(s, 0)
			if end == 0 {
				return s
			}
			s = s[end:]
		default:
			return s
		}
	}
	return s
}

func hasAnyPrefixFold(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if hasPrefixFold(s, p) {
			return true
		}
	}
	return false
}

// banners are the sentences around a closed debate, which are not part of it.
var banners = []string{
	"the following discussion is an archived", "the following discussion is closed", "the following is an archived", "this page is an archive of",
	"this debate is closed and kept", "this page is now preserved as an archive",
}

var footers = []string{
	"the above discussion is preserved", "the above discussion is closed", "the debate above is closed", "this page is now preserved", "the discussion above is closed",
}

// results are the openings of a closing statement.
var results = []string{
	"the result was", "the result of this", "the result of the", "the result is", "the results of the", "result was", "the outcome was", "the outcome of", "the decision was", "the consensus was",
	"result: ", "the final decision was", "this debate was closed as",
}

// What the closing templates look like if an author forgot to substitute them.
var (
	topTemplates    = []string{"{{afd top", "{{subst:afd top", "{{vfd top", "{{subst:vfd top", "{{subst:at|", "{{subst:at}}"}
	bottomTemplates = []string{"{{afd bottom", "{{subst:afd bottom", "{{vfd bottom", "{{subst:vfd bottom", "{{subst:ab}}"}
)

// boilerplateDiv returns the length of the tag that begins a closed debate. Boxes with other
// classes close a part of one.
func boilerplateDiv(s string) int {
	if !hasPrefixFold(s, "<div") {
		return 0
	}
	end, _ := tagEnd(s, 0)
	tag := s[:end]
	if containsFold(tag, "xfd-closed") || containsFold(tag, "boilerplate") && (containsFold(tag, "vfd") || containsFold(tag, "afd")) {
		return end
	}
	return 0
}

func resultLike(s string) bool { return hasAnyPrefixFold(lead(s), results) }

// topMark finds the comment that the closing templates leave at the top, and where it ends in the
// line.
func topMark(text string) int { return markEnd(text, "fd top") }

func bottomMark(text string) bool { return markEnd(text, "fd bottom") > 0 }

// markEnd returns the end of the comment that begins with Template: and a name such as Afd top; 0
// without one.
func markEnd(text, name string) int {
	for i := 0; ; {
		j := strings.Index(text[i:], "<!--")
		if j < 0 {
			return 0
		}
		i += j + len("<!--")
		words := text[i:min(len(text), i+40)]
		if k := indexFold(words, "template:"); k >= 0 && strings.Contains(strings.ToLower(words[k:]), name) {
			end := strings.Index(text[i:], "-->")
			if end < 0 {
				return len(text)
			}
			return i + end + len("-->")
		}
	}
}

// relistings are how the relisting template begins, if it has no div.
var relistings = []string{
	"relisted to generate", "relisted''' to generate", "[[wikipedia:deletion process#relist", "this afd is being relisted", "this afd debate is being relisted",
	"this debate is being relisted", "this discussion is being relisted", "this article is being relisted",
}

// relistMark reports whether the line is what the relisting template leaves.
func relistMark(mask, text string) bool {
	if i := strings.Index(mask[:min(len(mask), 40)], "<div"); i >= 0 {
		if end, _ := tagEnd(mask, i); end > 0 && containsFold(mask[i:end], "xfd_relist") {
			return true
		}
	}
	if hasAnyPrefixFold(lead(mask), relistings) {
		return true
	}
	for i := 0; ; {
		j := strings.Index(text[i:], "<!--")
		if j < 0 {
			return false
		}
		i += j + len("<!--")
		if words := strings.ToLower(text[i:min(len(text), i+40)]); strings.Contains(words, "template:relist") || strings.Contains(words, "template:xfd relist") {
			return true
		}
	}
}

// sortingNote reports whether the content of an item is the note that the debate was put on a list.
func sortingNote(s string) bool {
	s = s[:min(len(s), longestTarget)]
	words := lead(s)
	if tags := s[:len(s)-len(words)]; strings.IndexByte(tags, '<') >= 0 && containsFold(tags, "delsort-notice") {
		return true
	}
	return hasPrefixFold(words, "note") && (containsFold(s, "deletion sorting") || containsFold(s, "list of ") && containsFold(s, "related deletion"))
}

// accountNotes are remarks about an author's account or about canvassing.
var accountNotes = []string{"few or no other edits", "single-purpose account", "single purpose account", "may have been [[wikipedia:canvass"}

func accountNote(s string) bool {
	s = s[:min(len(s), 2*longestTarget)]
	for _, n := range accountNotes {
		if containsFold(s, n) {
			return true
		}
	}
	return false
}
