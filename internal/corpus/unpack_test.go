package corpus_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"shoal/internal/corpus"
)

func gz(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	return packed(t, &out, gzip.NewWriter(&out), text)
}

func zst(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	return packed(t, &out, w, text)
}

func packed(t testing.TB, out *bytes.Buffer, w io.WriteCloser, text string) []byte {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// many is a corpus of n lines that packs badly enough to be cut anywhere.
func many(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "https://a.example/items/%x\n", uint64(i)*0x9e3779b97f4a7c15)
	}
	return text.String()
}

func TestArchivesAreReadWhateverTheirName(t *testing.T) {
	t.Parallel()
	text := many(2000)
	half := len(text) / 2
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, "note"...)
	for name, data := range map[string][]byte{
		"plain.txt":       []byte(text),
		"urls.gz":         gz(t, text),
		"urls.zst":        zst(t, text),
		"gzip.txt":        gz(t, text),
		"zstd":            zst(t, text),
		"members.gz":      append(gz(t, text[:half]), gz(t, text[half:])...),
		"frames.zst":      append(zst(t, text[:half]), zst(t, text[half:])...),
		"skippable.zst":   append(skippable, zst(t, text)...),
		"no-line-end.txt": []byte(strings.TrimSpace(text)),
	} {
		items, rejected, err := pass(t, corpus.Config{URI: file(t, name, data)})
		if len(items) != 2000 || len(rejected) != 0 || err != nil {
			t.Errorf("Entries() of %s = %d items, %d rejected, %v, want 2000, 0, nil", name, len(items), len(rejected), err)
		}
	}
}

func TestADamagedArchiveGivesWhatCameBeforeAndSaysWhere(t *testing.T) {
	t.Parallel()
	text := many(6000)
	lines := strings.SplitAfter(text, "\n")
	for name, data := range map[string][]byte{
		"cut.gz":       gz(t, text)[:40000],
		"cut.zst":      zst(t, text)[:40000],
		"trailer.gz":   gz(t, text)[:len(gz(t, text))-3],
		"checksum.gz":  flip(gz(t, text), -6),
		"checksum.zst": flip(zst(t, text), -2),
		"garbage.gz":   append(gz(t, text), "<html>quota exceeded</html>"...),
		"garbage.zst":  append(zst(t, text), "<html>quota exceeded</html>"...),
		"zeros.gz":     append(gz(t, text), make([]byte, 512)...),
	} {
		items, rejected, err := pass(t, corpus.Config{URI: file(t, name, data)})
		if !errors.Is(err, corpus.ErrDamaged) || len(items) < 1000 || len(rejected) != 0 {
			t.Errorf("Entries() of %s = %d items, %v rejected, %v, want most items and ErrDamaged", name, len(items), rejected, err)
			continue
		}
		if want := fmt.Sprintf("after line %d:", len(items)); !strings.Contains(err.Error(), want) {
			t.Errorf("Entries() of %s = %v, want …%s…", name, err, want)
		}
		if last := items[len(items)-1]; last.URL+"\n" != lines[len(items)-1] {
			t.Errorf("the last item of %s = %s, want the whole line %q", name, last.URL, lines[len(items)-1])
		}
	}
}

func flip(data []byte, at int) []byte {
	data[len(data)+at] ^= 0xff
	return data
}

func TestAnArchiveWithoutABeginningIsDamagedNotEmpty(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"empty.gz":    nil,
		"empty.zst":   nil,
		"short.gz":    {0x1f},
		"header.gz":   {0x1f, 0x8b},
		"header2.gz":  gz(t, "https://a.example/1\n")[:8],
		"header.zst":  zst(t, "https://a.example/1\n")[:5],
		"zeroed.gz":   make([]byte, 4096),
		"zeroed.zst":  make([]byte, 4096),
		"plain.gz":    []byte("https://a.example/1\n"),
		"cut-line.gz": gz(t, "https://a.example/1\n")[:14],
	} {
		items, _, err := pass(t, corpus.Config{URI: file(t, name, data)})
		if !errors.Is(err, corpus.ErrDamaged) || errors.Is(err, corpus.ErrEmpty) || len(items) > 1 {
			t.Errorf("Open(%s) = %d items, %v, want ErrDamaged", name, len(items), err)
		}
	}
}

func TestAZstdWindowIsBounded(t *testing.T) {
	t.Parallel()
	// A frame header that asks for a window of 2 GiB, as zstd --long=31 writes it.
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 0x01, 0x00, 0x00}
	_, _, err := pass(t, corpus.Config{URI: file(t, "long.zst", frame)})
	if err == nil || !strings.Contains(err.Error(), "without --long") {
		t.Errorf("Open(long.zst) = %v, want …without --long…", err)
	}
}

func TestAFileThatShrinksWhileItIsReadIsDamaged(t *testing.T) {
	t.Parallel()
	path := file(t, "urls.txt", []byte(many(20000)))
	s, err := corpus.Open(t.Context(), corpus.Config{URI: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Truncate(path, 300000); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range s.Entries() {
		last = err
	}
	if !errors.Is(last, corpus.ErrDamaged) {
		t.Errorf("Entries() = %v, want ErrDamaged", last)
	}
}

func TestPositionIsThePartOfThePackedFile(t *testing.T) {
	t.Parallel()
	data := gz(t, many(20000))
	s, err := corpus.Open(t.Context(), corpus.Config{URI: file(t, "urls.gz", data)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	halfway := 0.0
	for entry := range s.Entries() {
		if entry.Item.Line == 10000 {
			halfway = s.Position().Fraction()
		}
	}
	if halfway < 0.4 || halfway > 0.9 {
		t.Errorf("Fraction() half way = %v, want about 0.5 and a buffer", halfway)
	}
	want := corpus.Position{Lines: 20000, Bytes: int64(len(data)), Size: int64(len(data))}
	if got := s.Position(); got != want || got.Fraction() != 1 {
		t.Errorf("Position() at the end = %+v, want %+v", got, want)
	}
}
