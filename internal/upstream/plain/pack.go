package plain

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"shoal/internal/harvest"
)

// IDs is where the ids of a pack go in Config.Template.
const IDs = "{ids}"

// What becomes of an id that was requested and not answered.
const (
	AbsentAgain   = "again"   // request it again
	AbsentMissing = "missing" // the upstream does not have it
)

// maxPackURL bounds the URL of a pack: proxies and servers cut off at 8 KB.
const maxPackURL = 7500

// Why an answer to a pack cannot be used, and why an item of it is missing.
const (
	ReasonSplitFailed = "split_failed" // --split fails on it
	ReasonIDFailed    = "id_failed"    // --id fails on one of its values
	ReasonNoIDs       = "no_ids"       // --id finds no id in any of its values
	ReasonAbsent      = "absent"       // the answer holds others, and not this one
)

// checkPack refuses settings that contradict each other.
func (c *Config) checkPack() error {
	hasIDs := strings.Contains(c.Template, IDs)
	switch {
	case c.Pack > 1 && !hasIDs:
		return fmt.Errorf("--pack %d %w without a --url that shows with {ids} where the ids go, such as 'https://api.example/items?ids={ids}'", c.Pack, ErrConfig)
	case !hasIDs && c.Split+c.ID != "":
		return fmt.Errorf("--split and --id %w without a --url with {ids}: they take the answer to many ids apart", ErrConfig)
	case !hasIDs:
		return nil
	case c.Split == "" || c.ID == "":
		return fmt.Errorf("--url with {ids} %w without --split (jq: yields the answer's items, such as '.items[]') and --id (jq on such an item: its id, such as .id)", ErrConfig)
	case c.Body == BodyRaw:
		return fmt.Errorf("--body raw %w with {ids}: what is taken apart is JSON", ErrConfig)
	case c.Absent != "" && c.Absent != AbsentAgain && c.Absent != AbsentMissing:
		return fmt.Errorf("--absent %s %w: write again or missing", harvest.Quote(c.Absent), ErrConfig)
	}
	c.Pack = max(1, c.Pack)
	return nil
}

// packs reports whether requests hold several items.
func (u *Upstream) packs() bool { return u.split != nil }

// MaxItems returns how many items a request may hold.
func (u *Upstream) MaxItems() int {
	if u.packs() {
		return u.config.Pack
	}
	return 1
}

// fitsPack reports whether one more id fits into the pack.
func (u *Upstream) fitsPack(pack []harvest.Item, next harvest.Item) bool {
	if len(pack) == 0 {
		return true
	}
	if len(pack) >= u.config.Pack || next.ID == "" || pack[0].ID == "" {
		return false
	}
	length := len(u.config.Template) + len(harvest.Escape(next.ID))
	for _, item := range pack {
		if item.ID == next.ID {
			return false
		}
		length += len(harvest.Escape(item.ID)) + 1
	}
	return length <= maxPackURL
}

// requestPack requests all ids at once.
func (u *Upstream) requestPack(items []harvest.Item) (*harvest.Request, error) {
	ids := make([]string, len(items))
	for i, item := range items {
		if item.ID == "" || item.Verb() != http.MethodGet {
			return nil, fmt.Errorf("%s: a request for many ids is a GET for items with ids", item.URL)
		}
		ids[i] = harvest.Escape(item.ID)
	}
	url, err := harvest.CanonicalURL(strings.ReplaceAll(u.config.Template, IDs, strings.Join(ids, ",")))
	if err != nil {
		return nil, err
	}
	return &harvest.Request{Items: items, Method: http.MethodGet, URL: url}, nil
}

// readPack splits the answer to a pack.
func (u *Upstream) readPack(req *harvest.Request, a *harvest.Answer) harvest.Reading {
	if len(a.Body) > u.config.MaxBody {
		return unexpected(ReasonTooLarge, nil) // half of the items may fit
	}
	found, err := scan(a.Body, u.config.MaxDepth)
	switch {
	case errors.Is(err, errDeep):
		return unexpected(ReasonTooDeep, nil)
	case err != nil:
		return undecodable(a, a.Body, err)
	case found.values > u.config.MaxValues:
		return unexpected(ReasonTooMany, nil)
	}
	value, done, err := u.enter(a, a.Body, found)
	if err != nil {
		return u.single(req, a, unexpected(ReasonTooMany, err))
	}
	defer done()
	found.utf8 = found.utf8 || a.Replaced
	r, fine := u.accepts(value)
	if !fine {
		return u.single(req, a, r)
	}
	parts, reason, err := u.parts(value)
	if reason != "" {
		return u.single(req, a, unexpected(reason, err))
	}
	return u.matched(req, a, parts, found)
}

