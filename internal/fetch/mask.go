package fetch

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"shoal/internal/harvest"
)

const (
	shortestSecret = 4 // shorter ones are found in any text
	// shortestInData is the same for answers that are kept: in data a short secret cannot be told from a word.
	shortestInData = 8

	masked       = "[secret]"
	maskedDigits = "0" // where a secret of digits alone may stand as a number
)

// forms are the ways in which a server may quote secrets, the longest first.
func forms(secrets ...string) []string {
	all := make([]string, 0, 6*len(secrets))
	for _, s := range secrets {
		quoted, _ := json.Marshal(s) // a string can always be marshalled
		all = append(all,
			s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), html.EscapeString(s),
			strings.Trim(string(quoted), `"`), strings.ReplaceAll(s, "/", `\/`))
	}
	return longestFirst(all)
}

// longestFirst drops what is too short or there twice. A secret within another
// one must not be masked before that, or the rest of it would stay.
func longestFirst(all []string) []string {
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) < shortestSecret })
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// mask puts a word in the place of every secret.
func mask(text string, secrets []string) string {
	for _, s := range secrets {
		text = strings.ReplaceAll(text, s, masked)
	}
	return text
}

// maskBody is mask in a body's own memory. The text may come out longer; what is beyond that memory is dropped.
func maskBody(body []byte, secrets []string) []byte {
	for _, s := range secrets {
		if bytes.Contains(body, []byte(s)) {
			clean := bytes.ReplaceAll(body, []byte(s), []byte(masked))
			body = append(body[:0], clean[:min(len(clean), cap(body))]...)
		}
	}
	return body
}

// maskData is mask for an answer that is kept: nothing of it is cut, and JSON stays
// JSON. It returns the body itself where there is nothing to take out.
func maskData(body []byte, secrets []string) []byte {
	for _, s := range secrets {
		if len(s) < shortestInData || !bytes.Contains(body, []byte(s)) {
			continue
		}
		word := masked
		if strings.Trim(s, "0123456789") == "" {
			word = maskedDigits
		}
		body = bytes.ReplaceAll(body, []byte(s), []byte(word))
	}
	return body
}

// pairsOf are the ways in which a server may quote a query parameter, the longest first.
func pairsOf(name, value string) (pairs []string) {
	for _, n := range []string{name, url.QueryEscape(name)} {
		for _, v := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
			pairs = append(pairs, n+"="+v)
		}
	}
	return longestFirst(pairs)
}

// maskPairs is maskData for pairs: their names stay.
func maskPairs(body []byte, pairs []string) []byte {
	for _, pair := range pairs {
		if bytes.Contains(body, []byte(pair)) {
			name, _, _ := strings.Cut(pair, "=")
			body = bytes.ReplaceAll(body, []byte(pair), []byte(name+"="+masked))
		}
	}
	return body
}

// Mask takes everything secret that this client uses, and used lately, out of a
// text that people will see or that is stored. A secret that the text's end cuts is
// taken out as well. Bodies of answers that are no success need it no more.
func (c *Client) Mask(text string) string {
	secrets := c.auth.secrets()
	text = mask(text, secrets)
	for _, s := range secrets {
		for n := min(len(s)-1, len(text)); n >= shortestSecret; n-- {
			if strings.HasSuffix(text, s[:n]) {
				return text[:len(text)-n] + masked
			}
		}
	}
	return text
}

// scrub makes an error fit to be shown: no secret, no more than a few hundred
// bytes. Errors that are fit already are given back as they are.
func (c *Client) scrub(err error) error {
	f := (*harvest.Failure)(nil)
	if err == nil || !errors.As(err, &f) {
		return err
	}
	const most = 400
	text := f.Err.Error()
	clean := mask(text, c.auth.secrets())
	if len(clean) > most {
		clean = strings.ToValidUTF8(clean[:most], "") + "…"
	}
	if clean == text {
		return err
	}
	return &harvest.Failure{Fault: f.Fault, Status: f.Status, Err: errors.New(clean)}
}

// redact takes the credential out of an answer's headers, where a server may
// echo it: headers are stored, and a Location becomes the next request's URL. It does
// the same to the body, and cleaned says that it found something in one that is kept.
// Of other answers people are shown a part.
func (c *Client) redact(cred *credential, resp *http.Response, body []byte) (clean []byte, cleaned bool) {
	secrets := cred.secrets
	if isSuccess(resp.StatusCode) {
		clean = maskData(maskPairs(body, cred.pairs), secrets)
		cleaned = len(body) > 0 && &clean[0] != &body[0]
	} else {
		secrets = longestFirst(slices.Concat(c.auth.secrets(), secrets, cred.pairs))
		clean = maskBody(body, secrets)
	}
	if len(secrets)+len(cred.pairs) == 0 {
		return clean, cleaned
	}
	if location := resp.Header.Get("Location"); cred.param != "" && location != "" {
		resp.Header.Set("Location", harvest.DropParam(location, cred.param))
	}
	for _, lines := range resp.Header {
		for i, line := range lines {
			lines[i] = mask(string(maskPairs([]byte(line), cred.pairs)), secrets)
		}
	}
	return clean, cleaned
}
