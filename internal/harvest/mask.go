package harvest

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	masked       = "[secret]"
	maskedDigits = "0" // replaces a secret of digits only where it may be a number
	// minBase64 is how many characters of a secret's base64 must be present for it to be
	// recognised.
	minBase64 = 5
)

// Mask finds secrets in foreign text, in every form in which a server may quote them: plain; with
// any character escaped as in JSON, HTML or a URL, once or several times over; in base64 of either
// alphabet, also as a part of something longer; in hex. It looks at each byte about once, however
// many secrets there are.
type Mask struct {
	least    int // bytes of a secret; shorter ones are found in any text
	first    map[rune][]pattern
	pairs    [1 << 10]uint64 // a bit for each two bytes: set if a secret may begin with them
	used     bool
	prefixes int // characters that a cut secret must show at the text's end to be known
}

// pattern is one form of a secret.
type pattern struct {
	text []rune
	fold bool // in either case
	b64  bool // the characters beside it may carry some of its bits
	keep int  // characters of text that stay, such as a parameter's name
	end  bool // what follows must not look like more of it
}

// NewMask makes a [Mask] of the secrets that have at least that many bytes.
func NewMask(least int, secrets ...string) *Mask {
	m := &Mask{least: least, first: map[rune][]pattern{}, prefixes: 4}
	seen := map[string]bool{}
	for _, secret := range secrets {
		if len(secret) < least || seen[secret] {
			continue
		}
		seen[secret] = true
		m.add(pattern{text: []rune(secret)})
		if len(secret) < m.prefixes {
			continue
		}
		m.add(pattern{text: []rune(hex.EncodeToString([]byte(secret))), fold: true})
		for _, core := range base64Cores(secret) {
			m.add(pattern{text: []rune(core), b64: true})
			if url := strings.NewReplacer("+", "-", "/", "_").Replace(core); url != core {
				m.add(pattern{text: []rune(url), b64: true})
			}
		}
	}
	return m
}

// AddPair makes value a secret only between before, such as a parameter's name and =, and the end
// of the parameter. There it cannot be mistaken for data, however short it is.
func (m *Mask) AddPair(before, value string) {
	if value != "" {
		m.add(pattern{text: []rune(before + value), keep: utf8.RuneCountInString(before), end: true})
	}
}

func (m *Mask) add(p pattern) {
	m.used = true
	for _, r := range p.faces(0) {
		m.first[r] = append(m.first[r], p)
		if literal := string(r); len(literal) > 1 {
			m.admit(literal[0], literal[1])
			continue
		}
		for _, c := range `\%&` {
			m.admit(byte(r), byte(c))
		}
		if len(p.text) == 1 {
			for c := range 256 {
				m.admit(byte(r), byte(c))
			}
			continue
		}
		for _, second := range p.faces(1) {
			m.admit(byte(r), string(second)[0])
		}
	}
}

// faces returns the characters that may appear, unescaped, at one place of the pattern.
func (p *pattern) faces(at int) []rune {
	r := p.text[at]
	switch {
	case p.fold && unicode.IsLetter(r):
		return []rune{r, unicode.ToUpper(r)}
	case r == ' ':
		return []rune{r, '+'}
	}
	return []rune{r}
}

func (m *Mask) admit(a, b byte) { m.pairs[uint(a)<<2|uint(b)>>6] |= 1 << (b & 63) }

// mayBegin reports whether a secret may begin with these two bytes, neither of them escaped.
func (m *Mask) mayBegin(a, b byte) bool { return m.pairs[uint(a)<<2|uint(b)>>6]>>(b&63)&1 != 0 }

// base64Cores returns the characters of base64 that depend only on the secret, for each place at
// which it may begin.
func base64Cores(secret string) (cores []string) {
	for offset := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00"[:offset] + secret))
		from, to := (offset*8+5)/6, (offset+len(secret))*8/6
		if to-from >= minBase64 {
			cores = append(cores, text[from:to])
		}
	}
	return cores
}

// Bytes returns a body without the secrets, in memory of its own; the body itself if it contains
// none. JSON stays JSON.
func (m *Mask) Bytes(body []byte) []byte {
	out, _ := m.mask(body, false)
	return out
}

