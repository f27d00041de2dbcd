package mediawiki

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"shoal/internal/harvest"
)

// DumpLines writes a line "PAGEID<tab>LENGTH<tab>TITLE" for each page in a dump of the page table,
// as mysqldump writes it, that is not a redirect and belongs to the listing. It holds one row at a
// time. A truncated dump is an error.
func DumpLines(r io.Reader, l Listing) io.Reader {
	prefix := norm.NFC.String(strings.ReplaceAll(l.Prefix, " ", "_")) // as titles are in the table
	return &dump{in: bufio.NewReaderSize(r, 64<<10), namespace: strconv.Itoa(l.Namespace), prefix: prefix}
}

// DumpItem makes an item of a line of [DumpLines]: by page id, with the title as its ID.
func DumpItem(api, line string) (harvest.Item, error) {
	id, rest, ok := strings.Cut(line, "\t")
	length, title, ok2 := strings.Cut(rest, "\t")
	item, err := PageID(api, id)
	if !ok || !ok2 || err != nil {
		return harvest.Item{}, errors.Join(errors.New("no row of a page table"), err)
	}
	item.ID = title
	item.Size, _ = strconv.ParseInt(length, 10, 64) // unknown if it is not a number
	return item, nil
}

// dump reads one page table.
type dump struct {
	in        *bufio.Reader
	namespace string
	prefix    string

	out     []byte
	columns []string // of the table, in the order of a row's values
	at      [5]int   // the places of the columns that are read, see wanted
	rows    bool     // inside the rows of an INSERT
	whole   bool     // something came after the last INSERT
	seen    bool     // there was an INSERT
	err     error
}

// wanted returns the columns that are read.
func wanted() [5]string {
	return [5]string{"page_id", "page_namespace", "page_title", "page_is_redirect", "page_len"}
}

// Read implements [io.Reader].
func (d *dump) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		if d.rows {
			d.err = d.row()
		} else {
			d.err = d.statement()
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// statement reads up to the rows of an INSERT, or past one statement of another kind, or past one
// comment.
func (d *dump) statement() error {
	c, err := d.skipSpace()
	if errors.Is(err, io.EOF) {
		if !d.seen || !d.whole {
			return io.ErrUnexpectedEOF
		}
		return io.EOF
	}
	if err != nil {
		return err
	}
	if c == '-' || c == '#' {
		_, err := d.in.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = d.in.ReadSlice('\n')
		}
		d.whole = true
		return inside(err, io.EOF)
	}
	head, err := d.head()
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(head, "CREATE TABLE"):
		return d.create()
	case strings.HasPrefix(head, "INSERT INTO") && strings.Contains(head, "`page`"):
		d.seen, d.whole, d.rows = true, false, true
		return d.values()
	}
	d.whole = true
	return d.skipStatement()
}

// inside returns an error for the middle of something: the stream must not end there, unless with
// allowed.
func inside(err, allowed error) error {
	if errors.Is(err, io.EOF) && allowed == nil {
		return io.ErrUnexpectedEOF
	}
	if errors.Is(err, io.EOF) {
		return nil // the next read meets it again
	}
	return err
}

func (d *dump) skipSpace() (byte, error) {
	for {
		c, err := d.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' && c != ';' {
			return c, d.in.UnreadByte()
		}
	}
}

// head returns the beginning of a statement without consuming it.
func (d *dump) head() (string, error) {
	const most = 40
	b, err := d.in.Peek(most)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return string(b), nil
}

// maxColumns is the largest number of columns of a MySQL table.
const maxColumns = 4096

// create learns the order of the columns, a line each. A line is no longer than the reader's
// buffer.
func (d *dump) create() error {
	d.columns = nil
	for {
		read, err := d.in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return d.odd(nil, "a line of its CREATE TABLE has more than 64 KiB")
		case err != nil:
			return inside(err, nil)
		case len(d.columns) > maxColumns:
			return d.odd(nil, "its table has more than 4,096 columns")
		}
		line := strings.TrimSpace(string(read))
		if strings.HasPrefix(line, "`") {
			name, _, _ := strings.Cut(line[1:], "`")
			d.columns = append(d.columns, name)
		}
		if strings.HasSuffix(line, ";") {
			return nil
		}
	}
}

