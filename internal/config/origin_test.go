package config

import (
	"slices"
	"strings"
	"testing"

	"shoal/internal/upstream/all"
)

// The credential goes to a host that a person named, and never over a connection that others can
// read.
func TestCredentialBelongsToANamedHost(t *testing.T) {
	t.Parallel()
	const auth = "auth: {kind: bearer, secret-env: KEY}\n"
	env := []string{"KEY=abc"}
	for _, row := range []struct {
		name   string
		args   []string
		file   string
		origin string
		want   string // in the refusal; empty: none
	}{
		{"the first line of a corpus", []string{"--corpus", "urls.txt"}, auth, "https://api.example/1", "add --allow-host api.example"},
		{"the same with a port", []string{"--corpus", "-"}, auth, "https://api.example:8443/1", "add --allow-host api.example:8443"},
		{"this machine, named by a corpus", []string{"--corpus", "urls.txt"}, auth, "http://127.0.0.1:80/1", "--allow-host"},
		{"a corpus from the host itself", []string{"--corpus", "https://api.example/list.txt"}, auth, "https://api.example/1", "--allow-host"},
		{"--allow-host", []string{"--corpus", "urls.txt", "--allow-host", "api.example"}, auth, "https://api.example:8443/1", ""},
		{"--allow-host with another port", []string{"--corpus", "urls.txt", "--allow-host", "api.example:8443"}, auth, "https://api.example/1", "--allow-host"},
		{"another --allow-host", []string{"--corpus", "urls.txt", "--allow-host", "other.example"}, auth, "https://api.example/1", "--allow-host"},
		{"--url", []string{"--corpus", "ids.txt", "--url", "https://api.example/{id}"}, auth, "https://api.example/1", ""},
		{"--api", []string{"--corpus", "titles.txt", "--api", "https://wiki.example/w/api.php"}, auth, "https://wiki.example/w/api.php?title=A", ""},
		{"list:", []string{"--corpus", "list:https://api.example/items", "--next", "link"}, auth, "https://api.example/items", ""},
		{"a profile that was asked for", []string{"--corpus", "urls.txt", "--profile", "wikimedia-auth"}, auth, "https://en.wikipedia.org/w/1", ""},
		{"that profile on another host", []string{"--corpus", "urls.txt", "--profile", "wikimedia-auth"}, auth, "https://wikipedia.org.evil.example/1", "--allow-host"},
		{"a profile found by the host", []string{"--corpus", "urls.txt"}, auth, "https://en.wikipedia.org/w/1", "--allow-host"},
		{"plain http", []string{"--corpus", "ids.txt", "--url", "http://api.example/{id}"}, auth, "http://api.example/1", "plain http"},
		{"plain http in a private network", []string{"--corpus", "urls.txt", "--allow-host", "10.0.0.1", "--allow-private", "10.0.0.0/8"}, auth, "http://10.0.0.1/1", "plain http"},
		{"plain http on this machine", []string{"--corpus", "ids.txt", "--url", "http://127.0.0.1:81/{id}"}, auth, "http://127.0.0.1:81/1", ""},
		{"plain http on this machine, through a proxy on it", []string{"--corpus", "ids.txt", "--url", "http://127.0.0.1:81/{id}", "--proxy", "http://localhost:3128"}, auth, "http://127.0.0.1:81/1", ""},
		{"plain http on this machine, through another", []string{"--corpus", "ids.txt", "--url", "http://127.0.0.1:81/{id}", "--proxy", "http://proxy.example:3128"}, auth, "http://127.0.0.1:81/1", "through the proxy at \"proxy.example:3128\""},
		{"the same by TLS to the proxy", []string{"--corpus", "ids.txt", "--url", "http://[::1]:81/{id}", "--proxy", "https://10.0.0.7:3128"}, auth, "http://[::1]:81/1", "leave --proxy out"},
		{"the proxy of the environment, which this machine does not use", []string{"--corpus", "ids.txt", "--url", "http://localhost:81/{id}", "--proxy", "env"}, auth, "http://localhost:81/1", ""},
		{"https through another machine", []string{"--corpus", "ids.txt", "--url", "https://127.0.0.1:81/{id}", "--proxy", "http://proxy.example:3128"}, auth, "https://127.0.0.1:81/1", ""},
		{"no credential through another machine", []string{"--corpus", "ids.txt", "--url", "http://127.0.0.1:81/{id}", "--proxy", "http://proxy.example:3128"}, "", "http://127.0.0.1:81/1", ""},
		{"plain http at a name below localhost", []string{"--corpus", "urls.txt", "--allow-host", "a.localhost"}, auth, "http://a.localhost/1", "plain http"},
		{"a client certificate is a credential", []string{"--corpus", "urls.txt", "--cert", "c.pem", "--key", "k.pem"}, "", "https://api.example/1", "--allow-host"},
		{"no credential", []string{"--corpus", "urls.txt"}, "", "http://api.example/1", ""},
	} {
		w := load(t, Env{Environ: env, Dir: fileDir(t, row.file)}, append(row.args, "--contact", "ada@lab.edu")...)
		err := w.CheckCredential(row.origin)
		if row.want == "" && err != nil {
			t.Errorf("%s: CheckCredential(%s) = %v, want nil", row.name, row.origin, err)
		}
		if row.want != "" {
			wantUsage(t, row.name, err, row.want)
		}
	}
}

