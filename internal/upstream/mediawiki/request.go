package mediawiki

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"

	"shoal/internal/harvest"
)

// separator separates the values of a parameter if one of them holds a bar; it also precedes the
// first.
const separator = "\x1f"

// param is one parameter; a list keeps their order, so that one request is always the same URL.
type param struct{ name, value string }

func encode(params []param) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + harvest.Escape(p.value))
	}
	return b.String()
}

// common returns the parameters of every request.
func (u *Upstream) common() []param {
	params := []param{{"action", "query"}, {"format", "json"}, {"formatversion", "2"}, {"errorformat", "plaintext"}}
	if u.config.Maxlag >= 0 {
		params = append(params, param{"maxlag", strconv.Itoa(u.config.Maxlag)})
	}
	return params
}

func (u *Upstream) asserted() []param {
	if u.config.Assert == "" {
		return u.common()
	}
	return append(u.common(), param{"assert", u.config.Assert})
}

var errMixed = errors.New("a request names titles or page ids, not both")

// Request makes the request for the pages of the items with their text.
func (u *Upstream) Request(items []harvest.Item) (*harvest.Request, error) {
	values := make([]string, len(items))
	ids := byID(items[0])
	bar := false
	for i, item := range items {
		value, err := asked(item)
		switch {
		case err != nil:
			return nil, err
		case byID(item) != ids:
			return nil, errMixed
		}
		values[i] = value
		bar = bar || strings.Contains(value, "|")
	}
	joined := strings.Join(values, "|")
	if bar {
		joined = separator + strings.Join(values, separator)
	}
	// info comes first: it is short, so a truncated answer has it for every page; the continuation
	// does not repeat it.
	params := append(u.asserted(), param{"prop", "info|revisions"},
		param{"rvprop", "ids|timestamp|user|userid|comment|size|slotsize|sha1|slotsha1|content|contentmodel"}, param{"rvslots", "main"})
	if ids {
		params = append(params, param{"pageids", joined})
	} else {
		params = append(params, param{"redirects", "1"}, param{"titles", joined})
	}
	return u.request(items, encode(params), ""), nil
}

// request returns a GET while its URL is short enough, else a POST that only reads. more continues
// base.
func (u *Upstream) request(items []harvest.Item, base, more string) *harvest.Request {
	query := base
	if more != "" {
		query += "&" + more
	}
	r := &harvest.Request{Items: items, Method: http.MethodGet, URL: u.config.API + "?" + query, Base: base}
	if len(r.URL) > maxGet {
		r.Method, r.URL, r.Body, r.Type = http.MethodPost, u.config.API, []byte(query), "application/x-www-form-urlencoded"
	}
	return r
}

// continuation returns the request that continues where an answer stopped: the continue object
// merged into the parameters.
func (u *Upstream) continuation(items []harvest.Item, base string, more []byte) *harvest.Request {
	encoded := continued(more)
	if encoded == "" {
		return nil
	}
	return u.request(items, base, encoded)
}

// continued returns the parameters of a continue object, in its own order.
func continued(object []byte) string {
	values := url.Values{}
	var fields map[string]json.RawMessage
	if len(object) > maxContinue || json.Unmarshal(object, &fields) != nil {
		return ""
	}
	for name, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw) // a number or true
		}
		values.Set(name, text)
	}
	return strings.ReplaceAll(values.Encode(), "+", "%20")
}

// UserInfoRequest asks the wiki how it knows us.
func (u *Upstream) UserInfoRequest() *harvest.Request {
	params := append(u.asserted(), param{"meta", "userinfo"}, param{"uiprop", "rights|groups|ratelimits"})
	return u.request(nil, encode(params), "")
}

// LoginTokenRequest makes the request for the token that a login needs.
func (u *Upstream) LoginTokenRequest() *harvest.Request {
	return u.request(nil, encode(append(u.common(), param{"meta", "tokens"}, param{"type", "login"})), "")
}

// LoginRequest logs in with a bot password, as Special:BotPasswords gives it: Name@app and its
// password.
func (u *Upstream) LoginRequest(token, name, password string) *harvest.Request {
	params := []param{
		{"action", "login"}, {"format", "json"}, {"formatversion", "2"}, {"errorformat", "plaintext"},
		{"lgname", name}, {"lgpassword", password}, {"lgtoken", token},
	}
	return &harvest.Request{Method: http.MethodPost, URL: u.config.API, Body: []byte(encode(params)), Type: "application/x-www-form-urlencoded"}
}
