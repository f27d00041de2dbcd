package mediawiki

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/segmentio/encoding/json"

	"shoal/internal/harvest"
	"shoal/internal/text"
)

// answer is the part of an api.php answer that we read.
type answer struct {
	Continue    json.RawMessage `json:"continue"`
	RawContinue rawContinue     `json:"query-continue"` // of a wiki before 1.26
	Complete    flag            `json:"batchcomplete"`
	Query       query           `json:"query"`
	Errors      []apiError      `json:"errors"`
	Error       *apiError       `json:"error"` // errorformat=bc
	Login       *struct {
		Result string          `json:"result"`
		Reason json.RawMessage `json:"reason"` // text, or {code, text}
	} `json:"login"`
}

type query struct {
	Normalized []mapping `json:"normalized"`
	Converted  []mapping `json:"converted"`
	Redirects  []mapping `json:"redirects"`
	Interwiki  []struct {
		Title string `json:"title"`
	} `json:"interwiki"`
	Pages    pages `json:"pages"`
	UserInfo *struct {
		Name   string   `json:"name"`
		Rights []string `json:"rights"`
	} `json:"userinfo"`
	Tokens struct {
		Login string `json:"logintoken"`
	} `json:"tokens"`
}

// mapping is how the wiki got from the requested title to the one that it answers with.
type mapping struct {
	From    word `json:"from"`
	To      word `json:"to"`
	Encoded flag `json:"fromencoded"` // From is percent-encoded, because it is not in normal form C
}

type page struct {
	PageID    int64           `json:"pageid"`
	Title     word            `json:"title"`
	Missing   flag            `json:"missing"`
	Invalid   flag            `json:"invalid"`
	Special   flag            `json:"special"`
	Redirect  flag            `json:"redirect"`
	Length    int64           `json:"length"`
	LastRev   int64           `json:"lastrevid"`
	Reason    json.RawMessage `json:"invalidreason"` // text, or {code, text}
	Revisions []revision      `json:"revisions"`
}

type revision struct {
	RevID      int64   `json:"revid"`
	ParentID   int64   `json:"parentid"`
	Timestamp  string  `json:"timestamp"`
	User       *string `json:"user"`
	UserHidden flag    `json:"userhidden"`
	Slots      struct {
		Main slot `json:"main"`
	} `json:"slots"`
	slot // the text itself, in a wiki without slots; size and checksum are of all slots together
}

type slot struct {
	Size        *int64  `json:"size"`
	SHA1        string  `json:"sha1"`
	Model       string  `json:"contentmodel"`
	Content     *string `json:"content"`
	Star        *string `json:"*"` // the content, in formatversion 1
	TextHidden  flag    `json:"texthidden"`
	TextMissing flag    `json:"textmissing"`
}

// text returns the content, under either of its two names.
func (s *slot) text() *string {
	if s.Content == nil {
		return s.Star
	}
	return s.Content
}

// Reasons of an answer that cannot be used.
const (
	reasonBadJSON = "bad_json"
	reasonDeep    = "too_deep"
	reasonMany    = "too_many_values"
)

var (
	errDeep = errors.New("nested too deep")
	errMany = errors.New("more values than any wiki answers with")
)

// decode reads an answer after checking its shape: the decoder has no limits of its own.
func (u *Upstream) decode(body []byte) (answer, error) {
	var a answer
	if err := checkShape(body, u.config.MaxDepth); err != nil {
		return a, err
	}
	body = trim(body)
	if len(body) == 0 || body[0] != '{' {
		return a, errors.New("no JSON object")
	}
	err := json.Unmarshal(body, &a)
	if len(a.Continue) == 0 {
		a.Continue = json.RawMessage(a.RawContinue)
	}
	return a, err
}

// open reads an answer and the errors in it; fine is false if the reading is already complete.
func (u *Upstream) open(a *harvest.Answer, items []harvest.Item) (decoded answer, r harvest.Reading, fine bool) {
	if len(a.Body) > u.config.MaxBody {
		return decoded, undecodable(harvest.FaultTooLarge, string(harvest.FaultTooLarge)), false
	}
	decoded, err := u.decode(a.Body)
	switch {
	case errors.Is(err, errDeep):
		return decoded, undecodable(harvest.FaultUndecodable, reasonDeep), false
	case errors.Is(err, errMany):
		return decoded, undecodable(harvest.FaultUndecodable, reasonMany), false
	case err != nil:
		reason, sentence := text.NotJSON(a.Header.Get("Content-Type"), a.Body, text.Break{At: -1})
		return decoded, harvest.Reading{Fault: harvest.FaultUndecodable, Reason: reason, Cause: errors.New(sentence)}, false
	}
	if failure := decoded.failure(a.Header); failure != nil {
		return decoded, u.refused(failure, items), false
	}
	return decoded, harvest.Reading{}, true
}

func undecodable(fault harvest.Fault, reason string) harvest.Reading {
	return harvest.Reading{Fault: fault, Reason: reason}
}

// Detail returns the beginning of an answer as text that a terminal can show and a store can keep.
func (u *Upstream) Detail(a *harvest.Answer) string {
	if a == nil {
		return ""
	}
	return harvest.Printable(string(a.Body[:min(len(a.Body), harvest.MaxDetail+utf8.UTFMax)]))
}

// shortened returns a text of the wiki for one line of a message.
func shortened(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(harvest.Printable(text)), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

func saying(code, text string) error { return fmt.Errorf("%s: %s", shortened(code), shortened(text)) }
