package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net/netip"
	"net/url"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
)

// Upstream is asked as a worker asks it.
type Upstream struct {
	Origin string // https://host
	Agent  string // User-Agent of each request

	// Lookup returns the addresses of a name, Peer what a connection shows before any request.
	Lookup func(ctx context.Context, host string) ([]string, error)
	Peer   func(ctx context.Context) (Peer, error)
	// Turn returns why no request may leave now, empty if one may.
	Turn func(ctx context.Context) (why string)
	// Open makes the client that keeps the budget. It is called at most once.
	Open func(ctx context.Context) (*exchange.Client, error)
	// Request is for the first item of the corpus, or for something else that costs little; nil if
	// there is none, because of Unknown.
	Request *harvest.Request
	Unknown string
	Mask    func(string) string // takes credentials out of a text

	Rate                 float64 // requests/s of the budget
	Concurrency          int
	Timeout              time.Duration // of one request
	MaxSilence, Patience time.Duration
}

// Peer is what a connection shows of the other side before any request.
type Peer struct {
	Address  string // IP address and port; those of the proxy where there is one
	Proxied  bool
	Protocol string    // h2 or http/1.1
	TLS      string    // its version; empty for plain http
	Issued   time.Time // since when the first certificate of the chain to expire is valid
	Expires  time.Time // until when it is
	Took     time.Duration
}

const (
	// permitLimit is how long a permit may take, maxTimeout how long an answer is waited for at
	// most, whatever --timeout is.
	permitLimit = 10 * time.Second
	maxTimeout  = 30 * time.Second
	// dialLimit is that of a connection.
	dialLimit = 10 * time.Second
	// soon is how long before its end a certificate is worth a warning, or a tenth of its life if
	// that is shorter: those who renew by a program do so before.
	soon = 14 * 24 * time.Hour
)

// OfUpstream is the checks of the upstream. At most two requests leave: one for the item, one for
// robots.txt.
func OfUpstream(u Upstream) Group {
	a := &asker{Upstream: u}
	at, _ := url.Parse(u.Origin)
	askLimit := permitLimit + min(u.Timeout, maxTimeout)
	connected, reached := []string{"upstream.dns", "upstream.connection"}, []string{"upstream.connection", "upstream.tls"}
	ready := with(reached, "settings.values", "settings.contact", "settings.site", "redis.rights", "redis.keys", "redis.policy", "upstream.turn")
	return Group{Name: "upstream", At: u.Origin, Rows: []Row{
		{Name: "upstream.dns", About: "name", Limit: dialLimit, Change: "check the host in --api, --url or the corpus, and the name servers of this machine (/etc/resolv.conf)", Look: func(ctx context.Context) Finding {
			return a.lookup(ctx, at.Hostname())
		}},
		{Name: "upstream.connection", About: "connection", Needs: []string{"upstream.dns"}, Limit: dialLimit, Change: "check the port, a firewall on the way, and whether it is up; docs/failures.md has more", Look: a.connect},
		{Name: "upstream.tls", About: "certificate", Needs: connected, Change: "check the scheme and the port of the address, --ca, --cert and --key", Look: func(context.Context) Finding { return a.certificate() }},
		{Name: "upstream.http2", About: "protocol", Needs: reached, Look: func(context.Context) Finding { return a.protocol() }},
		{Name: "upstream.turn", About: "pauses and silences", Look: func(ctx context.Context) Finding {
			if why := u.Turn(ctx); why != "" {
				return unknown("%s", why)
			}
			return fine("none that the store knows of")
		}},
		{Name: "upstream.answer", About: "one request", Needs: ready, Limit: askLimit, Look: a.item},
		{Name: "upstream.limits", About: "rate limits", Needs: []string{"upstream.turn"}, Look: func(context.Context) Finding { return a.limits() }},
		{Name: "upstream.robots", About: "robots.txt", Needs: ready, Limit: askLimit, Look: func(ctx context.Context) Finding { return a.robots(ctx) }},
		{Name: "upstream.clock", About: "clock", Look: func(context.Context) Finding {
			if a.date.IsZero() {
				return unknown("no answer has named a date")
			}
			return clock("the upstream", a.ahead)
		}},
	}}
}

