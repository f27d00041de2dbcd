// Package fakeapi is an upstream to harvest from: it limits, fails, stalls and remembers every
// arrival. In go [Options] and a [Behaviour]; out come a base URL to send requests to and a record
// of what arrived. The behaviour may be changed while it runs.
//
// It serves tests, the demo and benchmarks. It never leaves 127.0.0.1 unless Addr names another
// address, and it is strict on purpose: its budget has no slack, and a request that it did not
// process is counted all the same.
package fakeapi

import (
	"net/http"
	"time"
)

// Options are how a [Server] listens; they hold for its whole life.
type Options struct {
	// Addr is where to listen; empty means a free port of 127.0.0.1.
	Addr string
	// Plaintext serves http:// in place of https://, HTTP/1.1 only.
	Plaintext bool
	// HTTP1 disables HTTP/2.
	HTTP1 bool
	// Hosts are further names in the certificate, besides localhost, 127.0.0.1 and ::1.
	Hosts []string
	// NoHeaders omits request headers from the arrivals; for long runs.
	NoHeaders bool
	// Behaviour is the behaviour at the start.
	Behaviour Behaviour
}

// Behaviour is what a [Server] does with requests. The zero value answers every item at once with
// 200.
type Behaviour struct {
	// Rate is the budget in requests/s over all clients; 0 means none. Without Burst at most Rate
	// arrivals, rounded up, are admitted in any sliding second (under 1/s: one in any 1/Rate
	// seconds).
	Rate float64
	// Burst, if above 0, makes the budget a token bucket of this depth, refilled at Rate.
	Burst int
	// Hint is how a refusal names the time to come back.
	Hint Hint
	// RetryAfter, if set, is the wait that a refusal asks for; else it is the time until the budget
	// has room.
	RetryAfter time.Duration
	// Latency is how long an admitted request takes.
	Latency time.Duration

	// Token is a bearer token that is always accepted.
	Token string
	// ClientID and ClientSecret are what the OAuth2 endpoint /token requires. With a Token or a
	// ClientID set, every item requires a bearer token.
	ClientID, ClientSecret string
	// TokenLife is how long a token from /token is good; 0 means an hour.
	TokenLife time.Duration

	// Items, if above 0, is how many there are: /items/0 up to /items/Items-1; the others are 404.
	Items int
	// MissingEvery, if above 0, makes each item 404 whose number is a multiple of it, except for
	// item 0.
	MissingEvery int
	// Size is the least number of bytes in an item's body.
	Size int
	// Gzip compresses answers for clients that accept it.
	Gzip bool
	// Headers are added to every answer.
	Headers map[string]string
	// Answer, if set, may answer an admitted request itself; nil from it means the item as usual.
	Answer func(r *http.Request) *Reply

	// Partner serves the paths of a partner's API too: a listing by cursor at /v1/items, single
	// items at /v1/items/N, batches at /v1/batch, a listing by page numbers at /v1/pages, and
	// tokens at /oauth/token. A request for any of them, tokens included, is an arrival like any
	// other. Every answer bears X-RateLimit-Limit, -Remaining and -Reset while there is a Rate: the
	// server admits that many more up to the Reset. With HintNone a refusal has no other hint.
	// Partner requires Items.
	Partner bool
	// ResetAs is how X-RateLimit-Reset gives its instant.
	ResetAs Reset
	// PageMost is the most items that a page of a listing holds, whatever its request asks for; 0
	// means 100.
	PageMost int
	// CursorTTL, if above 0, is how long a cursor is good; an older one is 410.
	CursorTTL time.Duration
	// Days is over how many days, from FirstDay, the items' times are spread; 0 means 30.
	Days int
	// Echo names a query parameter, such as a key, that /v1/pages repeats in its links, and in its
	// body.
	Echo string
	// ListMissing lists the items that MissingEvery makes 404 too, as if they had been deleted
	// since.
	ListMissing bool
	// BatchMost is the most ids in one batch; 0 means 100. A request for more is 422.
	BatchMost int
	// PoisonID, if above 0, makes each batch with that id 500; with PoisonAlone it is served in a
	// batch of its own.
	PoisonID    int
	PoisonAlone bool

	// Faults are tried in order on each admitted arrival; the first that applies happens.
	Faults []Fault
	// Outage, if set, is the status (503, for example) of every answer, whatever the request.
	Outage int
	// GoAwayEvery, if above 0, ends each HTTP/2 connection as nginx's keepalive_requests does:
	// GOAWAY with NO_ERROR at this many requests, later streams unprocessed, those before served.
	GoAwayEvery int
	// MaxStreams is SETTINGS_MAX_CONCURRENT_STREAMS; 0 means 100, below 0 means none at all. A
	// change is announced on open connections. Streams above it are refused.
	MaxStreams int
}

