package web

import (
	"time"

	"dingdong/internal/catalogue"
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

// newFor is how long an arrival counts as new.
const newFor = 60 * 24 * time.Hour

// catalogueTiles are what is sold, and the files it comes in.
func (s *Server) catalogueTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("admin.group.catalogue")}
	if !v.May(staff.KeepCatalogue) {
		return g, nil
	}
	arrivals, err := s.Shop.Arrivals(tx, tx.Now.Add(-newFor))
	if err != nil {
		return g, err
	}
	imports, err := s.Shop.Imports(tx, v.Viewer, 20)
	if err != nil {
		return g, err
	}
	t := tile{Path: "/admin/imports", Icon: "upload", Name: v.T("import.title"), Text: v.T("import.tile")}
	for _, i := range imports {
		switch i.State {
		case catalogue.ImportRunning:
			t.Text = v.T("import.is_running")
		case catalogue.ImportPreview:
			t.Warning = v.T("import.waits")
		}
	}
	g.Tiles = []tile{
		{Path: "/admin/products", Icon: "box", Name: v.T("goods.title"), Text: v.T("goods.tile")},
		{Path: "/admin/arrivals", Icon: "sun", Name: v.T("goods.arrivals"), Text: v.T("goods.arrivals_count", "n", len(arrivals))},
		t,
	}
	return g, nil
}
