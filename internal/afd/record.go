package afd

import (
	"encoding/hex"
	"strconv"
	"strings"

	"shoal/internal/harvest"
)

// grain is for how many records memory is counted at a time.
const grain = 256

// record keeps an item, whose text is between from and to.
func (s *scanner) record(o item, from, to int, g *signature) {
	if s.page.Grow != nil && s.err == nil && len(s.records)%grain == 0 {
		s.err = s.page.Grow(grain * RecordBytes)
	}
	r := Record{
		PageTitle: s.page.Title, PageID: s.page.PageID, RevID: s.page.RevID, Seq: len(s.records),
		Depth: o.depth, Kind: o.kind, Signed: SignedNone, Text: s.text[from:to],
	}
	if g != nil {
		r.Signed = g.signed
		if g.author != "" {
			kind := authorKind(g.author)
			r.Author, r.AuthorKind = &g.author, &kind
		}
		if g.dated {
			r.Timestamp = &g.at
		}
	}
	r.TextPlain, r.PolicyLinks = render(r.Text)
	r.judge(voteOf(s.mask[from:to], o.kind == Close), s.mask[from:to])
	s.restated = s.restated || r.Kind == Close && r.Struck
	r.CommentID = s.commentID(&r)
	s.place(&r, o)
	s.records = append(s.records, r)
}

// judge sets the labels of the record. Notices and relists are not votes.
func (r *Record) judge(v vote, mask string) {
	switch r.Kind {
	case Notice:
		if v.raw != "" {
			r.RawLabel = &v.raw
		}
		return
	case Relist:
		v = vote{raw: "Relisted"}
	case Close:
		v = r.stated(v, mask)
	}
	if v.raw != "" {
		r.RawLabel, r.Struck = &v.raw, v.struck
	}
	if len(v.labels) > 0 {
		r.Label = &v.labels[0]
	}
	if len(v.labels) > 1 {
		r.Labels = v.labels
	}
	if r.Kind == Close && !r.Struck {
		r.Outcome = &Outcome{Label: r.Label, Raw: r.RawLabel, Closer: r.Author, Timestamp: r.Timestamp}
	}
}

// stated returns the result of a closing statement, given its words in bold: those, or the words
// after "was". Struck words are not the result if there are others.
func (r *Record) stated(v vote, mask string) vote {
	if v.raw == "" || v.struck {
		plain, _ := render(unstruck(mask))
		if w := spoken(plain); w.raw != "" {
			return w
		}
	}
	if v.raw == "" {
		if v = spoken(r.TextPlain); v.raw != "" {
			v.struck = unstruck(mask) != mask
		}
	}
	return afterWas(v)
}

// spoken returns a result that is not in bold: the words after "was", up to the end of the clause,
// or of the sentence if the clause only rules something out.
func spoken(plain string) vote {
	plain = strings.ToValidUTF8(plain[:min(len(plain), longestTarget)], "")
	i := indexFold(plain, "was ")
	if i < 0 {
		return vote{}
	}
	sentence := strings.TrimLeft(plain[i+len("was "):], " :,'\"")
	if j := strings.IndexAny(sentence, ".;(\n"); j >= 0 {
		sentence = sentence[:j]
	}
	clause := sentence
	if j := strings.IndexAny(clause, ",:–—"); j >= 0 {
		clause = clause[:j]
	}
	v := vote{raw: cleanRaw(clause)}
	found, flipped := passage{bold: clause, result: true}.read()
	if len(found) == 0 && len(sentence) > len(clause) {
		if more, _ := (passage{bold: sentence, result: true}).read(); len(more) > 0 {
			found, v.raw = more, cleanRaw(sentence)
		}
	}
	if len(found) == 0 {
		found = flipped
	}
	if v.labels = found; len(found) == 0 {
		return vote{}
	}
	return v
}

// afterWas extracts the result from a sentence that is in bold as a whole.
func afterWas(v vote) vote {
	if !hasAnyPrefixFold(v.raw, results) {
		return v
	}
	if w := spoken(v.raw + " "); w.raw != "" {
		w.struck = v.struck
		return w
	}
	return v
}

