package web

import (
	"net/http"
	"net/url"
	"slices"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminBlocksPage is who blocked us, with what we had said in the week before: being
// blocked is the failure that no counter of messages shows.
type adminBlocksPage struct {
	Frame
	Top     AdminTop
	Months  []blockMonth
	Rows    []blockRow
	Older   string // empty: no more
	Nothing Empty

	customers []string
}

type blockMonth struct {
	Month, Count string
	Here         bool // the present one
}

type blockRow struct {
	Face         Avatar
	Name, Thread string
	At           string
	Counter      string
	Advisor      string
	Back         bool
	Sent         []blockSent
}

type blockSent struct{ At, By, Purpose, Kind string }

const (
	blocksShown  = 50
	blocksMonths = 6
)

func (s *Server) showBlocks(w http.ResponseWriter, r *http.Request, v *Visit) error {
	title := v.T("blocks.title")
	data := adminBlocksPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("blocks.about")},
		Nothing: Empty{Icon: "check", Title: v.T("blocks.none"), Text: v.T("blocks.none_text")}}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error { return s.blocks(tx, v, &data, r.URL.Query().Get("before")) })
	if err == nil {
		err = s.shown(r, v, "blocks", data.customers)
	}
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "admin_blocks", Data: data})
}

func (s *Server) blocks(tx *db.Tx, v *Visit, data *adminBlocksPage, before string) error {
	data.Months, data.Rows, data.Older, data.customers = nil, nil, "", nil
	months, err := s.Desk.BlockMonths(tx, v.Viewer, blocksMonths, s.zone)
	if err != nil {
		return err
	}
	for i, m := range months {
		data.Months = append(data.Months, blockMonth{Month: m.Month.Format("2006-01"), Count: v.T("blocks.count", "n", m.Count), Here: i == 0})
	}
	list, more, err := s.Desk.Blocks(tx, v.Viewer, conversation.BlockFilter{Before: before, Limit: blocksShown})
	if err != nil {
		return err
	}
	if more {
		data.Older = "/admin/blocks?before=" + url.QueryEscape(list[len(list)-1].ID)
	}
	ids := make([]string, len(list))
	for i, b := range list {
		ids[i] = b.ThreadID
	}
	slices.Sort(ids)
	threads, err := s.Desk.InboxRows(tx, slices.Compact(ids))
	if err != nil {
		return err
	}
	byID := map[string]conversation.Thread{}
	for _, t := range threads {
		byID[t.ID] = t
	}
	people, err := staff.ListStaff(tx)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, p := range people {
		names[p.ID] = p.Name
	}
	purposes, err := s.purposeTitles(tx, v)
	if err != nil {
		return err
	}
	x, err := s.scene(tx, v.Words, v.ID)
	if err != nil {
		return err
	}
	for _, b := range list {
		t, clock := byID[b.ThreadID], x.clock(b.CounterID)
		counter, _ := x.directory.Counter(b.CounterID)
		row := blockRow{Name: x.called(t), Thread: "/inbox/" + b.ThreadID, At: clock.Moment(b.At), Counter: counter.Name, Advisor: names[b.AdvisorID], Back: b.Back}
		row.Face = faceOf(t, row.Name)
		for _, m := range b.Sent {
			one := blockSent{At: clock.Moment(m.At), By: m.ByName, Purpose: purposes[m.Purpose], Kind: m.Kind}
			if m.Author != conversation.AuthorStaff {
				one.By = automationName(v.Words, m.AuthorID)
			}
			row.Sent = append(row.Sent, one)
		}
		data.Rows = append(data.Rows, row)
		data.customers = append(data.customers, b.CustomerID)
	}
	return nil
}

// purposeTitles are the purposes in the viewer's language, by name.
func (s *Server) purposeTitles(tx *db.Tx, v *Visit) (map[string]string, error) {
	all, err := s.Desk.Consent().Purposes(tx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, p := range all {
		text, _ := p.In(v.Words.Tag)
		out[p.Name] = text.Title
	}
	return out, nil
}

// blocksTile says how many blocked us this month.
func (s *Server) blocksTile(tx *db.Tx, v *Visit) (tile, error) {
	t := tile{Path: "/admin/blocks", Icon: "warning", Name: v.T("blocks.title"), Text: v.T("blocks.tile_none")}
	months, err := s.Desk.BlockMonths(tx, v.Viewer, 1, s.zone)
	if err == nil && len(months) > 0 && months[0].Count > 0 {
		t.Text, t.Warning = "", v.T("blocks.tile", "n", months[0].Count)
	}
	return t, err
}
