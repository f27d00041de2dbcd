package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

const canary = "c4n4ry/s3cr3t+x"

func env(name, value string) func(string) string {
	return func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	}
}

func TestAuthOnTheWire(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		auth         Auth
		header, want string
		path         string
	}{
		{Auth{Kind: "bearer", SecretEnv: "KEY"}, "Authorization", "Bearer " + canary, "/items/1?x=1"},
		{Auth{Kind: "basic", User: "me", SecretEnv: "KEY"}, "Authorization", basic("me", canary), "/items/1?x=1"},
		{Auth{Kind: "header", Name: "X-Api-Key", SecretEnv: "KEY"}, "X-Api-Key", canary, "/items/1?x=1"},
		{Auth{Kind: "query", Name: "api_key", SecretEnv: "KEY"}, "Authorization", "", "/items/1?x=1&api_key=" + url.QueryEscape(canary)},
	} {
		t.Run(row.auth.Kind, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, o fakeapi.Options) {
				s, c := serve(t, o, Config{Auth: row.auth, Getenv: env("KEY", " "+canary+"\n")})
				req := &harvest.Request{Method: http.MethodGet, URL: s.URL + "/items/1?x=1"}
				slot, err := c.Reserve(t.Context(), s.URL)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := slot.Send(t.Context(), req, nil); err != nil {
					t.Fatal(err)
				}
				in := s.Arrivals()[0]
				if got := in.Header.Get(row.header); got != row.want || in.Path != row.path {
					t.Errorf("auth %s: %s = %q, path %s, want %q, %s", row.auth.Kind, row.header, got, in.Path, row.want, row.path)
				}
				if strings.Contains(req.URL, "api_key") {
					t.Errorf("the request's own URL became %s, want it without a credential", req.URL)
				}
				if changed, err := c.Renew(t.Context()); changed || err != nil {
					t.Errorf("Renew() of a secret from the environment = %t, %v, want false: nothing can change", changed, err)
				}
			})
		})
	}
}

func TestSecretFileIsReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		tmp := path + ".new"
		if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, path); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	s, c := serve(t, fakeapi.Options{}, Config{Auth: Auth{Kind: "bearer", SecretFile: path}})
	sees := func(want string) {
		t.Helper()
		if _, err := get(t.Context(), c, s.URL+"/items/1"); err != nil {
			t.Fatal(err)
		}
		all := s.Arrivals()
		if got := all[len(all)-1].Header.Get("Authorization"); got != "Bearer "+want {
			t.Errorf("Authorization = %q, want Bearer %s", got, want)
		}
	}
	sees("first")
	write("other")
	sees("other")
	write("") // as when another program is replacing it
	sees("other")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	sees("other")
	write("third")
	if changed, err := c.Renew(t.Context()); !changed || err != nil {
		t.Errorf("Renew() after the file changed = %t, %v, want true", changed, err)
	}
	sees("third")
}

func TestRenewOfAnUnchangedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t, Config{Auth: Auth{Kind: "bearer", SecretFile: path}})
	if changed, err := c.Renew(t.Context()); changed || err != nil {
		t.Errorf("Renew() = %t, %v, want false: the file holds what was refused", changed, err)
	}
}

func oauth(s *fakeapi.Server) Config {
	return Config{
		Auth:   Auth{Kind: "oauth2", TokenURL: s.URL + "/token", ClientID: "me", ClientSecretEnv: "KEY"},
		Getenv: env("KEY", canary),
	}
}

// withTokens is serve for an upstream that requires OAuth2 tokens.
func withTokens(t *testing.T, life time.Duration) (*fakeapi.Server, *Client) {
	t.Helper()
	s, err := fakeapi.New(fakeapi.Options{Behaviour: fakeapi.Behaviour{ClientID: "me", ClientSecret: canary, TokenLife: life}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	cfg := oauth(s)
	if cfg.CAFile, err = s.CAFile(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return s, client(t, cfg)
}

func TestOAuthTokenIsSharedAndRenewed(t *testing.T) {
	t.Parallel()
	s, c := withTokens(t, time.Hour)
	status := func() int {
		t.Helper()
		a, err := get(t.Context(), c, s.URL+"/items/1")
		if err != nil {
			t.Fatal(err)
		}
		a.Release()
		return a.Status
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if a, err := get(t.Context(), c, s.URL+"/items/1"); err != nil || a.Status != 200 {
				t.Errorf("Send = %+v, %v, want 200", a, err)
			}
		})
	}
	wg.Wait()
	first := s.Control("/token")
	if first > 2 {
		t.Errorf("%d requests for a token, want 1 for all, or 2 while it is unknown where the secret goes", first)
	}
	s.Revoke()
	if got := status(); got != 401 {
		t.Fatalf("status with a revoked token = %d, want 401", got)
	}
	c.auth.mu.Lock()
	c.auth.last.at = time.Now().Add(-shareFor) // the first token is older than a burst of 401s lasts
	c.auth.mu.Unlock()
	for range 10 {
		wg.Go(func() {
			if changed, err := c.Renew(t.Context()); !changed || err != nil {
				t.Errorf("Renew() = %t, %v, want true", changed, err)
			}
		})
	}
	wg.Wait()
	if asked := s.Control("/token") - first; asked != 1 {
		t.Errorf("%d more requests for a token, want 1 for all who ask", asked)
	}
	if got := status(); got != 200 {
		t.Errorf("status with the new token = %d, want 200", got)
	}
	for _, in := range s.Arrivals() {
		if in.UserAgent != agent {
			t.Errorf("User-Agent = %q, want %q", in.UserAgent, agent)
		}
	}
}

// A token that lives for a second or two is replaced before it expires: there is no 401 in a few of
// its lives.
func TestOAuthRenewsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	var tokens, refused atomic.Int64
	agents := make(chan string, 100)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			agents <- r.UserAgent()
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":2}`, tokens.Add(1))
			return
		}
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer t%d", tokens.Load()) && r.Header.Get("Authorization") != fmt.Sprintf("Bearer t%d", tokens.Load()-1) {
			refused.Add(1)
		}
	}))
	t.Cleanup(upstream.Close)
	c := client(t, Config{Auth: Auth{Kind: "oauth2", TokenURL: upstream.URL + "/token", ClientID: "me", ClientSecretEnv: "KEY"}, Getenv: env("KEY", canary)})
	if _, err := get(t.Context(), c, upstream.URL+"/"); err != nil {
		t.Fatal(err)
	}
	cred := c.auth.now.Load()
	if life := cred.expires.Sub(cred.renewAt); life < 300*time.Millisecond || life > 500*time.Millisecond {
		t.Errorf("renewal %v before the end of a 2 s token, want a fifth of its life", life)
	}
	early := *cred
	early.renewAt = time.Now().Add(-time.Millisecond) // its last fifth has begun, and it is still good
	c.auth.now.Store(&early)
	if _, err := get(t.Context(), c, upstream.URL+"/"); err != nil {
		t.Fatal(err)
	}
	until(t, "the token is renewed in the background", func() bool { return tokens.Load() == 2 && c.Stats().Renewals == 2 })
	if refused.Load() != 0 {
		t.Errorf("%d requests came with an old token, want none", refused.Load())
	}
	if got := <-agents; got != agent {
		t.Errorf("User-Agent at the token endpoint = %q, want %q", got, agent)
	}
}

