package fetch

import (
	"errors"
	"net/http"
	"strings"

	"shoal/internal/harvest"
)

const (
	shortestSecret = 4 // shorter ones are found in any text
	// shortestInData is the same for stored answers: in data a short secret cannot be distinguished
	// from a word.
	shortestInData = 8
)

// pair is a secret that is known by what precedes it, however short it is.
type pair struct{ before, value string }

// newMask finds secrets of at least that many bytes, and those of pairs.
func newMask(least int, secrets []string, pairs []pair) *harvest.Mask {
	m := harvest.NewMask(least, secrets...)
	for _, p := range pairs {
		m.AddPair(p.before, p.value)
	}
	return m
}

// maskBody masks in a body's own memory. The text may become longer; what exceeds that memory is
// dropped.
func maskBody(body []byte, m *harvest.Mask) []byte {
	clean := m.Bytes(body)
	if len(body) == 0 || &clean[0] == &body[0] {
		return body
	}
	return append(body[:0], clean[:min(len(clean), cap(body))]...)
}

// Mask removes every secret that this client uses, or used lately, from a text that people see or
// that is stored. A secret that is cut off by the text's end is removed as well. Bodies of answers
// that are not a success are masked already.
func (c *Client) Mask(text string) string {
	return c.auth.mask().Text(text)
}

// scrub makes an error fit to be shown: no secret, no more than a few hundred bytes. An error that
// is fit already is returned as it is.
func (c *Client) scrub(err error) error {
	f := (*harvest.Failure)(nil)
	if err == nil || !errors.As(err, &f) {
		return err
	}
	const most = 400
	text := f.Err.Error()
	clean := string(c.auth.mask().Bytes([]byte(text)))
	if len(clean) > most {
		clean = strings.ToValidUTF8(clean[:most], "") + "…"
	}
	if clean == text {
		return err
	}
	return &harvest.Failure{Fault: f.Fault, Status: f.Status, Err: errors.New(clean)}
}

// redact removes the credential from an answer's headers, where a server may echo it: headers are
// stored, and a Location becomes the next request's URL. It does the same to the body; cleaned
// reports that it found something in a body that is stored. Of other answers people see a part.
func (c *Client) redact(cred *credential, resp *http.Response, body []byte) (clean []byte, cleaned bool) {
	if isSuccess(resp.StatusCode) {
		clean = cred.data.Bytes(body)
		cleaned = len(body) > 0 && &clean[0] != &body[0]
	} else {
		clean = maskBody(body, c.auth.mask())
	}
	if len(cred.secrets)+len(cred.pairs) == 0 {
		return clean, cleaned
	}
	if location := resp.Header.Get("Location"); cred.param != "" && location != "" {
		resp.Header.Set("Location", harvest.DropParam(location, cred.param))
	}
	m := cred.text
	if !isSuccess(resp.StatusCode) {
		m = c.auth.mask()
	}
	for _, lines := range resp.Header {
		for i, line := range lines {
			lines[i] = string(m.Bytes([]byte(line)))
		}
	}
	return clean, cleaned
}
