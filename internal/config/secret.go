package config

import (
	"net/url"
	"regexp"
	"strings"

	"shoal/internal/store/kinds"
)

// secretParam finds query parameters and keyword=value pairs that carry credentials.
var secretParam = regexp.MustCompile(`(?i)(token|secret|passw|pwd|api-?_?key|credential)\w*\s*=`)

// userInfo finds a URL with a user name in it.
var userInfo = regexp.MustCompile(`://[^/?#\s]*@`)

// signed finds a web address with a query, which may be a presigned one.
var signed = regexp.MustCompile(`(?i)^https?://[^?#]*\?`)

// holdsSecret reports whether a URL or connection string carries a credential. It errs towards yes:
// what cannot be parsed may hold one.
func holdsSecret(text string) bool {
	if secretParam.MatchString(text) {
		return true
	}
	if _, isFile := kinds.Path(text); isFile || !strings.Contains(text, "@") {
		return false
	}
	// An @ outside the place of a user name is most likely a password that was not percent-encoded.
	u, err := url.Parse(text)
	if err != nil || u.User == nil || u.Host == "" {
		return true
	}
	_, password := u.User.Password()
	// A database's user name is not a secret by itself; elsewhere it is as good as a token.
	_, isStore := kinds.Of(text)
	return password || !isStore
}

// mistypedStore reports whether text is a URL without a password whose scheme no store has: the
// scheme is what is wrong with it.
func mistypedStore(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.User == nil || u.Host == "" || secretParam.MatchString(text) {
		return false
	}
	_, password := u.User.Password()
	_, isStore := kinds.Of(text)
	return !password && !isStore
}

// Redact returns a URL or connection string without its credentials: fit for logs and errors.
func Redact(text string) string {
	if !holdsSecret(text) {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.User == nil || u.Host == "" || strings.Contains(u.Path, "@") {
		return "(redacted)"
	}
	return u.Scheme + "://(redacted)@" + u.Host + u.Path
}
