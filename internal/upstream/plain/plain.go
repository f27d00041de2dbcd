// Package plain is the upstream kind for any HTTP API whose answers are JSON, or bytes to be kept
// as they are.
//
// In go an item and the complete 2xx answer to its request; out come the request and a
// [harvest.Reading] with the item's page: its body as the store takes it, the kept headers, and the
// records that a jq expression makes of it.
//
// It never does I/O, never lets a byte through that PostgreSQL refuses, on insert or later on ->>,
// and never hands an answer to a recursive parser before its depth and size are known.
//
// An answer that is not JSON, or that fails --check, may be better the next time: it is a
// [harvest.Fault], FaultUndecodable (bad_json) if no API sent it, FaultUnexpected (check_failed and
// others) if the expressions may be at fault too. An answer that is well-formed but cannot be kept
// will not get better: its page is skipped, with one of the Reason constants.
package plain

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/text"
)

// What pages keep of an answer.
const (
	BodyJSON = "json" // the answer, which must be JSON
	BodyRaw  = "raw"  // its bytes with any content type
	BodyNone = "none" // nothing; only records
)

// Why an answer cannot be used, in Reading.Reason.
const (
	ReasonBadJSON     = text.ReasonBadJSON // not JSON, truncated, empty, or more than one value
	ReasonHTML        = text.ReasonHTML    // a page for people instead of an API's answer
	ReasonCheckFailed = "check_failed"     // --check is not true for it
	ReasonWaitFailed  = "wait_failed"      // --wait fails on it
)

// Why a page is skipped although its answer came, in Page.Reason; Page.Detail has the particulars.
// With ReasonExtractFailed it keeps its body too, so that records can be made of it later; with the
// others it keeps nothing. A page that landed has a reason too if something in it was replaced by
// U+FFFD: mended_nul, mended_surrogate, mended_utf8, or several with commas between.
const (
	ReasonTooDeep       = "too_deep"       // nested deeper than Config.MaxDepth
	ReasonTooLarge      = "body_too_large" // longer than Config.MaxBody
	ReasonTooMany       = "too_many_values"
	ReasonBadNumber     = "bad_number"     // a number that PostgreSQL's numeric cannot hold
	ReasonExtractFailed = "extract_failed" // --extract fails on it, or yields too much
)

// reasonMasked is part of the reason of a page whose answer quoted our credential.
const reasonMasked = "masked_secret"

// maxMediaType is the longest Content-Type that is kept.
const maxMediaType = 255

// RecordKind is [harvest.ExtractedKind].
const RecordKind = harvest.ExtractedKind

// DefaultLimit is how long one run of an expression may take if Config.Limit is zero.
const DefaultLimit = 5 * time.Second

// ReadLimit returns how long the reading of an answer to a pack of up to most items may take:
// expressions run on each part.
func ReadLimit(most int) time.Duration { return time.Duration(3+2*most) * DefaultLimit }

// Config is what a run sets about its upstream. Zero values are the defaults.
type Config struct {
	Body        string        // BodyJSON, BodyRaw or BodyNone; default BodyJSON
	Extract     string        // jq: each value that it yields is a record
	Check       string        // jq: every value that it yields, and at least one, must be true (neither false nor null)
	Wait        string        // jq: seconds that the answer asks us to wait; the longest counts, null and 0 mean none
	KeepHeaders []string      // kept besides the usual ones
	PostIsRead  bool          // items may use POST
	Template    string        // URL with {ids} if one request is for many items; else unused
	Pack        int           // items of such a request, at most
	Split       string        // jq: each value that it yields is the answer for one item
	ID          string        // jq on such a value: the item's id
	Absent      string        // AbsentAgain or AbsentMissing; default AbsentAgain
	Next        string        // jq on a listing's answer: where it continues, a URL or a cursor; or NextLink
	Items       string        // jq on a listing's answer: its items; empty: the answer is a page itself
	Credential  string        // name of the query parameter that is our credential; it is removed from every URL in an answer
	MaxDepth    int           // of JSON; default 256, at most 1,000
	MaxBody     int           // bytes of an answer; default 16 MiB
	MaxValues   int           // values and keys in an answer that jq works on; default 2,000,000
	MaxRecords  int           // from one answer; default 100,000
	MaxYield    int           // bytes of all records of one answer; default 64 MiB
	MaxMemory   int           // bytes by which the heap may grow while jq runs; default 1 GiB, which no answer within the other bounds needs, or half of GOMEMLIMIT if that is less
	Limit       time.Duration // of one jq run; default 5 s
	Aside       Aside         // runs expressions that cannot be ended here; nil: they run here, and are ended between their steps
}

