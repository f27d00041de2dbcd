package afd

import "strings"

// scanner walks the lines of a page.
type scanner struct {
	page  Page
	text  string
	mask  string // the text with everything that is not markup filled in, of the same length
	signs signer

	records  []Record
	seen     map[string]int // how often an author wrote in one minute
	stack    []reply        // the comments that the next one may reply to, by rising depth
	parent   int            // the record of the nomination, -1 before it
	previous int            // the last comment, -1 for none: what notes about an account are about

	open *item // what was begun and is not signed yet
	slot item  // where open points

	header   bool // before the first words of a debate
	nominate bool // the next item is a nomination
	fresh    bool // the next item is a nomination if it has no list marker
	closing  bool // between the banner and the heading, where the closer writes
	closed   bool // a closing statement was seen since the banner
	stated   bool // the next item is a closing statement, whatever its words
	restated bool // the closing statement is struck out, so another may follow
	ended    bool // past the lower banner of a closed debate
	level    int  // of the page's first heading, 0 before it

	lastHeading int // where the last heading begins
	blanked     bool
	blankAt     mention
	about       string
	named       map[string]bool
	articles    []string
	err         error // of Page.Grow
}

// reply is a record that may have answers.
type reply struct{ depth, record int }

// item is an entry whose signature is still to come.
type item struct {
	kind     string
	from, to int // the text so far
	depth    int
	marker   byte // the last list marker, 0 for none
	outdent  bool
	div      bool // ends with its </div>
	listed   bool // the last line had a deeper marker
	line     int  // where its last line begins
}

// scan goes through the page line by line.
func (s *scanner) scan() {
	s.signs.mask = s.mask
	s.header, s.nominate = true, true
	s.named = map[string]bool{}
	s.lastHeading = max(strings.LastIndex(s.mask, "\n="), 0)
	from := 0
	if hasPrefixFold(lead(s.mask[:min(len(s.mask), 40)]), "redirect") { // #REDIRECT [[..]]
		from = lineEnd(s.mask, 0) + 1
	}
	for from < len(s.mask) && s.err == nil {
		to := lineEnd(s.mask, from)
		s.line(from, to)
		from = to + 1
	}
	s.flush()
}

func lineEnd(s string, from int) int {
	if i := strings.IndexByte(s[from:], '\n'); i >= 0 {
		return from + i
	}
	return len(s)
}

func (s *scanner) line(from, to int) {
	from, to = trimSpan(s.mask, from, to)
	if from == to {
		return
	}
	if level, title := heading(s.mask[from:to]); level > 0 {
		s.heading(level, title)
		return
	}
	from = s.boilerplate(from, to)
	if from == to {
		return
	}
	l := measure(s.mask, from, to)
	s.signs.scan(l.content, l.to)
	s.lookAround(l)
	if len(s.signs.found) == 0 && s.unsigned(l) {
		return
	}
	s.items(l)
}

// unsigned handles a line that has no signature and begins nothing. It reports whether this was
// one.
func (s *scanner) unsigned(l line) bool {
	if s.open != nil && s.open.kind == Relist && s.open.div {
		s.extend(l, l.to)
		if containsFold(s.mask[l.from:l.to], "</div>") {
			s.flush()
		}
		return true
	}
	if s.noise(l) {
		return s.open == nil || !s.continues(l) || s.wraps(l)
	}
	return false
}

// wraps reports whether a line that adds nothing is not part of the open item either.
func (s *scanner) wraps(l line) bool {
	return !visible(s.mask[l.content:l.to]) || len(s.signs.names) > 0 && wrappers[s.signs.names[0].name]
}

// boilerplate removes from the line what closing leaves around a debate, and returns where the rest
// begins.
func (s *scanner) boilerplate(from, to int) int {
	if end := boilerplateDiv(s.mask[from:to]); end > 0 {
		s.top()
		from, _ = trimSpan(s.mask, from+end, to)
	}
	words := lead(s.mask[from:to])
	switch end := topMark(s.text[from:to]); {
	case hasAnyPrefixFold(words, footers), hasAnyPrefixFold(words, bottomTemplates), bottomMark(s.text[from:to]) && !s.signedLine(from, to):
		s.flush()
		s.closing, s.ended = false, true
		return to
	case end > 0:
		s.top()
		from, _ = trimSpan(s.mask, from+end, to)
	case hasAnyPrefixFold(words, banners):
		if s.parent < 0 || s.ended { // else it is about a part of the debate
			s.top()
		}
		return to
	case hasAnyPrefixFold(words, topTemplates):
		s.top()
		s.stated = true
		if end := strings.Index(words, "}}"); strings.IndexByte(words[:max(end, 0)], '|') < 0 {
			from, _ = trimSpan(s.mask, min(to, to-len(words)+end+2), to)
		}
	}
	return from
}

