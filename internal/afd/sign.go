package afd

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// signature is who signed, when, and where in the text.
type signature struct {
	from, to int
	author   string // "" if there is only a date
	at       time.Time
	dated    bool
	signed   string
	maybe    bool // quoted, if another signature of the item follows
}

// userLink is a link to a user's page, talk page or contributions.
type userLink struct {
	from, to int
	name     string
}

// The largest distances between the parts of a signature, in bytes. Sites allow 255 bytes of
// signature between its first link and its date, which markup lengthens.
const (
	farthestDate = 400
	farthestLink = 300
	nearWords    = 20 // letters between two links of one signature
)

// signer finds the signatures of a line in one walk. It is used again for the next line.
type signer struct {
	mask     string
	begin    int      // of the line
	from, to int      // of what is not signed yet
	quote    int      // where the last template begins that quotes others, plus 1
	tail     userLink // the name at the end of the line before, where no date follows it
	links    []userLink
	found    []signature
	names    []mention // of the templates that matter elsewhere
}

// mention is a template's name and the place where it begins.
type mention struct {
	name string
	at   int
}

// telling are the bytes at which links, templates and times are recognised.
var telling = byteSet("[{:.")

// scan finds the signatures and templates between from and to.
func (s *signer) scan(from, to int) {
	s.tail = s.tailOf(from)
	s.begin, s.quote = from, 0
	s.from, s.to, s.links, s.found, s.names = from, to, s.links[:0], s.found[:0], s.names[:0]
	for i := from; i < to; {
		if c := s.mask[i]; !telling[c] {
			i++
			continue
		}
		switch s.mask[i] {
		case '[':
			i = s.link(i)
		case '{':
			i = s.template(i)
		default:
			i = s.colon(i)
		}
	}
	s.undated()
	if len(s.found) > 1 {
		s.settle()
	}
}

// tailOf returns the name at the end of what was scanned last, if its date may be on the line that
// begins now.
func (s *signer) tailOf(from int) userLink {
	if len(s.links) == 0 || s.to >= from || strings.Trim(s.mask[s.to:from], " \t\r\n:*#") != "" {
		return userLink{}
	}
	last := s.links[len(s.links)-1]
	if visible(s.mask[last.to:s.to]) {
		return userLink{}
	}
	return userLink{s.cluster(s.links), last.to, last.name}
}

func (s *signer) link(i int) int {
	if i+2 >= s.to || s.mask[i+1] != '[' {
		return i + 1
	}
	name, n, ok := userTarget(s.mask[i+2 : s.to])
	if !ok {
		return i + 2
	}
	end := i + 2 + n
	for k := end; k < s.to && k < end+farthestDate; k++ {
		if s.mask[k] == '[' && strings.HasPrefix(s.mask[k:s.to], "[[") {
			break // never closed, or not what it seems
		}
		if s.mask[k] == ']' && strings.HasPrefix(s.mask[k:s.to], "]]") {
			end = k + 2
			break
		}
	}
	s.links = append(s.links, userLink{i, end, name})
	return end
}

// stamp is the time of a signature around a colon or a dot; false where there is none, as in a
// sentence.
func (s *signer) stamp(i int) (stamp, bool) {
	if i == s.from || i+2 >= s.to || digitBefore(s.mask[s.from:i]) == 0 {
		return stamp{}, false
	}
	if _, n := digitAt(s.mask[i+1 : s.to]); n == 0 {
		return stamp{}, false
	}
	t, ok := stampAround(s.mask, s.from, i, s.to)
	return t, ok && (t.zoned || !visible(s.mask[t.to:s.to]))
}

func (s *signer) colon(i int) int {
	t, ok := s.stamp(i)
	if !ok {
		return i + 1
	}
	at := len(s.links)
	for at > 0 && s.links[at-1].to > t.from {
		at--
	}
	switch {
	case at > 0 && t.from-s.links[at-1].to <= farthestDate:
		sure, maybe := s.quoted(s.links[:at], t)
		if sure {
			s.links = s.links[:0]
			return max(t.to, i+1)
		}
		s.sign(s.links[:at], t)
		s.found[len(s.found)-1].maybe = maybe
	case s.tail.name != "" && len(s.found) == 0 && !visible(s.mask[s.begin:t.from]):
		s.links = append(s.links[:0], s.tail)
		s.begin, s.from = s.tail.from, s.tail.from
		s.sign(s.links, t)
	case len(s.found) > 0 && strings.LastIndexByte(s.mask[s.from:t.from], '(') > strings.LastIndexByte(s.mask[s.from:t.from], ')'):
		return max(t.to, i+1) // (edited 11:00, 2 March 2014 (UTC))
	case t.zoned && !visible(s.mask[t.to:s.to]):
		s.add(signature{from: s.trim(t.from), to: t.to, at: t.at, dated: t.known, signed: SignedNone})
	default:
		return i + 1
	}
	return max(t.to, i+1)
}

// sign makes a signature of the last of the links and those of the same user shortly before it.
func (s *signer) sign(links []userLink, t stamp) {
	last := links[len(links)-1]
	from, to := s.cluster(links), t.to
	g := signature{to: to, author: last.name, at: t.at, dated: t.known, signed: SignedNone}
	if t.known {
		g.signed = SignedFull
	}
	if start := s.auto(from); start >= 0 {
		g.signed, from = SignedAuto, start
	}
	g.from = s.trim(from)
	s.add(g)
}

func (s *signer) add(g signature) {
	s.found, s.links, s.from = append(s.found, g), s.links[:0], g.to
}

