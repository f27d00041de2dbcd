// Package mediawiki is the upstream kind for the Action API of any MediaWiki.
//
// In go items, each a title or a page id, and the complete 2xx answers of api.php; out come
// requests for up to 50 pages (500 with apihighlimits) and readings with a page for each item that
// the answer completes. It also lists pages, reads the dump of a page table, and knows how to log
// in.
//
// It never makes a request, and never calls an item missing that the wiki does not call missing: an
// item that an answer leaves open comes back as unfinished or with the continuation that requests
// it.
//
// Source of the facts: https://www.mediawiki.org/wiki/API:Main_page, formatversion 2.
package mediawiki

import (
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"shoal/internal/harvest"
)

const (
	// usualLimit and highLimit are how many titles or ids a request may name, without and with
	// apihighlimits.
	usualLimit = 50
	highLimit  = 500
	// maxContent is how much content a request asks for at most, if sizes are known: an answer
	// stops at 8 MiB ($wgAPIMaxResultSize), and escapes make the text longer.
	maxContent = 6_000_000
	// usualSize is assumed for an unknown size.
	usualSize = 8 << 10
	// maxGet is the longest URL that every server and proxy on the way accepts.
	maxGet = 7500
)

// Text is a page's text, as records are made of it.
type Text struct {
	Title         string
	PageID, RevID int64
	Content       string
	// Grow counts bytes that records are about to take.
	Grow func(bytes int64) error
}

// Config is which wiki to read, and what to keep.
type Config struct {
	API      string // canonical URL of api.php
	MaxBody  int    // bytes of an answer; default 16 MiB
	MaxDepth int    // of its JSON; default 256
	Maxlag   int    // seconds of lag at which the wiki refuses; default 5, negative: never
	Assert   string // user or bot: the wiki refuses if we are not logged in as one; empty for neither
	Body     bool   // pages keep their body
	// Records makes records of a page's text; nil for none. Its error is that of [Text].Grow.
	Records func(Text) ([]harvest.Record, error)
}

// Upstream turns items into requests and answers into pages. It is safe for concurrent use.
type Upstream struct {
	config Config
	limit  atomic.Int64
}

// ErrAPI is wrapped by the error of [New] for an address that is not an api.php.
var ErrAPI = errors.New("is not the address of a wiki's api.php")

// New makes the upstream of one wiki.
func New(c Config) (*Upstream, error) {
	canonical, err := harvest.CanonicalURL(c.API)
	if err != nil || strings.Contains(canonical, "?") {
		return nil, fmt.Errorf("--api %s %w: give it as https://wiki.example/w/api.php", harvest.Quote(c.API), ErrAPI)
	}
	c.API = canonical
	if c.MaxBody <= 0 {
		c.MaxBody = 16 << 20
	}
	if c.MaxDepth <= 0 {
		c.MaxDepth = 256
	}
	if c.Maxlag == 0 {
		c.Maxlag = 5
	}
	u := &Upstream{config: c}
	u.limit.Store(usualLimit)
	return u, nil
}

// SetLimit sets how many titles or ids a request may name.
func (u *Upstream) SetLimit(n int) { u.limit.Store(int64(min(max(n, 1), highLimit))) }

// Fits reports whether the item can go into one request with those of the pack: titles and ids do
// not mix, there are no more than the wiki allows, and their pages fit into one answer as far as
// their sizes are known.
func (u *Upstream) Fits(pack []harvest.Item, next harvest.Item) bool {
	if len(pack) == 0 {
		return true
	}
	if int64(len(pack)) >= u.limit.Load() || byID(pack[0]) != byID(next) {
		return false
	}
	sum := size(next)
	for i := range pack {
		sum += size(pack[i])
	}
	return sum <= maxContent
}

func size(item harvest.Item) int64 {
	if item.Size > 0 {
		return item.Size
	}
	return usualSize
}

// The two names that an item may have in its URL.
const (
	titleParam  = "title="
	pageidParam = "pageid="
)

// Title returns the item of a title: API?title=<as folded returns it, spaces to _,
// percent-encoded>. Its ID is the title as given, and the wiki is asked for that.
func Title(api, title string) (harvest.Item, error) {
	title = strings.TrimSpace(title)
	if err := checkTitle(title); err != nil {
		return harvest.Item{}, err
	}
	return titleItem(api, folded(title), title)
}

// Capitals returns the entries of a corpus for a run of an older version, which capitalised the
// first letter of each title in its key, see [harvest.Run].Titles: so the rows of such a run are
// found again. The wiki is still asked for the title as given.
func Capitals(api string, entries iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for entry, err := range entries {
			item := &entry.Item
			if entry.Rejected == nil && item.URL != "" && !byID(*item) {
				if old, refused := titleItem(api, capital(item.ID), item.ID); refused == nil {
					item.Key, item.URL = old.Key, old.URL
				}
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

func titleItem(api, keyed, title string) (harvest.Item, error) {
	return harvest.NewItem(api+"?"+titleParam+harvest.Escape(underscored(keyed)), title, "", nil)
}

func checkTitle(title string) error {
	switch {
	case title == "":
		return errors.New("a title is empty")
	case !utf8.ValidString(title):
		return fmt.Errorf("title %s is not UTF-8", harvest.Quote(title))
	case strings.ContainsFunc(title, unicode.IsControl):
		return fmt.Errorf("title %s has a control character", harvest.Quote(title))
	}
	return nil
}

func capital(title string) string {
	first, n := utf8.DecodeRuneInString(title)
	return string(unicode.ToUpper(first)) + title[n:]
}

func underscored(title string) string { return strings.ReplaceAll(title, " ", "_") }

// sameSpace reports whether two titles that the wiki calls one page name its namespace in the same
// way, so that one is only another spelling of the other. Project:A is another name of Wikipedia:A.
func sameSpace(one, other string) bool {
	return strings.EqualFold(namespace(one), namespace(other))
}

// namespace returns what precedes a title's first colon, empty without one.
func namespace(title string) string {
	before, _, ok := strings.Cut(strings.TrimLeft(title, ": _"), ":")
	if !ok {
		return ""
	}
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, before)
	return norm.NFC.String(strings.Join(strings.FieldsFunc(visible, func(r rune) bool { return r == '_' || unicode.IsSpace(r) }), " "))
}

// PageID returns the item of a page id: API?pageid=N.
func PageID(api, id string) (harvest.Item, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 64)
	if err != nil || n <= 0 {
		return harvest.Item{}, fmt.Errorf("page id %s is not a number above 0", harvest.Quote(id))
	}
	text := strconv.FormatInt(n, 10)
	return harvest.NewItem(api+"?"+pageidParam+text, text, "", nil)
}

// byID reports whether an item names a page by its id.
func byID(item harvest.Item) bool { return strings.Contains(item.URL, "?"+pageidParam) }

// asked returns the title or the id that a request names for the item: the title as the corpus has
// it, with blanks for underscores, which share a key.
func asked(item harvest.Item) (string, error) {
	_, query, _ := strings.Cut(item.URL, "?")
	if id, ok := strings.CutPrefix(query, pageidParam); ok {
		return id, nil
	}
	escaped, ok := strings.CutPrefix(query, titleParam)
	title, err := url.PathUnescape(escaped)
	if !ok || err != nil {
		return "", fmt.Errorf("item %s names neither a title nor a page id", harvest.Quote(item.URL))
	}
	if title == underscored(folded(item.ID)) || title == underscored(capital(item.ID)) {
		title = item.ID // as it was typed; see folded and Capitals
	}
	return strings.ReplaceAll(title, "_", " "), nil
}