// asker keeps what one look at the upstream learns for the next.
type asker struct {
	Upstream
	peer   Peer
	refuse error // of TLS
	client *exchange.Client
	last   *exchange.Exchange // of the item
	silent bool               // no answer has come
	date   time.Time          // of the latest answer that named one
	ahead  time.Duration      // that date, before our clock
}

func (a *asker) lookup(ctx context.Context, host string) Finding {
	if _, err := netip.ParseAddr(host); err == nil {
		return fine("%s is an address", host)
	}
	found, err := a.Lookup(ctx, host)
	switch {
	case err != nil:
		return wrongly(exchange.ErrPatience, "", "%s cannot be looked up: %s", host, a.Mask(err.Error()))
	case len(found) == 0:
		return unknown("a proxy looks %s up", host)
	}
	return fine("%s is %s", host, some(found))
}

// some names the first of many.
func some(all []string) string {
	const most = 3
	text := ""
	for i, one := range all[:min(most, len(all))] {
		if i > 0 {
			text += ", "
		}
		text += one
	}
	if len(all) > most {
		text += ", …"
	}
	return text
}

// connect opens a connection. A refusal of TLS is the next row's.
func (a *asker) connect(ctx context.Context) Finding {
	var err error
	a.peer, err = a.Peer(ctx)
	failure := asFailure(err)
	switch {
	case failure != nil && failure.Fault == harvest.FaultTLS:
		a.refuse = failure.Err
		return fine("it accepts connections")
	case err != nil:
		return a.unreached(err)
	case a.peer.Proxied:
		return fine("by the proxy at %s, within %s", a.peer.Address, brief(a.peer.Took))
	}
	return fine("to %s, within %s", a.peer.Address, brief(a.peer.Took))
}

// unreached is the fault of a connection that could not be made.
func (a *asker) unreached(err error) Finding {
	text := err.Error()
	if failure := asFailure(err); failure != nil {
		text = failure.Err.Error()
	}
	return wrongly(cmp.Or(exchange.Hopeless(err, persistent), exchange.ErrPatience), "", "%s", a.Mask(text))
}

// persistent is more often than any connection is tried before a person has to act.
const persistent = 1 << 30

func (a *asker) certificate() Finding {
	left := time.Until(a.peer.Expires)
	switch {
	case a.refuse != nil:
		return wrongly(exchange.ErrRefused, trust(a.refuse), "%s", a.Mask(a.refuse.Error()))
	case a.peer.TLS == "":
		return warn("use https:// in --api, --url or the corpus, if it is offered", "the connection is not encrypted")
	case left < min(soon, a.peer.Expires.Sub(a.peer.Issued)/10):
		return warn("ask its operators to renew it", "%s, valid until %s, which is in %s", a.peer.TLS, a.peer.Expires.UTC().Format(time.DateOnly), harvest.Ago(left))
	}
	return fine("%s, valid until %s", a.peer.TLS, a.peer.Expires.UTC().Format(time.DateOnly))
}

// trust returns the advice about a certificate that did not pass.
func trust(err error) string {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	if ok && invalid.Reason == x509.Expired {
		return "ask its operators to renew it, and compare the clock of this machine"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "use the name that the certificate is for in --api, --url or the corpus"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "if it is a private authority that you trust, name its file with --ca FILE"
	}
	return ""
}

func (a *asker) protocol() Finding {
	if a.peer.Protocol == "h2" {
		return fine("HTTP/2: one connection carries all requests")
	}
	return warn("nothing, if its operators do not count connections; else a lower --concurrency",
		"HTTP/1.1: each of the %d requests in flight needs a connection of its own", a.Concurrency)
}
