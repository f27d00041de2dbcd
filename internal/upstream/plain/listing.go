package plain

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/itchyny/gojq"

	"shoal/internal/harvest"
)

// NextLink is the Config.Next of a listing that follows its Link header, rel="next" (RFC 8288).
const NextLink = "link"

// NextNone is the Config.Next of a listing with one answer for each seed.
const NextNone = "none"

// Short returns the sentence for a run in which no listing continued, though next is to find where;
// else nothing.
func Short(next string) string {
	if next == "" || next == NextNone {
		return ""
	}
	return "every listing ended with its first answer: is --next right? --try shows the next step of a listing"
}

// Why a step of a listing cannot be used.
const (
	ReasonNextFailed  = "next_failed"  // --next fails on it
	ReasonItemsFailed = "items_failed" // --items fails on it
	ReasonForeignNext = "foreign_next" // it continues at another host, or by another protocol
	ReasonNoNext      = "no_next"      // --next yields neither an address nor a cursor
	ReasonNoCursor    = "no_cursor"    // it continues at a cursor, and no place for a cursor is configured
)

// ReasonNoItem is the reason of a value of Config.Items that does not name an item.
const ReasonNoItem = "no_item"

// ListRequest makes the request of a step: the first one of the seed, or the one at next, a URL or
// a cursor.
func (u *Upstream) ListRequest(seed, next string) (*harvest.Request, error) {
	address, parameter, err := firstStep(seed)
	switch {
	case err != nil:
		return nil, err
	case isURL(next):
		address = next
	case next != "" && parameter == "":
		return nil, fmt.Errorf("the cursor %s: write into --corpus where it goes, such as &cursor={cursor}", harvest.Quote(next))
	case next != "":
		separator := "?"
		if strings.Contains(address, "?") {
			separator = "&"
		}
		address += separator + parameter + "=" + harvest.Escape(next)
	}
	canonical, err := harvest.CanonicalURL(u.anonymous(address))
	if err != nil {
		return nil, err
	}
	return &harvest.Request{Method: http.MethodGet, URL: canonical}, nil
}

func isURL(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	return ok && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// isReference reports whether text is an address relative to the requested one: /items?page=2,
// //host/items, ?page=2 or items?page=2. Anything else is a cursor.
func isReference(text string) bool {
	_, query, ok := strings.Cut(text, "?")
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, "?") || ok && strings.Contains(query, "=")
}

// ReadList reads a complete 2xx answer to a step; then is where the listing continues, empty at its
// end. It may be the same place again: [harvest.Listed] shows whether the step still brings
// something new. Without Config.Items the page is the answer's, under the step's key; step counts
// from 1.
func (u *Upstream) ReadList(req *harvest.Request, seed string, step int64, a *harvest.Answer, item func(text string) (harvest.Item, error)) (l harvest.Listed, then string, r harvest.Reading) {
	body, err := u.textOf(a)
	if err != nil {
		return l, "", unexpected(ReasonTooLarge, err)
	}
	found, err := scan(body, u.config.MaxDepth)
	if fault, refused := u.refusesStep(a, body, found, err); refused {
		return l, "", fault
	}
	if u.items == nil {
		one := *req
		one.Items = []harvest.Item{{Key: harvest.StepKey(seed, step), URL: req.URL}}
		if r = u.Read(&one, a); r.Fault != harvest.FaultNone {
			return l, "", r
		}
		l.Page = r.Pages[0]
	}
	value := &input{decoded: true} // null
	if err == nil {
		in, done, err := u.enter(a, body, found)
		if err != nil {
			return l, "", final(unexpected(ReasonTooMany, err))
		}
		defer done()
		value = in
	}
	if u.items != nil {
		if r, fine := u.accepts(value); !fine {
			return l, "", final(r)
		}
		if l.Entries, err = u.list(req.URL, value, item); err != nil {
			return l, "", final(misfit("--items", ReasonItemsFailed, beginning(err, body)))
		}
	}
	l.Sight = u.sight(l.Entries, value, body)
	then, reason, err := u.findNext(req, seed, value, a)
	switch reason {
	case "":
		if then == "" && step == 1 {
			tree, err := value.value()
			if err != nil {
				return l, "", unexpected(ReasonTooLarge, err)
			}
			l.More = u.more(tree, a.Header)
		}
		return l, then, r
	case ReasonNextFailed:
		return l, "", final(misfit("--next", reason, beginning(err, body)))
	case ReasonNoCursor: // as the next ones, it would fail again
		return l, "", harvest.Reading{Fault: harvest.FaultFatal, Reason: reason, Cause: err, Setting: "--corpus"}
	default:
		return l, "", harvest.Reading{Fault: harvest.FaultFatal, Reason: reason, Cause: err, Setting: "--next"}
	}
}

// misfit returns the reading of an answer that a setting does not fit.
func misfit(setting, reason string, cause error) harvest.Reading {
	r := unexpected(reason, cause)
	r.Setting = setting
	return r
}

// beginning adds the beginning of an answer to what an expression finds wrong with it.
func beginning(err error, body []byte) error {
	const most = 80
	head, more := strings.Join(strings.Fields(string(body[:min(len(body), 4*most)])), " "), ""
	if len(head) > most {
		head, more = strings.ToValidUTF8(head[:most], ""), "…"
	}
	return fmt.Errorf("%w; the answer begins %s%s", err, harvest.Printable(head), more)
}

// refusesStep reports whether an answer cannot be read as a step: it holds too much, or it is not
// JSON where JSON is needed.
func (u *Upstream) refusesStep(a *harvest.Answer, body []byte, found findings, err error) (harvest.Reading, bool) {
	switch {
	case err != nil && (u.next != nil || u.items != nil || u.config.Body == BodyJSON):
		return undecodable(a, body, err), true
	case found.values > u.config.MaxValues:
		return unexpected(ReasonTooMany, nil), true
	}
	return harvest.Reading{}, false
}

