package harvest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ExplainTLS explains in a sentence why a TLS handshake failed and what to change. ca is how an
// authority is named, such as --ca FILE. The sentence is empty for an error that is not about
// certificates or protocols. It quotes nothing of a certificate but its dates, because the peer
// chose the rest.
func ExplainTLS(err error, ca string) string {
	if why := explainCertificate(err, ca); why != "" {
		return why
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS on this port: is the address right, or meant to be without TLS?"
	}
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return explainAlert(alert)
	}
	if text := err.Error(); strings.Contains(text, "unsupported protocol version") || strings.Contains(text, "unsupported versions") {
		return "it speaks no TLS 1.2 or newer: it must be updated"
	}
	return ""
}

func explainCertificate(err error, ca string) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate comes from an authority that is not trusted here: is it a private authority? Add " + ca
	}
	if host, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("its certificate is not for the name %s: check the host in the address, or ask for a certificate that names it", Quote(host.Host))
	}
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case ok && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("its certificate is valid from %s to %s, and now it is %s: it must be renewed, unless this machine's clock is wrong",
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly), time.Now().UTC().Format(time.DateOnly))
	case ok && invalid.Reason == x509.NotAuthorizedToSign:
		return "its certificate is signed by one that is not an authority: it must be replaced, or name the right authority with " + ca
	case ok:
		return "its certificate breaks a rule of its kind and must be replaced"
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return "this machine has no list of authorities: install ca-certificates, or add " + ca
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is refused: is it a private authority? Add " + ca
	}
	return ""
}

// The alerts of RFC 8446, section 6.2, that a person can act on.
const (
	alertHandshakeFailure    tls.AlertError = 40
	alertBadCertificate      tls.AlertError = 42
	alertUnknownAuthority    tls.AlertError = 48
	alertProtocolVersion     tls.AlertError = 70
	alertUnrecognizedName    tls.AlertError = 112
	alertCertificateRequired tls.AlertError = 116
)

func explainAlert(alert tls.AlertError) string {
	switch alert {
	case alertCertificateRequired:
		return "it asks for a client certificate: add --cert FILE and --key FILE"
	case alertBadCertificate, alertUnknownAuthority:
		return "it does not accept our client certificate: check --cert and --key"
	case alertProtocolVersion:
		return "it speaks no TLS version that we accept, 1.2 or newer"
	case alertUnrecognizedName:
		return "it does not know the name that we ask for: check the host in the address"
	case alertHandshakeFailure:
		return "it ends the handshake: it may ask for a client certificate (--cert, --key), or know no cipher of today"
	}
	return "it ends the handshake: " + alert.Error()
}
