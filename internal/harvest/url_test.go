package harvest_test

import (
	"errors"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

func TestCanonicalURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, want string }{
		{"already canonical", "https://api.example/v1/items/7?format=json", "https://api.example/v1/items/7?format=json"},
		{"case of scheme and host", "HTTPS://API.Example/Path", "https://api.example/Path"},
		{"case of the path stays", "https://a.example/A/b?C=d", "https://a.example/A/b?C=d"},
		{"order of the query stays", "https://a.example/?b=2&a=1&b=1", "https://a.example/?b=2&a=1&b=1"},
		{"default port", "https://a.example:443/", "https://a.example/"},
		{"default port of http", "http://a.example:80/", "http://a.example/"},
		{"default port with zeros", "http://a.example:0080/", "http://a.example/"},
		{"the other scheme's port", "http://a.example:443/", "http://a.example:443/"},
		{"no port after the colon", "https://a.example:/", "https://a.example/"},
		{"another port", "https://a.example:8443/x", "https://a.example:8443/x"},
		{"fragment", "https://a.example/x#part", "https://a.example/x"},
		{"fragment with a slash", "https://a.example#/x", "https://a.example/"},
		{"no path", "https://a.example", "https://a.example/"},
		{"no path but a query", "https://a.example?x=/y", "https://a.example/?x=/y"},
		{"empty query stays", "https://a.example/?", "https://a.example/?"},
		{"escape of a plain character", "https://a.example/%7euser/%41", "https://a.example/~user/A"},
		{"lower-case escape", "https://a.example/%c3%a9%2f", "https://a.example/%C3%A9%2F"},
		{"escaped delimiters stay escaped", "https://a.example/a%26b?c%3Dd", "https://a.example/a%26b?c%3Dd"},
		{"space", "https://a.example/a b?c d", "https://a.example/a%20b?c%20d"},
		{"plus is not a space", "https://a.example/?q=a+b", "https://a.example/?q=a+b"},
		{"beyond ASCII", "https://a.example/café?q=ü", "https://a.example/caf%C3%A9?q=%C3%BC"},
		{"not UTF-8", "https://a.example/\xff", "https://a.example/%FF"},
		{"stray percent", "https://a.example/100%/%zz%4", "https://a.example/100%25/%25zz%254"},
		{"characters that may not stand", `https://a.example/<"{|}\^` + "`>[]", "https://a.example/%3C%22%7B%7C%7D%5C%5E%60%3E%5B%5D"},
		{"dot segments", "https://a.example/a/./b/../c/.", "https://a.example/a/c/"},
		{"dot segments above the root", "https://a.example/../../x/..", "https://a.example/"},
		{"escaped dot segments", "https://a.example/a/%2e%2E/b", "https://a.example/b"},
		{"three dots are a name", "https://a.example/.../x.", "https://a.example/.../x."},
		{"dots in the query stay", "https://a.example/?p=/../x", "https://a.example/?p=/../x"},
		{"empty segments stay", "https://a.example//a//b/..//", "https://a.example//a///"},
		{"at sign in the path", "https://a.example/@user?x=@y", "https://a.example/@user?x=@y"},
		{"international name", "https://Bücher.example/", "https://xn--bcher-kva.example/"},
		{"international name, escaped", "https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/"},
		{"wide full stop", "https://a。example/", "https://a.example/"},
		{"name with an underscore", "https://my_api.internal/", "https://my_api.internal/"},
		{"dot at the end of the name", "https://a.example./", "https://a.example/"},
		{"name that begins with digits", "https://3com.example/", "https://3com.example/"},
		{"address", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/"},
		{"IPv6 address", "http://[2001:DB8:0:0::1]:80/", "http://[2001:db8::1]/"},
		{"longest", "https://a.example/" + strings.Repeat("x", 8192-18), "https://a.example/" + strings.Repeat("x", 8192-18)},
	} {
		got, err := harvest.CanonicalURL(c.raw)
		if err != nil || got != c.want {
			t.Errorf("%s: CanonicalURL(%q) = %q, %v, want %q", c.name, c.raw, got, err, c.want)
		}
		if again, err := harvest.CanonicalURL(got); err != nil || again != got {
			t.Errorf("%s: CanonicalURL(%q) = %q, %v, want it as it is", c.name, got, again, err)
		}
	}
}

