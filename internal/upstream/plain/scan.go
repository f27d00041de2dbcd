package plain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"

	"shoal/internal/text"
)

// deepest is the largest MaxDepth: what encoding/json and PostgreSQL's own parsers still take.
const deepest = 1000

var (
	errDeep  = errors.New("nested too deep")
	errEmpty = errors.New("it is empty")
)

// findings are the contents of a valid JSON text that PostgreSQL does not take as they are.
type findings struct {
	nul       bool   // \u0000
	surrogate bool   // half a surrogate pair
	utf8      bool   // bytes that are not UTF-8
	number    string // the first number beyond numeric, cut to a printable length
	values    int    // about how many values and keys the text holds
	longest   int    // bytes of its longest number
	objects   int    // objects that have members
}

func (f findings) dirty() bool { return f.nul || f.surrogate || f.utf8 }

// scanner walks over a JSON text (RFC 8259) once, without recursion and without memory that grows
// with the text. Its verdict is that of encoding/json.
type scanner struct {
	b       []byte
	i       int
	depth   int
	limit   int
	objects [deepest/64 + 1]uint64 // bit n: the container at depth n is an object
	found   findings
}

// scan checks that b is one JSON value nested at most limit deep, and reports what in it has to be
// replaced or refused. An error names the byte where it breaks, or is errDeep.
func scan(b []byte, limit int) (findings, error) {
	s := scanner{b: b, limit: limit}
	if err := s.whole(); err != nil {
		return findings{}, err
	}
	s.found.utf8 = !utf8.Valid(b)
	return s.found, nil
}

// whole alternates between a value and what may follow one.
func (s *scanner) whole() error {
	s.space()
	if s.i == len(s.b) {
		return errEmpty
	}
	for {
		opened, err := s.value()
		if err != nil {
			return err
		}
		if opened {
			continue
		}
		more, err := s.after()
		if err != nil || !more {
			return err
		}
	}
}

// broken is where and how a text that is not JSON breaks.
type broken struct {
	text.Break
	length int
	found  byte // the byte at At
}

func (e *broken) Error() string {
	if e.At >= e.length {
		return fmt.Sprintf("it ends in the middle of %s after %d bytes", e.Within, e.length)
	}
	return fmt.Sprintf("byte %d is %q in %s", e.At, e.found, e.Within)
}

func (s *scanner) fail(what string) error {
	e := &broken{Break: text.Break{At: min(s.i, len(s.b)), Within: what}, length: len(s.b)}
	if e.At < e.length {
		e.found = s.b[e.At]
		e.Behind = s.depth == 0 && what == behindValue
	}
	return e
}

// behindValue is what is read when one value is complete.
const behindValue = "what follows the JSON value"

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// at moves past c if it comes next.
func (s *scanner) at(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// value reads a scalar, an empty container, or the opening of another one; in the last case the
// next value is inside it.
func (s *scanner) value() (opened bool, err error) {
	s.space()
	if s.i == len(s.b) {
		return false, s.fail("a value")
	}
	s.found.values++
	switch c := s.b[s.i]; {
	case c == '"':
		return false, s.str()
	case c == '{':
		return s.open(true, '}')
	case c == '[':
		return s.open(false, ']')
	case c == '-' || digit(c):
		return false, s.number()
	case c == 't':
		return false, s.literal("true")
	case c == 'f':
		return false, s.literal("false")
	case c == 'n':
		return false, s.literal("null")
	}
	return false, s.fail("a value")
}

func (s *scanner) open(object bool, end byte) (opened bool, err error) {
	s.i++
	s.depth++
	if s.depth > s.limit {
		return false, errDeep
	}
	word, bit := s.depth/64, uint64(1)<<(s.depth%64)
	s.objects[word] &^= bit
	s.space()
	if s.at(end) {
		s.depth--
		return false, nil
	}
	if object {
		s.found.objects++
		s.objects[word] |= bit
		return true, s.key()
	}
	return true, nil
}

func (s *scanner) inObject() bool { return s.objects[s.depth/64]&(1<<(s.depth%64)) != 0 }

// after reads what follows a value: the ends of containers, then a comma or the end of the text.
func (s *scanner) after() (more bool, err error) {
	for {
		s.space()
		switch {
		case s.depth == 0 && s.i == len(s.b):
			return false, nil
		case s.depth == 0:
			return false, s.fail(behindValue)
		case s.at(','):
			if s.inObject() {
				return true, s.key()
			}
			return true, nil
		case s.inObject() && s.at('}'), !s.inObject() && s.at(']'):
			s.depth--
		default:
			return false, s.fail("a list or object")
		}
	}
}

func (s *scanner) key() error {
	s.space()
	if s.i == len(s.b) || s.b[s.i] != '"' {
		return s.fail("an object's key")
	}
	s.found.values++
	if err := s.str(); err != nil {
		return err
	}
	s.space()
	if !s.at(':') {
		return s.fail("an object, after a key")
	}
	return nil
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if !s.at(word[i]) {
			return s.fail("a literal")
		}
	}
	return nil
}

