package fetch

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A refusal that quotes the credential, in any form, arrives without it.
func TestRefusalsQuoteNoSecret(t *testing.T) {
	t.Parallel()
	const old = "0ld/c4n4ry&x"
	quoted := func(secret string) string {
		return fmt.Sprintf("%s|%s|%s|%s|%s|%q", secret, url.QueryEscape(secret), url.PathEscape(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)), strings.ReplaceAll(secret, "/", `\/`), secret)
	}
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", old)
		status := http.StatusBadRequest
		if r.URL.Path == "/ok" {
			status = http.StatusOK
		}
		w.WriteHeader(status)
		io.WriteString(w, "before "+r.Header.Get("Authorization")+" "+r.URL.RawQuery+" "+quoted(canary)+" "+quoted(old)+" after")
	}))
	t.Cleanup(echo.Close)
	for _, auth := range []Auth{{Kind: "bearer"}, {Kind: "basic", User: "me"}, {Kind: "query", Name: "api_key"}, {Kind: "header", Name: "X-Api-Key"}} {
		t.Run(auth.Kind, func(t *testing.T) {
			t.Parallel()
			auth.SecretFile = filepath.Join(t.TempDir(), "secret")
			write := func(secret string) {
				t.Helper()
				if err := os.WriteFile(auth.SecretFile, []byte(secret), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(old)
			c := client(t, Config{Auth: auth})
			write(canary)
			if changed, err := c.Renew(t.Context()); !changed || err != nil {
				t.Fatalf("Renew() = %t, %v, want true", changed, err)
			}
			a, err := get(t.Context(), c, echo.URL+"/bad?x=1")
			if err != nil || a.Status != http.StatusBadRequest {
				t.Fatalf("Send = %+v, %v, want 400", a, err)
			}
			clean(t, "the answer", fmt.Sprint(string(a.Body), a.Header), old)
			if body := string(a.Body); !strings.HasPrefix(body, "before ") || !strings.HasSuffix(body, " after") {
				t.Errorf("body = %q, want all that is not secret", body)
			}
			a, err = get(t.Context(), c, echo.URL+"/ok")
			if err != nil || !a.Masked || !strings.HasPrefix(string(a.Body), "before ") || !strings.HasSuffix(string(a.Body), " after") {
				t.Fatalf("Send = %+v, %v, want all of the body that is not secret", a, err)
			}
			for _, form := range forms(canary, "me:"+canary) {
				if strings.Contains(string(a.Body), form) {
					t.Errorf("the body of a success holds %q:\n%s", form, a.Body)
				}
			}
			clean(t, "Mask()", c.Mask(string(a.Body)), old)
			if got := c.Mask("ends in " + canary[:9]); got != "ends in [secret]" {
				t.Errorf("Mask() of a secret that is cut = %q, want none of it", got)
			}
			if got := c.Mask("nothing"); got != "nothing" {
				t.Errorf("Mask(nothing) = %q, want the same", got)
			}
		})
	}
}

// forms are ways in which a server may quote secrets; [harvest.Mask] knows more.
func forms(secrets ...string) (all []string) {
	for _, s := range secrets {
		quoted, _ := json.Marshal(s)
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)), html.EscapeString(s),
			strings.Trim(string(quoted), `"`), strings.ReplaceAll(s, "/", `\/`))
	}
	return all
}

func clean(t *testing.T, what, text, old string) {
	t.Helper()
	for _, form := range forms(canary, old, "me:"+canary, "me:"+old) {
		if strings.Contains(text, form) {
			t.Errorf("%s holds %q:\n%s", what, form, text)
		}
	}
}

// The body of a success is data: it stays complete, and JSON stays JSON.
func TestMaskDataKeepsJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, secret, want string }{
		{"quoted", `{"you":"Bearer s3cr3t-t0ken"}`, "s3cr3t-t0ken", `{"you":"Bearer [secret]"}`},
		{"digits as a number", `{"key":8675309123,"of":"8675309123"}`, "8675309123", `{"key":0,"of":"0"}`},
		{"too short to distinguish from a word", `{"name":"demo"}`, "demo", `{"name":"demo"}`},
		{"none", `{}`, "s3cr3t-t0ken", `{}`},
	} {
		if got := newMask(shortestInData, []string{tt.secret}, nil).Bytes([]byte(tt.body)); string(got) != tt.want {
			t.Errorf("%s: Bytes(%s) = %s, want %s", tt.name, tt.body, got, tt.want)
		}
	}
}

// The name of a parameter distinguishes a short secret from a word.
func TestAKeyInAQueryIsToldByItsName(t *testing.T) {
	t.Parallel()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</i?"+r.URL.RawQuery+`&page=2>; rel="next"`)
		io.WriteString(w, `{"next":"/i?`+r.URL.RawQuery+`\u0026page=2","name":"ab+"}`)
	}))
	t.Cleanup(echo.Close)
	c := client(t, Config{Auth: Auth{Kind: "query", Name: "api_key", SecretEnv: "KEY"}, Getenv: func(string) string { return "ab+" }})
	a, err := get(t.Context(), c, echo.URL)
	if want := `{"next":"/i?api_key=[secret]\u0026page=2","name":"ab+"}`; err != nil || string(a.Body) != want || !a.Masked {
		t.Errorf("Send = %+v, %v, want the body %s, masked", a, err, want)
	}
	if want := `</i?api_key=[secret]&page=2>; rel="next"`; a.Header.Get("Link") != want {
		t.Errorf("Link = %s, want %s", a.Header.Get("Link"), want)
	}
}

// A short secret makes a body longer; it stays within the memory that it has.
func TestMaskedBodyKeepsItsMemory(t *testing.T) {
	t.Parallel()
	body := append(make([]byte, 0, 100), strings.Repeat("abcd", 25)...)
	got := maskBody(body, newMask(4, []string{"abcd"}, nil))
	if len(got) != 100 || &got[0] != &body[0] || strings.Contains(string(got), "abcd") {
		t.Errorf("maskBody() = %d bytes %s, want 100 bytes in the same place, without the secret", len(got), got)
	}
	if got := maskBody(nil, newMask(4, []string{"abcd"}, nil)); len(got) != 0 {
		t.Errorf("maskBody(nil) = %q, want nothing", got)
	}
}
