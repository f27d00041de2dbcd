package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"shoal/internal/store"
	"shoal/internal/store/postgres"
	"shoal/internal/testenv"
)

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	plain, err := url.Parse(testenv.Postgres(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	ours, oursFile := certificate(t)
	_, othersFile := certificate(t)
	through := *plain
	through.Host = startTLS(t, plain.Host, ours)

	openRun(t, through.String()+"?sslmode=verify-full&sslrootcert="+oursFile)
	_, err = postgres.Open(t.Context(), through.String()+"?sslmode=verify-full&sslrootcert="+othersFile, store.Options{})
	if !errors.Is(err, store.ErrUnsafe) || errors.Is(err, store.ErrUnavailable) || !mentions(err, "certificate", "sslrootcert") {
		t.Errorf("Open(a certificate of another authority) = %v, want ErrUnsafe that names sslrootcert", err)
	}
	through.Host = strings.Replace(through.Host, "127.0.0.1", "localhost", 1)
	_, err = postgres.Open(t.Context(), through.String()+"?sslmode=verify-full&sslrootcert="+oursFile, store.Options{})
	if !errors.Is(err, store.ErrUnsafe) {
		t.Errorf("Open(a certificate of another name) = %v, want ErrUnsafe", err)
	}
}

func TestPlaintextThatLeavesTheMachine(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"10.0.0.1:5432": true, "[2001:db8::1]:5432": true, "127.0.0.1:5432": false, "[::1]:5432": false, "[::ffff:127.0.0.1]:5432": false, "/run/postgresql/.s.PGSQL.5432": false,
	} {
		if got := postgres.IsPlaintext(connTo{addr: addr}); got != want {
			t.Errorf("isPlaintext(%s) = %t, want %t", addr, got, want)
		}
	}
	if postgres.IsPlaintext(tls.Client(connTo{addr: "10.0.0.1:5432"}, nil)) {
		t.Error("isPlaintext(TLS) = true, want false")
	}
}

// connTo is a connection of which only the peer's address is known.
type connTo struct {
	net.Conn
	addr string
}

func (c connTo) RemoteAddr() net.Addr { return c }
func (c connTo) Network() string      { return "tcp" }
func (c connTo) String() string       { return c.addr }

// certificate makes one for 127.0.0.1 that is its own authority, and a file of that authority.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// startTLS lets a PostgreSQL without TLS be reached with it, until the end of the test; it returns
// its address.
func startTLS(t *testing.T, target string, cert tls.Certificate) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer client.Close()
				wrapTLS(client, target, cert)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); all.Wait() })
	return listener.Addr().String()
}

func wrapTLS(client net.Conn, target string, cert tls.Certificate) {
	request := make([]byte, 8) // SSLRequest; S means yes
	if _, err := io.ReadFull(client, request); err != nil {
		return
	}
	if _, err := client.Write([]byte("S")); err != nil {
		return
	}
	encrypted := tls.Server(client, &tls.Config{Certificates: []tls.Certificate{cert}})
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(encrypted, server) // ends when either side leaves
		_ = client.Close()
	})
	_, _ = io.Copy(server, encrypted)
	_ = server.Close()
	back.Wait()
}