// Reply is an answer made by Behaviour.Answer; Status 0 means 200.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Hint is how a 429 names the time to come back.
type Hint string

// The hints.
const (
	HintSeconds    Hint = ""         // Retry-After in whole seconds, rounded up
	HintFraction   Hint = "fraction" // Retry-After: 1.250
	HintDate       Hint = "date"     // Retry-After as an HTTP-date, rounded up
	HintNone       Hint = "none"     // no hint
	HintXRateLimit Hint = "x"        // X-RateLimit-Limit, -Remaining and -Reset, the last in the form of ResetAs
	HintRateLimit  Hint = "draft"    // RateLimit and RateLimit-Policy of the IETF draft
)

// Reset is how X-RateLimit-Reset gives its instant, rounded up.
type Reset string

// The forms of a reset.
const (
	ResetDelta   Reset = ""         // seconds from now
	ResetEpoch   Reset = "epoch"    // seconds since 1970
	ResetEpochMS Reset = "epoch_ms" // milliseconds since 1970
)

// Fault is one kind of fault and when it happens: on the arrivals At names, on every Every-th, and
// on a Share of the others. Arrivals count from 1, without control requests.
type Fault struct {
	Kind Kind
	// Share is the fraction of arrivals; which ones is fixed by their numbers.
	Share float64
	// Every hits arrivals Every, 2·Every, …
	Every int
	// At names arrivals by number.
	At []int
	// Path, if set, is a part that the URL's path must have; with none of Share, Every and At set
	// it hits always.
	Path string
	// First, if above 0, applies only to the first so many arrivals of a path.
	First int
	// Status is that of a KindStatus (500 if 0), a KindHTML (200 if 0) or a redirect (302 if 0).
	Status int
	// Delay is the Retry-After of KindTooMany and KindUnavailable, the length of a KindStall (for
	// ever if 0) and the time between two bytes of a KindDrip.
	Delay time.Duration
	// Size is the decoded size of a KindBomb or the number of bytes of a KindDrip, KindEndless or
	// KindHeaders.
	Size int
	// To is where KindAway sends the client.
	To string
}

// Kind is what a [Fault] does.
type Kind string

// The kinds of fault.
const (
	KindStatus      Kind = "status"       // an answer of Status with a JSON error object
	KindUnavailable Kind = "unavailable"  // 503 with Retry-After
	KindTooMany     Kind = "too_many"     // 429 with the hint for Delay; requests before its end are refused too
	KindStall       Kind = "stall"        // the headers do not come
	KindStallBody   Kind = "stall_body"   // headers and half a body, then nothing
	KindCut         Kind = "cut"          // half a body, then the stream is reset (HTTP/1.1: the connection closed)
	KindShort       Kind = "short"        // fewer bytes than Content-Length, with a clean end where the protocol has one
	KindTruncated   Kind = "truncated"    // half a JSON body, well framed
	KindTruncatedGz Kind = "truncated_gz" // a gzip stream without its end, well framed
	KindReset       Kind = "reset"        // RST_STREAM INTERNAL_ERROR, or the connection closed without a byte
	KindRefused     Kind = "refused"      // RST_STREAM REFUSED_STREAM, or the connection closed without a byte
	KindGoAway      Kind = "goaway"       // the answer comes, and GOAWAY with NO_ERROR before it
	KindCalm        Kind = "calm"         // GOAWAY with ENHANCE_YOUR_CALM, and the connection is closed
	KindHTML        Kind = "html"         // an HTML error page
	KindText        Kind = "text"         // 200 with plain text
	KindEmpty       Kind = "empty"        // 200 without a body
	KindJunk        Kind = "junk"         // JSON with text after its end
	KindErrorObject Kind = "error_object" // 200 with {"error":{"code":"ratelimited",…}}
	KindTemporary   Kind = "temporary"    // 200 with {"error":{"code":"TEMPORARY","message":…}}
	KindBomb        Kind = "bomb"         // a small gzip body that decodes to Size bytes
	KindEncoding    Kind = "encoding"     // Content-Encoding: br, without being asked for
	KindEndless     Kind = "endless"      // Size bytes of body without a Content-Length
	KindDrip        Kind = "drip"         // one byte each Delay
	KindHeaders     Kind = "headers"      // Size bytes of header fields
	KindRedirect    Kind = "redirect"     // to another path of the same host, which answers
	KindAway        Kind = "away"         // to another host
	KindLoop        Kind = "loop"         // to itself
	KindNoContent   Kind = "no_content"   // 204
)