// str reads a string. Bytes from 0x80 on are judged for the whole text afterwards.
func (s *scanner) str() error {
	s.i++
	for {
		s.ordinary()
		if s.i == len(s.b) {
			return s.fail("a string")
		}
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		default:
			return s.fail("a string")
		}
	}
}

// ordinary moves to the next quote, backslash or control character, eight bytes at a time: a byte
// of x is zero where the byte is what we look for, and (x - 0x01…) &^ x & 0x80… is non-zero in the
// lowest such byte.
func (s *scanner) ordinary() {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for s.i+8 <= len(s.b) {
		v := binary.LittleEndian.Uint64(s.b[s.i:])
		quote, slash := v^('"'*ones), v^('\\'*ones)
		hit := ((quote - ones) &^ quote) | ((slash - ones) &^ slash) | ((v - 0x20*ones) &^ v)
		if hit &= tops; hit != 0 {
			s.i += bits.TrailingZeros64(hit) / 8
			return
		}
		s.i += 8
	}
	for s.i < len(s.b) {
		if c := s.b[s.i]; c == '"' || c == '\\' || c < 0x20 {
			return
		}
		s.i++
	}
}

func (s *scanner) escape() error {
	s.i++
	if s.i == len(s.b) {
		return s.fail("an escape")
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return nil
	case 'u':
	default:
		return s.fail("an escape")
	}
	unit, ok := hex4(s.b[s.i+1:])
	if !ok {
		s.i = min(s.i+1, len(s.b))
		return s.fail("an escape")
	}
	s.i += 5
	switch {
	case unit == 0:
		s.found.nul = true
	case isHigh(unit) && lowFollows(s.b[s.i:]):
		s.i += 6
	case isHigh(unit) || isLow(unit):
		s.found.surrogate = true
	}
	return nil
}

// lowFollows reports whether b starts with the escape of the second half of a pair.
func lowFollows(b []byte) bool {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return false
	}
	unit, ok := hex4(b[2:])
	return ok && isLow(unit)
}

func isHigh(unit uint16) bool { return unit&0xfc00 == 0xd800 }
func isLow(unit uint16) bool  { return unit&0xfc00 == 0xdc00 }

func hex4(b []byte) (uint16, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var v uint16
	for _, c := range b[:4] {
		switch {
		case digit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint16(c)
	}
	return v, true
}

func (s *scanner) number() error {
	start := s.i
	s.at('-')
	if !s.at('0') && s.digits() == 0 {
		return s.fail("a number")
	}
	if s.at('.') && s.digits() == 0 {
		return s.fail("a number")
	}
	exponent := s.at('e') || s.at('E')
	if exponent {
		_ = s.at('+') || s.at('-')
		if s.digits() == 0 {
			return s.fail("a number")
		}
	}
	literal := s.b[start:s.i]
	s.found.longest = max(s.found.longest, len(literal))
	if (exponent || len(literal) > maxFraction) && s.found.number == "" && !fitsNumeric(literal) {
		s.found.number = shorten(string(literal))
	}
	return nil
}

func (s *scanner) digits() int {
	start := s.i
	for s.i < len(s.b) && digit(s.b[s.i]) {
		s.i++
	}
	return s.i - start
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