// final marks the reading of an answer that stops an expression as final: it is not requested
// again.
func final(r harvest.Reading) harvest.Reading {
	if errors.Is(r.Cause, ErrStuck) {
		r.Fault = harvest.FaultFatal
	}
	return r
}

// list runs --items. URLs may be relative to the address of the answer.
func (u *Upstream) list(from string, d *input, item func(string) (harvest.Item, error)) (entries []harvest.Entry, err error) {
	base, err := url.Parse(from)
	if err != nil {
		return nil, err
	}
	err = u.items.each(d, u.bounds(), func(y yield) error {
		v, err := y.value()
		if err != nil {
			return err
		}
		if len(entries) == u.config.MaxRecords {
			return fmt.Errorf("--items yields more than %d values", u.config.MaxRecords)
		}
		text := idText(v)
		if object, ok := v.(map[string]any); ok {
			if text = idText(object["url"]); text == "" {
				text = idText(object["id"])
			}
		}
		if u.config.Template == "" && strings.HasPrefix(text, "/") {
			if to, err := base.Parse(text); err == nil {
				text = to.String()
			}
		}
		made, wrong := item(u.anonymous(text))
		switch {
		case text == "":
			wrong = fmt.Errorf("--items yields %s, which is neither a URL nor an id", gojq.TypeOf(v))
			fallthrough
		case wrong != nil:
			entries = append(entries, harvest.Entry{Rejected: &harvest.Rejection{Reason: ReasonNoItem, Text: harvest.Printable(wrong.Error()), Key: harvest.KeyOf(text)}})
		default:
			entries = append(entries, harvest.Entry{Item: made})
		}
		return nil
	})
	return entries, err
}

// findNext finds where the listing continues, or why that cannot be found.
func (u *Upstream) findNext(req *harvest.Request, seed string, d *input, a *harvest.Answer) (then, reason string, err error) {
	switch {
	case u.config.Next == NextLink:
		then = linkNext(a.Header.Values("Link"))
		if then == "" {
			return "", "", nil
		}
	case u.next == nil:
		return "", "", nil
	default:
		if then, err = u.nextOf(d); errors.Is(err, errNoNext) {
			return "", ReasonNoNext, err
		} else if err != nil {
			return "", ReasonNextFailed, err
		}
		if then == "" {
			return "", "", nil
		}
		cursors := strings.Contains(seed, cursorMark) // a cursor may begin as an address does
		if !isURL(then) && (cursors || !isReference(then)) {
			reason, err := cursorFault(seed)
			return then, reason, err
		}
	}
	return resolve(req.URL, u.anonymous(then))
}

var errNoNext = errors.New("wanted is a URL or a cursor, and null at the end")

// nextOf runs --next and uses the first value: a string or a number. What marks the end gives "".
func (u *Upstream) nextOf(d *input) (then string, err error) {
	first := true
	err = u.next.each(d, u.bounds(), func(y yield) error {
		if !first {
			return nil
		}
		first = false
		v, err := y.value()
		if err != nil {
			return err
		}
		if endsList(v) {
			return nil
		}
		if then = strings.TrimSpace(idText(v)); then == "" {
			return beginningOf(v)
		}
		return nil
	})
	return then, err
}

// beginningOf is the error of a value that is not a place to continue at.
func beginningOf(v any) error {
	const most = 60
	text, err := gojq.Marshal(v)
	if err != nil || len(text) > most {
		text = []byte("a value of type " + gojq.TypeOf(v))
	}
	return fmt.Errorf("--next yields %s: %w", harvest.Printable(string(text)), errNoNext)
}

// endsList reports whether a value of --next marks the end: null, false, something empty, and what
// servers write in their place. No listing continues at 0, where it begins.
func endsList(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	switch strings.ToLower(strings.TrimSpace(idText(v))) {
	case "", "0", "-1", "null", "none", "nil", "undefined", "false":
		return true
	}
	return false
}

func cursorFault(seed string) (reason string, err error) {
	if !strings.Contains(seed, cursorMark) {
		return ReasonNoCursor, errors.New("it continues at a cursor: write into --corpus where that goes, such as &cursor={cursor}")
	}
	return "", nil
}

// stray finds percent signs, with the two hex digits of an escape if they follow.
var stray = regexp.MustCompile(`%(?:[0-9A-Fa-f]{2})?`)

// resolve makes a target absolute, and keeps it on the requested host. A server behind a proxy that
// speaks TLS for it knows neither the scheme nor the port that we used: on the same host and port
// our scheme stays.
func resolve(from, target string) (then, reason string, err error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", ReasonNextFailed, err
	}
	to, err := base.Parse(stray.ReplaceAllStringFunc(target, func(s string) string {
		if s == "%" {
			return "%25"
		}
		return s
	}))
	if err != nil {
		return "", ReasonNextFailed, err
	}
	to.Fragment, to.User = "", nil // we choose what is sent
	canonical, err := harvest.CanonicalURL(to.String())
	if err != nil {
		return "", ReasonNextFailed, err
	}
	if scheme, rest, _ := strings.Cut(canonical, "://"); scheme != base.Scheme {
		ours, err := harvest.CanonicalURL(base.Scheme + "://" + rest)
		if err == nil && harvest.HostOf(ours) == harvest.HostOf(from) {
			return ours, "", nil
		}
	}
	if !strings.HasPrefix(canonical, base.Scheme+"://") || harvest.HostOf(canonical) != harvest.HostOf(from) {
		return "", ReasonForeignNext, errors.New("it continues at " + harvest.Quote(canonical))
	}
	return canonical, "", nil
}
