package afd

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// begin opens the item that starts with the line.
func (s *scanner) begin(l line) {
	s.slot = item{from: l.content, to: l.to, depth: l.depth, outdent: l.outdent, line: l.content}
	if l.depth > 0 && l.content > l.from {
		s.slot.marker = s.mask[l.from+l.depth-1]
	}
	s.open = &s.slot
	s.open.kind = s.kind(l)
	s.header = s.header && (s.open.kind == Notice || s.open.kind == Close)
	switch s.open.kind {
	case Nomination:
		s.nominate, s.fresh = false, false
		s.open.depth = 0
	case Close:
		s.closed, s.stated = true, false
		s.open.depth = 0
	case Relist:
		s.open.depth = 0
		s.relist()
	}
}

// kind returns what begins with the line.
func (s *scanner) kind(l line) string {
	m := s.mask[l.content:l.to]
	switch {
	case relistMark(s.mask[l.content:l.to], s.text[l.content:l.to]):
		return Relist
	case s.closes(l, resultLike(m)):
		return Close
	case sortingNote(m):
		return Notice
	case s.closing && s.lastHeading > l.from:
		return Notice // written by or to the closer, outside the debate
	case len(s.signs.found) == 0 && s.aboutAccount(l.content, l.to):
		return Notice
	case s.nominate, s.fresh && l.depth == 0:
		return Nomination
	}
	return Comment
}

// closes reports whether the closing statement begins with the line, which may look like a result.
func (s *scanner) closes(l line, result bool) bool {
	switch {
	case s.closing && !s.closed:
		return s.lastHeading > l.from || s.stated || result
	case s.nominate && !s.closed && result: // under the heading, as it was done first
		return true
	}
	return (s.closing || s.nominate) && s.restated && result // in place of one that is struck out
}

// relist leaves the template's own div out of the item.
func (s *scanner) relist() {
	o := s.open
	i := strings.Index(s.mask[o.from:o.to], "<div")
	if i < 0 || i >= 40 {
		return
	}
	if end, _ := tagEnd(s.mask[:o.to], o.from+i); end > 0 {
		o.from, _ = trimSpan(s.mask, end, o.to)
		o.div = !containsFold(s.mask[o.from:o.to], "</div>")
	}
}

// continues reports whether the line continues the open item, which is not signed yet. After an
// author who forgot to sign, another comment follows at about the same depth; a list within a
// comment is deeper at once, or is announced.
func (s *scanner) continues(l line) bool {
	o := s.open
	m := s.mask[l.content:l.to]
	switch {
	case o.kind == Close:
		return true
	case len(s.signs.found) > 0 && !visible(s.mask[l.content:max(l.content, s.signs.found[0].from)]):
		return true // only the signature
	case relistMark(m, s.text[l.content:l.to]):
		return o.kind == Relist
	case sortingNote(m), l.outdent:
		return false
	case l.depth == 0:
		return o.kind != Notice
	case l.depth >= o.depth+2:
		return o.kind != Nomination || !s.votes(m)
	case s.votes(m):
		return false
	}
	return s.continuesAt(l, m)
}

// continuesAt decides by the words if the depth leaves it open.
func (s *scanner) continuesAt(l line, m string) bool {
	o := s.open
	deeper := l.depth == o.depth+1
	switch {
	case o.kind == Nomination && (o.listed || len(s.signs.found) == 0):
		return deeper // a list of reasons, sources or articles
	case deeper && l.depth > 1 && s.mask[l.from+l.depth-1] == '#' && o.marker != '#':
		return true
	case deeper && sourceLike(m):
		return true
	case l.depth < o.depth:
		return false
	}
	return s.dangles(deeper) || startsLower(m)
}

// dangles reports whether the text so far lacks an end: it stops at a colon before a list, or at a
// letter or comma.
func (s *scanner) dangles(list bool) bool {
	t := strings.TrimRight(s.mask[s.open.line:s.open.to], " \t\r\n")
	if t == "" {
		return false
	}
	c := t[len(t)-1]
	return c == ':' && list || c == ',' || c == ';' && blankBefore(t) == 0 || letter(c)
}

func startsLower(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLower(r)
}

// sourceLike reports whether a line begins with a link to a source.
func sourceLike(s string) bool {
	return hasAnyPrefixFold(s, []string{"[http", "http://", "https://", "{{cite", "''[http", "\"[http"})
}

// votes reports whether a line begins with bold text.
func (s *scanner) votes(m string) bool {
	return voteOf(m[:min(len(m), longestTarget)], false).raw != ""
}

// extend adds the line to the open item.
func (s *scanner) extend(l line, to int) {
	s.open.listed = l.depth > s.open.depth
	s.open.to, s.open.line = to, l.content
}

// flush ends the open item without a signature.
func (s *scanner) flush() {
	if s.open != nil {
		s.finish(nil)
	}
}

// finish makes a record of the open item.
func (s *scanner) finish(g *signature) {
	o := *s.open
	s.open = nil
	to := o.to
	if g != nil {
		to = max(o.from, g.from)
	}
	from, to := trimSpan(s.mask, o.from, to)
	if g == nil && !visible(s.mask[from:to]) {
		return
	}
	if o.kind == Notice {
		from = s.skipTags(from, to)
	}
	if o.kind == Relist || o.kind == Notice {
		to = s.dropTags(from, to, g == nil)
	}
	if o.kind == Close {
		from, to = s.unquote(from, to)
	}
	s.record(o, from, to, g)
}

// skipTags leaves out the tags that wrap a whole item.
func (s *scanner) skipTags(from, to int) int {
	for from < to && s.mask[from] == '<' {
		end, _ := tagEnd(s.mask[:to], from)
		if end == 0 || strikesOut(s.mask[from:end]) {
			break
		}
		from, _ = trimSpan(s.mask, end, to)
	}
	return from
}

// dropTags leaves out the tags that close a wrapped item without a signature.
func (s *scanner) dropTags(from, to int, unsigned bool) int {
	for unsigned && strings.HasSuffix(s.mask[from:to], ">") {
		i := strings.LastIndex(s.mask[from:to], "</")
		if i < 0 {
			break
		}
		if end, _ := tagEnd(s.mask[:to], from+i); end != to {
			break
		}
		_, to = trimSpan(s.mask, from, from+i)
	}
	return to
}

// unquote removes the italics that the first closing templates put around the statement.
func (s *scanner) unquote(from, to int) (int, int) {
	m := s.mask[from:to]
	head, tail := quoteRun(m), len(m)-len(strings.TrimRight(m, "'"))
	if (head == 2 || head == 5) && (tail == 2 || tail == 5) && head+tail <= len(m) {
		return from + 2, to - 2
	}
	if head == 2 && countQuotes(m).italic%2 == 1 { // on several lines, so that the closing quotes went with the signature
		return from + 2, to
	}
	return from, to
}
