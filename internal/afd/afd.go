// Package afd reads the wikitext of a Wikipedia "Articles for deletion" page as the debate that it
// is.
//
// In goes a page's title, ids and text; out comes a [Discussion]: a record for the closing
// statement, each nomination, comment, relisting and notice, in the order of the page, and how the
// debate ended.
//
// It never does I/O, fails only where its caller has no memory for the records, and never drops a
// participant's words: text without a signature is a record without an author. It walks the text
// once, in time and memory linear in its length, whatever the text is.
package afd

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"

	"shoal/internal/harvest"
)

// What a record can be, in Record.Kind.
const (
	Close      = "close"      // the closing statement
	Nomination = "nomination" // why the article should go; the root of the debate
	Comment    = "comment"    // anything written in the debate, votes among it
	Relist     = "relist"     // the debate was listed for another week
	Notice     = "notice"     // a note about the debate or a participant, without a vote
)

// How a record is signed, in Record.Signed.
const (
	SignedFull     = "full"       // by its author, with a date
	SignedTemplate = "template"   // by {{unsigned}} or a sibling, for its author
	SignedAuto     = "autosigned" // by the text that such a template leaves when it is substituted
	SignedNone     = "none"       // without a name, without a date that can be read, or without both
)

// The kinds of an author's account, in Record.AuthorKind.
const (
	AuthorUser = "user"
	AuthorIP   = "ip"
	AuthorTemp = "temp" // a temporary account, such as ~2025-12345-6
)

// RecordBytes is what a record takes besides its words, as a [Record] and as a row.
const RecordBytes = 1280

// Page is a page to parse.
type Page struct {
	Title         string
	PageID, RevID int64
	Text          string
	// Grow counts the memory of records that are about to be made, RecordBytes for each; an error
	// ends the walk. Nil sets no bound.
	Grow func(bytes int64) error
}

// Discussion is a parsed page.
type Discussion struct {
	Records  []Record
	Outcome  *Outcome // of the latest closing statement; nil while the debate is open
	Blanked  bool     // the debate was removed as a courtesy, and is not searched for
	Articles []string // other articles that are nominated on the same page
	Err      error    // of Page.Grow: the records are not all
}

// Record is one entry of a debate. Its JSON is one object with these keys.
type Record struct {
	PageTitle string `json:"page_title"`
	PageID    int64  `json:"page_id"`
	RevID     int64  `json:"rev_id"`
	Seq       int    `json:"seq"`        // place on the page, from 0
	CommentID string `json:"comment_id"` // 32 hex digits, see commentID
	// ParentID is the comment_id of the comment that this one replies to, null if it replies to
	// none.
	ParentID *string `json:"parent_id"`
	// Depth is the length of the list marker. Nominations, closes and relists have 0.
	Depth      int        `json:"depth"`
	Kind       string     `json:"kind"`
	Author     *string    `json:"author"`
	AuthorKind *string    `json:"author_kind"`
	Timestamp  *time.Time `json:"timestamp"` // UTC
	// Label is the vote or the result in one of the words of labels.go; null for a comment, and for
	// words in bold that are not a vote.
	Label *string `json:"label"`
	// RawLabel is the word in bold at the start, as it is written.
	RawLabel *string `json:"raw_label"`
	// Labels has all the labels, Label first, if there are several, as in "delete and redirect".
	Labels []string `json:"labels,omitempty"`
	// Struck reports that the vote was struck out and not replaced.
	Struck bool   `json:"struck"`
	Signed string `json:"signed"`
	// Text is the wikitext between the list marker and the signature, of all its lines.
	Text        string   `json:"text"`
	TextPlain   string   `json:"text_plain"`   // the same without markup
	PolicyLinks []string `json:"policy_links"` // such as WP:GNG, each once
	// Outcome is present only with the kind close.
	Outcome *Outcome `json:"outcome,omitempty"`
}

// Outcome is how a debate ended.
type Outcome struct {
	Label     *string    `json:"label"`
	Raw       *string    `json:"raw"`
	Closer    *string    `json:"closer"`
	Timestamp *time.Time `json:"timestamp"`
	Blanked   bool       `json:"blanked"`
}

// Parse reads a page. It reads bytes of its text that are not UTF-8, and NUL, as U+FFFD.
func Parse(p Page) Discussion {
	p.Title, p.Text = sanitize(p.Title), sanitize(p.Text)
	s := scanner{page: p, text: p.Text, mask: mask(p.Text), seen: map[string]int{}, parent: -1, previous: -1}
	s.scan()
	return s.discussion()
}

// sanitize makes text that JSON and PostgreSQL take.
func sanitize(text string) string {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	return text
}

// ParseRows parses a page and returns its records as rows; the error is that of p.Grow.
func ParseRows(p Page) ([]harvest.Record, error) {
	d := Parse(p)
	if d.Err != nil {
		return nil, d.Err
	}
	return d.Rows(), nil
}

// Rows adapts the records to the harvest: their kind, seq and JSON.
func (d Discussion) Rows() []harvest.Record {
	rows := make([]harvest.Record, 0, len(d.Records))
	for i := range d.Records {
		rows = append(rows, harvest.Record{Ordinal: d.Records[i].Seq, Kind: d.Records[i].Kind, Data: d.Records[i].encode()})
	}
	return rows
}

// encode cannot fail: a record has neither numbers nor types that JSON lacks.
func (r *Record) encode() []byte {
	data, err := json.Append(make([]byte, 0, 512+len(r.Text)+len(r.TextPlain)), r, 0)
	if err != nil {
		return nil
	}
	return data
}
