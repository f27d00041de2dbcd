package afd

import (
	"html"
	"strings"
)

// deepest is how deeply links and templates may be nested. The content of one is moved when it
// closes, so without a bound the work would be quadratic.
const deepest = 24

// frame is a link or a template that is open.
type frame struct {
	kind       byte // '[' or '{'
	from       int  // where it begins in the output, brackets and all
	first, bar int  // the first and the last bar, -1 for none
}

// renderer turns wikitext into what a reader sees.
type renderer struct {
	s        string
	i        int
	out      []byte
	frames   []frame
	missing  [len(spans)]bool
	policies []string
	known    map[string]bool // those policies
	external int             // links to the web whose closing bracket is still to come
}

// render returns the text without its markup, and the policies that it links to.
func render(text string) (plain string, policies []string) {
	r := renderer{s: text, out: make([]byte, 0, len(text)), policies: []string{}, known: map[string]bool{}}
	for r.i < len(r.s) {
		r.step()
	}
	return tidy(string(r.out)), r.policies
}

// marked are the bytes that may be markup.
var marked = byteSet("'<&[{]}|\n_")

func (r *renderer) step() {
	rest := r.s[r.i:]
	switch rest[0] {
	case '\'':
		r.quotes(rest)
	case '<':
		r.tag(rest)
	case '&':
		r.entity(rest)
	case '[':
		r.open(rest, "[[")
	case '{':
		r.open(rest, "{{")
	case ']':
		r.close(rest, "]]")
	case '}':
		r.close(rest, "}}")
	case '|':
		r.mark()
		r.copy(1)
	case '\n':
		r.copy(1)
		r.i += markerLength(r.s[r.i:])
	case '_':
		r.word(rest)
	default:
		n := 1
		for n < len(rest) && !marked[rest[n]] {
			n++
		}
		r.copy(n)
	}
}

func (r *renderer) copy(n int) {
	r.out = append(r.out, r.s[r.i:r.i+n]...)
	r.i += n
}

// quotes drops bold and italics. Of four quotes one is an apostrophe.
func (r *renderer) quotes(rest string) {
	n := quoteRun(rest)
	keep := 0
	switch {
	case n == 1, n == 4:
		keep = 1
	case n > 5:
		keep = n - 5
	}
	r.out = append(r.out, rest[:keep]...)
	r.i += n
}

// tag drops tags, comments and references, and keeps what nowiki protects.
func (r *renderer) tag(rest string) {
	if end, _ := spanEnd(r.s, r.i, &r.missing); end > 0 {
		if hasPrefixFold(rest, "<nowiki") || hasPrefixFold(rest, "<pre") {
			r.protected(r.s[r.i:end])
		}
		r.i = end
		return
	}
	end, _ := tagEnd(r.s, r.i)
	if end == 0 {
		r.copy(1)
		return
	}
	switch tagName(r.s[r.i:end]) {
	case "br", "p", "/p", "/div", "hr", "li", "/li":
		r.out = append(r.out, '\n')
	}
	r.i = end
}

func (r *renderer) protected(s string) {
	from, to := strings.IndexByte(s, '>'), strings.LastIndexByte(s, '<')
	if from >= 0 && from < to {
		r.out = append(r.out, html.UnescapeString(s[from+1:to])...)
	}
}

// longestEntity is &CounterClockwiseContourIntegral; and a little.
const longestEntity = 36

func (r *renderer) entity(rest string) {
	n := strings.IndexByte(rest[:min(len(rest), longestEntity)], ';') + 1
	if n == 0 {
		r.copy(1)
		return
	}
	r.out = append(r.out, sanitize(html.UnescapeString(rest[:n]))...)
	r.i += n
}

// word drops magic words such as __NOTOC__.
func (r *renderer) word(rest string) {
	n := 2
	for n < len(rest) && n < 48 && ('A' <= rest[n] && rest[n] <= 'Z' || rest[n] == '_') {
		n++
	}
	if n > 5 && strings.HasPrefix(rest, "__") && strings.HasSuffix(rest[:n], "__") {
		r.i += n
		return
	}
	r.copy(1)
}

