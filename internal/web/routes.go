package web

import (
	"net/http"

	"dingdong/internal/staff"
)

// handler is the one shape of everything that answers a request. An error becomes
// a status and a sentence in errors.go.
type handler func(w http.ResponseWriter, r *http.Request, v *Visit) error

// access says who may call a route. The zero value is refused at start.
type access struct {
	kind       string
	permission staff.Permission
}

// Who may call, short of a permission.
var (
	public   = access{kind: "public"}    // anybody; the visit is without a viewer
	foreign  = access{kind: "foreign"}   // anybody from any origin: doors that check a signature or token of their own
	signedIn = access{kind: "signed in"} // any member of staff; the rooms decide what she sees
	oneself  = access{kind: "oneself"}   // the same, even while she still has to choose a password
)

// may asks for a permission.
func may(p staff.Permission) access { return access{kind: "permission", permission: p} }

// bodyLimit bounds a request's body where the route names no limit of its own.
const bodyLimit = 1 << 20

// route is one line of the table.
type route struct {
	pattern string
	access  access
	handle  handler
	body    int64 // most bytes of a request body; 0: bodyLimit
}

// routes is the table of everything the server answers.
func (s *Server) routes() []route {
	return []route{
		// frame
		{pattern: "GET /{$}", access: oneself, handle: s.home},
		{pattern: "GET /static/", access: public, handle: s.static},
		{pattern: "GET /favicon.ico", access: public, handle: s.favicon},
		{pattern: "GET /healthz", access: public, handle: s.healthz},
		{pattern: "GET /readyz", access: public, handle: s.readyz},
		{pattern: "/", access: public, handle: s.notFound},

		// signing in, and oneself
		{pattern: "GET /first", access: public, handle: s.firstRun},
		{pattern: "POST /first", access: public, handle: s.createFirst},
		{pattern: "GET /sign-in", access: public, handle: s.showSignIn},
		{pattern: "POST /sign-in", access: public, handle: s.signIn},
		{pattern: "POST /sign-in/demo", access: public, handle: s.signInDemo},
		{pattern: "POST /sign-out", access: oneself, handle: s.signOut},
		{pattern: "POST /language", access: public, handle: s.chooseLanguage},
		{pattern: "GET /more", access: signedIn, handle: s.showMore},
		{pattern: "GET /me", access: oneself, handle: s.showMe},
		{pattern: "POST /me/look", access: oneself, handle: s.saveLook},
		{pattern: "POST /me/password", access: oneself, handle: s.changePassword},
		{pattern: "POST /me/sessions/end-others", access: oneself, handle: s.endOthers},
		{pattern: "POST /me/sessions/{session}/end", access: oneself, handle: s.endSession},

		// messages

		// administration

		// doors for platforms and customers
		{pattern: "POST /in/{account}", access: foreign, handle: s.receive},
	}
}
