package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/catalogue"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// TimelineEntry is one thing in the history of a customer; it has what its kind says.
type TimelineEntry struct {
	ID        string     `json:"id"`
	At        time.Time  `json:"at"`
	Kind      string     `json:"kind" enum:"attribute,tag,note,wish,promise,purchase" example:"tag"`
	Attribute *Attribute `json:"attribute,omitempty"`
	Tag       *Tag       `json:"tag,omitempty"`
	Note      *Note      `json:"note,omitempty"`
	Wish      *Wish      `json:"wish,omitempty"`
	Promise   *Promise   `json:"promise,omitempty"`
	Purchase  *Purchase  `json:"purchase,omitempty"`
}

type timelineOutput struct {
	Body struct {
		Entries []TimelineEntry `json:"entries"`
		Next    string          `json:"next,omitempty" doc:"The cursor of the next page; absent: there is none."`
	}
}

func (s *server) timelineOperations() {
	register(s, huma.Operation{OperationID: "read-timeline", Method: http.MethodGet, Path: prefix + "/customers/{id}/timeline", Tags: []string{tagCards},
		Summary: "Read a customer's history", Security: needs(staff.CustomersRead),
		Description: "The newest first: what was learnt, undone, written down and wished, each with its latest proof; with the scope purchases:read also what she bought. Messages are at their threads."}, s.readTimeline)
}

func (s *server) readTimeline(ctx context.Context, in *pageInput) (*timelineOutput, error) {
	out := &timelineOutput{}
	err := s.card(ctx, in, listTimeline, func(tx *db.Tx, c caller, page customer.Page) error {
		all, err := s.history(tx, c, page)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b TimelineEntry) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
		out.Body.Entries, out.Body.Next = cutPage(in, listTimeline, all, func(e TimelineEntry) (time.Time, string) { return e.At, e.ID })
		return nil
	})
	return out, err
}

// history reads a page of every kind: together they hold the next page of all.
func (s *server) history(tx *db.Tx, c caller, page customer.Page) ([]TimelineEntry, error) {
	all := []TimelineEntry{}
	sight, err := s.Desk.Book.Sight(tx, c.Viewer)
	if err != nil {
		return nil, err
	}
	attributes, err := s.Desk.Book.AttributePage(tx, sight, page)
	if err != nil {
		return nil, err
	}
	for _, a := range attributes {
		one := newAttribute(a)
		all = append(all, TimelineEntry{ID: a.ID, At: a.At, Kind: "attribute", Attribute: &one})
	}
	tags, err := s.Desk.Book.TagPage(tx, sight, page)
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		one := newTag(t)
		all = append(all, TimelineEntry{ID: t.ID, At: t.At, Kind: "tag", Tag: &one})
	}
	notes, err := s.Desk.Book.Notes(tx, c.Viewer, page)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		one := newNote(n)
		all = append(all, TimelineEntry{ID: n.ID, At: n.At, Kind: "note", Note: &one})
	}
	wishes, err := s.Desk.Book.Wishes(tx, c.Viewer, page)
	if err != nil {
		return nil, err
	}
	for _, w := range wishes {
		one := newWish(w)
		all = append(all, TimelineEntry{ID: w.ID, At: w.At, Kind: "wish", Wish: &one})
	}
	promises, err := s.Desk.Book.Promises(tx, c.Viewer, page)
	if err != nil {
		return nil, err
	}
	for _, p := range promises {
		one := newPromise(p)
		all = append(all, TimelineEntry{ID: p.ID, At: p.At, Kind: "promise", Promise: &one})
	}
	if !c.token.Has(staff.PurchasesRead) {
		return all, nil
	}
	bought, err := s.Shop.Purchases(tx, c.Viewer, page.Records, catalogue.Cursor(page.Before), page.Limit)
	for _, p := range bought {
		one := newPurchase(p)
		all = append(all, TimelineEntry{ID: p.ID, At: p.At, Kind: "purchase", Purchase: &one})
	}
	return all, err
}
