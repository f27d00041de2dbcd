package fetch

import (
	"errors"
	"io"
	"math"
)

// chunks follows a chunked body as it comes, and puts its lines into the one form that Go's reader
// takes. As browsers and curl do, it reads over what stands behind a size, a line feed without its
// return, zeros before a size, and trailers.
type chunks struct {
	on      bool // the bytes that come are of such a body
	at      place
	size    uint64 // of the chunk, or what is left of it
	sized   bool   // a digit of the size has come
	line    int    // bytes of the line so far
	excess  int64  // bytes that are not data, beyond what their data excuse
	trailer int    // bytes of trailers
}

// place is where in a chunked body the next byte is.
type place uint8

const (
	inSize     place = iota
	behindSize       // up to the line feed
	inData
	behindData // a line's end
	inTrailers // lines, up to an empty one
)

const (
	maxChunkLine   = 4096     // as in net/http
	maxChunkExcess = 16 << 10 // as in net/http
)

var (
	errChunkSize    = errors.New("the chunked body has a chunk without a size that can be read")
	errChunkEnd     = errors.New("the chunked body has a chunk that is longer than its size")
	errChunkLine    = errors.New("the chunked body has a line that is too long")
	errChunkExcess  = errors.New("the chunked body holds too much that is not data")
	errChunkTrailer = errors.New("the chunked body has trailers that are too long")
)

// tidied is what came, as far as it could stay as it is, and what follows instead of the rest.
type tidied struct {
	src  []byte
	same int
	out  []byte
	own  bool // out is in use
}

// put adds text, which src may have at this place.
func (t *tidied) put(text []byte, at int) {
	if !t.own && at == t.same && at+len(text) <= len(t.src) && string(t.src[at:at+len(text)]) == string(text) {
		t.same += len(text)
		return
	}
	t.own = true
	t.out = append(t.out, text...)
}

var crlf = []byte("\r\n")

// tidy reads the next bytes of the body. The first same of them stay as they are, out follows.
// Behind the end of the body the error is io.EOF if more has come than line ends: no answer is
// taken from what was not asked for.
func (c *chunks) tidy(src []byte) (same int, out []byte, err error) {
	t := tidied{src: src}
	for i := 0; i < len(src) && err == nil; {
		if !c.on {
			err = blankLines(src[i:])
			break
		}
		if c.at == inData {
			n := int(min(c.size, uint64(len(src)-i)))
			t.data(i, n)
			i += n
			if c.size -= uint64(n); c.size == 0 {
				c.at, c.line = behindData, 0
			}
			continue
		}
		err = c.step(src[i], i, &t)
		i++
	}
	return t.same, t.out, err
}

// data adds n bytes of src, without looking at them.
func (t *tidied) data(at, n int) {
	if !t.own && at == t.same {
		t.same += n
		return
	}
	t.own = true
	t.out = append(t.out, t.src[at:at+n]...)
}

// step reads a byte that is not data.
func (c *chunks) step(b byte, i int, t *tidied) error {
	switch c.at {
	case inSize:
		return c.digit(b, i, t)
	case behindSize:
		return c.behind(b, i, t)
	case behindData:
		if b == '\r' && c.line == 0 {
			c.line++
			return nil
		}
		if b != '\n' {
			return errChunkEnd
		}
		t.put(crlf, i-1)
		c.at, c.line, c.sized = inSize, 0, false
	case inTrailers:
		switch {
		case b == '\n' && c.line == 0:
			t.put(crlf, i-1)
			*c = chunks{}
		case b == '\n':
			c.line = 0
		case b != '\r':
			c.line++
		}
		if c.trailer++; c.trailer > maxHeaderBytes {
			return errChunkTrailer
		}
	case inData: // it is taken as a whole
	}
	return nil
}

// digit reads a byte of a size.
func (c *chunks) digit(b byte, i int, t *tidied) error {
	if c.line++; c.line > maxChunkLine {
		return errChunkLine
	}
	v, ok := hexValue(b)
	switch {
	case ok && c.size > math.MaxInt64>>4:
		return errChunkSize
	case ok:
		c.sized = true
		if c.size = c.size<<4 | v; c.size > 0 { // zeros before it are left out
			t.put([]byte{b}, i)
		}
		return nil
	case !c.sized || b != '\r' && b != '\n' && b != ' ' && b != '\t' && b != ';':
		return errChunkSize
	}
	if c.size == 0 {
		t.put([]byte{'0'}, i-1)
	}
	c.at = behindSize
	return c.behind(b, i, t)
}

// behind reads what stands behind a size, up to the end of the line.
func (c *chunks) behind(b byte, i int, t *tidied) error {
	if c.line++; c.line > maxChunkLine {
		return errChunkLine
	}
	if b != '\n' {
		return nil
	}
	t.put(crlf, i-1)
	c.excess += int64(c.line) + 2
	c.excess = max(0, c.excess-16-2*int64(min(c.size, math.MaxInt64>>2)))
	if c.excess > maxChunkExcess {
		return errChunkExcess
	}
	c.at, c.line = inData, 0
	if c.size == 0 {
		c.at = inTrailers
	}
	return nil
}

func hexValue(b byte) (uint64, bool) {
	switch {
	case '0' <= b && b <= '9':
		return uint64(b - '0'), true
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return uint64(b|0x20-'a') + 10, true
	}
	return 0, false
}

// blankLines is io.EOF for anything else.
func blankLines(b []byte) error {
	for _, one := range b {
		if one != '\r' && one != '\n' {
			return io.EOF
		}
	}
	return nil
}
