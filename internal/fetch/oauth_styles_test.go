package fetch

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"shoal/internal/harvest"
)

// endpoint is a token endpoint that takes the secret in one style only, and notes how each request
// sent it.
type endpoint struct {
	mu    sync.Mutex
	asked []string
}

func (e *endpoint) requests() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

func tokenEndpoint(t *testing.T, takes, id, secret string, refuse func(http.ResponseWriter)) (*endpoint, string) {
	t.Helper()
	e := &endpoint{}
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		style := "other"
		switch header := r.Header.Get("Authorization"); {
		case header == basic(url.QueryEscape(id), url.QueryEscape(secret)):
			style = "escaped"
		case header == basic(id, secret):
			style = "raw"
		case header == "" && r.FormValue("client_id") == id && r.FormValue("client_secret") == secret:
			style = "body"
		}
		e.mu.Lock()
		e.asked = append(e.asked, style)
		e.mu.Unlock()
		if style != takes {
			refuse(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"access_token":"T","token_type":"Bearer","expires_in":3600}`))
	}))
	t.Cleanup(s.Close)
	return e, s.URL + "/token"
}

func answers(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

// An endpoint gets the secret escaped, then raw, then in the form, until it accepts one, and no
// more than that; from then on only that one.
func TestTokenStyles(t *testing.T) {
	t.Parallel()
	refused := answers(401, `{"error":"invalid_client"}`)
	for name, row := range map[string]struct {
		takes, id, secret string
		refuse            func(http.ResponseWriter)
		want              string
	}{
		"escaped":                        {"escaped", "me", "a+b/c=d", refused, "escaped escaped"},
		"raw":                            {"raw", "me", "a+b/c=d", refused, "escaped raw raw"},
		"raw, of the id":                 {"raw", "me@example.org", "plain", refused, "escaped raw raw"},
		"raw, with a blank and a colon":  {"raw", "me", "a b:c%d", refused, "escaped raw raw"},
		"raw, refused with 400":          {"raw", "me", "a+b", answers(400, `{"error":"invalid_client"}`), "escaped raw raw"},
		"raw, refused in HTML":           {"raw", "me", "a+b", answers(403, "<html>no"), "escaped raw raw"},
		"raw, refused inside of a 200":   {"raw", "me", "a+b", answers(200, `{"error":"invalid_client"}`), "escaped raw raw"},
		"in the form":                    {"body", "me", "a+b", refused, "escaped raw body body"},
		"in the form, nothing to escape": {"body", "me", "plain", answers(400, `{"error":"invalid_request"}`), "escaped body body"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, address := tokenEndpoint(t, row.takes, row.id, row.secret, row.refuse)
			c := client(t, Config{
				Auth:   Auth{Kind: "oauth2", TokenURL: address, ClientID: row.id, ClientSecretEnv: "KEY"},
				Getenv: env("KEY", row.secret),
			})
			for range 2 {
				if _, err := c.auth.tokens.get(t.Context()); err != nil {
					t.Fatalf("get() = %v, want a token", err)
				}
			}
			if got := strings.Join(e.requests(), " "); got != row.want {
				t.Errorf("the endpoint was asked %q, want %q", got, row.want)
			}
		})
	}
}

// If the secret is not at fault, or may not be, one request is all.
func TestTokenStylesAreNotTriedInVain(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		refuse func(http.ResponseWriter)
		want   string
		fault  harvest.Fault
	}{
		"a wrong scope":    {answers(400, `{"error":"invalid_scope"}`), "escaped", harvest.FaultCredential},
		"another grant":    {answers(400, `{"error":"unsupported_grant_type"}`), "escaped", harvest.FaultCredential},
		"no such endpoint": {answers(404, "<html>"), "escaped", harvest.FaultCredential},
		"too many":         {answers(429, `{"error":"slow_down"}`), "escaped", harvest.FaultConnect},
		"broken":           {answers(500, "<html>"), "escaped", harvest.FaultConnect},
		"a wrong secret":   {answers(401, `{"error":"invalid_client"}`), "escaped raw body", harvest.FaultCredential},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, address := tokenEndpoint(t, "none", "me", "a+b/"+canary, row.refuse)
			c := client(t, Config{
				Auth:   Auth{Kind: "oauth2", TokenURL: address, ClientID: "me", ClientSecretEnv: "KEY"},
				Getenv: env("KEY", "a+b/"+canary),
			})
			_, err := c.auth.tokens.get(t.Context())
			if faultIn(err) != row.fault || strings.Contains(err.Error(), canary) {
				t.Errorf("get() = %v, want fault %q and no secret", err, row.fault)
			}
			if got := strings.Join(e.requests(), " "); got != row.want {
				t.Errorf("the endpoint was asked %q, want %q", got, row.want)
			}
		})
	}
}
