package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// ErrAddressRefused is wrapped when a host resolves to an address that is not dialled.
var ErrAddressRefused = errors.New("address refused")

// guard decides which addresses may be connected to. It looks at the address of
// each connect, after the look-up, so that a name that changes its mind gains nothing.
type guard struct {
	allow    []netip.Prefix
	literals map[netip.Addr]bool // typed by the operator
	loopback bool                // the operator typed localhost
}

func newGuard(allow []netip.Prefix, trusted []string) *guard {
	g := &guard{allow: allow, literals: map[netip.Addr]bool{}}
	for _, host := range trusted {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
		if strings.EqualFold(host, "localhost") {
			g.loopback = true
		}
		if addr, err := netip.ParseAddr(host); err == nil {
			g.literals[addr.Unmap()] = true
		}
	}
	return g
}

// check refuses the address that host resolved to, or lets it pass with nil.
func (g *guard) check(host, address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no IP address", ErrAddressRefused, address)
	}
	addr := ap.Addr().WithZone("").Unmap()
	inner := embedded(addr)
	why := notPublic(inner)
	if why == "" {
		why = notPublic(addr)
	}
	if why == "" || g.allowed(addr) || (inner != addr && g.allowed(inner)) || g.trusted(host, addr) {
		return nil
	}
	return fmt.Errorf("%w: %s is %s (%s); if that is meant, add --allow-private %s", ErrAddressRefused, host, inner, why, netip.PrefixFrom(inner, inner.BitLen()))
}

func (g *guard) allowed(addr netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// trusted holds only for a literal as typed, or for localhost at a loopback
// address: any other name could be pointed anywhere by whoever serves its zone.
func (g *guard) trusted(host string, addr netip.Addr) bool {
	host = strings.Trim(host, "[]")
	if literal, err := netip.ParseAddr(host); err == nil {
		return literal.Unmap() == addr && g.literals[addr]
	}
	return g.loopback && strings.EqualFold(host, "localhost") && addr.IsLoopback()
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
	compat = netip.MustParsePrefix("::/96")
)

// embedded is the IPv4 address inside an IPv6 address that a gateway would
// translate to it (NAT64, 6to4, IPv4-compatible), else addr itself.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	switch {
	case sixTo4.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case nat64.Contains(addr), compat.Contains(addr) && !addr.IsUnspecified() && !addr.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return addr
}

// special are the blocks of the IANA special-purpose registries that are no
// public destination and that netip has no method for.
var special = []struct {
	prefix netip.Prefix
	what   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "local NAT64"},
	{netip.MustParsePrefix("100::/64"), "discard"},
	{netip.MustParsePrefix("2001::/32"), "Teredo"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
}

// notPublic says what kind of address it is when it is not a public one.
func notPublic(addr netip.Addr) string {
	switch {
	case addr.IsUnspecified():
		return "unspecified"
	case addr.IsLoopback():
		return "loopback"
	case addr.IsPrivate():
		return "private"
	case addr.IsLinkLocalUnicast():
		return "link-local"
	case addr.IsMulticast():
		return "multicast"
	}
	for _, s := range special {
		if s.prefix.Contains(addr) {
			return s.what
		}
	}
	return ""
}

func isLoopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && addr.IsLoopback())
}
