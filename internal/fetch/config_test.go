package fetch

import (
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cfg  Config
		want string // in the sentence
	}{
		{Config{UserAgent: "a\r\nb"}, "user agent"},
		{Config{UserAgent: ""}, "user agent"},
		{Config{UserAgent: agent, Timeout: -1}, "above 0"},
		{Config{UserAgent: agent, Headers: []Header{{Name: "Bad Name", Value: "x"}}}, "not a header name"},
		{Config{UserAgent: agent, Headers: []Header{{Name: "X-A", Value: "x\r\nX-B: y"}}}, "control characters"},
		{Config{UserAgent: agent, Headers: []Header{{Name: "host", Value: "x"}}}, "leave it out"},
		{Config{UserAgent: agent, Headers: []Header{{Name: "authorization", Value: "x"}}}, "under auth"},
		{Config{UserAgent: agent, Headers: []Header{{Name: "user-agent", Value: "x"}}}, "--contact"},
		{Config{UserAgent: agent, CertFile: "a.pem"}, "go together"},
		{Config{UserAgent: agent, CAFile: "/nowhere/ca.pem"}, "--ca"},
		{Config{UserAgent: agent, Proxy: "socks5://p:1"}, "--proxy"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "digest"}}, "one of bearer"},
		{Config{UserAgent: agent, Auth: Auth{SecretEnv: "X"}}, "kind is missing"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "bearer"}}, "secret-env"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "bearer", SecretEnv: "A", SecretFile: "b"}}, "either"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "bearer", SecretEnv: "UNSET"}}, "environment variable UNSET"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "bearer", SecretFile: "/nowhere/key"}}, "/nowhere/key"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "basic", SecretEnv: "A"}}, "user"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "header", Name: "Host", SecretEnv: "A"}}, "X-Api-Key"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "query", SecretEnv: "A"}}, "name is missing"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "oauth2", TokenURL: "x"}}, "token-url"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "oauth2", TokenURL: "http://id.example/t", ClientID: "a", ClientSecretEnv: "B"}}, "plain http"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "oauth2", TokenURL: "https://id.example/t", ClientSecretEnv: "B"}}, "client-id"},
		{Config{UserAgent: agent, Auth: Auth{Kind: "oauth2", TokenURL: "https://id.example/t", ClientID: "a"}}, "client-secret-env"},
	} {
		row.cfg.Getenv = func(string) string { return "" }
		_, err := New(row.cfg, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("New(%+v) = %v, want a sentence with %q", row.cfg, err, row.want)
		}
	}
}

func TestProxyVariablesAreNamedWhenIgnored(t *testing.T) {
	t.Parallel()
	for proxy, want := range map[string]string{"": "are ignored", "env": "proxy.example:3128"} {
		var log syncBuffer
		_, err := New(Config{UserAgent: agent, Proxy: proxy, Getenv: env("https_proxy", "http://me:"+url.QueryEscape(canary)+"@proxy.example:3128")}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if got := log.String(); !strings.Contains(got, want) || strings.Contains(got, "s3cr3t") {
			t.Errorf("with Proxy %q New logs %q, want %q and no password", proxy, got, want)
		}
	}
}

func TestCAFileThatIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "..", "doc.go")
	if _, err := New(Config{UserAgent: agent, CAFile: path}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "no PEM certificate") {
		t.Errorf("New with a CA file of Go = %v, want a sentence about PEM", err)
	}
}
