package fetch

import (
	"net/netip"
	"strings"
)

// block is a range of addresses with what it is for.
type block struct {
	prefix netip.Prefix
	what   string
}

// metadataBlocks are the addresses at which clouds answer questions about the machine itself, its
// credentials among them.
var metadataBlocks = []block{
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local, where clouds serve metadata"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("168.63.129.16/32"), "Azure's platform address"},
	{netip.MustParsePrefix("100.100.100.200/32"), "Alibaba Cloud's metadata"},
	{netip.MustParsePrefix("192.0.0.192/32"), "Oracle Cloud's metadata"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "Amazon's metadata"},
	{netip.MustParsePrefix("fd00:ec2::23/128"), "Amazon's pod identity"},
	{netip.MustParsePrefix("fd20:ce::254/128"), "Google's metadata"},
	{netip.MustParsePrefix("fd00:42::42/128"), "Scaleway's metadata"},
}

// metadata returns the block that an address is in, and what it is; empty for any other address.
func metadata(addr netip.Addr) (netip.Prefix, string) {
	for _, b := range metadataBlocks {
		if b.prefix.Contains(addr) {
			return b.prefix, b.what
		}
	}
	return netip.Prefix{}, ""
}

// isMetadataName reports whether a host is a name of a cloud's metadata service.
func isMetadataName(host string) bool {
	switch strings.ToLower(strings.TrimSuffix(host, ".")) {
	case "metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal", "metadata.tencentyun.com":
		return true
	}
	return false
}

var (
	sixTo4  = netip.MustParsePrefix("2002::/16")
	teredo  = netip.MustParsePrefix("2001::/32")
	last32s = []netip.Prefix{ // blocks that carry an IPv4 address in their last four bytes
		netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
		netip.MustParsePrefix("64:ff9b:1::/48"),  // local NAT64, in its usual form
		netip.MustParsePrefix("::ffff:0:0:0/96"), // SIIT, RFC 2765
		netip.MustParsePrefix("::/96"),           // IPv4-compatible
	}
)

// embedded returns the IPv4 addresses inside an IPv6 address that a gateway or the system itself
// may translate it to.
func embedded(addr netip.Addr) (inner []netip.Addr) {
	if !addr.Is6() || addr.IsUnspecified() || addr.IsLoopback() {
		return nil
	}
	b := addr.As16()
	last := netip.AddrFrom4([4]byte(b[12:16]))
	switch {
	case sixTo4.Contains(addr):
		inner = append(inner, netip.AddrFrom4([4]byte(b[2:6])))
	case teredo.Contains(addr): // its server, and the client with every bit turned
		inner = append(inner, netip.AddrFrom4([4]byte(b[4:8])), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}))
	}
	for _, p := range last32s {
		if p.Contains(addr) {
			return append(inner, last)
		}
	}
	if isISATAP(b) {
		inner = append(inner, last)
	}
	return inner
}

// isISATAP reports whether the lower half is 0:5efe:a.b.c.d or 200:5efe:a.b.c.d, as in RFC 5214.
// The two bits for its scope may be set or not.
func isISATAP(b [16]byte) bool {
	return b[8]&^3 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}

// special are the blocks of the IANA special-purpose registries that are not a public destination
// and that netip has no method for. Source:
// https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry.
var special = []block{
	{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
	{netip.MustParsePrefix("100.64.0.0/10"), "carrier-grade NAT"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.31.196.0/24"), "AS112"},
	{netip.MustParsePrefix("192.52.193.0/24"), "AMT"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relays"},
	{netip.MustParsePrefix("192.175.48.0/24"), "AS112"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "translated IPv4"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "local NAT64"},
	{netip.MustParsePrefix("100::/64"), "discard"},
	{netip.MustParsePrefix("100:0:0:1::/64"), "dummy"},
	{netip.MustParsePrefix("2001::/23"), "reserved for protocols"}, // Teredo, benchmarking, ORCHID and more
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "AS112"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
	{netip.MustParsePrefix("5f00::/16"), "segment routing"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
}

// notPublic returns what kind of address it is if it is not a public one.
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
	for _, b := range special {
		if b.prefix.Contains(addr) {
			return b.what
		}
	}
	if addr.Is6() && isISATAP(addr.As16()) {
		return "ISATAP"
	}
	if addr.Is6() && !global.Contains(addr) && !nat64.Contains(addr) {
		return "not in use as a public address"
	}
	return ""
}

var (
	global = netip.MustParsePrefix("2000::/3") // all that is given out so far
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)
