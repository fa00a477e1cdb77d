package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Note is what was written down about a customer.
type Note struct {
	ID       string     `json:"id" example:"not_06hk2q8s1n7v0000000000000l"`
	Counter  string     `json:"counter" doc:"Who sees this counter reads it." example:"cnt_06hk2q8s1n7v0000000000000c"`
	Author   Named      `json:"author" doc:"A staff id, or token/ and the id of a program."`
	Body     string     `json:"body" example:"Prefers to be called in the evening."`
	At       time.Time  `json:"at"`
	EditedAt *time.Time `json:"edited_at,omitempty"`
}

type newNoteInput struct {
	ID string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Keyed
	Body struct {
		Counter string `json:"counter" minLength:"1" maxLength:"60" example:"cnt_06hk2q8s1n7v0000000000000c"`
		Body    string `json:"body" minLength:"1" maxLength:"4000" example:"Prefers to be called in the evening."`
	}
}

type changeNoteInput struct {
	ID   string `path:"id" example:"not_06hk2q8s1n7v0000000000000l"`
	Body struct {
		Body string `json:"body" minLength:"1" maxLength:"4000" example:"Prefers to be written to."`
	}
}

type noteInput struct {
	ID string `path:"id" example:"not_06hk2q8s1n7v0000000000000l"`
}

type newNoteOutput struct {
	Status int
	Again
	Body Note
}

type noteOutput struct{ Body Note }

type notesOutput struct {
	Body struct {
		Notes []Note `json:"notes"`
		Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent: there is none."`
	}
}

func (s *server) noteOperations() {
	register(s, huma.Operation{OperationID: "list-notes", Method: http.MethodGet, Path: prefix + "/customers/{id}/notes", Tags: []string{tagCards},
		Summary: "List notes", Description: "The newest first.", Security: needs(staff.CustomersRead)}, s.listNotes)
	register(s, huma.Operation{OperationID: "create-note", Method: http.MethodPost, Path: prefix + "/customers/{id}/notes", Tags: []string{tagCards},
		Summary: "Write a note", DefaultStatus: http.StatusCreated, Security: needs(staff.CustomersWrite)}, s.createNote)
	register(s, huma.Operation{OperationID: "change-note", Method: http.MethodPut, Path: prefix + "/notes/{id}", Tags: []string{tagCards},
		Summary: "Change a note", Description: "The old words are gone.", Security: needs(staff.CustomersWrite)}, s.changeNote)
	register(s, huma.Operation{OperationID: "drop-note", Method: http.MethodDelete, Path: prefix + "/notes/{id}", Tags: []string{tagCards},
		Summary: "Drop a note", Description: "Its words are destroyed.", DefaultStatus: http.StatusNoContent, Security: needs(staff.CustomersWrite)}, s.dropNote)
}

func newNote(n customer.Note) Note {
	return Note{ID: n.ID, Counter: n.CounterID, Author: Named{n.AuthorID, n.AuthorName}, Body: n.Body, At: n.At, EditedAt: moment(n.EditedAt)}
}

func (s *server) listNotes(ctx context.Context, in *pageInput) (*notesOutput, error) {
	out := &notesOutput{}
	out.Body.Notes = []Note{}
	err := s.card(ctx, in, listNotes, func(tx *db.Tx, c caller, page customer.Page) error {
		found, err := s.Desk.Book.Notes(tx, c.Viewer, page)
		found, out.Body.Next = cutPage(in, listNotes, found, func(n customer.Note) (time.Time, string) { return n.At, n.ID })
		for _, n := range found {
			out.Body.Notes = append(out.Body.Notes, newNote(n))
		}
		return err
	})
	return out, err
}

func (s *server) createNote(ctx context.Context, in *newNoteInput) (*newNoteOutput, error) {
	c := callerOf(ctx)
	out := &newNoteOutput{}
	repeated, err := s.enterRow(ctx, entering{"note", in.ID, in.Key, in.Body, func(tx *db.Tx, customerID string) (string, error) {
		n, err := s.Desk.Book.AddNote(tx, c.Viewer, customer.NoteForm{CustomerID: customerID, CounterID: in.Body.Counter, Body: in.Body.Body})
		return n.ID, err
	}}, func(tx *db.Tx, id string) error {
		n, err := s.Desk.Book.NoteByID(tx, c.Viewer, id)
		out.Body = newNote(n)
		return err
	})
	out.Status = out.status(repeated)
	return out, err
}

func (s *server) changeNote(ctx context.Context, in *changeNoteInput) (*noteOutput, error) {
	out := &noteOutput{}
	return out, s.changeRow(ctx, "note", in.ID, func(tx *db.Tx, c caller) error {
		n, err := s.Desk.Book.EditNote(tx, c.Viewer, in.ID, in.Body.Body)
		out.Body = newNote(n)
		return err
	})
}

func (s *server) dropNote(ctx context.Context, in *noteInput) (*struct{}, error) {
	return nil, s.changeRow(ctx, "note", in.ID, func(tx *db.Tx, c caller) error { return s.Desk.Book.DropNote(tx, c.Viewer, in.ID) })
}
