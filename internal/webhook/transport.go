package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errInternal says that an address leads into the house's own network.
var errInternal = errors.New("the address is inside the network")

// callTime is how long an endpoint may take to answer.
const callTime = 10 * time.Second

// newClient makes a client that cannot be led to an internal address: not by a
// number, not by a name, not by a name that changes its mind after it was
// looked up, and not by a redirect, because none is followed.
func newClient(allowLocal bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: 5 * time.Second,
		// Control runs after the name was resolved, for the very address that is
		// about to be called.
		Control: func(_, address string, _ syscall.RawConn) error {
			where, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s", errInternal, address)
			}
			if refused(where.Addr(), allowLocal) {
				return fmt.Errorf("%w: %s", errInternal, where.Addr())
			}
			return nil
		},
	}
	return &http.Client{
		Timeout: callTime,
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy of the environment would dial in our place
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  callTime,
			MaxResponseHeaderBytes: 32 << 10,
			DisableCompression:     true, // a small answer cannot become a large one
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// inner are the ranges of the IANA special-purpose registries that the methods
// of netip.Addr do not name.
var inner = func() []netip.Prefix {
	var list []netip.Prefix
	for _, s := range [...]string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}()

// nat64 wraps an IPv4 address in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// refused says whether an address must not be called. allowLocal makes an
// exception for this machine, for nothing else.
func refused(a netip.Addr, allowLocal bool) bool {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() {
		return !allowLocal
	}
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() { // link-local, multicast, unspecified, broadcast are not global
		return true
	}
	if nat64.Contains(a) {
		b := a.As16()
		return refused(netip.AddrFrom4([4]byte(b[12:])), false)
	}
	for _, p := range inner {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
