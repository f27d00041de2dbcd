package mediawiki

import (
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"shoal/internal/harvest"
)

// apiError is one error of the API, in either of its shapes.
type apiError struct {
	Code string          `json:"code"`
	Text string          `json:"text"` // plaintext
	Info string          `json:"info"` // bc
	Lag  float64         `json:"lag"`  // bc
	Data json.RawMessage `json:"data"` // plaintext; a list where it is empty
}

// failure returns the first error of an answer. A header names it if the body has an unknown shape.
func (a *answer) failure(h http.Header) *apiError {
	switch {
	case len(a.Errors) > 0:
		return &a.Errors[0]
	case a.Error != nil:
		return a.Error
	}
	if code, _, _ := strings.Cut(h.Get("MediaWiki-API-Error"), ","); code != "" {
		return &apiError{Code: strings.TrimSpace(code)}
	}
	return nil
}

// maxLag bounds the silence for a lag that the wiki states; its Retry-After is kept in full.
const maxLag = time.Minute

// readOnlyWait is the silence while a wiki is read-only because its databases are being maintained.
const readOnlyWait = 30 * time.Second

// refused returns what an error of the API means. Source:
// https://www.mediawiki.org/wiki/API:Errors_and_warnings.
func (u *Upstream) refused(e *apiError, items []harvest.Item) harvest.Reading {
	r := harvest.Reading{Reason: harvest.Word(e.Code, "api_error"), Cause: saying(e.Code, e.Text+e.Info)}
	switch code := e.Code; {
	case code == "maxlag":
		r.Fault, r.Wait = harvest.FaultLagged, min(e.lag(), maxLag)
	case code == "readonly":
		r.Fault, r.Wait = harvest.FaultLagged, readOnlyWait
	case code == "ratelimited", code == "actionthrottledtext", code == "concurrency-limit", strings.Contains(code, "poolcounter"), strings.Contains(code, "pool-"):
		r.Fault = harvest.FaultRateLimited
	case code == "toomanyvalues":
		return u.tooMany(e, items, r)
	case code == "badcontinue":
		return harvest.Reading{Unfinished: items}
	case code == "assertuserfailed", code == "assertbotfailed", code == "notloggedin", code == "badtoken":
		r.Fault = harvest.FaultLogin
	case code == "mwoauth-invalid-authorization":
		r.Fault = harvest.FaultCredential
	case isTrouble(code):
		r.Fault = harvest.FaultUndecodable
	default: // badvalue, missingparam, readapidenied, permissiondenied: the same request would fare the same
		r.Fault = harvest.FaultFatal
	}
	return r
}

// isTrouble reports whether the servers, rather than the request, are at fault.
func isTrouble(code string) bool {
	return strings.HasPrefix(code, "internal_api_error") || strings.HasPrefix(code, "internal-error") ||
		strings.HasPrefix(code, "cirrussearch") || strings.Contains(code, "timeout") || strings.HasPrefix(code, "dberror") || code == "unknown" || code == ""
}

// tooMany lowers how many titles a request names, and leaves the items to smaller requests.
func (u *Upstream) tooMany(e *apiError, items []harvest.Item, r harvest.Reading) harvest.Reading {
	if len(items) <= 1 {
		r.Fault = harvest.FaultFatal
		return r
	}
	var data struct {
		Limit int64 `json:"limit"`
	}
	_ = json.Unmarshal(e.Data, &data) // without it, half as many
	if data.Limit <= 0 || data.Limit >= int64(len(items)) {
		data.Limit = int64(len(items)) / 2
	}
	u.SetLimit(int(data.Limit))
	return harvest.Reading{Unfinished: items}
}

func (e *apiError) lag() time.Duration {
	lag := e.Lag
	var data struct {
		Lag float64 `json:"lag"`
	}
	if json.Unmarshal(e.Data, &data) == nil && data.Lag > lag {
		lag = data.Lag
	}
	if !(lag > 0) || lag > maxLag.Seconds() {
		lag = maxLag.Seconds() * math.Min(1, math.Max(0, math.Ceil(lag)))
	}
	return time.Duration(math.Ceil(lag*1000)) * time.Millisecond
}
