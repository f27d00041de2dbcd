package plain

import "strings"

// linkNext returns the target of the first link with the relation next in Link headers (RFC 8288);
// empty without one. A link with an anchor is about another document, and one with results="false",
// as Sentry sends it, leads to an empty page. Some servers quote values with single quotes, or not
// at all.
func linkNext(lines []string) string {
	for _, line := range lines {
		for line != "" {
			start := strings.IndexByte(line, '<')
			if start < 0 {
				break
			}
			end := strings.IndexByte(line[start:], '>')
			if end < 0 {
				break
			}
			target := line[start+1 : start+end]
			var isNext bool
			isNext, line = linkParams(line[start+end+1:])
			if isNext {
				return strings.TrimSpace(target)
			}
		}
	}
	return ""
}

// linkParams reads the parameters of one link, up to the comma after it.
func linkParams(s string) (isNext bool, rest string) {
	seen, other := false, false
	for {
		s = strings.TrimLeft(s, " \t;")
		if s == "" || s[0] == ',' {
			return isNext && !other, strings.TrimPrefix(s, ",")
		}
		name := s
		if at := strings.IndexAny(s, "=;,"); at >= 0 {
			name, s = s[:at], s[at:]
		} else {
			s = ""
		}
		value := ""
		if strings.HasPrefix(s, "=") {
			value, s = linkValue(strings.TrimLeft(s[1:], " \t"))
		}
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, "anchor"), strings.EqualFold(name, "results") && strings.EqualFold(value, "false"):
			other = true
		case strings.EqualFold(name, "rel") && !seen: // a second rel must be ignored
			seen = true
			for relation := range strings.FieldsSeq(value) {
				isNext = isNext || strings.EqualFold(relation, "next")
			}
		}
	}
}

// linkValue reads a token or a quoted string.
func linkValue(s string) (value, rest string) {
	if strings.HasPrefix(s, `\"`) { // escaped once too often
		s = strings.ReplaceAll(s, `\"`, `"`)
	}
	if text, behind, ok := singleQuoted(s); ok {
		return text, behind
	}
	if !strings.HasPrefix(s, `"`) {
		if at := strings.IndexAny(s, ";,"); at >= 0 {
			return strings.TrimSpace(s[:at]), s[at:]
		}
		return strings.TrimSpace(s), ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "" // an open string ends with the header
}

// singleQuoted reads a value between single quotes; the second quote must end the parameter. An
// apostrophe at the beginning of a token is not a quote.
func singleQuoted(s string) (text, rest string, ok bool) {
	inner, ok := strings.CutPrefix(s, "'")
	if !ok {
		return "", "", false
	}
	for from := 0; ; {
		at := strings.IndexByte(inner[from:], '\'')
		if at < 0 {
			return "", "", false
		}
		at += from
		if rest = strings.TrimLeft(inner[at+1:], " \t"); rest == "" || rest[0] == ';' || rest[0] == ',' {
			return inner[:at], rest, true
		}
		from = at + 1
	}
}
