package afd

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// vote is the words in bold at the start of an item.
type vote struct {
	raw    string // "" for none
	labels []string
	struck bool
}

// maxRaw is the longest unknown label in bold, in bytes.
const maxRaw = 100

// ballot reads the votes of one item, in one walk.
type ballot struct {
	s      string // masked
	i      int
	struck strikes
	result bool // results have labels of their own, and may wrap lines
	seek   bool // past the start: only a vote in bold counts now
	best   vote
}

// voteOf finds the vote: the first bold run at the start that is not struck. If that is struck, it
// is the next bold run in the item that is a vote; if there is none, the struck one.
func voteOf(masked string, result bool) vote {
	b := ballot{s: masked, result: result, seek: result}
	for b.i < len(b.s) {
		if !b.step() {
			break
		}
	}
	return b.best
}

// step moves past one element. It reports whether there may be more to see.
func (b *ballot) step() bool {
	rest := b.s[b.i:]
	if n := blankAt(rest); n > 0 {
		b.i += n
		return true
	}
	switch rest[0] {
	case '\'':
		return b.quote()
	case '<':
		return b.tag()
	case '{', '}':
		if n := b.struck.template(rest); n > 0 {
			b.i += n
			return true
		}
	case '[':
		if n := pipeBefore(rest); n > 0 { // [[Wikipedia:Keep|'''Keep''']]
			b.i += n
			return true
		}
	case '-', ':', ';', '.', ',', '*', ']', '(', ')', '"', '!':
		b.i++
		return true
	}
	return b.other(rest)
}

// other moves past plain text, which ends the start of an item unless it is struck.
func (b *ballot) other(rest string) bool {
	if strings.HasPrefix(rest, "–") || strings.HasPrefix(rest, "—") {
		b.i += len("–")
		return true
	}
	if b.struck.on == 0 {
		if !b.seek && (b.best.raw == "" || !b.best.struck) {
			return false
		}
		b.seek = true
	}
	b.i++
	for b.i < len(b.s) && strings.IndexByte("'<{}", b.s[b.i]) < 0 {
		b.i++
	}
	return true
}

func (b *ballot) quote() bool {
	n := quoteRun(b.s[b.i:])
	if n == 1 {
		return b.other(b.s[b.i:])
	}
	b.i += n
	return n == 2 || b.bold("'")
}

// tag moves past a tag, and counts the strikes.
func (b *ballot) tag() bool {
	end, _ := tagEnd(b.s, b.i)
	if end == 0 {
		return b.other(b.s[b.i:])
	}
	tag := b.s[b.i:end]
	name := tagName(tag)
	b.struck.tag(tag)
	b.i = end
	if name == "b" || name == "strong" {
		return b.bold("/" + name)
	}
	return true
}

// bold reads a bold run from its first byte to its closing markup, and casts it. Struck words
// within it count only if there are no others.
func (b *ballot) bold(closer string) bool {
	var text, gone strings.Builder
	from, closed := b.i, false
	for b.i < len(b.s) && !closed {
		rest := b.s[b.i:]
		n := 0
		switch c := rest[0]; {
		case c == '\'' && quoteRun(rest) > 1:
			n = quoteRun(rest)
			closed = closer == "'" && n >= 3
		case c == '\n' && !b.result:
			return b.cast(from, text.String(), gone.String(), false)
		case c == '<':
			n = b.boldTag(closer, &closed)
		case c == '{', c == '}':
			n = b.struck.template(rest)
		case c == '[':
			n = pipeBefore(rest)
		}
		if n == 0 {
			n = 1
			if b.struck.on > 0 {
				gone.WriteByte(rest[0])
			} else {
				text.WriteByte(rest[0])
			}
		}
		b.i += n
	}
	return b.cast(from, text.String(), gone.String(), closed)
}

// boldTag reads a tag within a bold run, and returns its length; 0 if it is not a tag.
func (b *ballot) boldTag(closer string, closed *bool) int {
	end, _ := tagEnd(b.s, b.i)
	if end == 0 {
		return 0
	}
	tag := b.s[b.i:end]
	b.struck.tag(tag)
	*closed = tagName(tag) == closer
	return end - b.i
}

