package web

import (
	"strings"

	"dingdong/internal/staff"
)

// How often the house is asked at all: by one person, by one network address in the
// console (a whole store sits behind one), and by one address at doors that stand open.
// They are generous: whoever meets one is a script.
var (
	personRequests = rate{6000, 3000}
	storeRequests  = rate{60000, 20000}
	doorRequests   = rate{12000, 6000}
	proofRequests  = rate{60, 60} // signing in by passkey or provider: each makes a row
)

// limited counts a request, and refuses it when there were too many. Platforms that
// deliver messages are not counted here, nor are files that a browser keeps.
func (s *Server) limited(rt route, v *Visit) error {
	name, allowed := "", rate{}
	where := staff.Neighbourhood(v.Address)
	_, path, _ := strings.Cut(rt.pattern, " ")
	switch {
	case rt.access == foreign, strings.HasPrefix(path, "/chat/"), strings.HasPrefix(path, "/liff/"), // these count for themselves
		path == "/static/", path == "/healthz", path == "/readyz":
		return nil
	case strings.HasPrefix(path, "/sign-in/passkey"), strings.HasPrefix(path, "/sign-in/sso"):
		name, allowed = "proof "+where, proofRequests
	case rt.access == public:
		name, allowed = "door "+where, doorRequests
	case v.SignedIn:
		name, allowed = "person "+v.ID, personRequests
	default:
		name, allowed = "store "+where, storeRequests
	}
	if wait := s.chat.take(name, "", allowed, v.Now); wait > 0 {
		return busyError{wait}
	}
	return nil
}
