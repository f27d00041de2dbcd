package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// ErrAddressRefused is wrapped when a host resolves to an address that is not dialled.
var ErrAddressRefused = errors.New("address refused")

// guard decides which addresses may be connected to. It checks the address of each connect, after
// the look-up, so that a name that changes its address gains nothing.
type guard struct {
	allow    []netip.Prefix
	literals map[netip.Addr]bool // typed by the operator
	loopback bool                // the operator typed localhost
}

func newGuard(allow []netip.Prefix, trusted []string) *guard {
	g := &guard{literals: map[netip.Addr]bool{}}
	for _, p := range allow {
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		g.allow = append(g.allow, p.Masked())
	}
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

// check refuses the address that host resolved to, or returns nil.
func (g *guard) check(host, address string) error {
	if isMetadataName(host) {
		return fmt.Errorf("%w: %s is the name of a cloud's metadata service, which gives away this machine's own credentials", ErrAddressRefused, host)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is not an IP address", ErrAddressRefused, address)
	}
	addr := ap.Addr().WithZone("").Unmap()
	inner := embedded(addr)
	for _, form := range append([]netip.Addr{addr}, inner...) {
		if block, what := metadata(form); what != "" && !g.allowedWithin(block, form) {
			return fmt.Errorf("%w: %s is %s (%s), which may give away this machine's own credentials; if that is meant, add --allow-private %s",
				ErrAddressRefused, host, form, what, single(form))
		}
	}
	if g.allowed(addr) || g.trusted(host, addr) {
		return nil
	}
	for _, form := range inner { // what a gateway makes of it matters more than the address itself
		if why := notPublic(form); why != "" && !g.allowed(form) {
			return refused(host, form, why)
		}
	}
	if why := notPublic(addr); why != "" && !slices.ContainsFunc(inner, g.allowed) {
		return refused(host, addr, why)
	}
	return nil
}

func refused(host string, addr netip.Addr, why string) error {
	return fmt.Errorf("%w: %s is %s (%s); if that is meant, add --allow-private %s", ErrAddressRefused, host, addr, why, single(addr))
}

func single(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, addr.BitLen()) }

// allowedWithin reports whether --allow-private names an address of a metadata block: a wide
// network that happens to hold the block is not enough, and neither is an address that was typed.
func (g *guard) allowedWithin(block netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) && p.Bits() >= block.Bits() })
}

func (g *guard) allowed(addr netip.Addr) bool {
	for _, p := range g.allow {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// trusted accepts only a literal as typed, or localhost at a loopback address: any other name could
// be pointed anywhere by its zone's servers.
func (g *guard) trusted(host string, addr netip.Addr) bool {
	host = strings.Trim(host, "[]")
	if literal, err := netip.ParseAddr(host); err == nil {
		return literal.Unmap() == addr && g.literals[addr]
	}
	return g.loopback && strings.EqualFold(host, "localhost") && addr.IsLoopback()
}

func isLoopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || (err == nil && addr.Unmap().IsLoopback())
}
