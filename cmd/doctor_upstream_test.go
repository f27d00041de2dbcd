package cmd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shoal/internal/doctor"
	"shoal/internal/fakeapi"
)

// quiet logs nothing: clients that hang up are what the tests are about.
var quiet = log.New(io.Discard, "", 0)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(2, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// certify makes a certificate for 127.0.0.1, or for a name, that is valid between two instants.
func (a authority) certify(name string, from, to time.Time) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: to, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	if name == "" {
		cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		cert.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve starts an upstream with a certificate.
func (p *patient) serve(cert tls.Certificate, ca string) {
	p.t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("{}")) }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet
	server.StartTLS()
	p.t.Cleanup(server.Close)
	p.at(server.URL, ca)
}

// answer makes the upstream answer each request alike, except that for robots.txt.
func (p *patient) answer(status int, header http.Header) {
	p.api.Set(func(b *fakeapi.Behaviour) {
		b.Answer = func(r *http.Request) *fakeapi.Reply {
			if r.URL.Path == "/robots.txt" {
				return &fakeapi.Reply{Status: http.StatusNotFound}
			}
			return &fakeapi.Reply{Status: status, Header: header, Body: []byte(`{"id":1}`)}
		}
	})
}

func brokenTLS() []broken {
	year := func(n int) time.Time { return time.Now().AddDate(n, 0, 0) }
	return []broken{
		{name: "its certificate has expired", check: "upstream.tls", verdict: doctor.Fault, code: 4, want: "must be renewed", spoil: func(p *patient) {
			a := newAuthority(p.t)
			p.serve(a.certify("", year(-1), time.Now().Add(-time.Hour)), a.file)
		}},
		{name: "its certificate ends soon", check: "upstream.tls", verdict: doctor.Warning, want: "renew", spoil: func(p *patient) {
			a := newAuthority(p.t)
			p.serve(a.certify("", year(-1), time.Now().Add(50*time.Hour)), a.file)
		}},
		{name: "its authority is not known", check: "upstream.tls", verdict: doctor.Fault, code: 4, want: "--ca FILE", spoil: func(p *patient) { p.args["ca"] = "" }},
		{name: "it signed its certificate itself", check: "upstream.tls", verdict: doctor.Fault, code: 4, want: "--ca FILE", spoil: func(p *patient) {
			server := httptest.NewUnstartedServer(nil)
			server.Config.ErrorLog = quiet
			server.StartTLS()
			p.t.Cleanup(server.Close)
			p.at(server.URL, "")
		}},
		{name: "its certificate is for another name", check: "upstream.tls", verdict: doctor.Fault, code: 4, want: "is not for the name", spoil: func(p *patient) {
			a := newAuthority(p.t)
			p.serve(a.certify("elsewhere.example", year(-1), year(1)), a.file)
		}},
		{name: "it speaks no TLS", check: "upstream.tls", verdict: doctor.Fault, code: 4, want: "does not speak TLS", spoil: func(p *patient) {
			p.at("https://"+httptestServer(p.t)[len("http://"):], "")
		}},
		{name: "it is plain http", check: "upstream.tls", verdict: doctor.Warning, want: "not encrypted", spoil: func(p *patient) { p.at(httptestServer(p.t), "") }},
		{name: "it speaks only HTTP/1.1", check: "upstream.http2", verdict: doctor.Warning, want: "HTTP/1.1", spoil: func(p *patient) {
			api, err := fakeapi.New(fakeapi.Options{HTTP1: true, Behaviour: fakeapi.Behaviour{Items: 10}})
			if err != nil {
				p.t.Fatal(err)
			}
			p.t.Cleanup(func() { _ = api.Close() })
			ca, err := api.CAFile(p.t.TempDir())
			if err != nil {
				p.t.Fatal(err)
			}
			p.at(api.URL, ca)
		}},
	}
}