// commentID names a record for ever: the 128-bit XXH3 of the page's id, the author, the minute and
// how many of that author in that minute precede it on the page, as 32 hex digits. An edit of the
// text, a struck vote and a comment inserted elsewhere leave it as it is.
func (s *scanner) commentID(r *Record) string {
	key := "afd\n" + strconv.FormatInt(r.PageID, 10) + "\n"
	if r.Author != nil {
		key += *r.Author
	}
	key += "\n"
	if r.Timestamp != nil {
		key += r.Timestamp.Format("2006-01-02T15:04Z")
	}
	n := s.seen[key]
	s.seen[key] = n + 1
	id := harvest.KeyOf(key + "\n" + strconv.Itoa(n))
	return hex.EncodeToString(id[:])
}

// place finds the parent: the nearest earlier comment of a smaller depth, or the nomination. An
// author whom {{outdent}} brings back to the margin replies to the comment before.
func (s *scanner) place(r *Record, o item) {
	self := len(s.records)
	switch r.Kind {
	case Close, Relist:
		return
	case Nomination:
		s.parent, s.previous = self, self
		s.stack = append(s.stack[:0], reply{0, self})
		return
	case Notice:
		parent := s.parent
		if accountNote(r.Text) || strings.HasPrefix(r.Text, "{{") {
			parent = s.previous
		}
		s.adopt(r, parent)
		return
	}
	s.adopt(r, s.parentOf(r, o))
	s.stack = append(s.stack, reply{r.Depth, self})
	s.previous = self
}

// parentOf cuts the stack back to the comments that the new one may reply to. A comment with a vote
// of its own and one marker is a new thread, even after a comment at the margin.
func (s *scanner) parentOf(r *Record, o item) int {
	if o.outdent && s.previous >= 0 {
		return s.previous
	}
	fresh := r.Depth == 0 || r.Depth == 1 && (o.marker == '*' || o.marker == '#') && r.Label != nil
	for len(s.stack) > 0 {
		top := s.stack[len(s.stack)-1]
		if top.record == s.parent || !fresh && top.depth < r.Depth {
			return top.record
		}
		s.stack = s.stack[:len(s.stack)-1]
	}
	return s.parent
}

func (s *scanner) adopt(r *Record, parent int) {
	if parent >= 0 {
		id := s.records[parent].CommentID
		r.ParentID = &id
	}
}

// append adds words that follow the signature to the last record.
func (s *scanner) append(from, to int) {
	r := &s.records[len(s.records)-1]
	r.Text = strings.TrimLeft(r.Text+" "+s.text[from:to], " ")
	r.TextPlain, r.PolicyLinks = render(r.Text)
}

// discussion returns the result of the walk.
func (s *scanner) discussion() Discussion {
	s.courtesy()
	d := Discussion{Records: s.records, Blanked: s.blanked, Articles: s.articles, Err: s.err}
	for i := range s.records {
		o := s.records[i].Outcome
		if o == nil {
			continue
		}
		o.Blanked = s.blanked
		if d.Outcome == nil || d.Outcome.Timestamp == nil || o.Timestamp != nil && !o.Timestamp.Before(*d.Outcome.Timestamp) {
			d.Outcome = o
		}
	}
	return d
}

// courtesy recognises a debate that was removed: by its template, or by words to that effect if no
// debate is left. Such a page has one record at least.
func (s *scanner) courtesy() {
	debate, words := false, -1
	for i := range s.records {
		r := &s.records[i]
		if containsFold(r.TextPlain[:min(len(r.TextPlain), longestTarget)], "courtesy blank") {
			words = i
		} else if r.Kind == Comment || r.Kind == Nomination && r.Signed != SignedNone {
			debate = true
		}
	}
	if words >= 0 && !debate {
		s.blanked = true
		s.notClosing(&s.records[words])
	}
	if s.blanked && len(s.records) == 0 {
		s.record(item{kind: Close}, s.blankAt.at, s.blankAt.at+len(s.blankAt.name), nil)
	}
}

// notClosing turns the statement that a debate was blanked, which is not part of it, into a notice.
func (s *scanner) notClosing(r *Record) {
	if r.Kind != Nomination && r.Kind != Comment {
		return
	}
	r.Kind, r.ParentID = Close, nil
	for i := range s.records {
		if s.records[i].Outcome != nil {
			r.Kind = Notice
			return
		}
	}
	r.Outcome = &Outcome{Closer: r.Author, Timestamp: r.Timestamp}
}
