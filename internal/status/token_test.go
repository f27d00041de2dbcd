package status

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"shoal/internal/harvest"
)

func TestTokenOffLoopback(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef"
	for _, row := range []struct {
		path, token, bearer string
		local               bool
		want                int
	}{
		{"/healthz", token, "", false, 200}, {"/readyz", token, "", false, 200}, {"/metrics", "", "", false, 200},
		{"/metrics", token, "", false, 401}, {"/metrics", token, token, false, 200}, {"/metrics", token, token + "0", false, 401}, {"/metrics", token, "", true, 401},
		{"/metrics", token, token, true, 200}, {"/", "", "", false, 401}, {"/debug/pprof/", "", "", false, 401}, {"/", "", "", true, 404}, {"/", token, token, false, 404},
		{"/healthz/../metrics", token, "", false, 401},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+row.path, nil)
		if row.bearer != "" {
			r.Header.Set("Authorization", "Bearer "+row.bearer)
		}
		w := httptest.NewRecorder()
		guard(row.local, row.token, routes(Options{Get: func() harvest.Progress { return harvest.Progress{} }})).ServeHTTP(w, r)
		if w.Code != row.want {
			t.Errorf("%s with token %q, shown %q, on loopback %t = %d, want %d", row.path, row.token, row.bearer, row.local, w.Code, row.want)
		}
	}
}

func TestReadToken(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	for text, ok := range map[string]bool{"0123456789abcdef\n": true, "short": false, "": false, "0123456789abcdef\nmore": false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadToken(file); (err == nil) != ok || ok && got != "0123456789abcdef" {
			t.Errorf("ReadToken(%q) = %q, %v, want it accepted: %t", text, got, err, ok)
		}
	}
}