func brokenUpstream() []broken {
	return []broken{
		{name: "its name cannot be looked up", check: "upstream.dns", verdict: doctor.Fault, code: 5, want: "cannot be looked up", spoil: func(p *patient) { p.at("https://api.nowhere.invalid", "") }},
		{name: "nothing is on its port", check: "upstream.connection", verdict: doctor.Fault, code: 5, want: "refused", spoil: func(p *patient) { p.at("https://"+closedPort(p.t), "") }},
		{name: "its address is private", check: "upstream.connection", verdict: doctor.Fault, code: 4, want: "--allow-private", spoil: func(p *patient) {
			p.at("http://169.254.169.254", "")
		}},
		{name: "it forbids us", check: "upstream.answer", verdict: doctor.Fault, code: 4, want: "403", spoil: func(p *patient) { p.answer(403, nil) }},
		{name: "it does not take the token", check: "upstream.answer", verdict: doctor.Fault, code: 4, want: "credential", spoil: func(p *patient) {
			p.api.Set(func(b *fakeapi.Behaviour) { b.Token = "another" })
			p.write("shoal.yaml", "auth: {kind: bearer, secret-env: SECRET}\n")
			p.args["allow-host"] = p.api.Addr
		}},
		{name: "it asks for silence", check: "upstream.answer", verdict: doctor.Warning, want: "silence of 30s", spoil: func(p *patient) { p.answer(429, http.Header{"Retry-After": {"30"}}) }},
		{name: "it asks for a silence of days", check: "upstream.answer", verdict: doctor.Fault, code: 5, want: "silence of 48h0m0s", spoil: func(p *patient) { p.answer(429, http.Header{"Retry-After": {"172800"}}) }},
		{name: "it never answers", check: "upstream.answer", verdict: doctor.Fault, code: 5, want: "timeout", other: 4, spoil: func(p *patient) {
			p.args["timeout"], p.args["retries"] = "1s", "0"
			p.api.Set(func(b *fakeapi.Behaviour) { b.Faults = []fakeapi.Fault{{Kind: fakeapi.KindStall, Every: 1}} })
		}},
		{name: "it accepts connections and is mute", check: "upstream.connection", verdict: doctor.Fault, code: 5, want: "", spoil: func(p *patient) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				p.t.Fatal(err)
			}
			p.t.Cleanup(func() { _ = l.Close() })
			p.at("https://"+l.Addr().String(), "")
		}},
		{name: "it is out", check: "upstream.answer", verdict: doctor.Fault, code: 5, want: "503", other: 4, spoil: func(p *patient) { p.answer(503, nil) }},
		{name: "it redirects to another host", check: "upstream.answer", verdict: doctor.Fault, code: 4, want: "another host", spoil: func(p *patient) {
			p.answer(301, http.Header{"Location": {"https://www.elsewhere.example/items/1"}})
		}},
		{name: "the first item is not there", check: "upstream.answer", verdict: doctor.Warning, want: "check --api", spoil: func(p *patient) { p.corpus(p.api.URL + "/items/999") }},
		{name: "robots.txt leaves it out", check: "upstream.robots", verdict: doctor.Warning, want: "Disallow: \"/items/\"", spoil: func(p *patient) { p.robots("User-agent: *\nDisallow: /items/\n") }},
		{name: "robots.txt asks for less", check: "upstream.robots", verdict: doctor.Warning, want: "--rate 0.1/s", spoil: func(p *patient) { p.robots("User-agent: *\nCrawl-delay: 10\n") }},
		{name: "its clock is ahead", check: "upstream.clock", verdict: doctor.Warning, want: "ahead of", spoil: func(p *patient) {
			p.api.Set(func(b *fakeapi.Behaviour) {
				b.Headers = map[string]string{"Date": time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)}
			})
		}},
		{name: "its limit is lower than the budget", check: "upstream.limits", verdict: doctor.Warning, want: "--rate 100/min", spoil: func(p *patient) {
			p.answer(200, http.Header{"Ratelimit-Policy": {`"default";q=100;w=60`}, "Ratelimit": {`"default";r=90;t=30`}})
		}},
		{name: "its limit cannot be read", check: "upstream.limits", verdict: doctor.Warning, want: "not understood: X-Ratelimit-Remaining", spoil: func(p *patient) {
			p.answer(200, http.Header{"X-Ratelimit-Remaining": {"many"}})
		}},
		{name: "limits of GitHub", check: "upstream.limits", verdict: doctor.OK, want: "4999 requests left", spoil: func(p *patient) {
			p.answer(200, http.Header{"X-Ratelimit-Limit": {"5000"}, "X-Ratelimit-Remaining": {"4999"}, "X-Ratelimit-Reset": {fmt.Sprint(time.Now().Add(30 * time.Minute).Unix())}})
		}},
		{name: "limits of the draft", check: "upstream.limits", verdict: doctor.OK, want: "in 1s", spoil: func(p *patient) {
			p.answer(200, http.Header{"Ratelimit-Policy": {`"default";q=100;w=1`}, "Ratelimit": {`"default";r=99;t=1`}})
		}},
		{name: "limits of Shopify", check: "upstream.limits", verdict: doctor.OK, want: "38 requests left", spoil: func(p *patient) {
			p.answer(200, http.Header{"X-Shopify-Shop-Api-Call-Limit": {"2/40"}})
		}},
	}
}

