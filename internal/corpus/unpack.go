package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"shoal/internal/text"
)

// maxWindow is the most memory for the window of zstd: that of zstd --ultra -22 and of --long.
const maxWindow = 128 << 20

var errNoArchive = errors.New("its name is that of an archive, its first bytes are not")

// unpack returns the text of an archive, recognised by its first bytes, or of a plain file. release
// ends the unpacking.
func unpack(uri string, raw io.Reader) (unpacked io.Reader, release func(), err error) {
	in := bufio.NewReaderSize(raw, 64<<10)
	start, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		archive, err := gzip.NewReader(in)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return archive, func() {}, err
	case isZstd(start):
		archive, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return archive, archive.Close, nil
	case namedArchive(uri):
		return nil, nil, errNoArchive
	}
	return in, func() {}, foreignFormat(start)
}

// decoded makes UTF-8 of a text, by its mark, its zero bytes, or the Content-Type that it came
// with. Without a type it waits for four bytes and no more, since they may come from a terminal.
func decoded(in io.Reader, kind string) (io.Reader, error) {
	const window = 64 << 10
	whole := bufio.NewReaderSize(in, window)
	least := 4
	if kind != "" {
		least = window
	}
	if _, err := whole.Peek(least); err != nil && !errors.Is(err, io.EOF) && whole.Buffered() == 0 {
		return nil, err
	}
	head, _ := whole.Peek(whole.Buffered()) // they are there
	charset := text.FindStream(kind, head)
	if charset.UTF8() {
		return whole, nil // marks are taken off line by line
	}
	if _, err := whole.Discard(charset.Skip); err != nil {
		return nil, err
	}
	return charset.Reader(whole), nil
}

// isZstd reports whether a zstd frame begins here, or the skippable frame that parallel packers
// begin with.
func isZstd(start []byte) bool {
	return bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(start) == 4 && start[0]&0xf0 == 0x50 && bytes.Equal(start[1:], []byte{0x2a, 0x4d, 0x18})
}

// namedArchive prevents an archive that is empty, or whose beginning was lost, from being taken for
// an empty text.
func namedArchive(uri string) bool {
	name, _, _ := strings.Cut(uri, "?")
	switch strings.ToLower(path.Ext(name)) {
	case ".gz", ".zst", ".zstd":
		return true
	}
	return false
}

// foreignFormat recognises common formats that we do not read.
func foreignFormat(start []byte) error {
	for _, known := range []struct{ magic, name string }{
		{"\xfd7zX", "xz; unpack it first: xz -dc FILE | worker --corpus -"},
		{"BZh", "bzip2; unpack it first: bzip2 -dc FILE | worker --corpus -"},
		{"PK\x03\x04", "zip; unpack it first: unzip -p FILE | worker --corpus -"},
	} {
		if bytes.HasPrefix(start, []byte(known.magic)) {
			return &formatError{"it is packed or written as " + known.name}
		}
	}
	return nil
}

// formatError is about a corpus that is sound but in a format that we do not read.
type formatError struct{ text string }

func (e *formatError) Error() string { return e.text }

// explain describes a failed read in words.
func explain(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends before its end, as after a broken copy"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zstd.ErrMagicMismatch):
		return "at some place it is not an archive: overwritten, or followed by something else"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return "a checksum of the archive does not match"
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Sprintf("to unpack it takes more than %d MiB of memory; pack it again without --long", maxWindow>>20)
	}
	return err.Error()
}
