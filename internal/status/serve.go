package status

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"shoal/internal/harvest"
)

// Server answers /metrics, /healthz and /readyz.
type Server struct {
	http     *http.Server
	listener net.Listener
	leave    context.CancelFunc // ends the streams of the page
}

// Options are what a [Server] shows.
type Options struct {
	Token   string                  // that /metrics requires; see [ServeGuarded]
	Get     func() harvest.Progress // of the process
	Ready   func() error            // what prevents it from working; nil: it is always ready
	Timings *Timings                // of its stages; nil for none
	// Page makes the handler of every other path; nil for none. It guards itself: local reports
	// that only this machine reaches it. life ends when the server closes.
	Page func(life context.Context, local bool) (http.Handler, error)
}

// Serve listens on host:port and answers until [Server.Close]. An empty host means 127.0.0.1; to be
// reachable from elsewhere, name the address, such as 0.0.0.0:9090: no answer shows a URL or
// changes anything. ready returns what prevents the worker from working, nil for nothing; a nil
// ready means that it is always ready.
func Serve(addr string, get func() harvest.Progress, ready func() error) (*Server, error) {
	return ServeGuarded(addr, "", get, ready)
}

// ServeGuarded is [Serve] with a token that /metrics requires, as Authorization: Bearer; empty for
// none. On any address but a loopback one, every path except /metrics and the probes requires it
// too, and is closed without one.
func ServeGuarded(addr, token string, get func() harvest.Progress, ready func() error) (*Server, error) {
	return ServeOptions(addr, Options{Token: token, Get: get, Ready: ready})
}

// ServeOptions is [ServeGuarded] with more to show.
func ServeOptions(addr string, o Options) (*Server, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("serve status on %q: write host:port, such as 127.0.0.1:9090: %w", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("serve status on %s: %w; choose another --status-addr, or port 0 for any free one", addr, err)
	}
	life, leave := context.WithCancel(context.Background())
	s := &Server{listener: listener, leave: leave}
	local := isLocal(s.Addr())
	handler := guard(local, o.Token, routes(o))
	if o.Page != nil {
		page, err := o.Page(life, local)
		if err != nil {
			leave()
			return nil, errors.Join(err, listener.Close())
		}
		handler = paged(local, page, handler)
	}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	// It returns after Close; a listener that dies earlier shows as a failed probe.
	go func() { _ = s.http.Serve(listener) }()
	return s, nil
}

// Addr returns the address that was bound.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns what a browser on this machine opens. A server on all addresses answers there on that
// of the machine itself.
func (s *Server) URL() string {
	addr := s.Addr()
	if bound, err := netip.ParseAddrPort(addr); err == nil && bound.Addr().IsUnspecified() {
		addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), bound.Port()).String()
	}
	return "http://" + addr
}

// Close stops listening and lets answers in progress end, within ctx.
func (s *Server) Close(ctx context.Context) error {
	s.leave()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("close status server %s: %w", s.Addr(), err), s.http.Close())
	}
	return nil
}

// Gatherer returns the metrics of a process, with those of Go and of the process itself.
func Gatherer(get func() harvest.Progress, timings *Timings) prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{get, timings}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

func routes(o Options) http.Handler {
	get, ready, registry := o.Get, o.Ready, Gatherer(o.Get, o.Timings)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if stuck := get().Stuck; stuck != "" {
			answer(w, http.StatusServiceUnavailable, stuck)
			return
		}
		answer(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready != nil {
			if err := ready(); err != nil {
				// The reason may name a host or a URL, which not every client may see.
				answer(w, http.StatusServiceUnavailable, "not ready; see the log")
				return
			}
		}
		answer(w, http.StatusOK, "ok")
	})
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	// The client may be gone; it will ask again.
	_, _ = fmt.Fprintln(w, text)
}

// guard refuses, on a loopback address, requests that name another host: a web page whose own name
// was pointed at 127.0.0.1 must not read the metrics. An operator who opens another address lets
// his network read the counts, and nothing else.
func guard(local bool, token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'")
		if refusesName(w, r, local) {
			return
		}
		if !open(r.URL.Path, local, token) && !bears(r, token) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="shoal"`)
			answer(w, http.StatusUnauthorized, "this needs the token of --metrics-token, as Authorization: Bearer")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// paged gives all paths but those of programs to the page.
func paged(local bool, page, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz", "/readyz", "/metrics":
			next.ServeHTTP(w, r)
			return
		}
		if !refusesName(w, r, local) {
			page.ServeHTTP(w, r)
		}
	})
}

// refusesName answers a request for this machine by a name that is not its own.
func refusesName(w http.ResponseWriter, r *http.Request, local bool) bool {
	if !local || isLocal(r.Host) {
		return false
	}
	answer(w, http.StatusForbidden, "ask for this machine by 127.0.0.1 or localhost")
	return true
}

// open reports whether a path needs no token.
func open(path string, local bool, token string) bool {
	switch path {
	case "/healthz", "/readyz":
		return true
	case "/metrics":
		return token == ""
	}
	return local && token == ""
}

// bears reports whether a request carries the token. The time that it takes reveals nothing about
// the token.
func bears(r *http.Request, token string) bool {
	shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && token != "" && subtle.ConstantTimeCompare([]byte(shown), []byte(token)) == 1
}

func isLocal(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost"
}
