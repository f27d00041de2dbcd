package fetch

import (
	"io"
	"math/bits"
	"sync"
)

const smallestBuffer = 4 << 10

// buffers keeps memory for bodies in size classes: 4 KiB and its doubles, and one last class of
// exactly the longest body plus the byte that proves it too long.
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

// get returns a buffer of at least n bytes, or of the longest class if n is beyond it.
func (p *buffers) get(n int) *buffer {
	class := p.class(min(n, p.longest))
	if b, ok := p.classes[class].Get().(*buffer); ok {
		b.b = b.b[:0]
		return b
	}
	return &buffer{b: make([]byte, 0, p.size(class)), class: class}
}

func (p *buffers) put(b *buffer) { p.classes[b.class].Put(b) }

// sink collects one body and counts its memory.
type sink struct {
	pool   *buffers
	memory *account
	buf    *buffer // nil until the first byte is expected
}

// open gives the sink a buffer of at least n bytes, in place of its present one.
func (s *sink) open(n int) error {
	if err := s.memory.Grow(int64(s.pool.size(s.pool.class(min(n, s.pool.longest))))); err != nil {
		return err
	}
	s.buf = s.pool.get(n)
	return nil
}

func (s *sink) grow() error {
	old := s.buf
	if err := s.open(cap(old.b) + 1); err != nil {
		return err
	}
	s.buf.b = append(s.buf.b, old.b...)
	s.put(old)
	return nil
}

func (s *sink) put(b *buffer) {
	s.memory.Add(-int64(cap(b.b)))
	s.pool.put(b)
}

// close gives the buffer back.
func (s *sink) close() {
	if s.buf != nil {
		s.put(s.buf)
		s.buf = nil
	}
}

// fill reads r to its end, or until more than limit bytes came: then tooLong is true.
func (s *sink) fill(r io.Reader, limit int64) (tooLong bool, err error) {
	for {
		if len(s.buf.b) == cap(s.buf.b) {
			if err := s.grow(); err != nil {
				return false, err
			}
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
