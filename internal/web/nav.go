package web

// NavItem is one place of the navigation. Its name is the sentence "nav.<Key>".
type NavItem struct {
	Key  string
	Path string
	Icon string
	Here bool
	Wide bool // only in the rail of a desk or tablet; a phone reaches it through "more"
	Slim bool // only in the bottom bar of a phone

	Seeing bool // only for those who see a counter
}

// places are the places of the console, in order. A place appears when its route
// exists and she may call it, so a line here needs no condition.
var places = []NavItem{
	{Key: "messages", Path: "/inbox", Icon: "message"},
	{Key: "find", Path: "/find", Icon: "search", Seeing: true},
	{Key: "today", Path: "/today", Icon: "sun", Seeing: true},
	{Key: "customers", Path: "/customers", Icon: "person"},
	{Key: "alarms", Path: "/admin/alarms", Icon: "bell", Wide: true},
	{Key: "admin", Path: "/admin", Icon: "settings", Wide: true},
	{Key: "failures", Path: "/admin/failures", Icon: "warning", Wide: true},
	{Key: "more", Path: "/more", Icon: "more", Slim: true},
}

// nav lists the places she may go to.
func (s *Server) nav(v *Visit, here string) []NavItem {
	var out []NavItem
	for _, p := range places {
		if !s.opens(v, p.Path) || p.Seeing && !v.SeesAll() && len(v.Counters()) == 0 {
			continue
		}
		p.Here = p.Key == here
		out = append(out, p)
	}
	return out
}

// opens tells whether a page exists and she may see it.
func (s *Server) opens(v *Visit, path string) bool {
	a, exists := s.access["GET "+path]
	switch {
	case !exists || !v.SignedIn:
		return false
	case a.kind == "permission":
		return v.May(a.permission)
	case a.kind == administers.kind:
		return v.administers()
	case a.kind == signedIn.kind:
		return !v.MustChange
	}
	return true
}
