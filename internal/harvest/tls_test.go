package harvest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestExplainTLS(t *testing.T) {
	t.Parallel()
	certificate := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1e9, 0), DNSNames: []string{"evil\x1b[2J.example"}}
	for _, row := range []struct {
		err  error
		want string
	}{
		{x509.UnknownAuthorityError{Cert: certificate}, "is it a private authority? Add --ca FILE"},
		{&tls.CertificateVerificationError{Err: errors.New("odd")}, "--ca FILE"},
		{x509.HostnameError{Certificate: certificate, Host: "api.example"}, `not for the name "api.example"`},
		{x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired}, "valid from 1970-01-01 to 2001-09-09"},
		{x509.CertificateInvalidError{Cert: certificate, Reason: x509.NotAuthorizedToSign}, "--ca FILE"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "does not speak TLS"},
		{tls.AlertError(116), "--cert FILE"},
		{tls.AlertError(70), "1.2"},
		{errors.New("tls: server selected unsupported protocol version 301"), "1.2"},
		{errors.New("connection refused"), ""},
	} {
		got := ExplainTLS(fmt.Errorf("dial: %w", row.err), "--ca FILE")
		if row.want == "" && got != "" || !strings.Contains(got, row.want) || strings.Contains(got, "evil") {
			t.Errorf("ExplainTLS(%v) = %q, want %q and nothing of the certificate's names", row.err, got, row.want)
		}
	}
}