// Text returns a text without the secrets, and without the beginning of one that is cut off by the
// text's end.
func (m *Mask) Text(text string) string {
	if out, found := m.mask([]byte(text), true); found {
		return string(out)
	}
	return text
}

func (m *Mask) mask(body []byte, cut bool) ([]byte, bool) {
	if m == nil || !m.used {
		return body, false
	}
	var out []byte
	done := 0
	for i := 0; i < len(body); {
		switch c := body[i]; {
		case c == '\\' && i > done && body[i-1] == '\\': // a run of backslashes is looked at once
			i++
			continue
		case c == '\\', c == '%', c == '&':
		case i+1 < len(body) && !m.mayBegin(c, body[i+1]):
			i++
			continue
		}
		from, to := m.at(body, i, done, cut)
		if to == 0 {
			i++
			continue
		}
		out = append(out, body[done:from]...)
		out = append(out, word(body, from, to)...)
		done, i = to, to
	}
	if done == 0 {
		return body, false
	}
	return append(out, body[done:]...), true
}

// word returns what replaces a secret.
func word(body []byte, from, to int) string {
	for _, c := range body[from:to] {
		if c < '0' || c > '9' {
			return masked
		}
	}
	if to < len(body) && body[to] >= '0' && body[to] <= '9' {
		return "1" // a number of several digits may not begin with 0
	}
	return maskedDigits
}

// at finds a secret that begins at i; to is 0 if there is none. It must not take anything before
// done.
func (m *Mask) at(body []byte, i, done int, cut bool) (from, to int) {
	r, _ := utf8.DecodeRune(body[i:])
	candidates := [...]rune{r, -1, -1}
	switch body[i] {
	case '\\', '%', '&':
		candidates[1], _ = unescape(body, i, -1)
		candidates[2], _ = unescape(body, i, '&')
	}
	for n, r := range candidates {
		if r < 0 || n > 0 && r == candidates[0] || n > 1 && r == candidates[1] {
			continue
		}
		for k := range m.first[r] {
			p := &m.first[r][k]
			if from, to := p.match(body, i, cut, m.prefixes); to > 0 {
				return p.widen(body, from, to, done)
			}
		}
	}
	return 0, 0
}

// match compares the pattern with what begins at i, unit by unit.
func (p *pattern) match(body []byte, i int, cut bool, prefixes int) (from, to int) {
	from = i
	for k, want := range p.text {
		if k == p.keep {
			from = i
		}
		if i >= len(body) && cut && k-p.keep >= prefixes {
			return from, len(body)
		}
		next := unit(body, i, want, p.fold)
		if next == 0 {
			return 0, 0
		}
		i = next
	}
	if p.end && i < len(body) && isMore(body[i]) {
		return 0, 0
	}
	return from, i
}

// isMore reports whether a byte may belong to a parameter's value.
func isMore(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("%+._~-", c) >= 0
}

// widen includes what would be broken, or would reveal something about the secret, if it stayed.
func (p *pattern) widen(body []byte, from, to, done int) (int, int) {
	isB64 := func(c byte) bool { return isMore(c) && c != '%' && c != '.' && c != '~' || c == '/' }
	if p.b64 && from > done && isB64(body[from-1]) {
		from--
	}
	if p.b64 && to < len(body) && isB64(body[to]) {
		to++
	}
	for pad := 0; p.b64 && pad < 2 && to < len(body) && body[to] == '='; pad++ {
		to++
	}
	backslashes := 0
	for k := from - 1; k >= done && body[k] == '\\'; k-- {
		backslashes++
	}
	return from - backslashes%2, to // an escape must not lose its second half
}

// unit reads one character in any of its forms and returns the place behind it; 0 if it is another
// character.
func unit(body []byte, i int, want rune, fold bool) int {
	if i >= len(body) {
		return 0
	}
	same := func(r rune) bool { return r == want || fold && unicode.ToLower(r) == want || r == '+' && want == ' ' }
	c := body[i]
	if c == '\\' || c == '%' || c == '&' {
		if r, next := unescape(body, i, want); r >= 0 && same(r) {
			return next
		}
	}
	if r, width := utf8.DecodeRune(body[i:]); same(r) {
		return i + width
	}
	return 0
}