// values moves to the first row and finds the columns.
func (d *dump) values() error {
	for i, name := range wanted() {
		d.at[i] = -1
		for at, column := range d.columns {
			if column == name {
				d.at[i] = at
			}
		}
		if d.at[i] < 0 {
			return fmt.Errorf("this dump is of no page table: it has no column %s before its rows", name)
		}
	}
	for {
		c, err := d.in.ReadByte()
		if err != nil {
			return inside(err, nil)
		}
		if c == '(' {
			return d.in.UnreadByte()
		}
	}
}

// row reads one row and what separates it from the next.
func (d *dump) row() error {
	var kept [5]string
	if c, err := d.solid(); err != nil || c != '(' {
		return d.odd(err, "a row does not begin with (")
	}
	for n := 0; ; n++ {
		slot := -1
		for i, at := range d.at {
			if at == n {
				slot = i
			}
		}
		text, end, err := d.value(slot >= 0)
		if err != nil {
			return err
		}
		if slot >= 0 {
			kept[slot] = text
		}
		if end == ')' {
			if n+1 != len(d.columns) {
				return fmt.Errorf("a row of this dump has %d values, its table %d columns", n+1, len(d.columns))
			}
			break
		}
	}
	d.keep(kept)
	switch c, err := d.solid(); {
	case err != nil:
		return inside(err, nil)
	case c == ';':
		d.rows = false
		return nil
	case c != ',':
		return d.odd(nil, "after a row stands neither , nor ;")
	}
	return nil
}

// solid returns the next byte that is not white space: newer servers write each row on a line of
// its own.
func (d *dump) solid() (byte, error) {
	for {
		c, err := d.in.ReadByte()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

func (d *dump) odd(err error, what string) error {
	if err != nil {
		return inside(err, nil)
	}
	return errors.New("this dump is not as mysqldump writes it: " + what)
}

// maxValue bounds what is kept of a value: a title has at most 255 bytes.
const maxValue = 4 << 10

// value reads one value and the byte after it, which is a comma or the row's end.
func (d *dump) value(keep bool) (text string, end byte, err error) {
	var b []byte
	quoted := false
	for {
		c, err := d.in.ReadByte()
		if err != nil {
			return "", 0, inside(err, nil)
		}
		switch {
		case quoted && c == '\\':
			if c, err = d.in.ReadByte(); err != nil {
				return "", 0, inside(err, nil)
			}
			c = unescape(c)
		case c == '\'':
			quoted = !quoted
			continue
		case !quoted && (c == ',' || c == ')'):
			return string(b), c, nil
		}
		if keep && len(b) < maxValue {
			b = append(b, c)
		}
	}
}

// unescape returns the byte that MySQL writes as a backslash and c.
func unescape(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'Z':
		return 0x1a
	}
	return c
}

// keep writes the line of a page that belongs to the listing.
func (d *dump) keep(v [5]string) {
	if v[1] != d.namespace || v[3] != "0" || !strings.HasPrefix(v[2], d.prefix) {
		return
	}
	title := strings.ReplaceAll(v[2], "_", " ")
	d.out = append(d.out[:0], oneField(v[0])+"\t"+oneField(v[4])+"\t"+oneField(title)+"\n"...)
}

// oneField returns a value without line breaks and tabs.
func oneField(value string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
}

// skipStatement reads to the semicolon that ends a statement, over quoted text.
func (d *dump) skipStatement() error {
	var quote byte
	for {
		c, err := d.in.ReadByte()
		if err != nil {
			return inside(err, nil)
		}
		switch {
		case quote != 0 && c == '\\':
			if _, err := d.in.ReadByte(); err != nil {
				return inside(err, nil)
			}
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == ';':
			return nil
		}
	}
}