func TestOneItemForEveryWayToWriteAURL(t *testing.T) {
	t.Parallel()
	want, err := harvest.NewItem("https://a.example/~me/x", "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{
		"https://A.EXAMPLE/~me/x", "https://a.example:443/~me/x", "https://a.example/~me/x#top",
		"https://a.example/%7eme/x", "https://a.example/%7Eme/y/../x", "HTTPS://a.example./~me/./x",
	} {
		if got, err := harvest.NewItem(raw, "", "GET", nil); err != nil || got.Key != want.Key {
			t.Errorf("NewItem(%s).Key = %v, %v, want %v", raw, got.Key, err, want.Key)
		}
	}
	for _, raw := range []string{"https://a.example/~Me/x", "http://a.example/~me/x", "https://a.example/~me/x/", "https://a.example/~me/x?"} {
		if got, err := harvest.NewItem(raw, "", "", nil); err != nil || got.Key == want.Key {
			t.Errorf("NewItem(%s).Key = %v, %v, want another than %v", raw, got.Key, err, want.Key)
		}
	}
}

func TestWhatIsNoURLToHarvest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ raw, reason string }{
		{"", "url_scheme"},
		{"a.example/x", "url_scheme"},
		{"//a.example/x", "url_scheme"},
		{"https:/a.example/x", "url_scheme"},
		{"https:a.example/x", "url_scheme"},
		{"file:///etc/passwd", "url_scheme"},
		{"gopher://a.example/", "url_scheme"},
		{"ftp://a.example/", "url_scheme"},
		{"javascript:alert(1)", "url_scheme"},
		{" https://a.example/", "url_scheme"},
		{"https://", "url_host"},
		{"https:///x", "url_host"},
		{"https://:443/", "url_host"},
		{"https://?x", "url_host"},
		{"http://h@evil.example/", "url_userinfo"},
		{"http://a.example:pw@evil.example/", "url_userinfo"},
		{"http://a.example%40evil.example/", "url_host"},
		{`http://a.example\@evil.example/`, "url_userinfo"},
		{`http://evil.example\.a.example/`, "url_host"},
		{"http://0x7f.1/", "url_host"},
		{"http://0x7f000001/", "url_host"},
		{"http://0x/", "url_host"},
		{"http://2130706433/", "url_host"},
		{"http://0177.0.0.1/", "url_host"},
		{"http://127.1/", "url_host"},
		{"http://127.0.0.1.:80/", "url_host"},
		{"http://127.0.0.01/", "url_host"},
		{"http://1.2.3.4.5/", "url_host"},
		{"http://a.example.1/", "url_host"},
		{"http://１２７.0.0.1/", "url_host"},
		{"http://[::1/", "url_host"},
		{"http://::1/", "url_host"},
		{"http://[127.0.0.1]/", "url_host"},
		{"http://[a.example]/", "url_host"},
		{"http://[fe80::1%25eth0]/", "url_host"},
		{"http://a.example:80:80/", "url_host"},
		{"http://a.example:0/", "url_host"},
		{"http://a.example:65536/", "url_host"},
		{"http://a.example:http/", "url_host"},
		{"http://a..example/", "url_host"},
		{"http://.a.example/", "url_host"},
		{"http://a.example../", "url_host"},
		{"http://./", "url_host"},
		{"http://a b.example/", "url_host"},
		{"http://a℀.example/", "url_host"},
		{"http://\xff.example/", "url_host"},
		{"http://" + strings.Repeat("a", 64) + ".example/", "url_host"},
		{"http://" + strings.Repeat("a.", 130) + "example/", "url_host"},
		{"https://a.example/\x00", "url_control"},
		{"https://a.example/\r\nHost: evil", "url_control"},
		{"https://a.example/\x7f", "url_control"},
		{"https://a.example/%00", "url_control"},
		{"https://a.example/#\x1b", "url_control"},
		{"https://a.example/" + strings.Repeat("x", 8192-17), "url_too_long"},
		{"https://a.example/" + strings.Repeat("é", 2000), "url_too_long"},
		{"https://a.example/" + strings.Repeat("x", 100<<10), "url_too_long"},
	} {
		got, err := harvest.CanonicalURL(c.raw)
		var refused *harvest.URLError
		if !errors.As(err, &refused) || refused.Reason != c.reason || !errors.Is(err, harvest.ErrURL) || got != "" {
			t.Errorf("CanonicalURL(%.60q) = %.60q, %v, want a refusal for %s", c.raw, got, err, c.reason)
			continue
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < 0x20 || r == 0x7f }) || len(err.Error()) > 2000 {
			t.Errorf("CanonicalURL(%.60q) says %q: it must be short and hold no control character", c.raw, err)
		}
	}
}