// single ends an item whose answer, to a request for only this item, stops an expression: it would
// do so again.
func (u *Upstream) single(req *harvest.Request, a *harvest.Answer, r harvest.Reading) harvest.Reading {
	if len(req.Items) != 1 || !errors.Is(r.Cause, ErrStuck) {
		return r
	}
	item := req.Items[0]
	page := harvest.Page{Key: item.Key, URL: item.URL, ID: item.ID, Status: a.Status, Headers: u.headers(a), FetchedAt: a.Arrived}
	fail(&page, r.Cause)
	return harvest.Reading{Pages: []harvest.Page{page}}
}

// partsByID are the values of an answer by their ids; if an id repeats, its first value counts.
type partsByID map[string]*input

// parts splits an answer, or explains why it cannot.
func (u *Upstream) parts(d *input) (p partsByID, reason string, err error) {
	p = partsByID{}
	var values []*input
	err = u.split.each(d, u.bounds(), func(y yield) error {
		if len(values) == u.config.MaxRecords {
			return fmt.Errorf("--split yields more than %d values", u.config.MaxRecords)
		}
		part, err := d.part(y)
		values = append(values, part)
		return err
	})
	if err != nil {
		return nil, ReasonSplitFailed, fmt.Errorf("--split: %w", err)
	}
	for _, v := range values {
		var name string
		err := u.id.each(v, u.bounds(), func(y yield) error {
			id, err := y.value()
			if name == "" {
				name = idText(id)
			}
			return err
		})
		if err != nil {
			return nil, ReasonIDFailed, fmt.Errorf("--id: %w", err)
		}
		if _, there := p[name]; !there && name != "" {
			p[name] = v
		}
	}
	if len(p) == 0 && len(values) > 0 {
		return nil, ReasonNoIDs, nil
	}
	return p, "", nil
}

// idText returns an id as the corpus writes it: a whole number by its digits, even if JSON has it
// as 1.0 or 1e3.
func idText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case *big.Int:
		return v.String()
	case stdjson.Number:
		return wholeDigits(v.String())
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// maxDigits is the longest id that may come of a JSON number with an exponent.
const maxDigits = 100

// wholeDigits writes a JSON number without point and exponent if it is a whole one, with all of its
// digits; any other stays as it is.
func wholeDigits(literal string) string {
	mantissa, exp, _ := strings.Cut(strings.ToLower(literal), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent, ok := smallInt([]byte(exp))
	point := len(whole) + exponent // the place of the point among all digits
	if !ok || point < 0 || point > maxDigits {
		return literal
	}
	digits := whole + fraction
	if short := point - len(digits); short > 0 {
		digits += strings.Repeat("0", short)
	}
	if strings.Trim(digits[point:], "0") != "" {
		return literal
	}
	digits = strings.TrimLeft(digits[:point], "0")
	switch {
	case digits == "":
		return "0"
	case negative:
		return "-" + digits
	}
	return digits
}

// matched makes the pages of the items that came, and finds those that did not.
func (u *Upstream) matched(req *harvest.Request, a *harvest.Answer, p partsByID, found findings) (r harvest.Reading) {
	headers := u.headers(a)
	for _, item := range req.Items {
		page := harvest.Page{Key: item.Key, URL: item.URL, ID: item.ID, Outcome: harvest.Landed, Status: a.Status, Headers: headers, FetchedAt: a.Arrived}
		value, came := p[item.ID]
		switch {
		case came:
			u.readPart(&page, value, found, a.Masked)
		case u.config.Absent == AbsentMissing:
			page.Outcome, page.Reason = harvest.Missing, ReasonAbsent
		default:
			r.Unfinished = append(r.Unfinished, item)
			continue
		}
		r.Pages = append(r.Pages, page)
	}
	return r
}

// readPart makes the page of one value.
func (u *Upstream) readPart(page *harvest.Page, value *input, whole findings, masked bool) {
	text, mended, err := u.record(value.yield(), u.config.MaxYield)
	switch {
	case errors.Is(err, errNumber):
		skip(page, ReasonBadNumber, err.Error())
		return
	case err != nil:
		skip(page, ReasonTooLarge, err.Error())
		return
	}
	if whole.dirty() && strings.ContainsRune(string(text), '\uFFFD') {
		mended.nul, mended.surrogate, mended.utf8 = whole.nul, whole.surrogate, whole.utf8
	}
	page.Reason = mended.reason()
	if masked && strings.Contains(string(text), "[secret]") {
		page.Reason = strings.TrimPrefix(page.Reason+","+reasonMasked, ",")
	}
	if u.config.Body == BodyJSON {
		page.Body, page.MediaType = text, "application/json"
	}
	if u.extract == nil {
		return
	}
	records, _, err := u.records(value)
	switch {
	case errors.Is(err, errNumber):
		skip(page, ReasonBadNumber, err.Error())
	case err != nil:
		fail(page, err)
	default:
		page.Records = records
	}
}