// A private address that a corpus from elsewhere names is not one that a person typed.
func TestTrustedHosts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		corpus string
		args   []string
		want   bool
	}{
		{"urls.txt", nil, true},
		{"-", nil, true},
		{"https://lists.example/urls.txt", nil, false},
		{"https://lists.example/urls.txt", []string{"--allow-host", "10.0.0.1"}, true},
		{"https://10.0.0.1/urls.txt", nil, true},
		{"list:https://10.0.0.1/items", []string{"--next", "link"}, true},
	} {
		w := load(t, Env{}, append(row.args, "--corpus", row.corpus, "--contact", "ada@lab.edu")...)
		if got := slices.Contains(w.TrustedHosts("10.0.0.1", row.corpus), "10.0.0.1"); got != row.want {
			t.Errorf("TrustedHosts(10.0.0.1, %s) with %q trusts it: %t, want %t", row.corpus, row.args, got, row.want)
		}
	}
}

func TestRedisWithoutVerification(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"rediss://db.example:6379?skip_verify=true": true, "rediss://db.example:6379?skip_verify": true, "rediss://db.example:6379": false,
		"rediss://127.0.0.1:6379?skip_verify=true": false, "redis://db.example:6379": true, "redis://127.0.0.1:6379": false,
	} {
		if got := plainRedis(url) != ""; got != want {
			t.Errorf("plainRedis(%s) warns: %t, want %t", url, got, want)
		}
	}
}

// What follows from the addresses that a person named: which hosts items may have, and what stands
// for the upstream of a table.
func TestHostsOfTheSettings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		args     []string
		admitted []string
		origin   string // of a table whose host is db.example
	}{
		{"nothing", []string{"--corpus", "store"}, nil, "https://db.example"},
		{"--allow-host alone", []string{"--corpus", "store", "--allow-host", "b.example"}, []string{"b.example"}, "https://db.example"},
		{"--url alone", []string{"--corpus", "store", "--url", "http://a.example:81/{id}"}, nil, "http://a.example:81/{id}"},
		{"both", []string{"--corpus", "store", "--url", "https://a.example/{id}", "--allow-host", "b.example"}, []string{"a.example", "b.example"}, "https://a.example/{id}"},
		{"--api", []string{"--corpus", "store", "--api", "https://wiki.example/w/api.php"}, nil, "https://wiki.example/w/api.php"},
		{"a listing", []string{"--corpus", "list:https://c.example/items", "--next", "link"}, nil, "https://c.example/items"},
	} {
		w := load(t, Env{Dir: t.TempDir()}, append(row.args, "--contact", "ada@lab.edu")...)
		if got := w.AdmittedHosts(); !slices.Equal(got, row.admitted) {
			t.Errorf("%s: AdmittedHosts() = %v, want %v", row.name, got, row.admitted)
		}
		if got := w.TableOrigin("db.example"); got != row.origin {
			t.Errorf("%s: TableOrigin(db.example) = %s, want %s", row.name, got, row.origin)
		}
	}
}

