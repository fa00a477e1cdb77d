package staff

import (
	"net/netip"
	"slices"
	"strings"
)

// parseAddress reads a network address with or without a port.
func parseAddress(address string) (netip.Addr, bool) {
	if p, err := netip.ParseAddrPort(address); err == nil {
		return p.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(address)
	return a.Unmap().WithZone(""), err == nil
}

// Neighbourhood is an address as far as it tells one household from another: an IPv6
// network of 64 bits counts as one, because a single home has that many addresses.
func Neighbourhood(address string) string {
	a, ok := parseAddress(address)
	if !ok {
		return address
	}
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// region is an address as far as it tells one provider, roughly, from another: within it
// a phone wanders all day. Addresses of the house's own network are one.
func region(address string) string {
	a, ok := parseAddress(address)
	switch {
	case !ok:
		return ""
	case a.IsLoopback(), a.IsPrivate(), a.IsLinkLocalUnicast():
		return "inside"
	}
	bits := 16
	if a.Is6() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// knownNetworks is how many networks a session is known in: home, the shop, the phone's
// provider and a few more.
const knownNetworks = 8

// whence is where a session is known to come from.
type whence struct {
	moves    Moves
	agent    string
	networks string // regions with blanks between them, the newest first
}

// Elsewhere tells that a request of the viewer's session comes from another browser than
// the one that signed in, or from a network far from all those in which she proved who she
// is: her token may be in other hands.
func (v Viewer) Elsewhere(m Meta) bool {
	if v.Session == "" || v.known.moves == MovesNever {
		return false
	}
	// What was never noted is not elsewhere.
	if v.known.agent != "" && browserKind(cut(m.UserAgent, 200)) != browserKind(v.known.agent) {
		return true
	}
	r := region(m.Address)
	return v.known.moves == MovesNetwork && r != "" && v.known.networks != "" && !slices.Contains(strings.Fields(v.known.networks), r)
}

// addNetwork puts a region first among those that are known.
func addNetwork(known, address string) string {
	r := region(address)
	list := slices.DeleteFunc(strings.Fields(known), func(x string) bool { return x == r })
	if r != "" {
		list = slices.Insert(list, 0, r)
	}
	return strings.Join(list[:min(len(list), knownNetworks)], " ")
}

// browserKind is a browser's word about itself without the numbers: those change with
// every update, the rest does not.
func browserKind(agent string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' || r == '_' {
			return -1
		}
		return r
	}, agent)
}
