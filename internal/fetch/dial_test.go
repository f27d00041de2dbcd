package fetch

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

// keyPair makes a self-signed certificate and writes it and its key as PEM.
func keyPair(t *testing.T, change func(*x509.Certificate)) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fish"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err = tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

func TestTLS(t *testing.T) {
	t.Parallel()
	same := func(*x509.Certificate) {}
	_, clientCert, clientKey := keyPair(t, same)
	for _, row := range []struct {
		name   string
		cert   func(*x509.Certificate)
		server *tls.Config
		cfg    Config
		want   harvest.Fault
	}{
		{"good", same, &tls.Config{}, Config{}, harvest.FaultNone},
		{"expired", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, &tls.Config{}, Config{}, harvest.FaultTLS},
		{"wrong name", func(c *x509.Certificate) { c.IPAddresses = nil; c.DNSNames = []string{"other.example"} }, &tls.Config{}, Config{}, harvest.FaultTLS},
		{"unknown CA", same, &tls.Config{}, Config{CAFile: clientCert}, harvest.FaultTLS},
		{"TLS 1.0", same, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, Config{}, harvest.FaultTLS},
		{"client certificate", same, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, Config{CertFile: clientCert, KeyFile: clientKey}, harvest.FaultNone},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			pair, ca, _ := keyPair(t, row.cert)
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
			s.TLS = row.server.Clone()
			s.TLS.Certificates = []tls.Certificate{pair}
			s.StartTLS()
			t.Cleanup(s.Close)
			if row.cfg.CAFile == "" {
				row.cfg.CAFile = ca
			}
			if _, err := get(t.Context(), client(t, row.cfg), s.URL+"/"); faultIn(err) != row.want {
				t.Errorf("Send = %v, want fault %q", err, row.want)
			}
		})
	}
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused.Close()
	for target, want := range map[string]harvest.Fault{
		"https://" + unused.Addr().String(): harvest.FaultConnect,
		"http://" + unused.Addr().String():  harvest.FaultConnect,
		"https://" + l.Addr().String():      harvest.FaultConnect, // accepts the connection and sends nothing
		"https://does-not-exist.invalid":    harvest.FaultConnect,
		"gopher://127.0.0.1":                harvest.FaultConnect,
		"https://":                          harvest.FaultConnect,
	} {
		c := client(t, Config{DialTimeout: 300 * time.Millisecond})
		if _, err := c.Reserve(t.Context(), target); faultIn(err) != want {
			t.Errorf("Reserve(%s) = %v, want fault %q", target, err, want)
		}
		if s := c.Stats(); s.Budget != 0 {
			t.Errorf("Stats().Budget = %d after Reserve(%s) failed, want 0", s.Budget, target)
		}
	}
}

// Look-ups and dials come with connections, not with requests.
func TestLookupsAreDials(t *testing.T) {
	t.Parallel()
	s, c := serve(t, fakeapi.Options{}, Config{Streams: 4})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	faults, sends := crowd(t, c, "https://localhost:"+u.Port(), 50, 4)
	if st := c.Stats(); st.Dials != 1 || st.Lookups != 1 || sends != 50 {
		t.Errorf("%d dials and %d look-ups for %d requests (%v), want 1 and 1 for 50", st.Dials, st.Lookups, sends, faults)
	}
}

// An HTTP/1.1 connection that the server closed while idle is noticed before a permit is spent on
// it.
func TestClosedIdleConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var arrived atomic.Int64
	conns := make(chan net.Conn, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns <- conn
			go func() {
				for r := bufio.NewReader(conn); ; {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					arrived.Add(1) // before the answer, after which the test looks
					io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	c := client(t, Config{Streams: 2})
	base := "http://" + l.Addr().String()
	if _, err := get(t.Context(), c, base+"/"); err != nil {
		t.Fatal(err)
	}
	slot, err := c.Reserve(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	(<-conns).Close()
	until(t, "the closed connection is noticed", func() bool { return !slot.Alive() })
	slot.Release()
	if _, err := get(t.Context(), c, base+"/"); err != nil {
		t.Errorf("Send over a new connection = %v, want an answer", err)
	}
	if n := arrived.Load(); n != 2 {
		t.Errorf("%d requests arrived, want 2", n)
	}
}

func TestSlotIsUsedOnce(t *testing.T) {
	t.Parallel()
	s, c := serve(t, fakeapi.Options{}, Config{Streams: 1})
	slot, err := c.Reserve(t.Context(), s.URL+"/items/1?x=1")
	if err != nil {
		t.Fatal(err)
	}
	slot.Release()
	slot.Release()
	if _, err := slot.Send(t.Context(), &harvest.Request{Method: http.MethodGet, URL: s.URL + "/items/1"}, nil); err == nil || slot.Alive() {
		t.Errorf("Send on a released slot = %v, alive %t, want a failure, false", err, slot.Alive())
	}
	slot, err = c.Reserve(t.Context(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slot.Send(t.Context(), &harvest.Request{Method: http.MethodGet, URL: "https://api.example/"}, nil); err == nil || len(s.Arrivals()) != 0 {
		t.Errorf("Send to another origin = %v with %d arrivals, want a failure and none", err, len(s.Arrivals()))
	}
	for i := range 3 { // places and streams came back each time
		if _, err := get(t.Context(), c, s.URL+"/items/1"); err != nil {
			t.Errorf("exchange %d = %v, want an answer", i, err)
		}
	}
}

func TestPostIsSentOnceWithItsBody(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		got := make(chan string, 9)
		o.Behaviour.Answer = func(r *http.Request) *fakeapi.Reply {
			b, _ := io.ReadAll(r.Body)
			got <- r.Header.Get("Content-Type") + " " + string(b)
			return &fakeapi.Reply{Body: []byte("{}")}
		}
		s, c := serve(t, o, Config{})
		slot, err := c.Reserve(t.Context(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		a, err := slot.Send(t.Context(), &harvest.Request{Method: http.MethodPost, URL: s.URL + "/items/1", Body: []byte(`{"q":1}`), Type: "application/json"}, nil)
		if err != nil || a.Status != 200 {
			t.Fatalf("Send = %+v, %v, want 200", a, err)
		}
		if body := <-got; body != `application/json {"q":1}` || len(s.Arrivals()) != 1 {
			t.Errorf("the server read %q in %d arrivals, want the body once", body, len(s.Arrivals()))
		}
	})
}

func TestCancelAbandons(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		o.Behaviour.Faults = []fakeapi.Fault{{Kind: fakeapi.KindStall, Path: "/items/1"}}
		s, c := serve(t, o, Config{Streams: 1})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			until(t, "the request arrives", func() bool { return len(s.Arrivals()) == 1 })
			cancel()
		}()
		if a, err := get(ctx, c, s.URL+"/items/1"); !errors.Is(err, context.Canceled) {
			t.Errorf("Send with its context cancelled = %+v, %v, want context.Canceled in it", a, err)
		}
		if _, err := get(t.Context(), c, s.URL+"/items/2"); err != nil {
			t.Errorf("Send afterwards = %v, want an answer", err)
		}
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		s, c := serve(t, o, Config{Streams: 1})
		held, err := c.Reserve(t.Context(), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		c.Close()
		if _, err := c.Reserve(t.Context(), s.URL); !errors.Is(err, ErrClosed) {
			t.Errorf("Reserve after Close = %v, want ErrClosed", err)
		}
		until(t, "the held slot is dead", func() bool { return !held.Alive() })
		held.Release()
	})
}
