package fetch

import (
	"io"
	"math/bits"
	"sync"
)

const smallestBuffer = 4 << 10

// buffers keeps memory for bodies in size classes: 4 KiB and its doubles, and
// one last class of exactly the longest body plus the byte that proves it too long.
type buffers struct {
	longest int
	classes []sync.Pool // of *buffer
}

// buffer is one piece of memory; len(b) is what is filled.
type buffer struct {
	b     []byte
	class int
}

func newBuffers(maxBody int64) *buffers {
	p := &buffers{longest: max(int(maxBody)+1, smallestBuffer)}
	p.classes = make([]sync.Pool, p.class(p.longest)+1)
	return p
}

func (p *buffers) class(n int) int {
	return bits.Len(uint(max(n-1, 0)) / smallestBuffer)
}

func (p *buffers) size(class int) int { return min(smallestBuffer<<class, p.longest) }

// get gives a buffer of at least n bytes, or of the longest class if n is beyond it.
func (p *buffers) get(n int) *buffer {
	class := p.class(min(n, p.longest))
	if b, ok := p.classes[class].Get().(*buffer); ok {
		b.b = b.b[:0]
		return b
	}
	return &buffer{b: make([]byte, 0, p.size(class)), class: class}
}

func (p *buffers) put(b *buffer) { p.classes[b.class].Put(b) }

// sink collects one body and counts its memory against the budget.
type sink struct {
	pool   *buffers
	budget *budget
	buf    *buffer // nil until the first byte is expected
}

func (s *sink) open(n int) {
	s.buf = s.pool.get(n)
	s.budget.add(int64(cap(s.buf.b)))
}

func (s *sink) grow() {
	old := s.buf
	s.open(cap(old.b) + 1)
	s.buf.b = append(s.buf.b, old.b...)
	s.budget.add(-int64(cap(old.b)))
	s.pool.put(old)
}

// close gives the memory back.
func (s *sink) close() {
	if s.buf == nil {
		return
	}
	s.budget.add(-int64(cap(s.buf.b)))
	s.pool.put(s.buf)
	s.buf = nil
}

// fill reads r to its end, or until more than limit bytes came: then tooLong is true.
func (s *sink) fill(r io.Reader, limit int64) (tooLong bool, err error) {
	for {
		if len(s.buf.b) == cap(s.buf.b) {
			s.grow()
		}
		n, err := r.Read(s.buf.b[len(s.buf.b):cap(s.buf.b)])
		s.buf.b = s.buf.b[:len(s.buf.b)+n]
		switch {
		case int64(len(s.buf.b)) > limit:
			return true, nil
		case err == io.EOF:
			return false, nil
		case err != nil:
			return false, err
		}
	}
}