func (s *scanner) signedLine(from, to int) bool {
	s.signs.scan(from, to)
	return len(s.signs.found) > 0
}

// top begins a closed debate. A banner has several marks of its own.
func (s *scanner) top() {
	s.flush()
	if s.closing {
		return
	}
	s.closing, s.closed, s.stated, s.ended, s.restated = true, false, false, false, false
	s.nominate, s.header = true, true
	s.parent, s.previous, s.stack = -1, -1, s.stack[:0]
}

// heading ends whatever preceded it.
func (s *scanner) heading(level int, title string) {
	s.flush()
	first := s.level == 0
	if first {
		s.level = level
	}
	if s.closing {
		s.closing, s.nominate, s.header = false, true, true
		s.parent, s.stack = -1, s.stack[:0]
	}
	if s.about == "" {
		s.about = articleName(strings.Trim(title, "[]: "))
	}
	switch {
	case s.parent < 0:
		s.nominate, s.header = true, true
	case level <= s.level:
		s.fresh, s.header = true, true
	}
	if s.parent >= 0 {
		s.stack = append(s.stack[:0], reply{0, s.parent})
	}
}

// items divides a line among its signatures.
func (s *scanner) items(l line) {
	if s.open == nil || !s.continues(l) {
		s.flush()
		s.begin(l)
	} else {
		s.extend(l, l.to)
	}
	begun := len(s.records)
	if n := len(s.signs.found); n == 1 && s.signs.found[0].maybe && s.runsOn(l.to) {
		s.signs.found = s.signs.found[:0]
	}
	for i := range s.signs.found {
		if s.err != nil {
			return
		}
		g := s.signs.found[i]
		if s.open == nil {
			s.more(l, s.signs.found[i-1].to, g, begun)
			continue
		}
		s.finish(&g)
	}
	if n := len(s.signs.found); n > 0 {
		s.rest(l, s.signs.found[n-1].to, begun)
	}
}

// runsOn reports whether the item that has not ended by to continues on the next line: plain text
// that is signed.
func (s *scanner) runsOn(to int) bool {
	t := strings.TrimRight(s.mask[s.open.from:to], " \t\r")
	if c := t[len(t)-1]; c == '.' || c == '!' || c == '?' || c == ')' || c == '>' {
		return false
	}
	end := lineEnd(s.mask, to)
	if end == len(s.mask) {
		return false
	}
	next := s.mask[end+1 : lineEnd(s.mask, end+1)]
	return next != "" && strings.IndexByte("*:#;=<{|!", next[0]) < 0 && strings.Contains(next, "[[") && visible(next)
}

// more makes an entry of the text between two signatures of one line.
func (s *scanner) more(l line, from int, g signature, begun int) {
	from, _ = trimSpan(s.mask, from, g.from)
	if !visible(s.mask[from:max(from, g.from)]) || len(s.records) == begun {
		return // the same entry signed twice
	}
	s.begin(line{from: from, to: g.to, content: from, depth: l.depth})
	s.finish(&g)
}

// rest handles what follows the last signature of a line: a note about an account is a notice, and
// any other words belong to the entry.
func (s *scanner) rest(l line, from, begun int) {
	from, to := trimSpan(s.mask, from, l.to)
	if len(s.records) == begun || !visible(s.mask[from:to]) {
		return
	}
	if s.aboutAccount(from, to) {
		s.slot = item{kind: Notice, from: from, to: to, depth: l.depth + 1, line: from}
		s.open = &s.slot
		s.flush()
		return
	}
	s.append(from, to)
}

// aboutAccount reports whether a piece of the line that was scanned last is a remark on an author's
// account.
func (s *scanner) aboutAccount(from, to int) bool {
	for _, t := range s.signs.names {
		if t.at >= from && t.at < to && accountTemplates[t.name] {
			return true
		}
	}
	return accountNote(s.mask[from:to])
}
