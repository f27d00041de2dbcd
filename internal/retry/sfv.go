package retry

import (
	"strconv"
	"strings"
)

// The part of RFC 9651 (structured field values) that rate-limit headers use:
// lists and dictionaries of items with parameters, no inner lists.

type kind uint8

const (
	kindAbsent kind = iota
	kindInteger
	kindDecimal
	kindString
	kindToken
	kindBytes
	kindBoolean
)

// value is a bare item: its kind, and its text without quotes or colons.
type value struct {
	kind kind
	text string
}

// noInteger tells that the value is there and is no integer.
func (v value) noInteger() bool { return v.kind != kindAbsent && v.kind != kindInteger }

// count is a non-negative integer; negative ones count as none.
func (v value) count() (int64, bool) {
	if v.kind != kindInteger || v.text[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, err == nil
}

// item is a bare item with its parameters. Of a parameter given twice the last counts.
type item struct {
	value
	params map[string]value
}

// scanner walks over one header. Its methods return false at the first error.
type scanner struct {
	s string
	i int
}

func (s *scanner) peek() byte {
	if s.i < len(s.s) {
		return s.s[s.i]
	}
	return 0
}

func (s *scanner) skip(set string) {
	for s.i < len(s.s) && strings.IndexByte(set, s.s[s.i]) >= 0 {
		s.i++
	}
}

// comma moves to the next member. The last result is false on an error, and a trailing comma is one.
func (s *scanner) comma() (more, ok bool) {
	s.skip(" \t")
	if s.i == len(s.s) {
		return false, true
	}
	if s.peek() != ',' {
		return false, false
	}
	s.i++
	s.skip(" \t")
	return true, s.i < len(s.s)
}

func parseList(line string) ([]item, bool) {
	s := scanner{s: strings.Trim(line, " ")}
	var items []item
	for more := s.s != ""; more; {
		v, ok := s.bare()
		if !ok {
			return nil, false
		}
		params, ok := s.params()
		if !ok {
			return nil, false
		}
		items = append(items, item{value: v, params: params})
		if more, ok = s.comma(); !ok {
			return nil, false
		}
	}
	return items, len(items) > 0
}

// parseDictionary drops the parameters of the members: none of ours has any that count.
func parseDictionary(line string) (map[string]value, bool) {
	s := scanner{s: strings.Trim(line, " ")}
	members := map[string]value{}
	for more := s.s != ""; more; {
		key, v, ok := s.pair()
		if !ok {
			return nil, false
		}
		if _, ok = s.params(); !ok {
			return nil, false
		}
		members[key] = v
		if more, ok = s.comma(); !ok {
			return nil, false
		}
	}
	return members, len(members) > 0
}

func (s *scanner) params() (map[string]value, bool) {
	params := map[string]value{}
	for s.peek() == ';' {
		s.i++
		s.skip(" ")
		key, v, ok := s.pair()
		if !ok {
			return nil, false
		}
		params[key] = v
	}
	return params, true
}

// pair reads key or key=value; a key alone is true.
func (s *scanner) pair() (string, value, bool) {
	start := s.i
	if c := s.peek(); c != '*' && !lower(c) {
		return "", value{}, false
	}
	for c := s.peek(); lower(c) || digit(c) || (c != 0 && strings.IndexByte("_-.*", c) >= 0); c = s.peek() {
		s.i++
	}
	key := s.s[start:s.i]
	if s.peek() != '=' {
		return key, value{kind: kindBoolean, text: "1"}, true
	}
	s.i++
	v, ok := s.bare()
	return key, v, ok
}

func (s *scanner) bare() (value, bool) {
	switch c := s.peek(); {
	case c == '"':
		return s.quoted()
	case c == '-' || digit(c):
		return s.number()
	case c == ':':
		return s.bytes()
	case c == '?':
		return s.boolean()
	case c == '*' || lower(c) || upper(c):
		start := s.i
		for s.i < len(s.s) && strings.IndexByte(" \t\",;=()<>@[]{}?\\", s.s[s.i]) < 0 && s.s[s.i] > ' ' && s.s[s.i] < 0x7f {
			s.i++
		}
		return value{kind: kindToken, text: s.s[start:s.i]}, true
	}
	return value{}, false
}

func (s *scanner) quoted() (value, bool) {
	var text strings.Builder
	for s.i++; s.i < len(s.s); s.i++ {
		c := s.s[s.i]
		switch {
		case c == '"':
			s.i++
			return value{kind: kindString, text: text.String()}, true
		case c == '\\':
			s.i++
			if c = s.peek(); c != '"' && c != '\\' {
				return value{}, false
			}
		case c < ' ' || c >= 0x7f:
			return value{}, false
		}
		text.WriteByte(c)
	}
	return value{}, false
}

// number reads up to 15 digits, or 12 and 3 more after a point.
func (s *scanner) number() (value, bool) {
	start := s.i
	if s.peek() == '-' {
		s.i++
	}
	whole := s.digits()
	if whole == 0 || whole > 15 {
		return value{}, false
	}
	if s.peek() != '.' {
		return value{kind: kindInteger, text: s.s[start:s.i]}, true
	}
	s.i++
	if frac := s.digits(); frac == 0 || frac > 3 || whole > 12 {
		return value{}, false
	}
	return value{kind: kindDecimal, text: s.s[start:s.i]}, true
}

func (s *scanner) digits() int {
	start := s.i
	for digit(s.peek()) {
		s.i++
	}
	return s.i - start
}

func (s *scanner) bytes() (value, bool) {
	end := strings.IndexByte(s.s[s.i+1:], ':')
	if end < 0 {
		return value{}, false
	}
	text := s.s[s.i+1 : s.i+1+end]
	s.i += end + 2
	return value{kind: kindBytes, text: text}, true
}

func (s *scanner) boolean() (value, bool) {
	s.i++
	c := s.peek()
	if c != '0' && c != '1' {
		return value{}, false
	}
	s.i++
	return value{kind: kindBoolean, text: string(c)}, true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
func lower(c byte) bool { return 'a' <= c && c <= 'z' }
func upper(c byte) bool { return 'A' <= c && c <= 'Z' }
