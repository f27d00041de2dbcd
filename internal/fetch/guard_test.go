package fetch

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	g := newGuard([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16")}, []string{"127.0.0.1:8080", "localhost", "[fe80::1]", "trusted.example", "192.168.7.7"})
	for _, row := range []struct {
		host, addr string
		ok         bool
	}{
		{"api.example", "93.184.216.34", true},
		{"api.example", "2606:2800:220:1::1", true},
		{"api.example", "::ffff:93.184.216.34", true},
		{"api.example", "64:ff9b::5db8:d822", true}, // NAT64 of a public address
		{"api.example", "127.0.0.1", false},
		{"api.example", "127.8.8.8", false},
		{"api.example", "0.0.0.0", false},
		{"api.example", "0.1.2.3", false},
		{"api.example", "10.0.0.1", false},
		{"api.example", "172.16.0.1", false},
		{"api.example", "192.168.7.7", false}, // typed as a literal, not for this name
		{"api.example", "169.254.169.254", false},
		{"api.example", "100.64.0.1", false},
		{"api.example", "198.18.0.1", false},
		{"api.example", "224.0.0.1", false},
		{"api.example", "255.255.255.255", false},
		{"api.example", "::", false},
		{"api.example", "::1", false},
		{"api.example", "fd00::1", false},
		{"api.example", "fe80::1", false},
		{"api.example", "ff02::1", false},
		{"api.example", "::ffff:10.0.0.1", false},
		{"api.example", "::ffff:127.0.0.1", false},
		{"api.example", "::10.0.0.1", false},
		{"api.example", "64:ff9b::a00:1", false},   // NAT64 of 10.0.0.1
		{"api.example", "64:ff9b:1::a00:1", false}, // local NAT64
		{"api.example", "2002:a00:1::1", false},    // 6to4 of 10.0.0.1
		{"api.example", "2001:0:a00:1::", false},   // Teredo
		{"api.example", "10.1.2.3", true},          // allowed
		{"api.example", "::ffff:10.1.2.3", true},   // allowed
		{"api.example", "64:ff9b::a01:203", true},  // NAT64 of an allowed one
		{"api.example", "fd12::9", true},           // allowed
		{"trusted.example", "127.0.0.1", false},    // a name is not a literal
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.2", "127.0.0.2", false},
		{"fe80::1", "fe80::1", false}, // typed, and yet never
		{"192.168.7.7", "192.168.7.7", true},
		{"localhost", "127.0.0.1", true},
		{"localhost", "::1", true},
		{"localhost", "10.0.0.1", false},
	} {
		err := g.check(row.host, net.JoinHostPort(row.addr, "443"))
		if (err == nil) != row.ok || (err != nil && !errors.Is(err, ErrAddressRefused)) {
			t.Errorf("check(%s, %s) = %v, want allowed: %t", row.host, row.addr, err, row.ok)
		}
	}
}

func TestPrivateAddressIsRefusedAtConnect(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cfg  Config
		want harvest.Fault
	}{
		{Config{TrustedHosts: []string{"api.example"}}, harvest.FaultBlocked},
		{Config{TrustedHosts: []string{"127.0.0.1"}}, harvest.FaultNone},
		{Config{TrustedHosts: []string{"api.example"}, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, harvest.FaultNone},
	} {
		s, c := serve(t, fakeapi.Options{}, row.cfg)
		if _, err := get(t.Context(), c, s.URL+"/items/1"); faultIn(err) != row.want {
			t.Errorf("Send with trusted %v, allowed %v = %v, want fault %q", row.cfg.TrustedHosts, row.cfg.AllowPrivate, err, row.want)
		}
		if arrived, want := len(s.Arrivals()), map[bool]int{true: 1}[row.want == ""]; arrived != want {
			t.Errorf("%d requests arrived, want %d", arrived, want)
		}
	}
}