// A credential for which the kind of upstream logs in is a session in requests; any other one is as
// it was typed.
func TestCredentialInRequests(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"bearer": "bearer", "botpassword": "session", "": ""} {
		w := Worker{Auth: Auth{Kind: kind, User: "ada", SecretEnv: "KEY"}, layers: &layers{kinds: all.Kinds()}}
		if got := w.Credential(); got.Kind != want || got.User != "ada" || got.SecretEnv != "KEY" || w.Auth.Kind != kind {
			t.Errorf("Credential() of %q = %+v, want the kind %q and the rest as it was", kind, got, want)
		}
	}
}

func TestListingHost(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		args  []string
		host  string
		lists bool
		want  string // in the refusal; empty: none
	}{
		{"a file", []string{"--corpus", "ids.txt"}, "", false, ""},
		{"the table", []string{"--corpus", "store"}, "", false, ""},
		{"a chained listing", []string{"--corpus", "list:https://c.example:8443/items", "--next", "link"}, "c.example:8443", true, ""},
		{"the pages of a wiki", []string{"--corpus", "mediawiki:?prefix=A&namespace=4", "--api", "https://wiki.example/w/api.php"}, "wiki.example", true, ""},
	} {
		w := load(t, Env{Dir: t.TempDir()}, append(row.args, "--contact", "ada@lab.edu")...)
		host, lists, err := w.ListingHost()
		if host != row.host || lists != row.lists || err != nil {
			t.Errorf("%s: ListingHost() = %q, %v, %v, want %q, %v", row.name, host, lists, err, row.host, row.lists)
		}
	}
	w := load(t, Env{Dir: t.TempDir()}, "--corpus", "store", "--contact", "ada@lab.edu")
	w.Corpus = "mediawiki:?prefix=A&namespace=4"
	if _, lists, err := w.ListingHost(); !lists || err == nil || !strings.Contains(err.Error(), "which wiki? Add --api") {
		t.Errorf("ListingHost() of a wiki that is not named = %v, %v, want a question for it", lists, err)
	}
}

// Who sends requests has to say who asks; who only reads about a host has not.
func TestSettle(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		corpus string
		args   []string
		asks   bool
		want   string // in the refusal; empty: none
	}{
		{"it only reads", "ids.txt", nil, false, ""},
		{"it asks", "ids.txt", nil, true, "who is asking?"},
		{"it asks and says who", "ids.txt", []string{"--contact", "ada@lab.edu"}, true, ""},
		{"its certificate is for another host", "ids.txt", []string{"--cert", "c.pem", "--key", "k.pem"}, false, "the credential goes only to a host that you name"},
	} {
		w := load(t, Env{Dir: t.TempDir()}, append(row.args, "--corpus", row.corpus)...)
		if _, err := w.Settle("api.example", "https://api.example/1", row.asks); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: Settle(api.example) = %v, want %q", row.name, err, row.want)
		}
	}
	for corpus, refused := range map[string]bool{"ids.txt": false, "-": false, "https://files.example/a.txt": true, "HTTPS://files.example/a.txt": true, "https://127.0.0.1:1/a.txt": false, "https://": false} {
		w := load(t, Env{Dir: t.TempDir()}, "--corpus", "ids.txt")
		w.Corpus = corpus
		if err := w.CheckDownload(); (err != nil) != refused {
			t.Errorf("CheckDownload() of %s = %v, want a refusal: %v", corpus, err, refused)
		}
	}
}
