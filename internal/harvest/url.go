package harvest

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// MaxURL is the longest URL that a corpus may hold, in bytes.
const MaxURL = 8 << 10

// ErrURL is wrapped by every error of [CanonicalURL].
var ErrURL = errors.New("not a URL to harvest")

// URLError is the error of [CanonicalURL]. Its text quotes no user name and no password.
type URLError struct {
	Reason string // a short word for counting: url_too_long, url_control, url_scheme, url_userinfo, url_host
	Text   string
}

func (e *URLError) Error() string { return ErrURL.Error() + ": " + e.Text }

func (e *URLError) Unwrap() error { return ErrURL }

func badURL(reason, format string, args ...any) error {
	return &URLError{Reason: "url_" + reason, Text: fmt.Sprintf(format, args...)}
}

// CanonicalURL brings an absolute http or https URL into the normal form of RFC 3986, sections
// 6.2.2 and 6.2.3: scheme and host in lower case (host names as IDNA ASCII), no default port, no
// fragment, dot segments removed, an empty path as "/", percent-encoding in upper case and only
// where it is needed. Spaces and bytes outside ASCII are percent-encoded. The case of the path and
// the order of the query belong to the server and stay.
//
// It refuses, with a [*URLError]: more than [MaxURL] bytes, control characters (raw or as %00),
// other schemes, user names, host names that no name server could resolve, and hosts that are
// numbers but not plain IP addresses.
func CanonicalURL(raw string) (string, error) {
	if err := refuseRaw(raw); err != nil {
		return "", err
	}
	rest, _, _ := strings.Cut(raw, "#")
	scheme, rest, ok := strings.Cut(rest, "://")
	scheme = strings.ToLower(scheme)
	if !ok || (scheme != "http" && scheme != "https") {
		return "", badURL("scheme", "%s must start with http:// or https://", quoteURL(raw))
	}
	authority, rest := cutAt(rest, "/?")
	host, err := canonicalHost(scheme, authority)
	if err != nil {
		return "", err
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	path = removeDotSegments(normalEncoding(path, &pathBytes))
	if hasQuery {
		query = "?" + normalEncoding(query, &queryBytes)
	}
	canonical := scheme + "://" + host + path + query
	if len(canonical) > MaxURL {
		return "", badURL("too_long", "%s has %d bytes once it is percent-encoded, at most %d are allowed", quoteURL(raw), len(canonical), MaxURL)
	}
	return canonical, nil
}

func refuseRaw(raw string) error {
	if len(raw) > MaxURL {
		return badURL("too_long", "%s has %d bytes, at most %d are allowed", quoteURL(raw), len(raw), MaxURL)
	}
	for i := range len(raw) {
		if c := raw[i]; c < 0x20 || c == 0x7f {
			return badURL("control", "%s has a control character at byte %d", quoteURL(raw), i+1)
		}
	}
	if strings.Contains(raw, "%00") {
		return badURL("control", "%s has an encoded NUL (%%00)", quoteURL(raw))
	}
	return nil
}

// quoteURL is [Quote] without what may be a user name and a password: everything between the scheme
// and the last @ before the path.
func quoteURL(raw string) string {
	scheme, rest, ok := strings.Cut(raw, ":")
	if !ok {
		return Quote(raw)
	}
	authority, from := cutAt(strings.TrimLeft(rest, "/\\"), "/?#")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return Quote(scheme + "://…" + authority[at:] + from)
	}
	return Quote(raw)
}

