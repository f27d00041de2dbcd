package afd

import "strings"

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// byteSet returns a table to look bytes up in.
func byteSet(s string) (set [256]bool) {
	for i := range len(s) {
		set[s[i]] = true
	}
	return set
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// hasPrefixFold compares ASCII letters without case. The prefix is in lower case.
func hasPrefixFold(s, prefix string) bool {
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lower(s[i]) != prefix[i] {
			return false
		}
	}
	return true
}

// indexFold finds a needle in lower case whatever the case of its ASCII letters. Its first byte is
// a rare letter or not a letter: that byte is searched for.
func indexFold(s, needle string) int {
	first := needle[0]
	if letter(first) {
		return indexFoldLetter(s, needle)
	}
	for i := 0; ; i++ {
		j := strings.IndexByte(s[i:], first)
		if j < 0 {
			return -1
		}
		i += j
		if hasPrefixFold(s[i:], needle) {
			return i
		}
	}
}

func indexFoldLetter(s, needle string) int {
	for i := 0; i+len(needle) <= len(s); i++ {
		if lower(s[i]) == needle[0] && hasPrefixFold(s[i:], needle) {
			return i
		}
	}
	return -1
}

func containsFold(s, needle string) bool { return indexFold(s, needle) >= 0 }

// blanks are what counts as a space between words: spaces, marks of direction, and their entities.
var blanks = [...]string{" ", "\t", "\r", "\n", "\u00a0", "\u200e", "\u200f", "\u200b", "\u202f", "&nbsp;", "&#32;", "&#160;", "&lrm;", "&thinsp;", "&emsp;", "&ensp;"}

// blankAt returns the length of the blank at the start of s, 0 if there is none.
func blankAt(s string) int {
	if s == "" || (s[0] > ' ' && s[0] < 0x80 && s[0] != '&') {
		return 0
	}
	for _, b := range blanks {
		if strings.HasPrefix(s, b) {
			return len(b)
		}
	}
	return 0
}

// blankBefore returns the length of the blank at the end of s.
func blankBefore(s string) int {
	if s == "" {
		return 0
	}
	if c := s[len(s)-1]; c > ' ' && c < 0x80 && c != ';' {
		return 0
	}
	for _, b := range blanks {
		if strings.HasSuffix(s, b) {
			return len(b)
		}
	}
	return 0
}
