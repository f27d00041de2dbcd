package mediawiki

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"shoal/internal/harvest"
)

// Listing is the choice of the pages of a wiki that are a corpus: those of a namespace whose title,
// without the namespace's name, begins with a prefix. Redirects are not among them.
type Listing struct {
	Namespace int
	Prefix    string
}

// ParseListing reads mediawiki:?prefix=Articles for deletion/&namespace=4. The value is what the
// person typed: blanks, +, & and % are letters of a prefix. An escape such as %20 is decoded, since
// no title of any wiki has a % before two hex digits, and & begins a parameter only before the name
// of one.
func ParseListing(uri string) (Listing, error) {
	_, query, ok := strings.Cut(uri, ":")
	if !ok {
		return Listing{}, errors.New(listingShape)
	}
	var l Listing
	query = strings.TrimPrefix(query, "?")
	said := map[string]bool{}
	for query != "" {
		name, rest, ok := strings.Cut(query, "=")
		if !ok || name != "prefix" && name != "namespace" {
			return Listing{}, fmt.Errorf("it has %s; %s", harvest.Quote(name), listingShape)
		}
		if said[name] {
			return Listing{}, fmt.Errorf("%s occurs more than once: a & before it that belongs to the title is written %%26", harvest.Quote(name))
		}
		said[name] = true
		var value string
		value, query = cutParameter(rest)
		if err := l.set(name, value); err != nil {
			return Listing{}, err
		}
	}
	return l, nil
}

const listingShape = "write it as mediawiki:?prefix=Articles for deletion/&namespace=4"

var (
	nextParameter = regexp.MustCompile(`&(prefix|namespace)=`)
	likeParameter = regexp.MustCompile(`&[a-z]+=[0-9]*$`)
	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
)

// cutParameter splits the text after a parameter's = at the beginning of the next parameter.
func cutParameter(rest string) (value, next string) {
	if at := nextParameter.FindStringIndex(rest); at != nil {
		return rest[:at[0]], rest[at[0]+1:]
	}
	return rest, ""
}

// set sets one parameter as it is typed.
func (l *Listing) set(name, typed string) error {
	if odd := likeParameter.FindString(typed); odd != "" {
		return fmt.Errorf("it has %s; %s, and a & that belongs to the title as %%26", harvest.Quote(odd), listingShape)
	}
	value := percentEscape.ReplaceAllStringFunc(typed, func(escape string) string {
		b, _ := strconv.ParseUint(escape[1:], 16, 8) // two hex digits
		return string([]byte{byte(b)})
	})
	if name == "namespace" {
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			return fmt.Errorf("namespace %s is not a number from 0 on: 0 is for articles, 4 for the project's own pages", harvest.Quote(value))
		}
		l.Namespace = n
		return nil
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return fmt.Errorf("prefix %s is not UTF-8 or has a control character, which no title has", harvest.Quote(value))
	}
	l.Prefix = strings.ReplaceAll(value, "_", " ")
	return nil
}

// FormerListing is [ParseListing] for a run that was opened when + meant a blank.
func FormerListing(uri string) (Listing, error) {
	return ParseListing(strings.ReplaceAll(uri, "+", "%20"))
}

// ListRequest makes the request of one step of the listing, for as many pages as the wiki lists at
// once. next comes from [Upstream.ReadList].
func (u *Upstream) ListRequest(l Listing, next string) *harvest.Request {
	params := append(u.asserted(), param{"generator", "allpages"}, param{"gapnamespace", strconv.Itoa(l.Namespace)},
		param{"gapprefix", l.Prefix}, param{"gapfilterredir", "nonredirects"}, param{"gaplimit", "max"}, param{"prop", "info"})
	base, more := encode(params), ""
	if next != "" {
		more = continued([]byte(next))
	}
	return u.request(nil, base, more)
}

// Listed is a page of a listing.
type Listed struct {
	Item           harvest.Item // by page id; its ID is the title
	PageID         int64
	Title          string
	Size, Revision int64 // bytes of its text; id of its last revision
}

// ReadList reads one step: its pages by id, and what the next step continues with, empty after the
// last.
func (u *Upstream) ReadList(a *harvest.Answer) (listed []Listed, next string, r harvest.Reading) {
	decoded, r, fine := u.open(a, nil)
	switch {
	case !fine && r.Fault == harvest.FaultNone: // badcontinue leaves a pack open, but a listing would end here as if it were complete
		return nil, "", undecodable(harvest.FaultUndecodable, "badcontinue")
	case !fine:
		return nil, "", r
	case len(decoded.Query.Pages) == 0 && len(decoded.Continue) == 0 && !bool(decoded.Complete):
		return nil, "", undecodable(harvest.FaultUndecodable, reasonBadJSON) // JSON, but no listing's
	}
	for _, p := range decoded.Query.Pages {
		item, err := PageID(u.config.API, strconv.FormatInt(p.PageID, 10))
		if err != nil || bool(p.Missing || p.Redirect) {
			continue // listed by a replica that lags
		}
		item.ID, item.Size = named(string(p.Title)), p.Length
		listed = append(listed, Listed{Item: item, PageID: p.PageID, Title: item.ID, Size: p.Length, Revision: p.LastRev})
	}
	slices.SortFunc(listed, func(x, y Listed) int { return cmp.Compare(x.PageID, y.PageID) })
	return listed, string(decoded.Continue), r
}

// ReadUserInfo returns how many pages a request of ours may name, and who we are.
func (u *Upstream) ReadUserInfo(a *harvest.Answer) (limit int, name string, r harvest.Reading) {
	decoded, r, fine := u.open(a, nil)
	if !fine {
		return 0, "", r
	}
	info := decoded.Query.UserInfo
	if info == nil {
		return 0, "", undecodable(harvest.FaultUndecodable, reasonBadJSON)
	}
	if slices.Contains(info.Rights, "apihighlimits") {
		return highLimit, info.Name, r
	}
	return usualLimit, info.Name, r
}

// ReadLoginToken reads the token that a login needs.
func (u *Upstream) ReadLoginToken(a *harvest.Answer) (token string, r harvest.Reading) {
	decoded, r, fine := u.open(a, nil)
	if fine && decoded.Query.Tokens.Login == "" {
		return "", undecodable(harvest.FaultUndecodable, reasonBadJSON)
	}
	return decoded.Query.Tokens.Login, r
}

// ReadLogin reports whether a login worked. FaultCredential is the wiki's refusal.
func (u *Upstream) ReadLogin(a *harvest.Answer) harvest.Reading {
	decoded, r, fine := u.open(a, nil)
	switch {
	case !fine:
		return r
	case decoded.Login == nil:
		return undecodable(harvest.FaultUndecodable, reasonBadJSON)
	case decoded.Login.Result == "Success":
		return r
	}
	return harvest.Reading{Fault: harvest.FaultCredential, Reason: "login_failed", Cause: saying(decoded.Login.Result, wording(decoded.Login.Reason))}
}