// robots makes the upstream serve a robots.txt.
func (p *patient) robots(text string) {
	p.api.Set(func(b *fakeapi.Behaviour) {
		b.Answer = func(r *http.Request) *fakeapi.Reply {
			if r.URL.Path != "/robots.txt" {
				return nil
			}
			return &fakeapi.Reply{Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(text)}
		}
	})
}

func brokenSettings() []broken {
	return []broken{
		{name: "no contact", check: "settings.contact", verdict: doctor.Fault, code: 2, want: "--contact", beside: []string{"upstream.dns"}, spoil: func(p *patient) {
			p.at("https://api.nowhere.invalid", "")
			p.args["contact"] = ""
		}},
		{name: "a placeholder as contact", check: "settings.contact", verdict: doctor.Fault, code: 2, want: "placeholder", beside: []string{"upstream.dns"}, spoil: func(p *patient) {
			p.at("https://api.nowhere.invalid", "")
			p.args["contact"] = "you@uni.edu"
		}},
		{name: "a rate that is none", check: "settings.values", verdict: doctor.Fault, code: 2, want: "--rate", spoil: func(p *patient) { p.args["rate"] = "fast" }},
		{name: "a file that is none", check: "settings.values", verdict: doctor.Fault, code: 2, want: "shoal.yaml", spoil: func(p *patient) { p.write("shoal.yaml", "rate: [1\n") }},
		{name: "a corpus that is not there", check: "settings.corpus", verdict: doctor.Fault, code: 2, want: "does not exist", spoil: func(p *patient) { p.args["corpus"] = "nowhere.txt" }},
		{name: "an expression that does not compile", check: "settings.expressions", verdict: doctor.Fault, code: 2, want: "extract", spoil: func(p *patient) { p.args["extract"] = ".[" }},
		{name: "a token that is not set", check: "settings.values", verdict: doctor.Fault, code: 2, want: "API_TOKEN", spoil: func(p *patient) {
			p.write("shoal.yaml", "auth: {kind: bearer, secret-env: API_TOKEN}\n")
			p.args["allow-host"] = p.api.Addr
		}},
		{name: "a credential for a host that only the corpus names", check: "settings.site", verdict: doctor.Fault, code: 2, want: "--allow-host", spoil: func(p *patient) {
			p.write("shoal.yaml", "auth: {kind: bearer, secret-env: SECRET}\n")
		}},
		{name: "authorities that are not there", check: "upstream.settings", verdict: doctor.Fault, code: 2, want: "--ca", spoil: func(p *patient) { p.args["ca"] = "nowhere.pem" }},
		{name: "a shard of a fleet without Redis", check: "settings.values", verdict: doctor.Fault, code: 2, want: "--redis", spoil: func(p *patient) { p.args["shard"] = "1/4" }},
		{name: "few open files", check: "machine.files", verdict: doctor.Warning, want: "ulimit -n", spoil: func(p *patient) {
			p.via = []string{"/bin/sh", "-c", `ulimit -n 80 && exec "$@"`, "sh"}
		}},
	}
}

// TestDoctorNamesBrokenUpstreams checks the set-ups whose upstream, settings or machine is not in
// order.
func TestDoctorNamesBrokenUpstreams(t *testing.T) {
	t.Parallel()
	for of, rows := range map[string][]broken{"TLS": brokenTLS(), "upstream": brokenUpstream(), "settings": brokenSettings()} {
		for _, b := range rows {
			t.Run(of+": "+b.name, func(t *testing.T) {
				t.Parallel()
				b.examine(t)
			})
		}
	}
}
