package plain

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"shoal/internal/harvest"
)

// What PostgreSQL's numeric takes: digits before the point, digits after it.
const (
	maxWhole    = 131072
	maxFraction = 16383
)

// fitsNumeric reports whether a valid JSON number fits PostgreSQL's numeric, as jsonb keeps it. It
// counts digits and never computes the number: 1e999999999 costs as much as 1. Source:
// set_var_from_str and make_result in numeric.c.
func fitsNumeric(literal []byte) bool {
	mantissa, exp, hasExp := bytes.Cut(bytes.ToLower(bytes.TrimPrefix(literal, []byte("-"))), []byte("e"))
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	exponent := 0
	if hasExp {
		var ok bool
		if exponent, ok = smallInt(exp); !ok {
			return false
		}
	}
	if len(fraction)-exponent > maxFraction {
		return false
	}
	lead := bytes.IndexAny(whole, "123456789")
	if lead < 0 {
		if lead = bytes.IndexAny(fraction, "123456789"); lead < 0 {
			return true // zero
		}
		lead += len(whole)
	}
	return len(whole)-lead+exponent <= maxWhole
}

// smallInt reads an exponent; one of more than nine digits fits nothing, not even a zero.
func smallInt(b []byte) (int, bool) {
	text := strings.TrimPrefix(string(b), "+")
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimLeft(strings.TrimPrefix(text, "-"), "0")
	if len(text) > 9 {
		return 0, false
	}
	n, _ := strconv.Atoi("0" + text) // nine digits cannot fail
	if negative {
		n = -n
	}
	return n, true
}

// sanitize replaces what PostgreSQL refuses in a text that scan has accepted: \u0000 and half
// surrogate pairs by \ufffd, bytes that are not UTF-8 by U+FFFD, each as encoding/json does. The
// input stays as it is.
func sanitize(b []byte) []byte {
	out := make([]byte, 0, len(b)+16)
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '\\':
			n := escapeLen(b[i:])
			out = appendEscape(out, b[i:i+n])
			i += n
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			out = utf8.AppendRune(out, r) // RuneError of width 1 becomes U+FFFD
			i += n
		}
	}
	return out
}

// escapeLen returns the length of the escape that b starts with; a surrogate pair is one.
func escapeLen(b []byte) int {
	if b[1] != 'u' {
		return 2
	}
	if unit, _ := hex4(b[2:]); isHigh(unit) && lowFollows(b[6:]) {
		return 12
	}
	return 6
}

func appendEscape(out, escape []byte) []byte {
	if len(escape) == 6 {
		if unit, _ := hex4(escape[2:]); unit == 0 || isHigh(unit) || isLow(unit) {
			return append(out, `\ufffd`...)
		}
	}
	return append(out, escape...)
}

// replacedUTF8 is the stored word for bytes that are not characters of their charset.
const replacedUTF8 = "mended_utf8"

// reason names what was replaced, for a page's reason; empty for nothing.
func (f findings) reason() string {
	var words []string
	if f.nul {
		words = append(words, "mended_nul")
	}
	if f.surrogate {
		words = append(words, "mended_surrogate")
	}
	if f.utf8 {
		words = append(words, replacedUTF8)
	}
	return strings.Join(words, ",")
}

// Detail implements the worker's [Upstream], see [Detail].
func (u *Upstream) Detail(a *harvest.Answer) string { return Detail(a) }

// Detail returns the beginning of an answer's body, up to [harvest.MaxDetail] bytes, as text that
// is safe for a terminal: U+FFFD takes the place of what cannot be printed.
func Detail(a *harvest.Answer) string {
	if a == nil {
		return ""
	}
	// A rune that is cut at the end of the window lies in the bytes that do not fit anyway.
	return harvest.Printable(string(a.Body[:min(len(a.Body), harvest.MaxDetail+utf8.UTFMax)]))
}

// shorten cuts foreign text to a length that fits a message.
func shorten(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return text[:most] + "… (" + strconv.Itoa(len(text)) + " characters)"
}