// cast weighs the bold text since from. It reports whether to continue looking.
func (b *ballot) cast(from int, text, gone string, closed bool) bool {
	v := vote{raw: cleanRaw(text)}
	if v.raw == "" {
		text = gone
		v.raw, v.struck = cleanRaw(gone), true
	}
	words := passage{before: sentenceBefore(b.s[max(0, from-longestBefore):from]), bold: text, after: clauseAfter(b.s[b.i:]), result: b.result}
	v.labels = words.labels()
	switch {
	case v.raw == "", len(v.labels) == 0 && b.isNoise(v, closed):
		return true
	case v.struck, len(v.labels) > 0 && b.replaced():
		if b.best.raw == "" {
			v.struck = true
			b.best = v
		}
		return true
	case b.result && len(v.labels) == 0 && onlyNegates(v.raw):
		return true // only the "not" of "not to delete" is in bold, and the vote in bold after it
	case b.best.raw != "" && !b.best.struck: // '''Strong''' '''keep'''
		words.bold = b.best.raw + " " + text
		if v.labels = words.labels(); len(v.labels) > 0 && !b.seek {
			b.best = vote{raw: b.best.raw + " " + v.raw, labels: v.labels}
		}
		return false
	}
	b.best = v
	return onlyModifiers(v.raw) && len(v.labels) == 0
}

// isNoise reports whether bold text without a label is a sentence in bold, a slip, or not what is
// sought.
func (b *ballot) isNoise(v vote, closed bool) bool {
	return !closed || len(v.raw) > maxRaw || b.seek && !b.result
}

// replaced reports whether an arrow leads from the bold words to others in bold.
func (b *ballot) replaced() bool {
	rest := strings.TrimLeft(b.s[b.i:], " ")
	for _, arrow := range [...]string{"→", "⇒", "➔", "->", "=>", "&rarr;", "&rArr;"} {
		if after, ok := strings.CutPrefix(rest, arrow); ok {
			return hasAnyPrefixFold(strings.TrimLeft(after, " "), []string{"'''", "<b>"})
		}
	}
	return false
}

// sentenceBefore returns the end of s that is in one sentence with what follows it.
func sentenceBefore(s string) string { return s[strings.LastIndexAny(s, ".?!;:>|}")+1:] }

// clauseAfter returns the start of s that is in one clause with what precedes it.
func clauseAfter(s string) string {
	s = s[:min(len(s), longestAfter)]
	if i := strings.IndexAny(s, ".!;:,()<>{}[]|?"); i >= 0 {
		if s[i] == '?' && !apart(s[:i]) {
			return s[:i+1]
		}
		s = s[:i]
	}
	for _, dash := range [...]string{"–", "—", " - ", "''"} {
		s, _, _ = strings.Cut(s, dash)
	}
	return s
}

// apart reports whether s, what follows words in bold up to a question mark, is a sentence of its
// own that asks something else: it begins with a capital and no word in it asks about or names a
// vote.
func apart(s string) bool {
	list := strings.Fields(s)
	if len(list) < 3 || !strings.HasPrefix(s, " ") {
		return false
	}
	if first, _ := utf8.DecodeRuneInString(list[0]); !unicode.IsUpper(first) {
		return false
	}
	for i, word := range list {
		w := strings.ToLower(strings.Trim(word, "'\""))
		if labelWords[w] != "" || negations[w] || i == 0 && (asks[w] || inverted[w] || pronouns[w]) {
			return false
		}
	}
	return true
}

// onlyNegates reports whether the words in bold mean no more than "not".
func onlyNegates(raw string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(raw)) {
		if !negations[w] && !helpers[w] && !strings.HasSuffix(w, "n't") {
			return false
		}
	}
	return true
}

// cleanRaw returns bold text as a person would quote it.
func cleanRaw(s string) string {
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	if tidied(s) && !strings.ContainsAny(s, "[]\x1a") {
		return strings.Trim(s, " :.,;!-'\"")
	}
	s = strings.Map(func(r rune) rune {
		switch r {
		case '[', ']', '\u200e', '\u200f', hidden:
			return -1
		}
		return r
	}, s)
	return strings.Trim(strings.Join(strings.Fields(s), " "), " :.,;!-–—'\"")
}

// pipeBefore returns how much of the link at the start of s precedes what it shows: only the
// brackets, or the target with its bar too; all of it if it shows a picture. It returns 0 if no
// link begins there.
func pipeBefore(s string) int {
	if !strings.HasPrefix(s, "[[") {
		return 0
	}
	s = s[:min(len(s), longestTarget)]
	end := len(s)
	for i := 2; i < len(s); i++ {
		if s[i] == '[' || s[i] == '\n' || strings.HasPrefix(s[i:], "]]") {
			end = i
			break
		}
	}
	if hasPrefixFold(s, "[[file:") || hasPrefixFold(s, "[[image:") {
		return min(end+2, len(s))
	}
	if i := strings.IndexByte(s[:end], '|'); i >= 0 {
		return i + 1
	}
	return 2
}
