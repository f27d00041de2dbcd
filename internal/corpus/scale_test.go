package corpus_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strconv"
	"testing"

	"shoal/internal/corpus"
)

// endless is a text of that many generated lines, made as it is read.
type endless struct {
	lines, made int
	buffer      bytes.Buffer
	digits      []byte
}

func (e *endless) Read(p []byte) (int, error) {
	for e.buffer.Len() < len(p) && e.made < e.lines {
		e.buffer.WriteString("https://api.example/v1/items/")
		e.digits = strconv.AppendInt(e.digits[:0], int64(e.made), 10)
		e.buffer.Write(e.digits)
		e.buffer.WriteString("?format=json\n")
		e.made++
	}
	return e.buffer.Read(p)
}

// heap returns the live memory after a garbage collection.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// This test does not run in parallel: it looks at the heap of the whole process.
func TestMemoryDoesNotGrowWithTheCorpus(t *testing.T) {
	const lines = 400_000
	s, err := corpus.Open(t.Context(), corpus.Config{URI: "-", Stdin: &endless{lines: lines}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var early, late uint64
	for entry := range s.Entries() {
		switch entry.Item.Line {
		case 20_000:
			early = heap()
		case lines - 1:
			late = heap()
		}
	}
	if s.Digest().Count != lines || late > early+early/10+64<<10 {
		t.Errorf("heap after 20,000 lines = %d, after %d = %d, want it flat", early, s.Digest().Count, late)
	}
}

// longLine is one line of that many bytes between two good ones.
func longLine(bytesInLine int64) io.Reader {
	return io.MultiReader(
		bytes.NewReader([]byte("https://a.example/1\n")),
		io.LimitReader(repeat('x'), bytesInLine),
		bytes.NewReader([]byte("\nhttps://a.example/3\n")),
	)
}

type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

// This test does not run in parallel: it looks at the heap of the whole process.
func TestALineOfAnyLengthTakesConstantMemory(t *testing.T) {
	s, err := corpus.Open(t.Context(), corpus.Config{URI: "-", Stdin: longLine(256 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := heap()
	var got []int64
	for entry, err := range s.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if entry.Rejected != nil {
			got = append(got, -entry.Rejected.Line)
			continue
		}
		got = append(got, entry.Item.Line)
	}
	if len(got) != 3 || got[1] != -2 || got[2] != 3 {
		t.Errorf("lines = %v, want 1, 2 rejected, 3", got)
	}
	if after := heap(); after > before+4<<20 {
		t.Errorf("heap before = %d, after = %d, want at most the bound of a line more", before, after)
	}
}

func BenchmarkEntries(b *testing.B) {
	for _, shape := range []struct {
		name string
		cfg  corpus.Config
		line string
	}{
		{"url", corpus.Config{}, "https://api.example/v1/items/1234567?format=json\n"},
		{"url-to-encode", corpus.Config{}, "https://API.example:443/w/api.php?titles=Talk%3aCaf\xc3\xa9 noir&action=query\n"},
		{"id", corpus.Config{Template: "https://api.example/v1/items/{id}?format=json"}, "1234567\n"},
		{"json", corpus.Config{}, `{"url":"https://api.example/v1/items/1234567?format=json","id":"1234567"}` + "\n"},
	} {
		b.Run(shape.name, func(b *testing.B) {
			b.ReportAllocs()
			shape.cfg.URI, shape.cfg.Stdin = "-", &again{line: []byte(shape.line), left: b.N}
			s, err := corpus.Open(b.Context(), shape.cfg)
			if errors.Is(err, corpus.ErrEmpty) {
				b.Fatal(err)
			}
			defer s.Close()
			n := 0
			for entry, err := range s.Entries() {
				if err != nil || entry.Rejected != nil {
					b.Fatal(err, entry.Rejected)
				}
				n++
			}
			if n != b.N {
				b.Fatalf("items = %d, want %d", n, b.N)
			}
		})
	}
}

// again is one line repeated.
type again struct {
	line []byte
	left int
	rest []byte
}

func (a *again) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(a.rest) == 0 {
			if a.left == 0 {
				break
			}
			a.rest, a.left = a.line, a.left-1
		}
		took := copy(p[n:], a.rest)
		a.rest, n = a.rest[took:], n+took
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
