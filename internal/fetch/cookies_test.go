package fetch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An upstream that sets cookies without end gets back no more than a session holds.
func TestCookiesAreBounded(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"many": 10, "large": 3000, "too large": 5000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []*http.Cookie
			header := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent, header = r.Cookies(), len(r.Header.Get("Cookie"))
				http.SetCookie(w, &http.Cookie{Name: "first", Value: "kept"})
				for i := range 60000 / (size + 40) {
					http.SetCookie(w, &http.Cookie{Name: fmt.Sprintf("c%d", i), Value: strings.Repeat("x", size)})
				}
			}))
			t.Cleanup(server.Close)
			c := client(t, Config{Auth: Auth{Kind: "session", User: "me", SecretEnv: "KEY"}, Getenv: env("KEY", "a-secret")})
			for range 3 {
				if _, err := get(t.Context(), c, server.URL); err != nil {
					t.Fatal(err)
				}
			}
			if len(sent) == 0 || len(sent) > maxCookies || header > maxCookieBytes+2 {
				t.Errorf("%d cookies of %d bytes came back, want 1 to %d of at most %d", len(sent), header, maxCookies, maxCookieBytes)
			}
			if size > maxCookie && len(sent) != 1 {
				t.Errorf("%d cookies came back, want only the small one", len(sent))
			}
		})
	}
}
