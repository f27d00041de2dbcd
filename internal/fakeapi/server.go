package fakeapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a running upstream. All its methods are safe for concurrent use.
type Server struct {
	// URL is its base, https://127.0.0.1:PORT, without a slash at its end.
	URL string
	// Addr is where it listens, host and port.
	Addr string

	http *http.Server
	ca   []byte
	opts Options

	mu     sync.Mutex
	b      Behaviour
	budget budget
	// closed is the time until which a KindTooMany refuses every request.
	closed time.Time
	log    record
	tokens map[string]time.Time
	h2     map[*h2conn]struct{}
}

// New starts a server, unless its behaviour is nonsense. The caller closes it.
func New(o Options) (*Server, error) {
	if err := o.Behaviour.check(); err != nil {
		return nil, fmt.Errorf("fake upstream: %w", err)
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("fake upstream: listen on %s: %w", o.Addr, err)
	}
	s := &Server{Addr: l.Addr().String(), opts: o, b: o.Behaviour, tokens: map[string]time.Time{}, h2: map[*h2conn]struct{}{}}
	s.log.paths, s.log.served = map[string]int{}, map[string]map[int]int{}
	s.URL = "http://" + s.Addr
	if !o.Plaintext {
		s.URL = "https://" + s.Addr
		if l, err = s.encrypt(l); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	s.http = &http.Server{
		Handler:           s,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are its daily bread
		ReadHeaderTimeout: time.Minute,
		ConnContext:       s.connected,
		// net/http hands over each connection that agreed on h2; an entry of any name keeps its own
		// HTTP/2 away.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": s.serveH2},
	}
	go func() { _ = s.http.Serve(l) }() // ends only by Close
	return s, nil
}

// encrypt puts TLS under the listener, with a certificate of a CA made only for this server.
func (s *Server) encrypt(l net.Listener) (net.Listener, error) {
	ca, cert, err := certify(s.opts.Hosts)
	if err != nil {
		return l, err
	}
	s.ca = ca
	protos := []string{"h2", "http/1.1"}
	if s.opts.HTTP1 {
		protos = protos[1:]
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protos, MinVersion: tls.VersionTLS12}), nil
}

// Close ends the server and cuts its connections.
func (s *Server) Close() error {
	err := s.http.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.h2 {
		_ = c.nc.NetConn().Close() // without TLS's closing message, which waits for a client that does not read
	}
	return err
}

// Set changes the behaviour; change gets the present one. It holds for arrivals from now on, and is
// not checked.
func (s *Server) Set(change func(*Behaviour)) {
	s.mu.Lock()
	before := s.b.MaxStreams
	change(&s.b)
	after := s.b.MaxStreams
	s.mu.Unlock()
	if before == after {
		return
	}
	for _, c := range s.open() {
		c.announce(after)
	}
}

// SetOutage makes the server answer only 503, or ends that.
func (s *Server) SetOutage(on bool) {
	s.Set(func(b *Behaviour) {
		b.Outage = 0
		if on {
			b.Outage = http.StatusServiceUnavailable
		}
	})
}

// Deafen turns the open HTTP/2 connections into black holes: they stay open, and nothing comes back
// on them, not even to a PING. New connections are served.
func (s *Server) Deafen() {
	for _, c := range s.open() {
		c.mu.Lock()
		c.deaf = true
		c.mu.Unlock()
	}
}

// open lists the HTTP/2 connections. A caller that takes a connection's lock must not hold the
// server's.
func (s *Server) open() []*h2conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.h2))
}

// CAPEM returns the certificate of its CA; nil in plaintext.
func (s *Server) CAPEM() []byte { return s.ca }

// CAFile writes the CA's certificate to ca.pem in dir and returns its path.
func (s *Server) CAFile(dir string) (string, error) {
	path := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(path, s.ca, 0o644); err != nil {
		return "", fmt.Errorf("write the fake upstream's CA: %w", err)
	}
	return path, nil
}

// Pool holds only the server's CA.
func (s *Server) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	if block, _ := pem.Decode(s.ca); block != nil {
		pool.AppendCertsFromPEM(s.ca)
	}
	return pool
}

// Client returns a plain client that trusts the server, follows no redirect and decodes nothing.
func (s *Server) Client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: s.Pool(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ServeHTTP answers one request, of HTTP/1.1 or of a stream.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handle := s.control(r.URL.Path); handle != nil {
		s.log.control(&s.mu, r.URL.Path)
		handle(w, r)
		return
	}
	v, ok := r.Context().Value(visitKey{}).(*visit)
	if !ok {
		v = s.admit(r, connOf(r))
	}
	tap := &tap{ResponseWriter: w}
	defer func() { s.finish(v, tap.status) }()
	s.answer(tap, r, v)
}

// control returns the handler of a path that is not part of the API, and not counted; nil for every
// other path.
func (s *Server) control(path string) http.HandlerFunc {
	switch {
	case path == "/token":
		return s.serveToken
	case path == "/_stats":
		return s.serveStats
	case strings.HasPrefix(path, "/_"):
		return http.NotFound
	}
	return nil
}

// tap notes the status of an answer.
type tap struct {
	http.ResponseWriter
	status int
}

func (t *tap) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tap) Write(p []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	return t.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (t *tap) Unwrap() http.ResponseWriter { return t.ResponseWriter }

type (
	visitKey struct{}
	connKey  struct{}
)

// connected gives each connection a number, before its protocol is known.
func (s *Server) connected(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, s.log.connect(&s.mu))
}

func connOf(r *http.Request) int {
	n, _ := r.Context().Value(connKey{}).(int)
	return n
}
