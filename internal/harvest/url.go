package harvest

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// MaxURL is the longest URL that a corpus may hold, in bytes.
const MaxURL = 8 << 10

// ErrURL is wrapped by every refusal of CanonicalURL.
var ErrURL = errors.New("not a URL to harvest")

func badURL(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrURL, fmt.Sprintf(format, args...))
}

// CanonicalURL brings an absolute http or https URL into the normal form of
// RFC 3986 section 6.2.2 and 6.2.3: scheme and host in lower case (host names
// as IDNA ASCII), no default port, no fragment, dot segments removed, an empty
// path as "/", percent-encoding in upper case and only where it is needed.
// Spaces and bytes outside ASCII are percent-encoded. The case of the path and
// the order of the query are the server's business and stay.
//
// Refused, with an error that wraps ErrURL: more than MaxURL bytes, control
// characters (raw or as %00), other schemes, user names, hosts that are numbers
// but no plain IP address.
func CanonicalURL(raw string) (string, error) {
	if err := refuseRaw(raw); err != nil {
		return "", err
	}
	raw, _, _ = strings.Cut(raw, "#")
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || (scheme != "http" && scheme != "https") {
		return "", badURL("%s must start with http:// or https://", Quote(raw))
	}
	authority, rest := cutAt(rest, "/?")
	host, err := canonicalHost(scheme, authority)
	if err != nil {
		return "", err
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	var b strings.Builder
	b.Grow(len(raw) + 8)
	b.WriteString(scheme)
	b.WriteString("://")
	b.WriteString(host)
	b.WriteString(removeDotSegments(normalEncoding(path, pathBytes)))
	if hasQuery {
		b.WriteByte('?')
		b.WriteString(normalEncoding(query, queryBytes))
	}
	if b.Len() > MaxURL {
		return "", badURL("%s… has more than %d bytes once encoded", Quote(raw[:64]), MaxURL)
	}
	return b.String(), nil
}

func refuseRaw(raw string) error {
	if len(raw) > MaxURL {
		return badURL("%s… has %d bytes, at most %d are allowed", Quote(raw[:64]), len(raw), MaxURL)
	}
	for i := range len(raw) {
		if c := raw[i]; c < 0x20 || c == 0x7f {
			return badURL("%s has a control character at byte %d", Quote(raw), i)
		}
	}
	if strings.Contains(raw, "%00") {
		return badURL("%s has an encoded NUL (%%00)", Quote(raw))
	}
	return nil
}

// cutAt splits s before the first byte that is one of seps.
func cutAt(s, seps string) (before, from string) {
	if i := strings.IndexAny(s, seps); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func canonicalHost(scheme, authority string) (string, error) {
	if strings.ContainsAny(authority, "@\\") {
		return "", badURL("%s: a user name or password does not belong in a corpus; see --help on auth", Quote(authority))
	}
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil {
		return "", badURL("host %s is malformed", Quote(authority))
	}
	name, port := strings.ToLower(u.Hostname()), u.Port()
	name, err = canonicalName(name, strings.HasPrefix(authority, "["))
	if err != nil {
		return "", err
	}
	if port == "" || (scheme == "http" && port == "80") || (scheme == "https" && port == "443") {
		return name, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", badURL("port %s of host %s is not a port", Quote(port), Quote(name))
	}
	return name + ":" + strconv.FormatUint(n, 10), nil
}

func canonicalName(name string, bracketed bool) (string, error) {
	if name == "" {
		return "", badURL("the host is missing")
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		if addr.Zone() != "" || addr.Is6() != bracketed {
			return "", badURL("host %s is malformed", Quote(name))
		}
		if addr.Is6() {
			return "[" + addr.String() + "]", nil
		}
		return addr.String(), nil
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		// Lookup forbids the underscore, which real host names of internal services have.
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
			return "", badURL("host %s is not a host name", Quote(name))
		}
		ascii = name
	}
	last := ascii[strings.LastIndexByte(strings.TrimSuffix(ascii, "."), '.')+1:]
	if looksNumeric(strings.TrimSuffix(last, ".")) {
		return "", badURL("host %s looks like an IP address in disguise; write it as four decimal numbers", Quote(name))
	}
	return ascii, nil
}

// looksNumeric is the WHATWG URL standard's "ends in a number" check for the last label of a host.
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
	pathBytes       = byteSet(unreserved + subDelims + ":@/")
	queryBytes      = byteSet(unreserved + subDelims + ":@/?")
)

func byteSet(s string) (set [256]bool) {
	for i := range len(s) {
		set[s[i]] = true
	}
	return set
}

// normalEncoding rewrites one component of a URL: valid escapes of unreserved
// characters are decoded, others are written in upper case, and every byte that
// may not stand in this component is escaped (a stray % included).
func normalEncoding(s string, allowed [256]bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				writeEscaped(&b, byte(v), unreservedBytes)
				i += 2
				continue
			}
		}
		writeEscaped(&b, c, allowed)
	}
	return b.String()
}

func writeEscaped(b *strings.Builder, c byte, allowed [256]bool) {
	if allowed[c] {
		b.WriteByte(c)
		return
	}
	b.WriteByte('%')
	b.WriteByte(upperHex[c>>4])
	b.WriteByte(upperHex[c&15])
}

// removeDotSegments is RFC 3986 section 5.2.4 for a path that is empty or starts with a slash.
func removeDotSegments(path string) string {
	if path == "" {
		return "/"
	}
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// HostOf is the host of a canonical URL as budgets and runs are keyed by it:
// lower case, with the port unless it is the scheme's own.
func HostOf(canonical string) string {
	_, rest, _ := strings.Cut(canonical, "://")
	host, _ := cutAt(rest, "/?")
	return host
}

// Quote makes text from outside safe to print: quoted, control characters
// escaped, no longer than about 200 bytes.
func Quote(s string) string {
	const most = 200
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
