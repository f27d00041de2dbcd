package afd

import (
	"html"
	"strings"
)

// vote is what stands in bold at the start of an item.
type vote struct {
	raw    string // "" for none
	labels []string
	struck bool
}

// mostRaw is how many bytes of bold text may be a label that we do not know.
const mostRaw = 100

// ballot reads the votes of one item, in one walk.
type ballot struct {
	s      string // masked
	i      int
	struck int  // how many strikes are open
	result bool // results have labels of their own, and may wrap lines
	seek   bool // past the start: only a vote in bold counts now
	best   vote
}

// voteOf finds the vote: the first bold run at the start that is not struck. If
// that is struck, the next one in the item that is a vote; if there is none, the
// struck one.
func voteOf(masked string, result bool) vote {
	b := ballot{s: masked, result: result, seek: result}
	for b.i < len(b.s) {
		if !b.step() {
			break
		}
	}
	return b.best
}

// step goes on over one thing. It tells whether there may be more to see.
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
	case '{':
		if n := strikeTemplate(rest); n > 0 {
			b.struck++
			b.i += n
			return true
		}
	case '}':
		return b.brace(rest)
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

// other goes over plain text, which ends the start of an item unless it is struck.
func (b *ballot) other(rest string) bool {
	if strings.HasPrefix(rest, "–") || strings.HasPrefix(rest, "—") {
		b.i += len("–")
		return true
	}
	if b.struck == 0 {
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

func (b *ballot) brace(rest string) bool {
	if !strings.HasPrefix(rest, "}}") {
		return b.other(rest)
	}
	b.struck = max(0, b.struck-1)
	b.i += 2
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

// tag goes over a tag, and keeps count of the strikes.
func (b *ballot) tag() bool {
	end, _ := tagEnd(b.s, b.i)
	if end == 0 {
		return b.other(b.s[b.i:])
	}
	name := tagName(b.s[b.i:end])
	b.i = end
	switch name {
	case "s", "strike", "del":
		b.struck++
	case "/s", "/strike", "/del":
		b.struck = max(0, b.struck-1)
	case "b", "strong":
		return b.bold("/" + name)
	}
	return true
}

// bold reads a bold run from its first byte to what closes it, and casts it. What
// is struck within it counts only if nothing else is in it.
func (b *ballot) bold(closer string) bool {
	var text, gone strings.Builder
	closed := false
	for b.i < len(b.s) && !closed {
		rest := b.s[b.i:]
		switch c := rest[0]; {
		case c == '\'' && quoteRun(rest) > 1:
			n := quoteRun(rest)
			b.i += n
			closed = closer == "'" && n >= 3
			continue
		case c == '\n' && !b.result:
			return b.cast(text.String(), gone.String(), false)
		case c == '<':
			if end, _ := tagEnd(b.s, b.i); end > 0 {
				closed = b.boldTag(tagName(b.s[b.i:end]), closer)
				b.i = end
				continue
			}
		case c == '{' && strikeTemplate(rest) > 0:
			b.struck++
			b.i += strikeTemplate(rest)
			continue
		case strings.HasPrefix(rest, "}}"):
			b.struck = max(0, b.struck-1)
			b.i += 2
			continue
		case c == '[' && pipeBefore(rest) > 0:
			b.i += pipeBefore(rest)
			continue
		}
		if b.struck > 0 {
			gone.WriteByte(rest[0])
		} else {
			text.WriteByte(rest[0])
		}
		b.i++
	}
	return b.cast(text.String(), gone.String(), closed)
}

func (b *ballot) boldTag(name, closer string) (closed bool) {
	switch name {
	case "s", "strike", "del":
		b.struck++
	case "/s", "/strike", "/del":
		b.struck = max(0, b.struck-1)
	}
	return name == closer
}

// cast weighs what stood in bold. It tells whether to go on looking.
func (b *ballot) cast(text, gone string, closed bool) bool {
	v := vote{raw: cleanRaw(text)}
	if v.raw == "" {
		v.raw, v.struck = cleanRaw(gone), true
	}
	v.labels = labels(v.raw, b.result)
	switch {
	case v.raw == "", !closed && len(v.labels) == 0, len(v.raw) > mostRaw && len(v.labels) == 0:
		return true // a sentence in bold, or a slip
	case b.seek && len(v.labels) == 0 && !b.result:
		return true
	case v.struck:
		if b.best.raw == "" {
			b.best = v
		}
		return true
	case b.best.raw != "" && !b.best.struck: // '''Strong''' '''keep'''
		if len(v.labels) > 0 && !b.seek {
			b.best = vote{raw: b.best.raw + " " + v.raw, labels: v.labels}
		}
		return false
	}
	b.best = v
	return onlyModifiers(v.raw) && len(v.labels) == 0
}

// cleanRaw is bold text as a person would quote it.
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

// strikes are the templates that strike out.
var strikes = [...]string{"{{strike|", "{{s|", "{{strikethrough|", "{{del|", "{{strike through|", "{{stricken|"}

func strikeTemplate(s string) int {
	for _, t := range strikes {
		if hasPrefixFold(s, t) {
			return len(t)
		}
	}
	return 0
}

// pipeBefore is how much of the link at the start of s comes before what it shows:
// the brackets alone, or the target with its bar too; all of it where it shows a
// picture. 0 if no link begins there.
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
