package afd

import (
	"html"
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestTarget bounds a link's target: titles have up to 255 bytes, which entities and percent
// signs lengthen.
const longestTarget = 600

// userTarget reads the target of a link that begins at the start of s, after its brackets, as one
// to a user's page, talk page or contributions. The length is that of the target.
func userTarget(s string) (name string, n int, ok bool) {
	if !userish(s) {
		return "", 0, false
	}
	for n < len(s) && n < longestTarget && !strings.ContainsRune("|[]{}<>\n", rune(s[n])) {
		n++
	}
	if n == longestTarget {
		return "", 0, false
	}
	rest := strings.TrimLeft(s[:n], ": _")
	for range 3 { // w:en:User:X
		space, after, cut := strings.Cut(rest, ":")
		if !cut {
			return "", 0, false
		}
		space = strings.Trim(space, " _")
		switch {
		case equalTitle(space, "user"), equalTitle(space, "user talk"):
			name = userName(after)
			return name, n, name != ""
		case equalTitle(space, "special"):
			name = userName(contributions(after))
			return name, n, name != ""
		case space == "" || len(space) > 12 || space[0] < 'a' || space[0] > 'z':
			return "", 0, false // an interwiki prefix is short and in lower case
		}
		rest = after
	}
	return "", 0, false
}

// userish rejects most links by their first letters.
func userish(s string) bool {
	if s == "" {
		return false
	}
	switch lower(s[0]) {
	case 'u':
		return hasPrefixFold(s, "user")
	case 's':
		return hasPrefixFold(s, "special")
	case ':', ' ', '_':
		return true
	}
	i := strings.IndexByte(s[:min(len(s), 13)], ':')
	return i > 0 && 'a' <= s[0] && s[0] <= 'z'
}

// equalTitle compares without case and takes _ for a space. The second title is in lower case.
func equalTitle(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		c := lower(a[i])
		if c == '_' {
			c = ' '
		}
		if c != b[i] {
			return false
		}
	}
	return true
}

func contributions(page string) string {
	name, user, _ := strings.Cut(page, "/")
	if name = strings.Trim(name, " _"); equalTitle(name, "contributions") || equalTitle(name, "contribs") {
		return user
	}
	return ""
}

// userName returns the name as the site has it: blanks for underscores, entities and percent signs
// resolved, no subpage or section, the first letter a capital if every MediaWiki makes it one.
func userName(s string) string {
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	if strings.IndexByte(s, '%') >= 0 {
		if u, err := url.PathUnescape(s); err == nil && utf8.ValidString(u) && strings.IndexByte(u, 0) < 0 {
			s = u
		}
	}
	if i := strings.IndexAny(s, "#/"); i >= 0 {
		s = s[:i]
	}
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '_' || unicode.IsSpace(r) || 0x200e <= r && r <= 0x200f }), " ")
	r, n := utf8.DecodeRuneInString(s)
	if surelyRaised(r) {
		s = string(unicode.ToUpper(r)) + s[n:]
	}
	if strings.Count(s, ":") > 1 && authorKind(s) == AuthorIP {
		s = strings.ToUpper(s)
	}
	return s
}

// surelyRaised reports whether every MediaWiki writes this letter as a capital at the start of a
// user's name. Sites differ from Unicode, and PHP's versions from each other, in Georgian,
// ligatures, letters with several marks and what is newer; such a letter stays as it is written, or
// two users would become one.
func surelyRaised(r rune) bool {
	switch {
	case r < 0x80:
		return 'a' <= r && r <= 'z'
	case r == 'ß', r == 'ŉ', r == 'ı', r == 'ΐ', r == 'ΰ', r == 'ς':
		return false
	case r <= 0x17e, 0x3ac <= r && r <= 0x3ce, 0x430 <= r && r <= 0x481, 0x561 <= r && r <= 0x586:
		return unicode.IsLower(r)
	}
	return false
}

// authorKind distinguishes people from addresses and from temporary accounts.
func authorKind(name string) string {
	switch {
	case strings.HasPrefix(name, "~2"):
		if strings.Trim(name[1:], "0123456789-") == "" {
			return AuthorTemp
		}
	case !digit(name[0]) && strings.IndexByte(name, ':') < 0:
		// A name that begins with a letter and has no colon is not an address.
	case strings.HasSuffix(name, ".xxx"): // as the first wikis wrote addresses
		if _, err := netip.ParseAddr(strings.TrimSuffix(name, "xxx") + "0"); err == nil {
			return AuthorIP
		}
	default:
		if a, err := netip.ParseAddr(name); err == nil && a.Zone() == "" {
			return AuthorIP
		}
	}
	return AuthorUser
}
