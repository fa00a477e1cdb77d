package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestAddresses(t *testing.T) {
	tests := []struct {
		address string
		refused bool
	}{
		{"127.0.0.1", true}, {"127.255.255.254", true}, {"::1", true}, {"::ffff:127.0.0.1", true}, {"0.0.0.0", true}, {"::", true},
		{"10.0.0.1", true}, {"10.255.255.255", true}, {"172.16.0.1", true}, {"172.31.255.255", true}, {"192.168.1.1", true},
		{"::ffff:10.0.0.1", true}, {"100.64.0.1", true}, {"169.254.169.254", true}, {"::ffff:169.254.169.254", true}, {"fe80::1", true},
		{"fe80::1%eth0", true}, {"fc00::1", true}, {"fd12:3456::1", true}, {"fec0::1", true}, {"224.0.0.1", true}, {"ff02::1", true},
		{"255.255.255.255", true}, {"240.0.0.1", true}, {"0.1.2.3", true}, {"192.0.2.1", true}, {"198.18.0.1", true}, {"198.51.100.1", true},
		{"203.0.113.9", true}, {"2001:db8::1", true}, {"2002:a00:1::", true}, {"64:ff9b::10.0.0.1", true}, {"64:ff9b::169.254.169.254", true},
		{"::10.0.0.1", true}, {"2001::1", true}, {"100::1", true},
		{"93.184.216.34", false}, {"172.32.0.1", false}, {"100.128.0.1", false}, {"2606:4700::1111", false}, {"64:ff9b::93.184.216.34", false},
	}
	for _, test := range tests {
		t.Run(test.address, func(t *testing.T) {
			a := netip.MustParseAddr(test.address)
			if got := refused(a, false); got != test.refused {
				t.Errorf("refused: %v", got)
			}
			if got := refused(a, true); got != (test.refused && !a.Unmap().IsLoopback()) {
				t.Errorf("with trials allowed, refused: %v", got)
			}
		})
	}
	if !refused(netip.Addr{}, true) {
		t.Error("no address at all is taken")
	}
}

func TestClientRefusesInternalAddresses(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{
		"by number":                  "http://127.0.0.1:" + port,
		"by another number":          "http://127.1.2.3:" + port,
		"by six":                     "http://[::1]:" + port,
		"by four in six":             "http://[::ffff:127.0.0.1]:" + port,
		"by a name that resolves":    "http://localhost:" + port,
		"private":                    "http://10.0.0.1:" + port,
		"where clouds keep secrets":  "http://169.254.169.254/latest/meta-data/",
		"nowhere in particular":      "http://0.0.0.0:" + port,
		"private behind another way": "http://[64:ff9b::a00:1]:" + port,
	} {
		t.Run(name, func(t *testing.T) {
			res, err := newClient(false).Get(url)
			if err == nil {
				res.Body.Close()
			}
			// Where the machine has no way there at all, the call fails before the guard is asked.
			var network *net.OpError
			if !errors.Is(err, errInternal) && !(errors.As(err, &network) && network.Op == "dial") {
				t.Errorf("got %v", err)
			}
		})
	}
	if called {
		t.Error("it was called")
	}
	res, err := newClient(true).Get("http://localhost:" + port)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if !called {
		t.Error("a trial on this machine is not possible")
	}
}
