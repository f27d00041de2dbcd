package fetch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"shoal/internal/harvest"
	"shoal/internal/text"
)

// coding is what a body was packed with.
type coding int

const (
	codingNone coding = iota
	codingGzip
)

// packing reports whether a coding changes the bytes and is one that we do not undo, since we never
// ask for it.
func packing(word string) bool {
	return slices.Contains([]string{
		"br", "zstd", "deflate", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip", "zlib", "lzma", "xz", "bzip2", "x-bzip2", "lz4", "snappy", "lzw", "base64",
		"aes128gcm",
	}, word)
}

// idle reports whether a word is seen as a Content-Encoding and changes nothing: charsets, names
// for nothing, and what S3 keeps of an upload.
func idle(word string) bool {
	return slices.Contains([]string{
		"", "identity", "none", "null", "utf-8", "utf8", "utf-16", "iso-8859-1", "us-ascii", "ascii", "binary", "7bit", "8bit", "plain", "raw", "text", "json",
		"aws-chunked", "chunked", "application/json",
	}, word)
}

// codingOf reads the Content-Encoding. Only one gzip was asked for. A word that is not a coding
// changes nothing; if bytes are kept as they come, only the words known to change nothing pass.
func codingOf(h http.Header, raw bool) (found coding, err error) {
	for _, line := range h.Values("Content-Encoding") {
		for one := range strings.SplitSeq(line, ",") {
			one, _, _ = strings.Cut(one, ";")
			one = strings.ToLower(strings.Trim(one, " \t\"'"))
			gz := one == "gzip" || one == "x-gzip"
			if !gz && !packing(one) && (!raw || idle(one)) {
				continue
			}
			if !gz || found != codingNone {
				return 0, fmt.Errorf("Content-Encoding %s was not asked for; only one gzip was", harvest.Quote(strings.Join(h.Values("Content-Encoding"), ", ")))
			}
			found = codingGzip
		}
	}
	return found, nil
}

// gzipMark is what a gzip body begins with (RFC 1952, 2.3.1).
const gzipMark = "\x1f\x8b"

// sniff corrects a coding by the body's first bytes, only if the body is read as text afterwards:
// no plain text begins as gzip does, and a wrong guess cannot be read.
func sniff(in *bufio.Reader, declared coding, raw bool) coding {
	head, err := in.Peek(2)
	switch {
	case raw, len(head) == 0, err != nil && !errors.Is(err, io.EOF):
		return declared
	case strings.HasPrefix(gzipMark, string(head)):
		if declared == codingNone && len(head) < 2 {
			return codingNone
		}
		return codingGzip
	}
	return codingNone
}

// decode makes UTF-8 of a body. It reports whether some of it had to be replaced, and whether the
// text is too long.
func (c *Client) decode(h http.Header, s *sink, limit int64) (replaced, tooLong bool, err error) {
	if c.cfg.Raw || s.buf == nil {
		return false, false, nil
	}
	old := s.buf
	found := text.Find(h.Get("Content-Type"), old.b)
	if found.UTF8() {
		if found.Skip > 0 { // in place: the buffer counts with all of its memory
			old.b = old.b[:copy(old.b, old.b[found.Skip:])]
		}
		old.b = text.TrimMarks(old.b)
		return false, false, nil
	}
	if err := s.open(len(old.b) + len(old.b)/2); err != nil {
		return false, false, err
	}
	defer s.put(old)
	tooLong, err = s.fill(found.Reader(bytes.NewReader(old.b[found.Skip:])), limit)
	return text.Replaced(s.buf.b), tooLong, err
}
