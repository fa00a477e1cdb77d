package vault

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

const (
	fileScheme = "file"
	// kmsScheme names a key of the Transit engine of HashiCorp Vault or OpenBao.
	kmsScheme = "hcvault"
	// kmsPlainScheme is the same without TLS, for a stand-in on this machine.
	kmsPlainScheme = "hcvault+http"
)

const supported = `supported are "file:/path/key.json" and "hcvault://host:port/transit/keys/name?file=/path/key.json"`

// kmsKeyPath takes the engine's mount and the key's name apart. The letters are
// those that the engine allows in names; none of them needs escaping.
var kmsKeyPath = regexp.MustCompile(`^/([\w.-]+(?:/[\w.-]+)*)/keys/(\w(?:[\w.-]*\w)?)$`)

// place is where the keys of the installation lie, and what guards them.
type place struct {
	path string
	kms  *transit // nil: the key sets stand in the file in clear
}

// parsePlace reads a key URI.
func parsePlace(uri string) (place, error) {
	scheme, path, found := strings.Cut(uri, ":")
	if !found {
		return place{}, errors.New("the key URI has no scheme; " + supported)
	}
	switch scheme {
	case fileScheme:
		path = strings.TrimPrefix(path, "//") // file:///path is the same as file:/path
		if path == "" {
			return place{}, errors.New("the key URI names no file; " + supported)
		}
		return place{path: path}, nil
	case kmsScheme, kmsPlainScheme:
		return parseKMS(uri)
	default:
		return place{}, fmt.Errorf("the key URI scheme %q is not supported; %s", scheme, supported)
	}
}

// parseKMS is strict: a misread address would ask the wrong KMS, a misread file
// would look like a first start.
func parseKMS(uri string) (place, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return place{}, errors.New("the key URI cannot be read; " + supported) // the error would repeat what may be secret
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Fragment != "" {
		return place{}, errors.New("the key URI cannot be read; " + supported)
	}
	if u.User != nil {
		return place{}, errors.New("the key URI holds a user or a password: the token belongs into VAULT_TOKEN or VAULT_TOKEN_FILE")
	}
	key := kmsKeyPath.FindStringSubmatch(u.EscapedPath())
	if u.Hostname() == "" || key == nil || strings.Contains("/"+key[1]+"/", "/./") || strings.Contains("/"+key[1]+"/", "/../") {
		return place{}, errors.New("the key URI names no key of a KMS; " + supported)
	}
	for name, values := range query {
		if name != "file" || len(values) != 1 {
			return place{}, fmt.Errorf("the key URI has a parameter %q; %s", name, supported)
		}
	}
	path := query.Get("file")
	if path == "" {
		return place{}, errors.New("the key URI names no file; " + supported)
	}
	web := "https"
	if u.Scheme == kmsPlainScheme {
		if !isLoopback(u.Hostname()) {
			return place{}, fmt.Errorf("%s:// would send keys over the network in clear: it is for this machine only, use %s://", kmsPlainScheme, kmsScheme)
		}
		web = "http"
	}
	return place{path: path, kms: newTransit(kmsKey{
		uri: u.Scheme + "://" + u.Host + u.Path, base: web + "://" + u.Host, host: u.Host, mount: key[1], name: key[2],
	})}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// uri is how a setting names the place.
func (p place) uri() string {
	if p.kms == nil {
		return fileScheme + ":" + p.path
	}
	return p.kms.key.uri + "?file=" + escapePath(p.path)
}

func escapePath(path string) string {
	return strings.ReplaceAll(url.QueryEscape(path), "%2F", "/")
}

// KeyFile is the path of the key file that a key URI names.
func KeyFile(keyURI string) (string, error) {
	p, err := parsePlace(keyURI)
	return p.path, err
}

// WithFile completes the URI of a KMS key that names no file; others stay as
// they are, whether they can be read or not.
func WithFile(keyURI, path string) string {
	scheme, _, _ := strings.Cut(keyURI, ":")
	if scheme != kmsScheme && scheme != kmsPlainScheme || strings.Contains(keyURI, "?") {
		return keyURI
	}
	return keyURI + "?file=" + escapePath(path)
}