func (r *renderer) open(rest, brackets string) {
	if !strings.HasPrefix(rest, brackets) {
		if rest[0] == '[' && r.web(rest) {
			return
		}
		r.copy(1)
		return
	}
	if len(r.frames) == deepest {
		copy(r.frames, r.frames[1:])
		r.frames = r.frames[:deepest-1]
	}
	r.frames = append(r.frames, frame{kind: rest[0], from: len(r.out), first: -1, bar: -1})
	r.copy(2)
}

// longestAddress is the longest address that browsers accept.
const longestAddress = 2083

// web drops the address of [http://example.org words], and keeps it if no words follow.
func (r *renderer) web(rest string) bool {
	if !hasPrefixFold(rest, "[http://") && !hasPrefixFold(rest, "[https://") && !hasPrefixFold(rest, "[//") {
		return false
	}
	n := strings.IndexAny(rest[1:min(len(rest), longestAddress)], "[ ]\n\t<") + 1
	if n == 0 || rest[n] == '\n' || rest[n] == '[' {
		return false
	}
	r.external++
	r.i++
	if rest[n] == ']' {
		r.copy(n - 1)
		return true
	}
	r.i += n - 1
	return true
}

// mark remembers a bar of the open link or template.
func (r *renderer) mark() {
	if len(r.frames) == 0 {
		return
	}
	f := &r.frames[len(r.frames)-1]
	if f.first < 0 {
		f.first = len(r.out)
	}
	f.bar = len(r.out)
}

func (r *renderer) close(rest, brackets string) {
	k := len(r.frames) - 1
	for k >= 0 && r.frames[k].kind != brackets[0]-toOpening {
		k--
	}
	if k < 0 || !strings.HasPrefix(rest, brackets) {
		if rest[0] == ']' && r.external > 0 {
			r.external--
			r.i++
			return
		}
		r.copy(1)
		return
	}
	f := r.frames[k]
	r.frames = r.frames[:k]
	r.i += 2
	if f.kind == '[' {
		r.link(f)
		return
	}
	r.template(f)
}

// toOpening is the distance in ASCII from a closing bracket or brace to its opening one.
const toOpening = 2

// link keeps what a link shows.
func (r *renderer) link(f frame) {
	target, label := string(r.out[f.from+2:]), ""
	if f.first >= 0 {
		target, label = string(r.out[f.from+2:f.first]), string(r.out[f.bar+1:])
	}
	if p := policyOf(target); p != "" && !r.known[p] {
		r.known[p] = true
		r.policies = append(r.policies, p)
	}
	r.out = r.out[:f.from]
	switch trimmed := strings.TrimSpace(target); {
	case hasPrefixFold(trimmed, "file:"), hasPrefixFold(trimmed, "image:"), hasPrefixFold(trimmed, "category:"):
	case strings.TrimSpace(label) != "":
		r.out = append(r.out, label...)
	default:
		r.out = append(r.out, strings.TrimPrefix(trimmed, ":")...)
	}
}

// shown are the templates whose first argument is read as it is.
var shown = words("tq talkquote tqq tqi quote blockquote xt !xt small s strike del strikethrough nowrap em strong gi green red code resize lang u big color")

// called are those that call another user.
var called = words("ping replyto re rto reply yo user u noping")

// template keeps what a known template shows, and drops any other.
func (r *renderer) template(f frame) {
	if f.first < 0 {
		r.out = r.out[:f.from]
		return
	}
	name := strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(string(r.out[f.from+2 : min(f.first, f.from+40)])))
	args := string(r.out[f.first+1:])
	r.out = r.out[:f.from]
	switch {
	case called[name]:
		for i, user := range strings.Split(args, "|") {
			if i > 0 {
				r.out = append(r.out, ", "...)
			}
			r.out = append(append(r.out, '@'), strings.TrimPrefix(user, "1=")...)
		}
	case shown[name]:
		r.out = append(r.out, strings.TrimPrefix(args[strings.LastIndexByte(args, '|')+1:], "1=")...)
	}
}

// tidied reports whether s is tidy already, as most texts are.
func tidied(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x80 || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// tidy joins runs of blanks, and drops them around lines.
func tidy(s string) string {
	if tidied(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	for line := range strings.SplitSeq(s, "\n") {
		n := len(out)
		for word := range strings.FieldsSeq(line) {
			if len(out) > n {
				out = append(out, ' ')
			}
			out = append(out, word...)
		}
		if len(out) > n {
			out = append(out, '\n')
		}
	}
	return strings.TrimSuffix(string(out), "\n")
}