// unescape reads the escape that begins at i. want decides between two possible readings; -1 takes
// the longer.
func unescape(body []byte, i int, want rune) (r rune, next int) {
	switch body[i] {
	case '\\':
		return unescapeJSON(body, i)
	case '%':
		return unescapeURL(body, i)
	case '&':
		return unescapeHTML(body, i, want)
	}
	return -1, 0
}

// unescapeJSON reads \u0041, \x41, \/ and their like, with any number of backslashes.
func unescapeJSON(body []byte, i int) (rune, int) {
	for i < len(body) && body[i] == '\\' {
		i++
	}
	switch {
	case i >= len(body):
		return '\\', i
	case body[i] == 'u':
		r, next := hexRune(body, i+1, 4)
		if high := r; high >= 0xd800 && high < 0xdc00 {
			for next < len(body) && body[next] == '\\' {
				next++
			}
			if low, end := hexRune(body, next+1, 4); next < len(body) && body[next] == 'u' && low >= 0xdc00 && low < 0xe000 {
				return (high-0xd800)<<10 + (low - 0xdc00) + 0x10000, end
			}
		}
		if r >= 0 {
			return r, next
		}
	case body[i] == 'x':
		if r, next := hexRune(body, i+1, 2); r >= 0 {
			return r, next
		}
	}
	if body[i] < utf8.RuneSelf {
		return rune(body[i]), i + 1
	}
	return -1, 0
}

// unescapeURL reads %41 and %2541, and the bytes of one character beyond ASCII.
func unescapeURL(body []byte, i int) (rune, int) {
	first, next := percentByte(body, i)
	if first < utf8.RuneSelf {
		return first, next
	}
	char := []byte{byte(first)}
	for len(char) < utf8.UTFMax && !utf8.FullRune(char) {
		b, after := percentByte(body, next)
		if b < 0 {
			break
		}
		char, next = append(char, byte(b)), after
	}
	if r, width := utf8.DecodeRune(char); width == len(char) && r != utf8.RuneError {
		return r, next
	}
	return -1, 0
}

// percentByte reads one byte, which may be escaped several times over; -1 for none.
func percentByte(body []byte, i int) (rune, int) {
	if i >= len(body) || body[i] != '%' {
		return -1, 0
	}
	for next := i + 1; ; next += 2 {
		b, end := hexRune(body, next, 2)
		if b != '%' {
			return b, end
		}
		if again, _ := hexRune(body, next+2, 2); again < 0 {
			return b, end
		}
	}
}

// longestEntity is the longest HTML name of a character of a secret.
const longestEntity = 12

// unescapeHTML reads &#65;, &#x41; and names; it reads &amp;#65; too, unless want is an ampersand.
func unescapeHTML(body []byte, i int, want rune) (rune, int) {
	end := i + 1
	for end < len(body) && end-i < longestEntity && body[end] != ';' && body[end] != '&' {
		end++
	}
	if end >= len(body) || body[end] != ';' {
		return -1, 0
	}
	if string(body[i:end]) == "&amp" {
		rest := body[end:min(len(body), end+longestEntity)]
		deeper := append([]byte("&"), rest[1:]...)
		if r, next := unescapeHTML(deeper, 0, want); r >= 0 && (want != '&' || r == '&') {
			return r, end + next
		}
	}
	text := html.UnescapeString(string(body[i : end+1]))
	if r, width := utf8.DecodeRuneInString(text); width == len(text) && r != utf8.RuneError {
		return r, end + 1
	}
	return -1, 0
}

// hexRune reads n hex digits of either case; -1 for others.
func hexRune(body []byte, i, n int) (rune, int) {
	if i+n > len(body) {
		return -1, 0
	}
	r := rune(0)
	for _, c := range body[i : i+n] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 + rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 + rune(c|0x20-'a') + 10
		default:
			return -1, 0
		}
	}
	return r, i + n
}
