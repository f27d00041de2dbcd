package fetch

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// A person is needed only after a refusal of the endpoint itself, or if a secret cannot be read.
func TestTroubleAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		status int // 0: the connection ends without an answer
		body   string
		want   harvest.Fault
	}{
		{"wrong secret", 401, `{"error":"invalid_client"}`, harvest.FaultCredential},
		{"wrong scope", 400, `{"error":"invalid_scope"}`, harvest.FaultCredential},
		{"no such endpoint", 404, "<html>", harvest.FaultCredential},
		{"too many", 429, `{"error":"slow_down"}`, harvest.FaultConnect},
		{"broken", 500, `{"error":"server_error"}`, harvest.FaultConnect},
		{"being replaced", 503, "<html>", harvest.FaultConnect},
		{"a page instead of a token", 200, "<html>", harvest.FaultConnect},
		{"hung up", 0, "", harvest.FaultConnect},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if row.status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(row.status)
				w.Write([]byte(row.body))
			}))
			t.Cleanup(endpoint.Close)
			expectNoToken(t, endpoint.URL, row.want)
		})
	}
	t.Run("refused connection", func(t *testing.T) {
		t.Parallel()
		endpoint := httptest.NewServer(http.NotFoundHandler())
		endpoint.Close()
		expectNoToken(t, endpoint.URL, harvest.FaultConnect)
	})
	t.Run("certificate of unused we know", func(t *testing.T) {
		t.Parallel()
		endpoint := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(endpoint.Close)
		expectNoToken(t, endpoint.URL, harvest.FaultTLS)
	})
}

func expectNoToken(t *testing.T, endpoint string, want harvest.Fault) {
	t.Helper()
	c := client(t, Config{
		Auth:   Auth{Kind: "oauth2", TokenURL: endpoint + "/token", ClientID: "me", ClientSecretEnv: "KEY"},
		Getenv: env("KEY", canary),
	})
	if _, err := c.Renew(t.Context()); faultIn(err) != want {
		t.Errorf("Renew() = %v, want fault %q", err, want)
	}
}

func TestSlowTokenEndpointIsAnOutage(t *testing.T) {
	t.Parallel()
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // the server sees only then that we hang up
		<-r.Context().Done()
	}))
	t.Cleanup(endpoint.Close)
	c := client(t, Config{
		Auth:   Auth{Kind: "oauth2", TokenURL: endpoint.URL + "/token", ClientID: "me", ClientSecretEnv: "KEY"},
		Getenv: env("KEY", canary),
	})
	c.auth.tokens.http.Timeout = 50 * time.Millisecond
	if _, err := c.Renew(t.Context()); faultIn(err) != harvest.FaultConnect {
		t.Errorf("Renew() with an endpoint that says nothing = %v, want fault %q", err, harvest.FaultConnect)
	}
}

func TestUnreadableClientSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t, Config{Auth: Auth{Kind: "oauth2", TokenURL: "https://127.0.0.1:1/token", ClientID: "me", ClientSecretFile: path}})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.auth.tokens.secret = newSource("client secret", "", path, nil) // as if it had never been read
	if _, err := c.Renew(t.Context()); faultIn(err) != harvest.FaultCredential {
		t.Errorf("Renew() without a readable secret = %v, want fault %q", err, harvest.FaultCredential)
	}
}
