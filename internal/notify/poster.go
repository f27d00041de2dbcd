package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// How notices are delivered.
const (
	maxQueued   = 64               // notices for one address
	maxAge      = time.Hour        // of a notice; an older one is given up
	firstWait   = time.Second      // between two tries; it doubles
	longestWait = time.Minute      // between two tries
	lastWait    = time.Second / 4  // between two tries once the process ends
	tryLimit    = 10 * time.Second // of one try
	maxAnswer   = 4 << 10          // bytes of an answer that are read, so that its connection can be used again
)

// Poster delivers notices to addresses, each from a queue and a goroutine of its own.
type Poster struct {
	targets []*target
	closing chan struct{}
	end     context.CancelFunc
	done    sync.WaitGroup
}

// target is one address.
type target struct {
	address
	key   []byte
	first time.Duration // wait after the first failure
	queue chan Notice
}

// NewPoster begins to deliver. The key signs each body; without one nothing is signed.
func NewPoster(urls []string, key []byte, version string, log *slog.Logger) *Poster {
	return newPoster(urls, key, version, log, firstWait)
}

func newPoster(urls []string, key []byte, version string, log *slog.Logger, first time.Duration) *Poster {
	life, end := context.WithCancel(context.Background())
	p := &Poster{closing: make(chan struct{}), end: end}
	for _, url := range urls {
		t := &target{address: newAddress(url, version, log), key: key, first: first, queue: make(chan Notice, maxQueued)}
		p.targets = append(p.targets, t)
		p.done.Go(func() { t.deliverAll(life, p.closing) })
	}
	return p
}

// Post queues a notice for each address. It never waits: an address whose queue is full loses it.
func (p *Poster) Post(n Notice) {
	for _, t := range p.targets {
		select {
		case t.queue <- n:
		default:
			t.log.Warn("notification dropped: too many wait for their receiver", "to", t.host, "event", n.Event, "run", n.Run)
		}
	}
}

// Close delivers what is queued, for at most that long, and ends. Nothing may be posted after it.
func (p *Poster) Close(limit time.Duration) {
	close(p.closing)
	for _, t := range p.targets {
		close(t.queue)
	}
	timer := time.AfterFunc(limit, p.end)
	defer timer.Stop()
	p.done.Wait()
	p.end()
}

func (t *target) deliverAll(life context.Context, closing <-chan struct{}) {
	for n := range t.queue {
		if err := t.deliver(life, closing, n); err != nil {
			t.log.Warn("notification not delivered", "to", t.host, "event", n.Event, "run", n.Run, "error", err)
		}
	}
}

// deliver tries until the notice is delivered, refused or too old, or until the process ends.
func (t *target) deliver(life context.Context, closing <-chan struct{}, n Notice) error {
	began := time.Now()
	for wait := t.first; ; wait = min(2*wait, longestWait) {
		asked, err := t.post(life, n)
		if err == nil || isFinal(err) {
			return err
		}
		if time.Since(began) > maxAge || life.Err() != nil {
			return err
		}
		if !pause(life, closing, max(wait, asked)) {
			return err
		}
	}
}

// pause waits between two tries, a short time once the process ends. It reports whether there may
// be another try.
func pause(life context.Context, closing <-chan struct{}, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-life.Done():
		return false
	case <-timer.C:
		return true
	case <-closing:
	}
	last := time.NewTimer(min(wait, lastWait))
	defer last.Stop()
	select {
	case <-life.Done():
		return false
	case <-last.C:
		return true
	}
}

// post makes one try. It returns how long the receiver asked us to wait.
func (t *target) post(ctx context.Context, n Notice) (wait time.Duration, err error) {
	body, err := n.body(time.Now())
	if err != nil {
		return 0, &finalError{err}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if len(t.key) > 0 {
		header.Set(SignatureHeader, Sign(t.key, body))
	}
	return t.send(ctx, t.url, header, body)
}

// finalError is what another try does not change.
type finalError struct{ error }

func isFinal(err error) bool {
	_, ok := errors.AsType[*finalError](err)
	return ok
}

// address is where something is posted to, and how.
type address struct {
	url     string
	host    string // all of the address that may be shown
	version string
	client  *http.Client
	log     *slog.Logger
}

func newAddress(text, version string, log *slog.Logger) address {
	host := "an address that cannot be read"
	if u, err := url.Parse(text); err == nil {
		host = u.Host
	}
	return address{url: text, host: host, version: version, log: log, client: &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: tryLimit, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true},
		// Another address was not chosen by the operator.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send posts a body. wait is what the receiver asked for. No error shows the address.
func (a address) send(ctx context.Context, to string, header http.Header, body []byte) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, &finalError{errors.New("the address cannot be used")}
	}
	request.Header = header
	request.Header.Set("User-Agent", "shoal/"+a.version)
	answer, err := a.client.Do(request)
	if err != nil {
		return 0, bare(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	switch code := answer.StatusCode; {
	case code < 300:
		return 0, nil
	case code < 400:
		return 0, &finalError{fmt.Errorf("it answers %d and names another address, which is not followed", code)}
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return min(time.Duration(max(0, seconds))*time.Second, maxAge), fmt.Errorf("it answers %d", code)
	default:
		return 0, &finalError{fmt.Errorf("it answers %d", code)}
	}
}

// bare is an error of the HTTP client without the address that it names.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
