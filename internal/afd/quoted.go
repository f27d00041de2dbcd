package afd

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// reporting are words between a name and a time that report what its owner wrote then: the two are
// not a signature.
var reporting = words("wrote writes said says saying posted posts commented comments comment stated states statement claimed claims noted notes note argued argues replied replies reply voted votes vote suggested suggests opined put " +
	"post edited edit edits asked asks explained explains pointed remarked remark mentioned observed answered admitted agreed nominated moved deleted reverted created argument message opinion")

// leads are words before a name that refer to its owner.
var leads = words("as per by from to see what when that quoting quote cf with like unlike contra via and")

// quoting are the templates around the words of others.
var quoting = words("tq tqq tqi talk quote talkquote talk quote inline tq2 quote blockquote quotation qt green xt cquote bq")

// longestQuote bounds how far back to look for the start of a quotation.
const longestQuote = 600

// quoted judges a name and a time that may belong to a person who is only mentioned: sure if they
// cannot be the signature of the item, maybe if they are not when another signature follows.
func (s *signer) quoted(links []userLink, t stamp) (sure, maybe bool) {
	last := links[len(links)-1]
	between := s.mask[last.to:t.from]
	if hasPrefixFold(between, "'s ") || strings.HasPrefix(between, "’s ") {
		return true, true
	}
	final := ""
	for w := range wordsOf(between) {
		if reporting[w] {
			return true, true
		}
		final = w
	}
	if s.inQuotation(t) {
		return true, true
	}
	rest := s.mask[t.to:s.to]
	if !visible(rest) {
		return false, false
	}
	if final == "at" || final == "on" || final == "of" || final == "in" || final == "from" {
		return false, true
	}
	return false, s.inItalics(t) || sentenceContinues(rest) || leads[wordBefore(s.mask[max(s.from, s.cluster(links)-16):s.cluster(links)])]
}

// inQuotation reports whether the stamp is within a template or a tag for the words of others that
// ends after it.
func (s *signer) inQuotation(t stamp) bool {
	ahead := s.mask[t.to:min(s.to, t.to+longestQuote)]
	if q := s.quote; q > 0 && q-1 < t.from && t.from-q < longestQuote && strings.Contains(ahead, "}}") && !strings.Contains(s.mask[q-1:t.from], "}}") {
		return true
	}
	behind := s.mask[max(s.begin, t.from-longestQuote):t.from]
	for _, tag := range [...]string{"blockquote", "q"} {
		open, closed := strings.LastIndex(behind, "<"+tag), strings.LastIndex(behind, "</"+tag)
		if open > closed && open+1+len(tag) < len(behind) && !letter(behind[open+1+len(tag)]) && strings.Contains(ahead, "</"+tag+">") {
			return true
		}
	}
	return false
}

// inItalics reports whether the stamp ends words in italics or in a similar tag, before and after
// which the item has words of its own.
func (s *signer) inItalics(t stamp) bool {
	ahead := s.mask[t.to:min(s.to, t.to+longestQuote)]
	from := max(s.begin, t.from-longestQuote)
	behind := s.mask[from:t.from]
	for _, tag := range [...]string{"i", "em", "code", "tt"} {
		open, rest, ok := strings.LastIndex(behind, "<"+tag+">"), "", false
		if open >= 0 && !strings.Contains(behind[open:], "</"+tag+">") {
			rest, ok = strings.CutPrefix(ahead, "</"+tag+">")
		}
		if ok && visible(rest) && visible(behind[:open]) {
			return true
		}
	}
	rest, ok := strings.CutPrefix(ahead, "''")
	return ok && !strings.HasPrefix(rest, "'") && visible(rest) && countQuotes(behind).italic%2 == 1 && quoteRun(strings.TrimLeft(behind, " *:#")) != 2
}

// sentenceContinues reports whether the sentence continues after a time: with a comma, a small
// letter, or the end of a quotation and more.
func sentenceContinues(rest string) bool {
	rest = strings.TrimLeft(rest, " \t_")
	r, n := utf8.DecodeRuneInString(rest)
	switch {
	case strings.ContainsRune(",;\"”’»", r):
		return visible(rest[n:])
	case strings.HasPrefix(rest, "''"), strings.HasPrefix(rest, "}}"):
		return false
	}
	return unicode.IsLower(r)
}

// wordsOf yields the words of s in lower case, without its tags.
func wordsOf(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := 0; i < len(s); {
			if s[i] == '<' {
				if end, _ := tagEnd(s, i); end > 0 {
					i = end
					continue
				}
			}
			j := i
			for j < len(s) && letter(s[j]) {
				j++
			}
			if j > i && !yield(strings.ToLower(s[i:j])) {
				return
			}
			i = max(j, i+1)
		}
	}
}

// wordBefore returns the word at the end of s, in lower case.
func wordBefore(s string) string {
	s = strings.TrimRight(s, " ")
	i := len(s)
	for i > 0 && letter(s[i-1]) {
		i--
	}
	return strings.ToLower(s[i:])
}

// settle drops the quoted signatures of a line: those followed by another one that is not older, at
// once or where they may be quotations.
func (s *signer) settle() {
	kept := s.found[:0]
	for i := range s.found {
		g := s.found[i]
		if g.maybe && i+1 < len(s.found) {
			if next := &s.found[i+1]; !g.dated || !next.dated || !next.at.Before(g.at) {
				continue
			}
		}
		if i+1 < len(s.found) && s.mentioned(&g, &s.found[i+1]) {
			continue
		}
		kept = append(kept, g)
	}
	s.found = kept
}

// mentioned reports whether another person's signature follows at once that is not older: it has no
// words of its own, so the whole item is theirs. Who signs for another has no words either.
func (s *signer) mentioned(g, next *signature) bool {
	return g.signed == SignedFull && next.signed == SignedFull && g.author != next.author && !next.at.Before(g.at) && !visible(s.mask[g.to:next.from])
}

// dateFollows reports whether the next line is no more than the date of the signature whose names
// end this one.
func (s *signer) dateFollows() bool {
	from := s.to
	for from < len(s.mask) && strings.IndexByte(" \t\r\n:*#", s.mask[from]) >= 0 && from < s.to+16 {
		from++
	}
	to := from
	for to < len(s.mask) && to < from+longestForeign && s.mask[to] != '\n' {
		to++
	}
	for i := from + 1; i < to; i++ {
		if c := s.mask[i]; c != ':' && c != '.' {
			continue
		}
		if t, ok := stampAround(s.mask, from, i, to); ok {
			return !visible(s.mask[from:t.from]) && !visible(s.mask[t.to:to])
		}
	}
	return false
}