// cutAt splits s before the first byte that is one of seps.
func cutAt(s, seps string) (before, from string) {
	if i := strings.IndexAny(s, seps); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func canonicalHost(scheme, authority string) (string, error) {
	if plainName(authority) {
		return checkName(authority, authority)
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return "", badURL("userinfo", "host %s: a user name or password does not belong in a corpus; see --help on auth", Quote(authority[at+1:]))
	}
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil {
		return "", badURL("host", "host %s is malformed", Quote(authority))
	}
	name, err := canonicalName(u.Hostname(), strings.HasPrefix(authority, "["))
	if err != nil {
		return "", err
	}
	port := u.Port()
	if port == "" {
		return name, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", badURL("host", "port %s of host %s is not a port", Quote(port), Quote(name))
	}
	if (scheme == "http" && n == 80) || (scheme == "https" && n == 443) {
		return name, nil
	}
	return name + ":" + strconv.FormatUint(n, 10), nil
}

// plainName reports whether a host is a name that IDNA leaves as it is. It spares nearly every line
// of a corpus the slow check.
func plainName(host string) bool {
	for i := range len(host) {
		if !nameBytes[host[i]] {
			return false
		}
	}
	return host != "" && !strings.Contains(host, "xn--")
}

func canonicalName(name string, bracketed bool) (string, error) {
	if name == "" {
		return "", badURL("host", "the host is missing")
	}
	addr, err := netip.ParseAddr(name)
	if isAddr := err == nil; isAddr || bracketed {
		if !isAddr || addr.Zone() != "" || addr.Is6() != bracketed {
			return "", badURL("host", "host %s is malformed", Quote(name))
		}
		if addr.Is6() {
			return "[" + addr.String() + "]", nil
		}
		return addr.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err == nil && strings.ContainsRune(name, utf8.RuneError) {
		// idna takes bytes that are not UTF-8 for a character.
		return "", badURL("host", "host %s is not UTF-8", Quote(name))
	}
	if lower := strings.ToLower(name); err != nil {
		// Lookup forbids the underscore, which real host names of internal services have.
		if !plainName(strings.ReplaceAll(lower, "xn--", "")) {
			return "", badURL("host", "host %s is not a host name", Quote(name))
		}
		ascii = lower
	}
	return checkName(name, ascii)
}

// checkName returns a host name in ASCII if a name server could resolve it. It removes one dot at
// the end: with and without it, the name is one upstream with one budget.
func checkName(name, ascii string) (string, error) {
	if addr, err := netip.ParseAddr(ascii); err == nil && name == ascii {
		return addr.String(), nil
	}
	ascii = strings.TrimSuffix(ascii, ".")
	if len(ascii) > 253 {
		return "", badURL("host", "host %s is longer than a host name may be", Quote(name))
	}
	var last string
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 {
			return "", badURL("host", "host %s has a part that is empty or longer than 63 bytes", Quote(name))
		}
		last = label
	}
	if looksNumeric(last) {
		return "", badURL("host", "host %s looks like an IP address in disguise; write it as four decimal numbers", Quote(name))
	}
	return ascii, nil
}

// looksNumeric returns the WHATWG URL standard's "ends in a number" check for the last label of a
// host.
func looksNumeric(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

const (
	unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	subDelims  = "!$&'()*+,;="
	upperHex   = "0123456789ABCDEF"
)

var (
	unreservedBytes = byteSet(unreserved)
	nameBytes       = byteSet("abcdefghijklmnopqrstuvwxyz0123456789-._")
	pathBytes       = byteSet(unreserved + subDelims + ":@/")
	queryBytes      = byteSet(unreserved + subDelims + ":@/?")
)

func byteSet(s string) (set [256]bool) {
	for i := range len(s) {
		set[s[i]] = true
	}
	return set
}

// normalEncoding rewrites one component of a URL: it decodes valid escapes of unreserved
// characters, writes others in upper case, and escapes every byte that is not allowed in this
// component (a stray % included).
func normalEncoding(s string, allowed *[256]bool) string {
	i := 0
	for i < len(s) && allowed[s[i]] {
		i++
	}
	if i == len(s) {
		return s
	}
	b := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = appendEscaped(b, byte(v), &unreservedBytes)
				i += 2
				continue
			}
		}
		b = appendEscaped(b, c, allowed)
	}
	return string(b)
}

// Escape percent-encodes text for any place in a URL's path or query: only letters, digits and - .
// _ ~ stay.
func Escape(text string) string {
	b := make([]byte, 0, len(text)+16)
	for i := range len(text) {
		b = appendEscaped(b, text[i], &unreservedBytes)
	}
	return string(b)
}

func appendEscaped(b []byte, c byte, allowed *[256]bool) []byte {
	if allowed[c] {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// removeDotSegments is RFC 3986 section 5.2.4 for a path that is empty or starts with a slash.
func removeDotSegments(path string) string {
	if path == "" {
		return "/"
	}
	if !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, segment := range segments {
		if segment != "." && segment != ".." {
			kept = append(kept, segment)
			continue
		}
		if segment == ".." && len(kept) > 0 {
			kept = kept[:len(kept)-1]
		}
		if i == len(segments)-1 {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// HostOf returns the host of a canonical URL, the key of budgets and runs: lower case, with the
// port unless it is the scheme's default.
func HostOf(canonical string) string {
	_, rest, _ := strings.Cut(canonical, "://")
	host, _ := cutAt(rest, "/?")
	return host
}

// Quote makes foreign text safe to print: quoted, control characters escaped, no longer than about
// 200 bytes.
func Quote(s string) string {
	const most = 200
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
