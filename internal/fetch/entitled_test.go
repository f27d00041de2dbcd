package fetch

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

// A host that the operator did not name gets neither the credential nor its cookies nor our
// certificate, by any kind and protocol.
func TestCredentialStaysWithItsHost(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		for _, auth := range []Auth{
			{Kind: "bearer", SecretEnv: "KEY"}, {Kind: "basic", User: "me", SecretEnv: "KEY"},
			{Kind: "header", Name: "X-Api-Key", SecretEnv: "KEY"}, {Kind: "query", Name: "api_key", SecretEnv: "KEY"},
			{Kind: "session", User: "me", SecretEnv: "KEY"},
			{Kind: "oauth2", TokenURL: "https://127.0.0.1:1/never-asked", ClientID: "me", ClientSecretEnv: "KEY"},
		} {
			s, c := serve(t, o, Config{Auth: auth, Getenv: env("KEY", "a-secret-value"), Credential: []string{"api.example", "localhost:1"}})
			c.auth.mu.Lock()
			c.auth.cookies = map[string]string{"sid": "a-cookie-value"}
			c.auth.mu.Unlock()
			c.auth.renewSession()
			if _, err := get(t.Context(), c, s.URL+"/items/1"); err != nil {
				t.Fatalf("%s: Send = %v", auth.Kind, err)
			}
			in := s.Arrivals()[0]
			sent := in.Path
			for name, lines := range in.Header {
				sent += "\n" + name + ": " + strings.Join(lines, ",")
			}
			for _, bad := range []string{"a-secret-value", "a-cookie-value", "Authorization", "api_key", "X-Api-Key", "Cookie"} {
				if strings.Contains(sent, bad) {
					t.Errorf("%s: a host that was not named got %s:\n%s", auth.Kind, bad, sent)
				}
			}
		}
	})
}

func TestEntitled(t *testing.T) {
	t.Parallel()
	c := Config{Credential: []string{"api.example", "port.example:8443", "127.0.0.1", "[::1]:81", "plain.example"}}
	for address, want := range map[string]bool{
		"https://api.example": true, "https://api.example:8443": true, "http://api.example": false, "https://api.example.evil": false,
		"https://port.example:8443": true, "https://port.example": false, "http://127.0.0.1:80": true, "http://[::1]:81": true,
		"http://[::1]:82": false, "http://plain.example": false, "https://other.example": false,
	} {
		o, err := newOrigin(&Client{cfg: c}, address)
		if err != nil || o.own != want {
			t.Errorf("newOrigin(%s).own = %t, %v; want %t", address, o.own, err, want)
		}
	}
}

// What is for this machine may leave it through a proxy.
func TestEntitledThroughAProxy(t *testing.T) {
	t.Parallel()
	for proxy, want := range map[string]bool{
		"": true, "env": true, "http://127.0.0.1:3128": true, "http://localhost:3128": true, "http://proxy.example:3128": false, "https://me:pw@10.0.0.7": false,
	} {
		c := Config{UserAgent: agent, Credential: []string{"127.0.0.1"}, Proxy: proxy, Getenv: env("", "")}
		for address, want := range map[string]bool{"http://127.0.0.1:80": want, "https://127.0.0.1:80": true} {
			if o, err := newOrigin(&Client{cfg: c}, address); err != nil || o.own != want {
				t.Errorf("newOrigin(%s).own through %q = %t, %v; want %t", address, proxy, o.own, err, want)
			}
		}
		c.Auth = Auth{Kind: "oauth2", TokenURL: "http://127.0.0.1:1/token", ClientID: "a", ClientSecretEnv: "B"}
		if _, err := New(c, slog.New(slog.DiscardHandler)); (err != nil && strings.Contains(err.Error(), "through the proxy")) == want {
			t.Errorf("New(token-url on this machine, --proxy %s) = %v; want a refusal that names the proxy: %t", proxy, err, !want)
		}
	}
}

// A redirect to TLS on a port that speaks plain HTTP is the item's matter.
func TestRedirectToAnotherProtocol(t *testing.T) {
	t.Parallel()
	same := func(host string) bool { return strings.HasPrefix(host, "api.example") }
	for location, want := range map[string]harvest.Fault{
		"https://api.example:8080/a": harvest.FaultOffhost, "http://api.example:8080/a": harvest.FaultNone, "https://api.example/a": harvest.FaultNone,
	} {
		a := &harvest.Answer{Status: 302, Header: http.Header{"Location": {location}}}
		if _, err := Redirect(&harvest.Request{Method: http.MethodGet, URL: "http://api.example:8080/"}, a, same); faultIn(err) != want {
			t.Errorf("Redirect(%s) = %v, want fault %q", location, err, want)
		}
	}
}

// A file's host may redirect: to public addresses, with nothing of ours, and without a Referer.
func TestDownloader(t *testing.T) {
	t.Parallel()
	var got http.Header
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	t.Cleanup(target.Close)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		http.Redirect(w, r, strings.TrimPrefix(r.URL.Path, "/to/")+"?"+r.URL.RawQuery, http.StatusFound)
	}))
	t.Cleanup(first.Close)
	client, err := Downloader(Config{UserAgent: agent, TrustedHosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(url string) error {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := ask(first.URL + "/to/" + target.URL + "?signature=abc"); err != nil {
		t.Fatalf("Get = %v, want the redirect followed", err)
	}
	if got.Get("Referer")+got.Get("Cookie")+got.Get("Authorization") != "" || got.Get("User-Agent") != agent {
		t.Errorf("the second host saw %v, want our name and no Referer, Cookie or Authorization", got)
	}
	for _, bad := range []string{"http://localhost:1", "http://127.0.0.2:1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:1/", "http://0.0.0.0:1/", "http://10.0.0.1/", "http://metadata.google.internal/"} {
		if err := ask(first.URL + "/to/" + bad); faultIn(err) != harvest.FaultBlocked {
			t.Errorf("a redirect to %s = %v, want it refused", bad, err)
		}
	}
}
