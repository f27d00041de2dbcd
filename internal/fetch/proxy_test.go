package fetch

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

// proxy is an HTTP proxy that counts what it is asked for, and that serves only requests with this
// Proxy-Authorization.
func proxy(t *testing.T, authorization string) (u string, connects, absolute *atomic.Int64) {
	t.Helper()
	connects, absolute = new(atomic.Int64), new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sent := r.Header.Get("Proxy-Authorization"); sent != authorization {
			w.WriteHeader(http.StatusProxyAuthRequired)
			io.WriteString(w, sent)
			return
		}
		if r.Method != http.MethodConnect {
			if r.URL.IsAbs() {
				absolute.Add(1)
			}
			io.WriteString(w, "through the proxy")
			return
		}
		connects.Add(1)
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(there, here); there.Close() }()
		io.Copy(here, there)
		here.Close()
	}))
	t.Cleanup(s.Close)
	return s.URL, connects, absolute
}

func TestProxy(t *testing.T) {
	t.Parallel()
	via, connects, absolute := proxy(t, "")
	s, c := serve(t, fakeapi.Options{}, Config{Proxy: via})
	a, err := get(t.Context(), c, s.URL+"/items/1")
	if err != nil || string(a.Body) != string(fakeapi.Item(1, 0)) || connects.Load() != 1 {
		t.Errorf("Send of https = %+v, %v with %d CONNECTs, want the item and 1", a, err, connects.Load())
	}
	if proto := s.Arrivals()[0].Proto; proto != "HTTP/2.0" {
		t.Errorf("protocol through the tunnel = %s, want HTTP/2.0", proto)
	}
	a, err = get(t.Context(), c, "http://127.0.0.1:1/items/1")
	if err != nil || string(a.Body) != "through the proxy" || absolute.Load() != 1 {
		t.Errorf("Send of http = %+v, %v with %d absolute URLs, want the proxy's own answer and 1", a, err, absolute.Load())
	}
	blocked := client(t, Config{Proxy: via, TrustedHosts: []string{"api.example"}})
	if _, err := blocked.Reserve(t.Context(), "https://169.254.169.254"); faultIn(err) != harvest.FaultBlocked {
		t.Errorf("Reserve of a link-local literal through a proxy = %v, want fault %q", err, harvest.FaultBlocked)
	}
}

// A proxy's password goes to the proxy, by either way to it, and to no other host.
func TestProxyPassword(t *testing.T) {
	t.Parallel()
	via, connects, absolute := proxy(t, basic("me", canary))
	withPassword := func(password string) string {
		return strings.Replace(via, "http://", "http://"+url.UserPassword("me", password).String()+"@", 1)
	}
	s, err := fakeapi.New(fakeapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	ca, err := s.CAFile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	shown := ""
	for _, password := range []string{canary, "wr0ng/" + canary} {
		var log syncBuffer
		cfg := Config{UserAgent: agent, CAFile: ca, TrustedHosts: []string{"127.0.0.1"}, Proxy: withPassword(password), Getenv: env("", "")}
		c, err := New(cfg, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		if err != nil {
			t.Fatalf("New(a proxy with a password) = %v, want nil", err)
		}
		t.Cleanup(func() { c.Close() })
		_, err = get(t.Context(), c, s.URL+"/items/1")
		if (err == nil) != (password == canary) {
			t.Errorf("Send of https through the proxy = %v, want success only with the right password", err)
		}
		a, httpErr := get(t.Context(), c, "http://127.0.0.1:1/items/1")
		if httpErr != nil || (a.Status == http.StatusOK) != (password == canary) {
			t.Fatalf("Send of http through the proxy = %+v, %v, want success only with the right password", a, httpErr)
		}
		shown += fmt.Sprint(err, string(a.Body), log.String())
	}
	if connects.Load() != 1 || absolute.Load() != 1 {
		t.Errorf("the proxy served %d CONNECTs and %d absolute URLs, want 1 and 1", connects.Load(), absolute.Load())
	}
	if in := s.Arrivals(); len(in) != 1 || in[0].Header.Get("Proxy-Authorization") != "" {
		t.Errorf("the upstream saw %+v, want one request without Proxy-Authorization", in)
	}
	for _, form := range forms(canary, "me:"+canary, "me:wr0ng/"+canary) {
		if strings.Contains(shown, form) {
			t.Errorf("%q is shown:\n%s", form, shown)
		}
	}
}

func TestProxyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	via, connects, _ := proxy(t, "")
	for mode, want := range map[string]int64{"": 0, "env": 1} {
		s, c := serve(t, fakeapi.Options{Hosts: []string{"api.example"}}, Config{Proxy: mode, Getenv: env("HTTPS_PROXY", via), AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		u, _ := url.Parse(s.URL)
		before := connects.Load()
		// The library's rules never send loopback addresses to a proxy, so the test uses a name
		// that only the proxy is asked for.
		_, err := c.Reserve(t.Context(), "https://does-not-exist.invalid:"+u.Port())
		if got := connects.Load() - before; got != want || err == nil {
			t.Errorf("with Proxy %q: %d CONNECTs, %v, want %d and no connection", mode, got, err, want)
		}
	}
}
