package fetch

import (
	"net"
	"net/netip"
	"testing"
)

// Addresses that a stranger's answer could name to reach what is private, in the forms that
// translators read.
func TestGuardSpecialForms(t *testing.T) {
	t.Parallel()
	g := newGuard(nil, nil)
	for _, addr := range []string{
		"168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
		"::ffff:0:10.0.0.1", "::ffff:0:169.254.169.254", "::ffff:0:93.184.216.34", // SIIT
		"64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::168.63.129.16", "64:ff9b:1::93.184.216.34",
		"2606:2800:220:1:0:5efe:10.0.0.1", "2606:2800:220:1:200:5efe:10.0.0.1", "2606:2800:220:1:0:5efe:93.184.216.34", // ISATAP
		"2606:2800:220:1:300:5efe:127.0.0.1",
		"2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:a83f:8110::1", // 6to4
		"2001:0:4136:e378:8000:63bf:3fff:fdd2", // Teredo
		"192.0.0.8", "192.88.99.1", "198.19.255.255", "240.0.0.1", "255.255.255.255",
		"5f00::1", "3fff:fff::1", "100::1", "100:0:0:1::1", "2001:db8::1", "fec0::1", "2001:2::1", "2001:20::1", "::5db8:d822",
		"4000::1", "1000::1",
	} {
		if err := g.check("api.example", net.JoinHostPort(addr, "443")); err == nil {
			t.Errorf("check(api.example, %s) = nil, want it refused", addr)
		}
	}
	for _, addr := range []string{"93.184.216.34", "2606:2800:220:1::1", "2a00:1450:4001:82f::200e", "64:ff9b::5db8:d822", "2002:5db8:d822::1", "168.63.129.17"} {
		if err := g.check("api.example", net.JoinHostPort(addr, "443")); err != nil {
			t.Errorf("check(api.example, %s) = %v, want it allowed", addr, err)
		}
	}
}

// Metadata is not requested just because its address was typed, or because a wide network is
// allowed.
func TestGuardMetadata(t *testing.T) {
	t.Parallel()
	wide := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("100.64.0.0/10")}
	for _, row := range []struct {
		host, addr string
		allowed    string // by --allow-private
	}{
		{"169.254.169.254", "169.254.169.254", "169.254.169.254/32"},
		{"api.example", "169.254.170.2", "169.254.0.0/16"},
		{"fe80::1", "fe80::1", "fe80::/64"},
		{"fd00:ec2::254", "fd00:ec2::254", "fd00:ec2::254/128"},
		{"168.63.129.16", "168.63.129.16", "168.63.129.16/32"},
		{"100.100.100.200", "100.100.100.200", "100.100.100.200/32"},
		{"api.example", "64:ff9b::a9fe:a9fe", "169.254.169.254/32"},
		{"api.example", "::ffff:169.254.169.254", "::ffff:169.254.169.254/128"},
		{"metadata.google.internal", "169.254.169.254", ""},
		{"Metadata.Google.Internal.", "93.184.216.34", ""},
	} {
		address := net.JoinHostPort(row.addr, "80")
		if err := newGuard(wide, []string{row.host, row.addr}).check(row.host, address); err == nil {
			t.Errorf("check(%s, %s) = nil although it was only typed, want it refused", row.host, row.addr)
		}
		if row.allowed == "" {
			continue
		}
		if err := newGuard([]netip.Prefix{netip.MustParsePrefix(row.allowed)}, nil).check(row.host, address); err != nil {
			t.Errorf("check(%s, %s) = %v with --allow-private %s, want it allowed", row.host, row.addr, err, row.allowed)
		}
	}
}
