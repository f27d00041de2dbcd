package afd

import (
	"html"
	"strings"
	"unicode"
)

// token is a word in lower case, and what ends after it: ',' or ';' a clause, '?' a question, '>'
// what an arrow replaces, 0 nothing.
type token struct {
	word string
	end  byte
	bold bool
}

// longestBefore and longestAfter bound the words around those in bold that are read.
const (
	longestBefore = 160
	longestAfter  = 80
)

// tokens returns the words of the passage.
func (p passage) tokens() []token {
	var list []token
	list = split(list, p.before, false, 2*maxWords)
	list = split(list, p.bold, true, maxWords)
	if len(list) > 0 && list[len(list)-1].end == 0 || onlyMarks(p.after) {
		list = split(list, p.after, false, maxWords)
	}
	return list
}

// onlyMarks reports whether s begins with a question mark.
func onlyMarks(s string) bool { return strings.HasPrefix(strings.TrimLeft(s, " '\""), "?") }

// split adds at most the given number of words of s.
func split(list []token, s string, bold bool, most int) []token {
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	if strings.ContainsAny(s, ";\"") {
		s = slips.Replace(s)
	}
	var word strings.Builder
	n := 0
	add := func() {
		if w := strings.ToLower(strings.Trim(word.String(), "'")); w != "" {
			list = appendWord(list, w, bold)
			n++
		}
		word.Reset()
	}
	runes := []rune(s[:min(len(s), 40*most)])
	title := false
	for i, r := range runes {
		if title = title && inTitle(r); title {
			continue
		}
		switch {
		case strings.ContainsRune("'’‘ʼ′`´＇‛", r):
			word.WriteByte('\'')
			continue
		case unicode.IsLetter(r) || unicode.IsMark(r):
			word.WriteRune(r)
			continue
		}
		add()
		if n >= most {
			break
		}
		if title = shortcut(list, r); title || notVote(runes[max(0, i-1):]) {
			continue
		}
		list = mark(list, r, i > 0 && runes[i-1] == ' ', bold)
	}
	if n < most {
		add()
	}
	return list
}

// slips are apostrophes that a finger missed on the keyboard.
var slips = strings.NewReplacer("n;t ", "n't ", "N;T ", "N'T ", "n\"t ", "n't ", "N\"T ", "N'T ")

// appendWord splits contractions: don't is do not.
func appendWord(list []token, w string, bold bool) []token {
	if full, ok := contractions[w]; ok {
		w = full
	} else if base, ok := strings.CutSuffix(w, "n't"); ok {
		w = base + " not"
	}
	if n := len(list); n > 0 && (w == "t" && torn[list[n-1].word] != "" || w == "nt" && doing[list[n-1].word]) && list[n-1].end == 0 { // don t, do nt
		if base := torn[list[n-1].word]; w == "t" {
			list[n-1].word = base
		}
		w = "not"
	}
	for part := range strings.FieldsSeq(w) {
		list = append(list, token{word: part, bold: bold})
	}
	return list
}

// torn are the verbs of contractions that lost their apostrophe to a blank, a template or a broken
// character.
var torn = map[string]string{
	"don": "do", "doesn": "does", "didn": "did", "isn": "is", "aren": "are", "wasn": "was", "weren": "were", "shouldn": "should", "wouldn": "would", "couldn": "could", "can": "can", "won": "will", "mustn": "must", "needn": "need", "hasn": "has", "haven": "have", "ain": "is", "shan": "shall",
}

// inTitle reports whether a shortcut's title continues.
func inTitle(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune("|]),.;", r) }

// notVote reports whether the second character is the mark of !vote, as Wikipedians call a vote
// that is not one.
func notVote(s []rune) bool {
	return len(s) > 2 && s[0] == ' ' && s[1] == '!' && unicode.IsLetter(s[2])
}

// shortcut reports whether the last word names a page of policies, of which the next word is the
// title: WP:NOT is not a negation.
func shortcut(list []token, r rune) bool {
	if n := len(list); n > 0 && r == ':' && list[n-1].end == 0 {
		w := list[n-1].word
		return w == "wp" || w == "wikipedia" || w == "mos" || w == "project"
	}
	return false
}

// contractions are those that lack their apostrophe, or more than it.
var contractions = map[string]string{
	"dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not", "arent": "are not", "wasnt": "was not", "shouldnt": "should not", "wouldnt": "would not", "couldnt": "could not",
	"cant": "can not", "can't": "can not", "wont": "will not", "won't": "will not", "shan't": "shall not", "mustnt": "must not", "neednt": "need not", "aint": "is not", "ain't": "is not", "cannot": "can not", "hasnt": "has not", "havent": "have not",
	"donot": "do not", "doesnot": "does not", "isnot": "is not", "shouldnot": "should not", "mustnot": "must not", "wouldnot": "would not", "cannnot": "can not", "canot": "can not", "nto": "not", "ont": "not", "dnt": "do not", "shant": "shall not",
}

// mark notes what a character between words means for the last of them.
func mark(list []token, r rune, spaced, bold bool) []token {
	if len(list) == 0 {
		return list
	}
	last := &list[len(list)-1]
	switch r {
	case '?', '？':
		last.end = '?'
	case ',', '，', '、':
		if last.end == 0 {
			last.end = ','
		}
	case '(', ')':
		if last.end == 0 {
			last.end = '('
		}
	case '.', '!', ';', ':', '–', '—', '|', '…', '。':
		if last.end != '?' {
			last.end = ';'
		}
	case '→', '⇒', '➔', '➜', '⟶', '>':
		last.end = '>' // a vote that the next one replaces
	case '-':
		if spaced && last.end != '?' {
			last.end = ';'
		}
	case '/':
		list = append(list, token{word: "or", bold: bold})
	case '&', '+':
		list = append(list, token{word: "and", bold: bold})
	}
	return list
}
