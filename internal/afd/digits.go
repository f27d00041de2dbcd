package afd

import (
	"unicode"
	"unicode/utf8"
)

// zeros are the zeros of the scripts whose digits occur in dates, besides our own.
var zeros = [...]rune{
	0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x17e0, 0x1810, 0xff10,
}

// digitAt is the digit of whatever script at the start of s, and its length; 0 if none is there.
func digitAt(s string) (value, length int) {
	if s == "" {
		return 0, 0
	}
	if digit(s[0]) {
		return int(s[0] - '0'), 1
	}
	if s[0] < utf8.RuneSelf {
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if v, ok := digitOf(r); ok {
		return v, n
	}
	return 0, 0
}

// digitBefore is the length of the digit at the end of s, 0 if none is there.
func digitBefore(s string) int {
	if s == "" {
		return 0
	}
	if digit(s[len(s)-1]) {
		return 1
	}
	if s[len(s)-1] < utf8.RuneSelf {
		return 0
	}
	r, n := utf8.DecodeLastRuneInString(s)
	if _, ok := digitOf(r); ok {
		return n
	}
	return 0
}

func digitOf(r rune) (int, bool) {
	if !unicode.IsDigit(r) {
		return 0, false
	}
	for _, zero := range zeros {
		if zero <= r && r <= zero+9 {
			return int(r - zero), true
		}
	}
	return 0, false
}

// foreignClock reads the hours and minutes around the separator at i in digits of other scripts.
// The time stays unknown.
func foreignClock(text string, lo, i, hi int) (c clock, ok bool) {
	c.from, c.to = i, i+1
	for range 2 {
		c.from -= digitBefore(text[lo:c.from])
	}
	for range 2 {
		_, n := digitAt(text[c.to:hi])
		if n == 0 {
			return clock{}, false
		}
		c.to += n
	}
	_, more := digitAt(text[c.to:hi])
	return c, c.from < i && more == 0 && digitBefore(text[lo:c.from]) == 0
}

// asciiDigits is s with our own digits for those of other scripts.
func asciiDigits(s string) string {
	var out []byte
	for i := 0; i < len(s); {
		if v, n := digitAt(s[i:]); n > 1 {
			if out == nil {
				out = append(make([]byte, 0, len(s)), s[:i]...)
			}
			out = append(out, byte('0'+v))
			i += n
			continue
		}
		if out != nil {
			out = append(out, s[i])
		}
		i++
	}
	if out == nil {
		return s
	}
	return string(out)
}