// cluster returns where the first of the links begins that belong to one signature with the last.
func (s *signer) cluster(links []userLink) int {
	k := len(links) - 1
	for k > 0 && links[k-1].name == links[k].name && s.near(links[k-1].to, links[k].from) {
		k--
	}
	return links[k].from
}

// near reports whether two links are no further apart than in a signature: some letters, but no end
// of a sentence.
func (s *signer) near(from, to int) bool {
	if to-from > farthestLink {
		return false
	}
	words := 0
	for i := from; i < to; i++ {
		c := s.mask[i]
		if c == '<' {
			if end, _ := tagEnd(s.mask[:to], i); end > 0 {
				i = end - 1
				continue
			}
		}
		if i > from && c == ' ' && (s.mask[i-1] == '.' || s.mask[i-1] == '?' || s.mask[i-1] == '!') {
			return false
		}
		if letter(c) {
			words++
		}
	}
	return words <= nearWords
}

// longestAuto bounds the words before the name in what {{unsigned}} leaves.
const longestAuto = 320

// auto returns the beginning of the words of a substituted {{unsigned}} whose name is at i, else
// -1.
func (s *signer) auto(i int) int {
	from := max(s.from, i-longestAuto)
	words := s.mask[from:i]
	at := strings.LastIndex(words, "nsigned")
	if at < 1 || lower(words[at-1]) != 'u' || !containsFold(words[at:], "added") {
		return -1
	}
	for _, lead := range [...]string{"<small", "<span", "Preceding", "The preceding", "—", "–"} {
		if k := strings.LastIndex(words[:at], lead); k >= 0 {
			return from + k
		}
	}
	return from + at - 1
}

// trim moves the start of a signature back over what only introduces it: blanks, dashes, and the
// tags, quotes and parentheses that it opens.
func (s *signer) trim(i int) int {
	quotes := countQuotes(s.mask[s.from:i])
	for {
		before := s.mask[s.from:i]
		n := blankBefore(before)
		if n == 0 {
			n = dashBefore(before)
		}
		if n == 0 {
			n = openTagBefore(before)
		}
		if n == 0 {
			n = quotes.openBefore(before)
		}
		if n == 0 {
			return i
		}
		i -= n
	}
}

var dashes = [...]string{"-", "~", "–", "—", "―", "−", "•", "(", "[", "&mdash;", "&ndash;", "&#8212;", "&#8211;", "&#126;"}

func dashBefore(s string) int {
	for _, d := range dashes {
		if strings.HasSuffix(s, d) {
			return len(d)
		}
	}
	return 0
}

// openTagBefore returns the length of the opening tag at the end of s.
func openTagBefore(s string) int {
	if !strings.HasSuffix(s, ">") {
		return 0
	}
	for i := len(s) - 2; i >= 0 && i > len(s)-longestTag; i-- {
		switch s[i] {
		case '>':
			return 0
		case '<':
			if i+1 < len(s) && letter(s[i+1]) {
				return len(s) - i
			}
			return 0
		}
	}
	return 0
}

// quotes counts how often bold and italics begin or end.
type quotes struct{ bold, italic int }

func countQuotes(s string) (q quotes) {
	for i := 0; i < len(s); {
		n := quoteRun(s[i:])
		if n == 0 {
			i++
			continue
		}
		if n != 2 && n > 1 {
			q.bold++
		}
		if n == 2 || n >= 5 {
			q.italic++
		}
		i += n
	}
	return q
}

func quoteRun(s string) (n int) {
	for n < len(s) && s[n] == '\'' {
		n++
	}
	return n
}

// openBefore returns the length of the quotes at the end of s if they open what is never closed in
// s: then they belong to the signature, not to a vote before it.
func (q *quotes) openBefore(s string) int {
	n := len(s) - len(strings.TrimRight(s[max(0, len(s)-6):], "'")) - max(0, len(s)-6)
	bold, italic := q.bold%2 == 1, q.italic%2 == 1
	switch {
	case n >= 5 && bold && italic:
		q.bold--
		q.italic--
		return 5
	case n >= 3 && n < 5 && bold:
		q.bold--
		return 3
	case n == 2 && italic:
		q.italic--
		return 2
	}
	return 0
}

// undated makes a signature of the links at the end of a line that have no date: three tildes, or
// an {{unsigned}} without a date.
func (s *signer) undated() {
	if len(s.links) == 0 {
		return
	}
	last := s.links[len(s.links)-1]
	from := s.cluster(s.links)
	rest := s.mask[last.to:s.to]
	start := s.auto(from)
	switch {
	case start >= 0 && len(rest) < farthestLink && !strings.Contains(rest, ". "):
		s.add(signature{from: s.trim(start), to: s.to, author: last.name, signed: SignedAuto})
	case from != last.from && !visible(rest) && !s.dateFollows():
		s.add(signature{from: s.trim(from), to: s.to, author: last.name, signed: SignedNone})
	}
}

// visible reports whether a reader would see words in s: anything but blanks, tags, punctuation and
// the names of categories.
func visible(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case letter(c), digit(c), c == hidden:
			return true
		case c == '<':
			if end, _ := tagEnd(s, i); end > 0 {
				i = end
				continue
			}
			i++
		case c == '&' || c >= 0x80:
			if n := blankAt(s[i:]); n > 0 {
				i += n
				continue
			}
			r, n := utf8.DecodeRuneInString(s[i:])
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return true
			}
			i += n
		case c == '[' && hasPrefixFold(s[i:], "[[category:"):
			j := strings.Index(s[i:min(len(s), i+longestTarget)], "]]") // bounded: this is asked of every date
			if j < 0 {
				return true
			}
			i += j + 2
		default:
			i++
		}
	}
	return false
}
