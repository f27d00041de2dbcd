package plain

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/itchyny/gojq"

	"shoal/internal/harvest"
)

// NextLink is the Config.Next of a listing that goes on where its Link header says, rel="next" (RFC 8288).
const NextLink = "link"

// NextNone is the Config.Next of a listing of which each seed has one answer.
const NextNone = "none"

// Why a step of a listing cannot be used.
const (
	ReasonNextFailed  = "next_failed"  // --next fails on it
	ReasonItemsFailed = "items_failed" // --items fails on it
	ReasonForeignNext = "foreign_next" // it goes on at another host, or by another protocol
	ReasonNextLoops   = "next_loops"   // it goes on where it is
	ReasonNoNext      = "no_next"      // --next yields neither an address nor a cursor
	ReasonNoCursor    = "no_cursor"    // it goes on at a cursor, and nothing says where that goes
)

// ReasonNoItem is that of a value of Config.Items that names nothing which can be asked for.
const ReasonNoItem = "no_item"

// Listed is what one step of a listing gave.
type Listed struct {
	Entries []harvest.Entry // with Config.Items: what it names
	Page    harvest.Page    // without it: the answer itself
}

// ListRequest asks for a step: the first one of the seed, or the one at next, a URL or a cursor.
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
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// ReadList reads a complete 2xx answer to a step that asked for next; then is where the listing goes on, empty at its
// end. Without Config.Items the page is the answer's, under the step's key; step counts from 1.
func (u *Upstream) ReadList(req *harvest.Request, seed, next string, step int64, a *harvest.Answer, item func(text string) (harvest.Item, error)) (l Listed, then string, r harvest.Reading) {
	body, err := u.textOf(a)
	if err != nil {
		return l, "", unexpected(ReasonTooLarge, err)
	}
	found, err := scan(body, u.config.MaxDepth)
	switch {
	case err != nil && (u.next != nil || u.items != nil || u.config.Body == BodyJSON):
		return l, "", undecodable(a, body, err)
	case found.values > u.config.MaxValues:
		return l, "", unexpected(ReasonTooMany, nil)
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
			return l, "", final(unexpected(ReasonItemsFailed, err))
		}
	}
	then, reason, err := u.goesOn(req, seed, next, value, a)
	switch reason {
	case "":
		return l, then, r
	case ReasonNextFailed:
		return l, "", final(unexpected(reason, err))
	default: // it would say so again
		return l, "", harvest.Reading{Fault: harvest.FaultFatal, Reason: reason, Cause: err}
	}
}

// final makes a reading of an answer that stops an expression one that is not asked for again.
func final(r harvest.Reading) harvest.Reading {
	if errors.Is(r.Cause, ErrStuck) {
		r.Fault = harvest.FaultFatal
	}
	return r
}

// list runs --items. URLs may be relative to where the answer is from.
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
			wrong = fmt.Errorf("--items yields %s, which is no URL and no id", gojq.TypeOf(v))
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

// goesOn finds where the listing goes on, or why nobody can tell.
func (u *Upstream) goesOn(req *harvest.Request, seed, next string, d *input, a *harvest.Answer) (then, reason string, err error) {
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
		if !isURL(then) && (cursors || !strings.HasPrefix(then, "/") && !strings.HasPrefix(then, "?")) {
			reason, err := cursorFault(seed, next, then)
			return then, reason, err
		}
	}
	return resolve(req.URL, u.anonymous(then))
}

var errNoNext = errors.New("wanted is a URL or a cursor, and null at the end")

// nextOf runs --next, of which the first value counts: a string or a number; null and false are the end.
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
		if then = idText(v); then == "" && v != nil && v != false && v != "" {
			return fmt.Errorf("--next yields a value of type %s: %w", gojq.TypeOf(v), errNoNext)
		}
		return nil
	})
	return then, err
}

func cursorFault(seed, next, then string) (reason string, err error) {
	switch {
	case !strings.Contains(seed, cursorMark):
		return ReasonNoCursor, errors.New("it goes on at a cursor: write into --corpus where that goes, such as &cursor={cursor}")
	case next == then:
		return ReasonNextLoops, errors.New("it goes on at the cursor that it was asked for")
	}
	return "", nil
}

// resolve makes a target absolute, and keeps it on the host that was asked.
func resolve(from, target string) (then, reason string, err error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", ReasonNextFailed, err
	}
	to, err := base.Parse(target)
	if err != nil {
		return "", ReasonNextFailed, err
	}
	to.Fragment = ""
	canonical, err := harvest.CanonicalURL(to.String())
	switch {
	case err != nil:
		return "", ReasonNextFailed, err
	case to.Scheme != base.Scheme || harvest.HostOf(canonical) != harvest.HostOf(from):
		return "", ReasonForeignNext, errors.New("it goes on at " + harvest.Quote(canonical))
	case canonical == from:
		return "", ReasonNextLoops, errors.New("it goes on at the address that it was asked for")
	}
	return canonical, "", nil
}

// linkNext is the target of the first link with the relation next, in Link headers (RFC 8288); empty without one.
func linkNext(lines []string) string {
	for _, line := range lines {
		for line != "" {
			start := strings.IndexByte(line, '<')
			if start < 0 {
				break
			}
			end := strings.IndexByte(line[start:], '>')
			if end < 0 {
				break
			}
			target := line[start+1 : start+end]
			var isNext bool
			isNext, line = linkParams(line[start+end+1:])
			if isNext {
				return strings.TrimSpace(target)
			}
		}
	}
	return ""
}

// linkParams reads the parameters of one link, up to the comma behind it.
func linkParams(s string) (isNext bool, rest string) {
	seen := false
	for {
		s = strings.TrimLeft(s, " \t;")
		if s == "" || s[0] == ',' {
			return isNext, strings.TrimPrefix(s, ",")
		}
		name := s
		if at := strings.IndexAny(s, "=;,"); at >= 0 {
			name, s = s[:at], s[at:]
		} else {
			s = ""
		}
		value := ""
		if strings.HasPrefix(s, "=") {
			value, s = linkValue(strings.TrimLeft(s[1:], " \t"))
		}
		if strings.EqualFold(strings.TrimSpace(name), "rel") && !seen { // a second rel is to be ignored
			seen = true
			for relation := range strings.FieldsSeq(value) {
				isNext = isNext || strings.EqualFold(relation, "next")
			}
		}
	}
}

// linkValue reads a token or a quoted string.
func linkValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		if at := strings.IndexAny(s, ";,"); at >= 0 {
			return strings.TrimSpace(s[:at]), s[at:]
		}
		return strings.TrimSpace(s), ""
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "" // an open string ends with the header
}