// No error and no log line shows a secret, whatever goes wrong and whatever a server echoes.
func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/token":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			r.ParseForm()
			_, password, _ := r.BasicAuth()
			fmt.Fprintf(w, `{"error":%q,"error_description":%q}`, password, r.Form.Encode()+password)
		case "/location":
			w.Header().Set("Link", "<"+r.URL.String()+`&page=2>; rel="next"`)
			w.Header().Set("X-Echo", strings.Join(r.Header["Authorization"], ""))
			http.Redirect(w, r, "/next?"+r.URL.RawQuery, http.StatusFound)
		default: // a malformed answer, with everything that was sent in it
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprintf(conn, "%s %s\r\n\r\n", r.URL.RawQuery, r.Header.Get("Authorization"))
			conn.Close()
		}
	}))
	t.Cleanup(echo.Close)
	for _, auth := range []Auth{
		{Kind: "bearer", SecretEnv: "KEY"},
		{Kind: "basic", User: "me", SecretEnv: "KEY"},
		{Kind: "query", Name: "api_key", SecretEnv: "KEY"},
		{Kind: "oauth2", TokenURL: echo.URL + "/token", ClientID: "me", ClientSecretEnv: "KEY"},
	} {
		t.Run(auth.Kind, func(t *testing.T) {
			t.Parallel()
			var log syncBuffer
			c, err := New(Config{
				UserAgent: agent, Auth: auth, Getenv: env("KEY", canary), TrustedHosts: []string{"127.0.0.1"}, Credential: []string{"127.0.0.1"},
			}, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var shown strings.Builder
			for _, path := range []string{"/junk?x=1", "/location?x=1"} {
				a, err := get(t.Context(), c, echo.URL+path)
				fmt.Fprintf(&shown, "%v %+v\n", err, err)
				for e := err; e != nil; {
					fmt.Fprintf(&shown, "%#v\n", e)
					u, ok := e.(interface{ Unwrap() error })
					if !ok {
						break
					}
					e = u.Unwrap()
				}
				if err != nil {
					continue
				}
				next, err := Redirect(&harvest.Request{Method: http.MethodGet, URL: echo.URL + path}, a, func(string) bool { return true })
				fmt.Fprintln(&shown, a.Header, next, err)
				if next != nil && (strings.Contains(next.URL, "api_key") || !strings.HasSuffix(next.URL, "/next?x=1")) {
					t.Errorf("Redirect() = %s, want /next?x=1 without the credential", next.URL)
				}
			}
			_, err = c.Renew(t.Context())
			fmt.Fprintln(&shown, err, log.String())
			for _, form := range []string{canary, url.QueryEscape(canary), url.PathEscape(canary), strings.TrimPrefix(basic("me", canary), "Basic ")} {
				if strings.Contains(shown.String(), form) {
					t.Errorf("%q stands in an error, a header or a log line:\n%s", form, shown.String())
				}
			}
		})
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestNoCredentialNoSlot(t *testing.T) {
	t.Parallel()
	s, c := withTokens(t, time.Hour)
	s.Set(func(b *fakeapi.Behaviour) { b.ClientSecret = "another" })
	_, err := c.Reserve(t.Context(), s.URL)
	if faultIn(err) != harvest.FaultCredential {
		t.Fatalf("Reserve with a refused client secret = %v, want fault %q", err, harvest.FaultCredential)
	}
	if used := c.Stats().Budget; used != 0 {
		t.Errorf("Stats().Budget = %d after a failed Reserve, want 0", used)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Reserve(ctx, s.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("Reserve with its context cancelled = %v, want that", err)
	}
}
