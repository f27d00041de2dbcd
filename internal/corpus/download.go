package corpus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

const (
	// openTries is low, because a person waits and may have mistyped the address.
	openTries   = 3
	longestWait = time.Minute
	// stalledAfter is how long a server may send nothing while we wait for it.
	stalledAfter = time.Minute
)

var errChanged = errors.New("it has changed while it was read")

// download reads one address to its end over as many connections as it takes. A harvest reads more
// slowly than servers like, so lost connections are normal.
type download struct {
	ctx    context.Context
	client http.Client
	url    string
	name   string // the address as it may be shown

	at       int64
	size     int64  // -1 when unknown
	kind     string // Content-Type of the first answer
	etag     string
	modified string

	body   io.ReadCloser
	cancel context.CancelFunc
	tries  int   // since the last byte
	last   error // of them

	typed string      // the host that the address names
	moved atomic.Bool // redirects lead to another host: nothing that it sends is shown

	patience time.Duration // how long resuming may take; 0 means for ever
	lost     time.Time     // when the connection broke that is being resumed
}

func openURL(ctx context.Context, cfg Config) (input, error) {
	d := &download{ctx: ctx, url: cfg.URI, name: display(cfg.URI), size: -1, patience: cfg.Patience}
	if err := checkAddress(cfg.URI); err != nil {
		return input{}, fmt.Errorf("corpus %s: %w", d.name, err)
	}
	if cfg.HTTP == nil {
		return input{}, fmt.Errorf("corpus %s: there is no HTTP client to fetch it with", d.name)
	}
	d.client = *cfg.HTTP
	d.client.CheckRedirect = d.mayFollow
	if u, err := url.Parse(cfg.URI); err == nil {
		d.typed = u.Host
	}
	if err := d.connect(func() bool { return d.tries < openTries }); err != nil {
		return input{}, errors.Join(fmt.Errorf("corpus %s: %w", d.name, err), d.close())
	}
	return input{Reader: d, size: d.size, kind: d.kind, foreign: d.moved.Load, close: d.close}, nil
}

func checkAddress(uri string) error {
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("the address is malformed")
	}
	switch {
	case u.User != nil:
		return errors.New("a user name or password does not belong in an address; use a presigned one, or download it first")
	case u.Hostname() == "":
		return errors.New("the address has no host")
	case u.Scheme != "https" && (u.Scheme != "http" || !onLoopback(u)):
		return errors.New("a corpus is read from a path, from - or from an https address")
	}
	return nil
}

func onLoopback(u *url.URL) bool {
	addr, _ := netip.ParseAddr(u.Hostname())
	return addr.IsLoopback() || u.Hostname() == "localhost"
}

// mayFollow allows redirects to other hosts, as those of stores do, but never away from TLS.
func (d *download) mayFollow(next *http.Request, via []*http.Request) error {
	switch {
	case next.URL.Scheme != "https" && (via[0].URL.Scheme == "https" || next.URL.Scheme != "http" || !onLoopback(next.URL)):
		return &finalError{"the server redirects to an address without TLS"}
	case len(via) >= 10:
		return &finalError{"the server redirects without end"}
	}
	d.moved.Store(next.URL.Host != d.typed)
	return nil
}

// finalError is an answer that another try does not change.
type finalError struct{ text string }

func (e *finalError) Error() string { return e.text }

// Read returns the next bytes, and connects again if it must.
func (d *download) Read(p []byte) (int, error) {
	for {
		if d.body == nil {
			if err := d.connect(d.resumes); err != nil {
				return 0, err
			}
		}
		n, err := d.readBody(p)
		d.at += int64(n)
		if n > 0 {
			d.tries, d.last, d.lost = 0, nil, time.Time{}
			return n, nil
		}
		if errors.Is(err, io.EOF) && (d.size < 0 || d.at >= d.size) {
			return 0, io.EOF
		}
		if err != nil {
			d.drop()
		}
	}
}

// readBody cuts the connection if nothing comes. The time between two reads is the harvest's own
// and does not count.
func (d *download) readBody(p []byte) (int, error) {
	stalled := time.AfterFunc(stalledAfter, d.cancel)
	defer stalled.Stop()
	return d.body.Read(p)
}

func (d *download) drop() {
	if d.body != nil {
		_ = d.body.Close() // it is broken or not needed any more
		d.cancel()
		d.body = nil
	}
}

func (d *download) close() error {
	d.drop()
	return nil
}

// resumes reports whether to retry a broken connection: a harvest of days is worth the wait.
func (d *download) resumes() bool {
	if d.lost.IsZero() {
		d.lost = time.Now()
	}
	return d.patience == 0 || time.Since(d.lost) < d.patience
}

// connect makes the next bytes come, or explains why they do not.
func (d *download) connect(again func() bool) error {
	for again() {
		if err := d.wait(); err != nil {
			return err
		}
		err := d.request()
		d.tries++ // a success counts as a try until a byte comes
		if err == nil {
			return nil
		}
		var final *finalError
		if errors.As(err, &final) || errors.Is(err, errChanged) || d.ctx.Err() != nil {
			return err
		}
		d.last = err
	}
	last := d.last
	if last == nil {
		last = errors.New("the server ends every answer before its first byte")
	}
	return fmt.Errorf("%w after %d tries: %w", ErrAway, d.tries, last)
}

// wait lets the first try start at once and the later ones at growing intervals.
func (d *download) wait() error {
	if d.tries == 0 {
		return nil
	}
	longest := min(longestWait, time.Second<<min(d.tries-1, 10))
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
}

