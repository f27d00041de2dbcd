package exchange

import (
	"errors"
	"testing"

	"shoal/internal/harvest"
)

// A redirect from http to an unusable https is one item's fault; the same failure without one is
// the upstream's.
func TestLedAstray(t *testing.T) {
	t.Parallel()
	item := harvest.Item{URL: "http://api.example/1"}
	for _, row := range []struct {
		url   string
		hops  int
		fault harvest.Fault
		want  bool
	}{
		{"https://api.example/1", 1, harvest.FaultTLS, true},
		{"https://api.example/1", 1, harvest.FaultConnect, true},
		{"https://api.example/1", 2, harvest.FaultBlocked, true},
		{"https://api.example/1", 1, harvest.FaultCredential, false},
		{"http://api.example/2", 1, harvest.FaultConnect, false},
		{"http://api.example/1", 0, harvest.FaultTLS, false},
	} {
		request := &harvest.Request{URL: row.url, Hops: row.hops, Items: []harvest.Item{item}}
		err := ledAstray(request, &harvest.Failure{Fault: row.fault, Err: errors.New("no")})
		if isAstray(err) != row.want {
			t.Errorf("ledAstray(%s after %d hops, %s) = %v, want it to be the item's matter: %t", row.url, row.hops, row.fault, err, row.want)
		}
	}
}
