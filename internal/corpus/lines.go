package corpus

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines cuts a text into lines in constant memory.
type lines struct {
	in    *bufio.Reader
	spill []byte // a line that is longer than the reader's buffer
	count int64
}

func newLines(in io.Reader) *lines { return &lines{in: bufio.NewReaderSize(in, 64<<10)} }

// next returns the next line, valid until the next call; [io.EOF] after the last. A line of more
// than [MaxLine] bytes is cut to one byte more than that. The half line before a failure is
// dropped.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.long(line)
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	l.count++
	return line, nil
}

func (l *lines) long(start []byte) ([]byte, error) {
	l.spill = append(l.spill[:0], start...)
	for {
		part, err := l.in.ReadSlice('\n')
		l.spill = append(l.spill, part[:min(len(part), MaxLine+1-len(l.spill))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.spill, err
		}
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// trim removes blanks, CR and a byte order mark from a line. The mark may precede any line, since
// people concatenate files to make a corpus.
func trim(line []byte) []byte {
	line = bytes.TrimPrefix(line, byteOrderMark)
	start, end := 0, len(line)
	for start < end && blank(line[start]) {
		start++
	}
	for end > start && blank(line[end-1]) {
		end--
	}
	return line[start:end]
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