func (d *download) request() error {
	ctx, cancel := context.WithCancel(d.ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		cancel()
		return &finalError{"the address is malformed"}
	}
	// We need the archive's own bytes: only they can be resumed in the middle.
	request.Header.Set("Accept-Encoding", "identity")
	if d.at > 0 {
		if err := d.askForRest(request); err != nil {
			cancel()
			return err
		}
	}
	stalled := time.AfterFunc(stalledAfter, cancel)
	defer stalled.Stop()
	response, err := d.client.Do(request) //nolint:bodyclose // drop closes it, at the latest when the source is closed
	if err != nil {
		cancel()
		return d.failure(err)
	}
	d.body, d.cancel = response.Body, cancel
	if err := d.accept(response); err != nil {
		d.drop()
		return err
	}
	return nil
}

// failure removes the address from an error, since its query may be a secret, and marks what
// another try cannot change.
func (d *download) failure(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var dns *net.DNSError
	var refused *harvest.Failure
	var certificate *tls.CertificateVerificationError
	var network *net.OpError
	var final *finalError
	why := harvest.ExplainTLS(err, "--ca FILE")
	switch {
	case errors.As(err, &final):
		return final
	case errors.As(err, &refused) && refused.Fault == harvest.FaultBlocked:
		return &finalError{refused.Err.Error()}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &finalError{"there is no host " + harvest.Quote(dns.Name)}
	case errors.As(err, &certificate), why != "":
		return &finalError{why}
	case errors.Is(err, context.Canceled) && d.ctx.Err() == nil:
		return fmt.Errorf("the server sent nothing for %s", stalledAfter)
	case d.moved.Load() && !errors.As(err, &network):
		return errors.New("the host that it redirects to does not answer as a web server does")
	}
	return err
}

// askForRest asks for the bytes from d.at on, and for all of them if they have changed meanwhile.
func (d *download) askForRest(request *http.Request) error {
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.at))
	switch {
	case d.etag != "" && !strings.HasPrefix(d.etag, "W/"):
		request.Header.Set("If-Range", d.etag)
	case d.modified != "":
		request.Header.Set("If-Range", d.modified)
	case d.etag == "":
		return &finalError{fmt.Sprintf("the connection broke at byte %d, and the server sends neither ETag nor Last-Modified by which the rest could be known to be the same file's; download it first", d.at)}
	}
	return nil
}

func (d *download) accept(response *http.Response) error {
	switch code := response.StatusCode; {
	case code == http.StatusOK && d.at == 0 && d.size < 0:
		return d.first(response)
	case code == http.StatusOK:
		return d.again(response)
	case code == http.StatusPartialContent && d.at > 0:
		return d.rest(response)
	case code == http.StatusRequestedRangeNotSatisfiable, code == http.StatusPreconditionFailed:
		return errChanged
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return fmt.Errorf("the server answers %s", statusOf(response))
	case d.signed() && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusGone, http.StatusBadRequest}, code):
		return fmt.Errorf("the server answers %s: the signature in the address may have expired; give a fresh address", statusOf(response))
	default:
		return &finalError{fmt.Sprintf("the server answers %s; is the address right and still valid?", statusOf(response))}
	}
}

// statusOf returns an answer's status in our words: the server's own are not shown.
func statusOf(response *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)))
}

// signed reports whether the address may be a presigned one. If it expires in the middle of a
// harvest, the corpus is not at fault. Google's storage, and Amazon's for a lapsed session, answer
// 400 then.
func (d *download) signed() bool { return strings.Contains(d.url, "?") }

// first remembers what identifies the corpus, to recognise it later.
func (d *download) first(response *http.Response) error {
	if response.ContentLength < 0 && response.ProtoMajor < 2 && len(response.TransferEncoding) == 0 {
		return &finalError{"the server does not send the length of the corpus, so that a truncated one would look complete; download it first"}
	}
	d.size, d.kind = response.ContentLength, response.Header.Get("Content-Type")
	d.etag, d.modified = response.Header.Get("ETag"), response.Header.Get("Last-Modified")
	return nil
}

// compare reports whether an answer is about the same bytes as the first one; known is false if the
// two have nothing comparable.
func (d *download) compare(response *http.Response, size int64) (same, known bool) {
	same = d.size < 0 || size < 0 || size == d.size
	for _, pair := range [][2]string{
		{d.etag, response.Header.Get("ETag")}, {d.modified, response.Header.Get("Last-Modified")},
	} {
		if pair[0] != "" && pair[1] != "" {
			known = true
			same = same && pair[0] == pair[1]
		}
	}
	return same, known
}

// again skips to the old place in an answer that starts from the beginning, as servers without
// ranges send it.
func (d *download) again(response *http.Response) error {
	if same, known := d.compare(response, response.ContentLength); !same || !known {
		return errChanged
	}
	var scratch [16 << 10]byte
	for left := d.at; left > 0; {
		n, err := d.readBody(scratch[:min(left, int64(len(scratch)))])
		left -= int64(n)
		if err != nil && left > 0 {
			return fmt.Errorf("read up to byte %d again: %w", d.at, err)
		}
	}
	return nil
}

// rest takes an answer that starts at the old place. Because of If-Range the server has already
// compared; its answer is believed only if what it has about the file agrees.
func (d *download) rest(response *http.Response) error {
	var from, to int64
	size := int64(-1)
	n, _ := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size)
	if n < 2 || from != d.at {
		return &finalError{fmt.Sprintf("the server was asked for the bytes from %d on and sends others; download it first", d.at)}
	}
	if same, _ := d.compare(response, size); !same {
		return errChanged
	}
	return nil
}
