package mediawiki

import (
	"bytes"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"

	"shoal/internal/harvest"
)

// Why an item did not land as a page, in Page.Reason, besides the reasons of the worker. An item
// that the wiki calls by another name lands with reasonAlias or reasonRedirect, and Page.Detail is
// the title there.
const (
	reasonInvalid   = "invalid_title"
	reasonLoop      = "redirect_loop"
	reasonInterwiki = "interwiki"
	reasonSpecial   = "special_page"
	reasonHidden    = "hidden_revision"
	reasonMended    = "mended_nul"
	reasonUnchecked = "unchecked"
	reasonAlias     = "alias"
	reasonRedirect  = "redirect"
)

// Read makes pages of the items that an answer completes. The others are in Next, the continuation
// that requests them, or in Unfinished. No page holds the answer's memory.
func (u *Upstream) Read(req *harvest.Request, a *harvest.Answer) harvest.Reading {
	need := int64(copies*len(a.Body) + min(shortObject*len(a.Body), maxObjects<<8))
	if err := a.Grow(need); err != nil {
		return u.single(req, a, noMemory(err))
	}
	defer func() { a.Shrink(need) }()
	decoded, r, fine := u.open(a, req.Items)
	if !fine {
		return u.single(req, a, r)
	}
	b := u.book(&decoded.Query)
	b.grow = func(n int64) error {
		err := a.Grow(n)
		if err == nil {
			need += n
		}
		return err
	}
	var left []harvest.Item
	for _, item := range req.Items {
		p := harvest.Page{Key: item.Key, URL: item.URL, ID: item.ID, Status: a.Status, FetchedAt: a.Arrived}
		settled := b.settle(&p, item)
		if b.err != nil {
			return u.single(req, a, noMemory(b.err))
		}
		if settled {
			r.Pages = append(r.Pages, p)
			continue
		}
		if b.redirectID(item) {
			// The continuation would bring its text, but not the fact that it is a redirect.
			r.Unfinished = append(r.Unfinished, item)
			continue
		}
		left = append(left, item)
	}
	if len(left) == 0 {
		return r
	}
	next := u.continuation(left, req.Base, decoded.Continue)
	barren := req.Barren + 1
	if len(r.Pages)+len(r.Unfinished) > 0 {
		barren = 0
	}
	same := next != nil && bytes.Equal(next.Body, req.Body) && next.URL == req.URL
	if next == nil || same || barren > maxBarren { // would never end
		r.Unfinished = append(r.Unfinished, left...)
		return r
	}
	next.Barren = barren
	r.Next = next
	return r
}

const (
	// copies is how often the text of an answer is in memory while it is read: decoded, as body,
	// and as records.
	copies = 4
	// shortObject is how many bytes a byte of the shortest objects takes, decoded.
	shortObject = 96
)

// maxBarren is how many continuations in a row may complete no item. A wiki cuts its answers
// between pages.
const maxBarren = 10

// noMemory returns the reading of an answer that needs too much, or whose caller has stopped
// waiting.
func noMemory(err error) harvest.Reading {
	if errors.Is(err, harvest.ErrMemory) {
		return harvest.Reading{Fault: harvest.FaultUndecodable, Reason: reasonMany, Cause: err}
	}
	return harvest.Reading{Fault: harvest.FaultReset, Cause: err}
}

// single ends a single item whose answer is too deep or too large to be read: it will not get
// better.
func (u *Upstream) single(req *harvest.Request, a *harvest.Answer, r harvest.Reading) harvest.Reading {
	if r.Reason != reasonDeep && r.Reason != reasonMany || len(req.Items) != 1 {
		return r
	}
	item := req.Items[0]
	return harvest.Reading{Pages: []harvest.Page{{
		Key: item.Key, URL: item.URL, ID: item.ID, Outcome: harvest.Skipped, Reason: r.Reason, Status: a.Status, FetchedAt: a.Arrived,
	}}}
}

// book is an answer's pages by the names under which items request them.
type book struct {
	u         *Upstream
	byTitle   map[string]*page
	byID      map[int64]*page
	spelled   map[string]string // from the title that was sent to the wiki's own: normalized, and converted
	redirects map[string]string
	interwiki map[string]bool
	grow      func(bytes int64) error // counts what records take
	err       error                   // of grow: no page of the answer is used
}

func (u *Upstream) book(q *query) *book {
	b := &book{
		u: u, byTitle: map[string]*page{}, byID: map[int64]*page{},
		spelled: map[string]string{}, redirects: map[string]string{}, interwiki: map[string]bool{},
	}
	for i := range q.Pages {
		p := &q.Pages[i]
		b.byTitle[string(p.Title)] = p
		if p.PageID > 0 {
			b.byID[p.PageID] = p
		}
	}
	for _, m := range append(q.Converted, q.Normalized...) { // one title in both: normalized comes first
		from := string(m.From)
		if decoded, err := url.PathUnescape(from); bool(m.Encoded) && err == nil {
			from = decoded
		}
		b.spelled[from] = string(m.To)
	}
	for _, m := range q.Redirects {
		b.redirects[string(m.From)] = string(m.To)
	}
	for _, m := range q.Interwiki {
		b.interwiki[m.Title] = true
	}
	return b
}

// follow goes from a name through a map of names to the last one. It counts the steps: at most one
// for each entry, and one more if they form a circle.
func follow(names map[string]string, name string) (last string, steps int) {
	for to, ok := names[name]; ok && to != name && steps <= len(names); to, ok = names[name] {
		name = to
		steps++
	}
	return name, steps
}

