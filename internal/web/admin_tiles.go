package web

import (
	"dingdong/internal/db"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// knownTiles are what the group wants to know of its customers.
func (s *Server) knownTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("admin.group.customers")}
	if !v.May(staff.ManageGroup) {
		return g, nil
	}
	defs, err := s.Desk.Book.AttributeDefs(tx)
	if err != nil {
		return g, err
	}
	tags, err := s.Desk.Book.Tags(tx)
	if err != nil {
		return g, err
	}
	open := 0
	for _, d := range defs {
		if !d.Closed {
			open++
		}
	}
	inUse := 0
	for _, t := range tags {
		if !t.Closed {
			inUse++
		}
	}
	g.Tiles = []tile{
		{Path: "/admin/attributes", Icon: "list", Name: v.T("known.attributes"), Text: v.T("known.attributes.count", "n", open)},
		{Path: "/admin/tags", Icon: "tag", Name: v.T("known.tags"), Text: v.T("known.tags.count", "n", inUse)},
	}
	return g, nil
}

// lexiconTiles are the words that customers' messages are read for.
func (s *Server) lexiconTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("admin.group.words")}
	if !v.May(staff.KeepLexicons) {
		return g, nil
	}
	versions, err := s.Reader.Versions(tx, v.Viewer, "")
	if err != nil {
		return g, err
	}
	live, drafts := 0, 0
	for _, x := range versions {
		switch x.State {
		case insight.StateLive:
			live++
		case insight.StateDraft:
			drafts++
		}
	}
	t := tile{Path: "/admin/words", Icon: "spark", Name: v.T("words.title"), Text: v.T("words.live_count", "n", live)}
	if drafts > 0 {
		t.Text = joined(t.Text, v.T("words.drafts", "n", drafts))
	}
	g.Tiles = []tile{t}
	return g, nil
}