// Upstream turns items into requests and answers into pages. It is safe for concurrent use.
type Upstream struct {
	config Config
	// extract, check and wait are nil where there is no such expression.
	extract, check, wait, split, id, next, items *program
	// slots bounds how many answers are trees in memory at once: a tree takes many times the bytes
	// of its text.
	slots chan struct{}
}

// ErrConfig is wrapped by the errors of [New] about settings other than jq.
var ErrConfig = errors.New("cannot be used")

// New compiles the expressions. The error of a bad one wraps [ErrExpression] and shows the
// expression and where it breaks.
func New(c Config) (*Upstream, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	u := &Upstream{config: c, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	next := c.Next
	if next == NextLink || next == NextNone {
		next = ""
	}
	for _, e := range []struct {
		flag, source string
		program      **program
	}{
		{"extract", c.Extract, &u.extract}, {"check", c.Check, &u.check}, {"wait", c.Wait, &u.wait},
		{"split", c.Split, &u.split}, {"id", c.ID, &u.id}, {"next", next, &u.next}, {"items", c.Items, &u.items},
	} {
		var err error
		if *e.program, err = compile(e.flag, e.source, c.MaxMemory, c.Aside); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func (c *Config) complete() error {
	if c.Body == "" {
		c.Body = BodyJSON
	}
	if c.Body != BodyJSON && c.Body != BodyRaw && c.Body != BodyNone {
		return fmt.Errorf("--body %s %w: write json, raw or none", harvest.Quote(c.Body), ErrConfig)
	}
	for _, name := range c.KeepHeaders {
		if secret(name) {
			return fmt.Errorf("--keep-header %s %w: it holds a credential, and those are never stored", harvest.Quote(name), ErrConfig)
		}
	}
	for _, d := range []struct {
		value    *int
		fallback int
	}{{&c.MaxDepth, 256}, {&c.MaxBody, 16 << 20}, {&c.MaxValues, 2_000_000}, {&c.MaxRecords, 100_000}, {&c.MaxYield, 64 << 20}, {&c.MaxMemory, int(min(1<<30, debug.SetMemoryLimit(-1)/2))}} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	c.MaxDepth = min(c.MaxDepth, deepest)
	if c.Limit <= 0 {
		c.Limit = DefaultLimit
	}
	return c.checkPack()
}

// ErrMethod is wrapped by the error of [Upstream.Request] for an item that would do more than read.
var ErrMethod = errors.New("is not a method of reading")

// Fits implements the worker's packing.
func (u *Upstream) Fits(pack []harvest.Item, next harvest.Item) bool {
	if u.packs() {
		return u.fitsPack(pack, next)
	}
	return len(pack) == 0
}

// Request makes the request for one item, or for a pack of ids.
func (u *Upstream) Request(items []harvest.Item) (*harvest.Request, error) {
	if u.packs() {
		return u.requestPack(items)
	}
	if len(items) != 1 {
		return nil, fmt.Errorf("request for %d items: a plain upstream takes one at a time", len(items))
	}
	item := items[0]
	req := &harvest.Request{Items: items, Method: item.Verb(), URL: item.URL, Body: item.Body}
	switch {
	case req.Method == http.MethodPost && !u.config.PostIsRead:
		return nil, fmt.Errorf("%s %s: POST %w here: if this API only reads with it, add --post-is-read", req.Method, item.URL, ErrMethod)
	case req.Method != http.MethodGet && req.Method != http.MethodPost:
		return nil, fmt.Errorf("%s %s: %s %w: only GET and POST can be", req.Method, item.URL, harvest.Quote(req.Method), ErrMethod)
	}
	if len(req.Body) > 0 {
		req.Type = contentType(req.Body)
	}
	return req, nil
}

// contentType guesses what a request's body is: JSON if it is, else a form.
func contentType(body []byte) string {
	if _, err := scan(body, deepest); err != nil {
		return "application/x-www-form-urlencoded"
	}
	return "application/json"
}

// Read makes the page of a complete 2xx answer, or explains why there is none. A page whose Body or
// Raw are the answer's own bytes holds the answer; if none does (sanitized, skipped, --body none,
// 204), the caller must release it, or its memory is never given back. The caller sets Attempts.
func (u *Upstream) Read(req *harvest.Request, a *harvest.Answer) harvest.Reading {
	if u.packs() {
		return u.readPack(req, a)
	}
	item := req.Items[0]
	page := harvest.Page{
		Key: item.Key, URL: item.URL, ID: item.ID, Outcome: harvest.Landed, Status: a.Status,
		Headers: u.headers(a), FetchedAt: a.Arrived,
	}
	r := u.read(&page, a)
	if page.Outcome == harvest.Landed {
		page.Reason = noted(page.Reason, a)
	}
	if r.Fault == harvest.FaultNone {
		r.Pages = []harvest.Page{page}
	}
	return r
}

// noted returns a landed page's reason together with what was changed in the answer before it was
// read.
func noted(reason string, a *harvest.Answer) string {
	if a.Replaced && !strings.Contains(reason, replacedUTF8) {
		reason += "," + replacedUTF8
	}
	if a.Masked {
		reason += "," + reasonMasked
	}
	return strings.TrimPrefix(reason, ",")
}

func (u *Upstream) read(page *harvest.Page, a *harvest.Answer) harvest.Reading {
	switch {
	case a.Status == http.StatusNoContent || a.Status == http.StatusResetContent:
		return harvest.Reading{}
	case len(a.Body) > u.config.MaxBody:
		skip(page, ReasonTooLarge, fmt.Sprintf("%d bytes, at most %d are kept", len(a.Body), u.config.MaxBody))
		return harvest.Reading{}
	}
	if u.config.Body == BodyRaw {
		page.Raw, page.Answer = a.Body, a
		if page.Raw == nil {
			page.Raw = []byte{}
		}
		page.MediaType = mediaType(a)
		if !u.runsJQ() {
			return harvest.Reading{}
		}
	}
	return u.readJSON(page, a)
}

func (u *Upstream) runsJQ() bool { return u.extract != nil || u.check != nil || u.wait != nil }

// readJSON handles answers that must be JSON.
func (u *Upstream) readJSON(page *harvest.Page, a *harvest.Answer) harvest.Reading {
	body, err := u.textOf(a)
	if err != nil {
		skip(page, ReasonTooLarge, err.Error())
		return harvest.Reading{}
	}
	found, err := scan(body, u.config.MaxDepth)
	switch {
	case errors.Is(err, errDeep):
		skip(page, ReasonTooDeep, fmt.Sprintf("more than %d levels", u.config.MaxDepth))
		return harvest.Reading{}
	case err != nil:
		return undecodable(a, body, err)
	case found.number != "" && u.config.Body != BodyRaw:
		skip(page, ReasonBadNumber, found.number)
		return harvest.Reading{}
	}
	if found.dirty() {
		if err := a.Grow(int64(len(body))); err != nil {
			skip(page, ReasonTooLarge, err.Error())
			return harvest.Reading{}
		}
		body = sanitize(body)
	}
	if u.config.Body == BodyJSON {
		page.Body, page.Reason, page.MediaType = body, found.reason(), mediaType(a)
		if !found.dirty() {
			page.Answer = a
		}
	}
	if !u.runsJQ() {
		return harvest.Reading{}
	}
	if found.values > u.config.MaxValues {
		skip(page, ReasonTooMany, fmt.Sprintf("%d values, jq works on at most %d", found.values, u.config.MaxValues))
		return harvest.Reading{}
	}
	return u.consider(page, a, body, found)
}

// textOf returns the answer as UTF-8. With [BodyRaw] the answer's bytes are as they came.
func (u *Upstream) textOf(a *harvest.Answer) ([]byte, error) {
	if u.config.Body != BodyRaw {
		return a.Body, nil
	}
	decoded, replaced, err := text.Decode(a.Header.Get("Content-Type"), a.Body, u.config.MaxBody)
	a.Replaced = a.Replaced || replaced
	return decoded, err
}

// consider runs the expressions in the order in which their results matter.
func (u *Upstream) consider(page *harvest.Page, a *harvest.Answer, body []byte, found findings) harvest.Reading {
	in, done, err := u.enter(a, body, found)
	if err != nil {
		fail(page, err)
		return harvest.Reading{}
	}
	defer done()
	if r, fine := u.accepts(in); !fine {
		if errors.Is(r.Cause, ErrStuck) {
			fail(page, r.Cause)
			return harvest.Reading{}
		}
		return r
	}
	if u.extract == nil {
		return harvest.Reading{}
	}
	records, found, err := u.records(in)
	switch {
	case errors.Is(err, errNumber):
		skip(page, ReasonBadNumber, err.Error())
	case err != nil:
		fail(page, err)
	default:
		page.Records = records
		if page.Reason == "" {
			page.Reason = found.reason()
		}
	}
	return harvest.Reading{}
}

// accepts runs --wait and --check on the whole answer.
func (u *Upstream) accepts(in *input) (r harvest.Reading, fine bool) {
	if u.wait != nil {
		wait, err := u.asked(in)
		if err != nil {
			return unexpected(ReasonWaitFailed, fmt.Errorf("--wait: %w", err)), false
		}
		if wait > 0 {
			return harvest.Reading{Fault: harvest.FaultLagged, Reason: "wait", Wait: wait}, false
		}
	}
	if u.check != nil {
		if passed, err := u.passes(in); !passed {
			return unexpected(ReasonCheckFailed, err), false
		}
	}
	return r, true
}

// undecodable returns the reading of what is not JSON; why is the error of scan.
func undecodable(a *harvest.Answer, body []byte, why error) harvest.Reading {
	at := text.Break{At: -1}
	if b, ok := errors.AsType[*broken](why); ok {
		at = b.Break
	}
	reason, sentence := text.NotJSON(a.Header.Get("Content-Type"), body, at)
	if coding := a.Header.Get("Content-Encoding"); coding != "" {
		sentence += "; its Content-Encoding is " + harvest.Quote(harvest.Printable(coding))
	}
	if errors.Is(why, errDeep) {
		sentence = "it is nested too deep"
	}
	return harvest.Reading{Fault: harvest.FaultUndecodable, Reason: reason, Cause: errors.New(sentence)}
}

// unexpected returns the reading of JSON that does not match the settings; cause is for people and
// may be nil.
func unexpected(reason string, cause error) harvest.Reading {
	return harvest.Reading{Fault: harvest.FaultUnexpected, Reason: reason, Cause: cause}
}

// fail turns the page into one that keeps its body: a corrected expression can run on it later.
func fail(page *harvest.Page, err error) {
	page.Outcome, page.Reason, page.Detail = harvest.Skipped, ReasonExtractFailed, harvest.Printable(err.Error())
}

// skip turns the page into one that keeps only the reason.
func skip(page *harvest.Page, reason, detail string) {
	page.Outcome, page.Reason, page.Detail = harvest.Skipped, reason, harvest.Printable(detail)
	page.Body, page.Raw, page.MediaType, page.Records, page.Answer = nil, nil, "", nil, nil
}
