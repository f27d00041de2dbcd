package fetch

import (
	"net/http"
	"strings"
	"testing"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

func TestRedirect(t *testing.T) {
	t.Parallel()
	allowed := func(host string) bool { return host == "api.example" || host == "api.example:8443" }
	const from = "https://api.example/v1/a?x=1"
	for _, row := range []struct {
		why, location string
		status, hops  int
		method, want  string
		wantMethod    string
		fault         harvest.Fault
		ignored       bool
	}{
		{why: "relative", location: "../b#top", status: 302, want: "https://api.example/b"},
		{why: "absolute path", location: "/c%7e?q=a b", status: 301, want: "https://api.example/c~?q=a%20b"},
		{why: "query alone", location: "?y=2", status: 307, want: "https://api.example/v1/a?y=2"},
		{why: "same host in capitals, its own port", location: "HTTPS://API.example:443/d", status: 308, want: "https://api.example/d"},
		{why: "another allowed port", location: "https://api.example:8443/", status: 302, want: "https://api.example:8443/"},
		{why: "third hop", location: "/d", status: 302, hops: 2, want: "https://api.example/d"},
		{why: "POST becomes GET", location: "/d", status: 303, method: "POST", want: "https://api.example/d", wantMethod: "GET"},
		{why: "POST becomes GET", location: "/d", status: 302, method: "POST", want: "https://api.example/d", wantMethod: "GET"},
		{why: "POST stays", location: "/d", status: 307, method: "POST", want: "https://api.example/d", wantMethod: "POST"},
		{why: "a stray percent sign", location: "/100%", status: 302, want: "https://api.example/100%25"},
		{why: "a stray percent sign before letters", location: "/a%zz?q=5%&r=%4", status: 302, want: "https://api.example/a%25zz?q=5%25&r=%254"},
		{why: "a stray percent sign, absolute", location: "https://api.example/100% sure", status: 302, want: "https://api.example/100%25%20sure"},
		{why: "a stray percent sign in a query", location: "?q=50%", status: 302, want: "https://api.example/v1/a?q=50%25"},
		{why: "escapes stay escapes", location: "/a%2Fb%25c", status: 302, want: "https://api.example/a%2Fb%25c"},
		{why: "blanks around", location: "  /c  ", status: 302, want: "https://api.example/c"},
		{why: "letters that are not escaped", location: "/café", status: 302, want: "https://api.example/caf%C3%A9"},
		{why: "another control character", location: "/a\x01b", status: 302, want: "https://api.example/a%01b"},
		{why: "backslashes", location: `\v2\b?q=\c`, status: 302, want: `https://api.example/v2/b?q=%5Cc`},
		{why: "backslashes do not hide a host", location: `\\evil.example\b`, status: 302, fault: harvest.FaultOffhost},
		{why: "a stray percent sign in a host", location: "https://api%.example/", status: 302, fault: harvest.FaultOffhost},
		{why: "a stray percent sign does not hide a host", location: "//evil.example/100%", status: 302, fault: harvest.FaultOffhost},
		{why: "another host", location: "https://evil.example/", status: 302, fault: harvest.FaultOffhost},
		{why: "another host without scheme", location: "//evil.example/", status: 302, fault: harvest.FaultOffhost},
		{why: "backslashes before a host", location: `\\evil.example/`, status: 302, fault: harvest.FaultOffhost},
		{why: "a user name", location: "https://api.example@evil.example/", status: 302, fault: harvest.FaultOffhost},
		{why: "another scheme", location: "file:///etc/passwd", status: 302, fault: harvest.FaultOffhost},
		{why: "a number in disguise", location: "http://0x7f.1/", status: 302, fault: harvest.FaultOffhost},
		{why: "no longer encrypted", location: "http://api.example/", status: 302, fault: harvest.FaultDowngrade},
		{why: "fourth hop", location: "/d", status: 302, hops: 3, fault: harvest.FaultLoop},
		{why: "control characters", location: "/d\r\nX: y", status: 302, fault: harvest.FaultOffhost},
		{why: "no Location", status: 302, ignored: true},
		{why: "not a redirect", location: "/d", status: 200, ignored: true},
		{why: "not modified", location: "/d", status: 304, ignored: true},
	} {
		req := &harvest.Request{Method: http.MethodGet, URL: from, Hops: row.hops}
		if row.method != "" {
			req.Method, req.Body, req.Type = row.method, []byte("q"), "text/plain"
		}
		a := &harvest.Answer{Status: row.status, Header: http.Header{}}
		if row.location != "" {
			a.Header.Set("Location", row.location)
		}
		next, err := Redirect(req, a, allowed)
		switch {
		case faultIn(err) != row.fault:
			t.Errorf("%s: Redirect(%q) = %v, want fault %q", row.why, row.location, err, row.fault)
		case row.ignored && next != nil:
			t.Errorf("%s: Redirect(%q) = %v, want nil", row.why, row.location, next.URL)
		case row.want == "":
		case next == nil || next.URL != row.want || next.Hops != row.hops+1:
			t.Errorf("%s: Redirect(%q) = %+v, want %s", row.why, row.location, next, row.want)
		case row.wantMethod != "" && (next.Method != row.wantMethod || (len(next.Body) > 0) != (row.wantMethod == "POST")):
			t.Errorf("%s: Redirect(%q) = %s with %d bytes, want %s", row.why, row.location, next.Method, len(next.Body), row.wantMethod)
		}
	}
}

// A server that sends a browser to the same place with a cookie would do so for ever: the failure
// names what it needs.
func TestRedirectThatOffersACookie(t *testing.T) {
	t.Parallel()
	anyHost := func(string) bool { return true }
	const here = "https://api.example/v1/a"
	for _, row := range []struct {
		why, location string
		hops, status  int
		cookies       []string
		says          string
	}{
		{"to itself", here, 1, 302, []string{"visited=s3cr3t; Path=/"}, `redirect to itself with an offer of the cookie "visited"`},
		{"to itself, relative", "", 1, 307, []string{"a=1", "b=2", "c=3", "d=4"}, `cookie "a", "b", "c"`},
		{"around", "/b", MaxHops, 302, []string{"check=1"}, `an offer of the cookie "check"`},
		{"around without a cookie", "/b", MaxHops, 302, nil, "more than 3 redirects, the last to"},
	} {
		a := &harvest.Answer{Status: row.status, Header: http.Header{"Location": {row.location}, "Set-Cookie": row.cookies}}
		if row.location == "" {
			a.Header.Set("Location", "a")
		}
		_, err := Redirect(&harvest.Request{Method: http.MethodGet, URL: here, Hops: row.hops}, a, anyHost)
		if faultIn(err) != harvest.FaultLoop || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: Redirect = %v, want a loop that says %q and no value", row.why, err, row.says)
		}
	}
	a := &harvest.Answer{Status: 302, Header: http.Header{"Location": {here}, "Set-Cookie": {"a=1"}}}
	if next, err := Redirect(&harvest.Request{Method: http.MethodGet, URL: here}, a, anyHost); err != nil || next == nil {
		t.Errorf("Redirect to itself for the first time = %v, %v, want to try once more", next, err)
	}
}

// Send itself follows nothing: neither to the other path nor, above all, to the other host.
func TestSendFollowsNothing(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		o.Behaviour.Faults = []fakeapi.Fault{{Kind: fakeapi.KindRedirect, Path: "/items/1"}}
		s, c := serve(t, o, Config{})
		a, err := get(t.Context(), c, s.URL+"/items/1")
		if err != nil || a.Status != 302 || len(s.Arrivals()) != 1 {
			t.Fatalf("Send = %+v, %v with %d arrivals, want the 302 itself and 1 arrival", a, err, len(s.Arrivals()))
		}
	})
}