// settle fills the page of an item that the answer completes.
func (b *book) settle(p *harvest.Page, item harvest.Item) bool {
	name, err := asked(item)
	if err != nil {
		return false
	}
	if byID(item) {
		id, _ := strconv.ParseInt(name, 10, 64) // PageID has written it
		return b.byNumber(p, b.byID[id])
	}
	// There are two steps if the wiki first brings a title into normal form C and then into its own
	// spelling.
	title, _ := follow(b.spelled, name)
	target, hops := follow(b.redirects, title)
	switch {
	case hops > len(b.redirects):
		return skip(p, reasonLoop)
	case hops > 0:
		return b.elsewhere(p, reasonRedirect, target)
	case b.interwiki[title]:
		return skip(p, reasonInterwiki)
	}
	found := b.byTitle[title]
	switch {
	case found == nil:
		return false
	case bool(found.Invalid):
		p.Detail = wording(found.Reason)
		return skip(p, reasonInvalid)
	case !sameSpace(name, title):
		return b.elsewhere(p, reasonAlias, title)
	case bool(found.Special):
		return skip(p, reasonSpecial)
	}
	return b.complete(p, found)
}

// byNumber is settle for a page id. The wiki does not follow a redirect from an id: its page is
// marked as one.
func (b *book) byNumber(p *harvest.Page, found *page) bool {
	if found == nil || !found.Redirect {
		return found != nil && b.complete(p, found)
	}
	if len(found.Revisions) == 0 {
		return false
	}
	rev := &found.Revisions[0]
	main := rev.main()
	if main.TextHidden {
		return skip(p, reasonHidden)
	}
	target := ""
	if content := main.text(); content != nil {
		_, rest, _ := strings.Cut(*content, "[[")
		target, _, _ = strings.Cut(rest, "]]")
		target, _, _ = strings.Cut(target, "|")
		target, _, _ = strings.Cut(target, "#")
	}
	return b.elsewhere(p, reasonRedirect, strings.TrimSpace(strings.ReplaceAll(target, "_", " ")))
}

// redirectID reports whether the answer calls an item by page id a redirect.
func (b *book) redirectID(item harvest.Item) bool {
	name, err := asked(item)
	if err != nil || !byID(item) {
		return false
	}
	id, _ := strconv.ParseInt(name, 10, 64) // PageID has written it
	return b.byID[id] != nil && bool(b.byID[id].Redirect)
}

// elsewhere lands an item whose text, and so its records, are under another title.
func (b *book) elsewhere(p *harvest.Page, reason, title string) bool {
	p.Outcome, p.Reason, p.Detail = harvest.Landed, reason, named(title)
	return true
}

func skip(p *harvest.Page, reason string) bool {
	p.Outcome, p.Reason = harvest.Skipped, reason
	return true
}

// complete lands a page that has its text. A page without a revision is not complete yet, whatever
// else the answer has of it.
func (b *book) complete(p *harvest.Page, found *page) bool {
	if found.Missing {
		p.Outcome, p.Reason = harvest.Missing, "missing"
		return true
	}
	if len(found.Revisions) == 0 {
		return false
	}
	rev := &found.Revisions[0]
	main := rev.main()
	p.Revision = strconv.FormatInt(rev.RevID, 10)
	text := main.text()
	if main.TextHidden {
		return skip(p, reasonHidden)
	}
	if text == nil {
		return false
	}
	verdict := verify(rev, main)
	if verdict == differs {
		return false
	}
	p.Outcome = harvest.Landed
	content := sound(*text)
	switch {
	case strings.ContainsRune(*text, 0):
		p.Reason = reasonMended
	case verdict == unchecked:
		p.Reason = reasonUnchecked
	}
	if b.u.config.Records != nil {
		p.Records, b.err = b.u.config.Records(Text{Title: string(found.Title), PageID: found.PageID, RevID: rev.RevID, Content: content, Grow: b.grow})
	}
	if b.u.config.Body {
		p.MediaType = "application/json"
		p.Body = body(found, rev, main, content, verdict)
	}
	return true
}

// stored is the body of a page, in this order.
type stored struct {
	PageID    int64   `json:"pageid"`
	Title     string  `json:"title"`
	RevID     int64   `json:"revid"`
	ParentID  int64   `json:"parentid"`
	Timestamp string  `json:"timestamp"`
	User      *string `json:"user"`
	Size      int64   `json:"size"`
	SHA1      string  `json:"sha1"`
	Model     string  `json:"contentmodel"`
	Content   string  `json:"content"`
	Unchecked bool    `json:"unchecked,omitempty"`
}

func body(found *page, rev *revision, main *slot, content string, v verdict) []byte {
	user := rev.User
	if rev.UserHidden {
		user = nil // we may see it; the public may not
	}
	if user != nil {
		clean := sound(*user)
		user = &clean
	}
	whole := stored{
		PageID: found.PageID, Title: sound(string(found.Title)), RevID: rev.RevID, ParentID: rev.ParentID, Timestamp: sound(rev.Timestamp),
		User: user, SHA1: strings.ToLower(sound(main.SHA1)), Model: sound(main.Model), Content: content, Unchecked: v == unchecked,
	}
	if rev.Size != nil {
		whole.Size = *rev.Size
	}
	text, err := json.Append(nil, whole, 0)
	if err != nil { // cannot be: a struct of numbers and strings
		return nil
	}
	return text
}

// sound is text that PostgreSQL takes.
func sound(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "\uFFFD"), "\uFFFD")
}

// maxName bounds a page name from a wiki: its titles have at most 255 bytes, besides those of the
// namespace.
const maxName = 1 << 10

// named returns a title of the wiki, within bounds.
func named(text string) string { return sound(text[:min(len(text), maxName)]) }

// wording returns a reason of the wiki: text, or an object with its text.
func wording(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return shortened(text)
	}
	var object struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(raw, &object) // of another shape: no words
	return shortened(object.Text)
}
