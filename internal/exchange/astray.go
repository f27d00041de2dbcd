package exchange

import (
	"errors"
	"fmt"
	"strings"

	"shoal/internal/harvest"
)

// ledAstray makes a failed connection the fault of one request if a redirect led that request to
// another origin: one answer of a server must not look like an outage of it, or like a refused
// certificate.
func ledAstray(request *harvest.Request, err error) error {
	failure, ok := errors.AsType[*harvest.Failure](err)
	if !ok || request.Hops == 0 || len(request.Items) == 0 || sameScheme(request.URL, request.Items[0].URL) {
		return err
	}
	switch failure.Fault {
	case harvest.FaultTLS, harvest.FaultConnect, harvest.FaultBlocked, harvest.FaultTimeout:
		return &harvest.Failure{Fault: harvest.FaultOffhost, Err: fmt.Errorf("redirect to %s, which cannot be used: %w", harvest.Quote(request.URL), failure.Err)}
	default:
		return err
	}
}

// isAstray reports whether ledAstray made the error.
func isAstray(err error) bool {
	failure, ok := errors.AsType[*harvest.Failure](err)
	return ok && failure.Fault == harvest.FaultOffhost
}

// sameScheme reports whether two URLs, which name the same host, have the same scheme.
func sameScheme(a, b string) bool {
	schemeA, _, _ := strings.Cut(a, "://")
	schemeB, _, _ := strings.Cut(b, "://")
	return schemeA == schemeB
}
