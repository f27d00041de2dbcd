package harvest

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// Request is one HTTP exchange to be made for one item or for a pack of them. Credentials and the
// User-Agent are added just before it is sent; they are not a part of it.
type Request struct {
	Items  []Item
	Method string // upper case
	URL    string // canonical
	Body   []byte
	Type   string // Content-Type of Body
	Hops   int    // redirects followed so far
	Base   string // what a continuation continues; the upstream's own
	Barren int    // continuations in a row, this one included, whose answer before completed nothing; the upstream's own
}

// Header is one request header that an operator sets on every request to the upstream.
type Header struct {
	Name  string
	Value string
}

// Answer is what came back for one [Request]: a complete answer of any status.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte        // unpacked, and UTF-8 unless bytes are kept; valid until Release
	Wire    int64         // bytes of the body as they came over the network
	Arrived time.Time     // when the last byte was read
	First   time.Duration // from the request's last byte to the answer's first
	Took    time.Duration // from the request's first byte to the answer's last
	Masked  bool          // Body quoted our credential, which was taken out

	Replaced bool // Body has U+FFFD in place of bytes that its charset does not have

	Memory Memory // counts what the answer holds; nil where nothing is counted

	release func()
	others  int32 // how many hold it besides the first
}

// NewAnswer attaches to an answer the function that returns its body's buffer; release may be nil.
func NewAnswer(a Answer, release func()) *Answer {
	a.release = release
	return &a
}

// Release gives back the body's memory, and everything else that was counted for the answer, once
// each holder has called it. The caller must not use Body afterwards. Further calls do nothing.
func (a *Answer) Release() {
	if a == nil || atomic.AddInt32(&a.others, -1) >= 0 {
		return
	}
	a.freeBody()
	if a.Memory != nil {
		a.Memory.Close()
	}
}

// Hold adds n holders, each of which calls Release once.
func (a *Answer) Hold(n int) {
	if a != nil {
		atomic.AddInt32(&a.others, int32(n))
	}
}

// Settle records, once the answer is read, what remains of it: its body if body is true, and own
// bytes of what was made of it. It is called before a further holder is added.
func (a *Answer) Settle(body bool, own int64) {
	if a == nil {
		return
	}
	if !body {
		a.freeBody()
	}
	if a.Memory != nil {
		a.Memory.Add(own)
	}
}

func (a *Answer) freeBody() {
	if release := a.release; release != nil {
		a.release, a.Body = nil, nil
		release()
	}
}

// Grow counts n bytes that are about to be made of the answer; see [Memory]. Without an account it
// always succeeds.
func (a *Answer) Grow(n int64) error {
	if a == nil || a.Memory == nil {
		return nil
	}
	return a.Memory.Grow(n)
}

// Shrink counts n bytes fewer.
func (a *Answer) Shrink(n int64) {
	if a != nil && a.Memory != nil {
		a.Memory.Add(-n)
	}
}

// Memory is what one answer holds of the memory that all answers share.
type Memory interface {
	// Grow counts n more bytes, and waits while others hold too much. One answer at a time never
	// waits, so one can always finish. Meanwhile the caller must not hold anything that another
	// answer needs in order to finish. The error wraps [ErrMemory] if the answer would hold more
	// than one answer may; otherwise it explains why waiting is over.
	Grow(n int64) error
	// Add counts n bytes more, or fewer, without waiting.
	Add(n int64)
	// Close removes the answer from the account.
	Close()
}

// ErrLate is the error of an exchange that was not made, because its permit had expired when the
// request was to leave. Nothing was sent.
var ErrLate = errors.New("the permit came too late to be used")

// ErrMemory is wrapped by the error of an answer that needs more memory than one answer may hold.
var ErrMemory = errors.New("more memory than one answer may take (GOMEMLIMIT, or the container's limit)")

// Fault is the class of what went wrong with one exchange, on the wire or in the content of the
// answer.
type Fault string

// The faults. Those of the wire come from package fetch as a [*Failure], those of the answer from
// an upstream in a [Reading].
const (
	FaultNone        Fault = ""
	FaultConnect     Fault = "connect"            // no connection: name look-up, TCP
	FaultTLS         Fault = "tls"                // the peer's certificate or protocol is refused
	FaultTimeout     Fault = "timeout"            // no or too slow an answer
	FaultReset       Fault = "reset"              // connection or stream lost half-way
	FaultLost        Fault = "connection_lost"    // the connection ended, with other requests on it or because it was idle: neither side is known to be at fault
	FaultAsked       Fault = "request_refused"    // the peer does not accept as many bytes of headers as ours
	FaultTooLong     Fault = "url_too_long"       // the peer does not accept so long a URL
	FaultPartial     Fault = "partial"            // the body was cut short
	FaultUnprocessed Fault = "unprocessed"        // the peer reports that it did not process this request
	FaultCalm        Fault = "calm"               // the peer reports that we send too much (ENHANCE_YOUR_CALM)
	FaultTooLarge    Fault = "body_too_large"     // more decoded bytes than --max-body
	FaultEncoding    Fault = "bad_encoding"       // a content coding that was not asked for
	FaultHeaders     Fault = "headers_too_large"  // more header bytes than we read
	FaultBlocked     Fault = "address_refused"    // the host resolves to an address that we do not dial
	FaultOffhost     Fault = "redirect_offhost"   // a redirect to another host
	FaultDowngrade   Fault = "redirect_downgrade" // a redirect from https to http
	FaultLoop        Fault = "redirect_loop"      // more redirects than we follow
	FaultUndecodable Fault = "undecodable"        // a 2xx answer that no API sends on purpose: HTML, half an answer
	FaultForeign     Fault = "foreign"            // an undecodable answer that does not even begin as an API's would: HTML, an empty body
	FaultUnexpected  Fault = "unexpected"         // a well-formed 2xx answer that does not match our settings
	FaultRateLimited Fault = "ratelimited"        // a 2xx answer that asks us to slow down
	FaultLagged      Fault = "lagged"             // a 2xx answer that asks us to come back later (maxlag, --wait)
	FaultFatal       Fault = "api_refuses"        // a 2xx answer that calls the request itself wrong
	FaultLogin       Fault = "login"              // a 2xx answer to a request that is not, or is no longer, logged in
	FaultCredential  Fault = "credential"         // no credential could be obtained for the request
)

// Failure is the error of an exchange without a complete answer. Delay, if set, is the wait that
// the peer asked for.
type Failure struct {
	Fault  Fault
	Err    error
	Status int // of the answer, when its headers had come
}

func (f *Failure) Error() string { return string(f.Fault) + ": " + f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// Reading is what an upstream makes of one complete 2xx [Answer]. Every item of the request is in
// Pages or in Unfinished, unless [Fault] is set: then the answer is no evidence about any of them.
type Reading struct {
	Pages      []Page        // items that are done, whatever their outcome
	Unfinished []Item        // items that this answer left open; they go back to the packer
	Next       *Request      // a continuation: one more request for the same items
	Fault      Fault         // why the answer cannot be used
	Reason     string        // detail of Fault, such as bad_json
	Cause      error         // of Fault, if it is an error of the exchange; for people
	Setting    string        // that the answer does not fit, such as --items; empty where none is known to be wrong
	Wait       time.Duration // the silence that the answer asks for; 0 for none
}
