package afd

import "strings"

// articleTemplates name an article with links to its talk page, history and so on.
var articleTemplates = words("la lafd lt li lc lw lp ln lx la2 article pagelinks la-admin")

// wrappers are the templates around or beside a debate that add nothing to it.
var wrappers = map[string]bool{
	"hat": true, "hab": true, "hidden archive top": true, "hidden archive bottom": true, "collapse top": true, "collapse bottom": true, "collapse": true, "cot": true, "cob": true,
	"ctop": true, "cbot": true, "collapsetop": true, "collapsebottom": true, "archive top": true, "archive bottom": true, "atop": true, "abot": true, "afd top": true, "afd bottom": true,
	"at": true, "ab": true, "not a vote": true, "notavote": true, "not a ballot": true, "notaballot": true, "afd help": true, "afdhelp": true, "find sources afd": true, "find sources": true,
	"findsources": true, "find sources 2": true, "remove this template when closing this afd": true, "od": true, "outdent": true, "reflist": true, "talkref": true, "reflist-talk": true,
	"reftalk": true, "clear": true, "-": true, "afd-privacy": true, "xfd-privacy": true, "courtesy blanked": true, "rescue list": true, "deletionnav": true, "csd": true,
}

// accountTemplates are remarks on an author's account.
var accountTemplates = words("spa single-purpose sockvote canvassed afdanons csp csm")

// blankTemplates mark a debate that was removed as a courtesy.
var blankTemplates = map[string]bool{"afd-privacy": true, "afdprivacy": true, "xfd-privacy": true, "courtesy blanked": true, "courtesy blank": true, "courtesyblanked": true, "blanked": true, "afd-blanked": true, "xfd privacy": true}

// lookAround reads from the templates of the line what concerns the whole page. It reports whether
// one of them names an article.
func (s *scanner) lookAround(l line) (names bool) {
	for _, t := range s.signs.names {
		switch {
		case blankTemplates[t.name]:
			s.blanked = true
			s.blankAt = mention{s.mask[l.from:l.to], l.from}
		case articleTemplates[t.name]:
			names = true
			s.article(t.at)
		}
	}
	return names
}

// article keeps the name of one more article. The first of a page, and that of its heading, is the
// article that the page is about.
func (s *scanner) article(at int) {
	arg := s.text[at+2 : min(len(s.text), at+2+longestTarget)]
	i := strings.IndexByte(arg, '|')
	j := strings.IndexAny(arg[i+1:], "|}\n")
	if i < 0 || j < 0 {
		return
	}
	name := articleName(strings.TrimPrefix(strings.TrimSpace(arg[i+1:i+1+j]), "1="))
	if name == "" || s.named[name] {
		return
	}
	s.named[name] = true
	if s.about == "" {
		s.about = name
	}
	if name != s.about {
		s.articles = append(s.articles, name)
	}
}

// articleName spells a title as the site does, except for its first letter.
func articleName(s string) string {
	return strings.Join(strings.FieldsFunc(strings.TrimLeft(s, ":[ "), func(r rune) bool { return r == '_' || r == ' ' || r == ']' }), " ")
}

// noise reports whether a line without a signature adds nothing: what the templates of the process
// leave above the nomination, and what wraps parts of the debate.
func (s *scanner) noise(l line) bool {
	m := s.mask[l.content:l.to]
	switch {
	case !visible(m):
		return true
	case l.depth == 0 && strings.IndexByte("|!", m[0]) >= 0, strings.HasPrefix(m, "{|"):
		return true // the frame of a collapsed section
	case hasPrefixFold(m, "{{") && s.wrapped(m):
		return true
	case strings.HasPrefix(m, "__") && !visible(strings.TrimLeft(m, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ")):
		return true
	}
	return s.header && s.headerNoise(m)
}

// wrapped reports whether a line is only a template that wraps, or any single template before the
// nomination.
func (s *scanner) wrapped(m string) bool {
	if len(s.signs.names) == 0 {
		return s.header && strings.HasPrefix(m, "{{") && strings.HasSuffix(m, "}}") && strings.Count(m, "{{") == 1
	}
	name := s.signs.names[0].name
	if wrappers[name] {
		return true
	}
	return (s.header && !accountTemplates[name] || articleTemplates[name]) && strings.Index(m, "}}") == len(m)-2
}

// headerWords occur in the links to the article's log and to places to look for sources.
var headerWords = []string{"view log]]", "view afd]]", "|view log", "|view afd", "{{find sources", "{{findsources", "{{afd help", "view afd]", "{{remove this template"}

func (s *scanner) headerNoise(m string) bool {
	for _, t := range s.signs.names {
		if articleTemplates[t.name] {
			return true
		}
	}
	m = m[:min(len(m), 2000)]
	for _, w := range headerWords {
		if containsFold(m, w) {
			return true
		}
	}
	return hasPrefixFold(m, "<noinclude>{{") || hasPrefixFold(m, "#redirect")
}
