package afd

import "strings"

// longestTemplate bounds the arguments of a template that signs.
const longestTemplate = 700

// template looks at the template that may begin at i. One that signs is a signature, one made of a
// user's page is a link to it, and any other is noted.
func (s *signer) template(i int) int {
	if i+2 >= s.to || s.mask[i+1] != '{' {
		return i + 1
	}
	if name, n, ok := userTarget(s.mask[i+2 : s.to]); ok {
		s.links = append(s.links, userLink{i, i + 2 + n, name})
		return i + 2 + n
	}
	name, n := templateName(s.mask[i+2 : s.to])
	if name == "" {
		return i + 2
	}
	if unsigned, swapped := unsignedName(name); unsigned {
		if end := s.unsigned(i, i+2+n, swapped); end > 0 {
			return end
		}
	}
	if quoting[name] || name == "talk quote" || name == "talk quote inline" {
		s.quote = i + 1
	}
	s.names = append(s.names, mention{name, i})
	return i + 2 + n
}

// templateName returns the name up to the first bar or brace, in lower case, without subst: and
// with blanks for underscores, and its length in the text.
func templateName(s string) (string, int) {
	n := 0
	for n < len(s) && n < 80 && strings.IndexByte("|}{[]\n<>", s[n]) < 0 {
		n++
	}
	if n == len(s) || (s[n] != '|' && s[n] != '}') {
		return "", 0
	}
	name := strings.ToLower(strings.TrimSpace(strings.ReplaceAll(s[:n], "_", " ")))
	for _, p := range [...]string{"safesubst:", "subst:", "template:"} {
		name = strings.TrimSpace(strings.TrimPrefix(name, p))
	}
	return name, n
}

// unsignedName recognises the templates with which others sign for an author, and those of them
// that take the time first.
func unsignedName(name string) (unsigned, swapped bool) {
	name = strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), "-", "")
	base := strings.TrimSuffix(name, "2")
	switch base {
	case "unsigned", "unsignedip", "unsignedipv4", "unsignedipv6", "unsigneduser", "unsig", "unsign", "notsigned", "autosigned", "ipunsigned", "preunsigned", "usersigned":
		return true, base != name
	}
	return false, false
}

// unsigned reads the arguments of a template that signs, from the first bar on. It returns where
// the template ends.
func (s *signer) unsigned(from, bar int, swapped bool) int {
	end := bar
	for end < s.to && end < bar+longestTemplate && s.mask[end] != '}' && s.mask[end] != '{' {
		end++
	}
	if !strings.HasPrefix(s.mask[end:s.to], "}}") {
		return 0
	}
	user, when := unsignedArgs(s.mask[bar:end], swapped)
	g := signature{from: s.trim(from), to: end + 2, author: user, signed: SignedTemplate}
	for i := range len(when) {
		if when[i] != ':' && when[i] != '.' || i == 0 {
			continue
		}
		if t, ok := stampAround(when, 0, i, len(when)); ok {
			g.at, g.dated = t.at, t.known
			break
		}
	}
	s.add(g)
	return g.to
}

// unsignedArgs distinguishes the user from the time, even if they are in the wrong order.
func unsignedArgs(args string, swapped bool) (user, when string) {
	var a [2]string
	next := 0
	for arg := range strings.SplitSeq(strings.TrimPrefix(args, "|"), "|") {
		arg = strings.TrimSpace(arg)
		at := next
		switch {
		case strings.HasPrefix(arg, "1="), strings.HasPrefix(arg, "2="):
			at, arg = int(arg[0]-'1'), strings.TrimSpace(arg[2:])
		default:
			next++
		}
		if at < len(a) {
			a[at] = arg
		}
	}
	if swapped {
		a[0], a[1] = a[1], a[0]
	}
	if dated(a[0]) && !dated(a[1]) {
		a[0], a[1] = a[1], a[0]
	}
	user = a[0]
	if name, _, ok := userTarget(strings.TrimLeft(user, "[")); ok {
		return name, a[1]
	}
	return userName(user), a[1]
}

func dated(s string) bool {
	for i := range len(s) {
		if i > 0 && (s[i] == ':' || s[i] == '.') {
			if _, ok := stampAround(s, 0, i, len(s)); ok {
				return true
			}
		}
	}
	return false
}