func TestARefusalQuotesNoPassword(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://me:hunter2@a.example/", "ftp://me:hunter2@a.example/", "https://me:hunter2@a.example/\n",
		"https://me:hunter2@a.example/%00", "https:me:hunter2@a.example", "https://me:hunter2@a.example/" + strings.Repeat("x", 9000),
		"https://me:hun@hunter2@a.example", `https:\\me:hunter2@a.example`,
	} {
		if _, err := harvest.CanonicalURL(raw); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("CanonicalURL(%.60q) = %v, want a refusal without the password", raw, err)
		}
	}
}

func TestHostOf(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://A.example:443/x?y":     "a.example",
		"http://a.example:8080?y":       "a.example:8080",
		"http://[::1]:8080/":            "[::1]:8080",
		"https://a.example/http://b.c/": "a.example",
	} {
		canonical, err := harvest.CanonicalURL(raw)
		if got := harvest.HostOf(canonical); err != nil || got != want {
			t.Errorf("HostOf(%q) = %q, %v, want %q", canonical, got, err, want)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	if got, want := harvest.Escape("a/b?c#d&e=f+g é~%41."), "a%2Fb%3Fc%23d%26e%3Df%2Bg%20%C3%A9~%2541."; got != want {
		t.Errorf("Escape() = %q, want %q", got, want)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"plain":                  `"plain"`,
		"\x1b[31m\r\n\u0085":     `"\x1b[31m\r\n\u0085"`,
		strings.Repeat("x", 201): `"` + strings.Repeat("x", 200) + `"…`,
	} {
		if got := harvest.Quote(raw); got != want {
			t.Errorf("Quote(%q) = %s, want %s", raw, got, want)
		}
	}
}

func FuzzCanonicalURL(f *testing.F) {
	for _, seed := range []string{
		"https://a.example/%%34%31/%2%35?%7e#x", "http://[::ffff:10.0.0.1]:080/..//.", "https://xn--a.example./%2e%2e/%2F..",
		"https://ＡＢ。example/", "http://0x7f.1/", "https://a_b.xn--/", "https://a.example?/..", "http://-a-.b--c.d/\xff", "https://ß.İ/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		canonical, err := harvest.CanonicalURL(raw)
		if err != nil {
			if !errors.Is(err, harvest.ErrURL) {
				t.Fatalf("CanonicalURL(%q) = %v, want an error that wraps ErrURL", raw, err)
			}
			return
		}
		again, err := harvest.CanonicalURL(canonical)
		if err != nil || again != canonical {
			t.Fatalf("CanonicalURL(%q) = %q, %v, want it as it is (from %q)", canonical, again, err, raw)
		}
		for i := range len(canonical) {
			if c := canonical[i]; c <= 0x20 || c >= 0x7f || c == '#' || c == '\\' {
				t.Fatalf("CanonicalURL(%q) = %q, want no %q", raw, canonical, c)
			}
		}
		host := harvest.HostOf(canonical)
		if host == "" || strings.ContainsAny(host, "@/?%") || strings.ToLower(host) != host {
			t.Fatalf("HostOf(%q) = %q, want a bare host in lower case", canonical, host)
		}
	})
}

func BenchmarkCanonicalURL(b *testing.B) {
	for name, raw := range map[string]string{
		"canonical": "https://api.example/v1/items/1234567?format=json",
		"encode":    "https://API.example:443/w/api.php?titles=Talk%3aCafé noir",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := harvest.CanonicalURL(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
