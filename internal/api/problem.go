package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// Problem is how the API says no (RFC 9457).
type Problem struct {
	Type      string         `json:"type" doc:"A stable name of the kind of problem." example:"urn:dingdong:problem:invalid"`
	Title     string         `json:"title" example:"Unprocessable Entity"`
	Status    int            `json:"status" example:"422"`
	Detail    string         `json:"detail,omitempty" doc:"What is wrong, for a person."`
	Errors    []FieldProblem `json:"errors,omitempty" doc:"What is wrong with single values."`
	Reference string         `json:"reference,omitempty" doc:"Names this failure in the server's log."`
}

// FieldProblem says what is wrong with one value.
type FieldProblem struct {
	In      string `json:"in,omitempty" doc:"body, query, path or header." example:"body"`
	Field   string `json:"field" example:"text"`
	Code    string `json:"code" doc:"required, too_long, unknown, malformed, ..." example:"required"`
	Message string `json:"message" example:"is required"`
}

// problemType is what the types of all problems begin with.
const problemType = "urn:dingdong:problem:"

func newProblem(status int, kind, detail string) *Problem {
	return &Problem{Type: problemType + kind, Title: http.StatusText(status), Status: status, Detail: detail}
}

// Error makes a problem an error that a handler can return.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s", p.Status, p.Type) }

// GetStatus tells the framework the status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells the framework the media type.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func internalProblem() *Problem {
	p := newProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side. The reference finds it in the log.")
	p.Reference = reference()
	return p
}

// Errors that only this room knows.
var (
	errKeyReused = errors.New("api: idempotency key used for another body")
	errTooLarge  = errors.New("api: upload is too large")
)

// problem is the only place where an error becomes a status and words. What was
// not foreseen goes to the log; the caller gets a reference to it.
func (s *server) problem(ctx context.Context, err error) *Problem {
	var ready *Problem
	var invalid db.Invalid
	var large *http.MaxBytesError
	var platform *channel.Error
	var lexicon insight.Problem
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &invalid) && invalid.Code == "too_large", errors.Is(err, errTooLarge), errors.As(err, &large):
		return newProblem(http.StatusRequestEntityTooLarge, "too-large", "The body is larger than this address takes.")
	case errors.As(err, &lexicon):
		p := newProblem(http.StatusUnprocessableEntity, "invalid", "The lexicon is not in order.")
		p.Errors = []FieldProblem{{In: "body", Field: "yaml", Code: lexicon.Code, Message: lexicon.Error()}}
		return p
	case errors.As(err, &invalid):
		p := newProblem(http.StatusUnprocessableEntity, "invalid", "A value cannot be accepted.")
		p.Errors = []FieldProblem{{Field: invalid.Field, Code: invalid.Code, Message: sentence(invalid.Code)}}
		return p
	case errors.Is(err, errKeyReused):
		return newProblem(http.StatusUnprocessableEntity, "idempotency-key-reused", "This Idempotency-Key was used before, with another body.")
	case errors.Is(err, event.ErrAhead):
		p := newProblem(http.StatusUnprocessableEntity, "invalid", "The cursor lies in the future.")
		p.Errors = []FieldProblem{{In: "query", Field: "after", Code: "ahead", Message: sentence("ahead")}}
		return p
	case errors.Is(err, db.ErrNotFound):
		return newProblem(http.StatusNotFound, "not-found", "There is nothing with this id.")
	case errors.Is(err, db.ErrText):
		return newProblem(http.StatusUnprocessableEntity, "invalid", "A value holds a character that no text can hold.")
	case errors.Is(err, staff.ErrForbidden):
		return newProblem(http.StatusForbidden, "forbidden", "This token may not do that.")
	case errors.Is(err, staff.ErrBadToken):
		return newProblem(http.StatusUnauthorized, "unauthorized", "The token is unknown or no longer in force.")
	case errors.Is(err, conversation.ErrUnproved):
		return newProblem(http.StatusConflict, "unproved", "Nothing proves that these two are one.")
	case errors.Is(err, conversation.ErrBusy):
		return newProblem(http.StatusConflict, "busy", "A message of theirs is on its way. Try again.")
	case errors.Is(err, db.ErrConflict):
		return newProblem(http.StatusConflict, "conflict", "It is there already.")
	case errors.Is(err, db.ErrUnavailable), errors.Is(err, db.ErrFull), errors.Is(err, db.ErrClosed):
		s.Log.ErrorContext(ctx, "the store does not answer", "error", err)
		return newProblem(http.StatusServiceUnavailable, "unavailable", "The store does not answer now. Try again.")
	case errors.As(err, &platform):
		return newProblem(http.StatusBadGateway, "platform", "The platform refused or did not answer.")
	}
	p := internalProblem()
	if ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "API request failed", "reference", p.Reference, "error", err)
	}
	return p
}

// sentence says in English what a code means; programs go by the code.
func sentence(code string) string {
	words := map[string]string{
		"required": "is required", "too_long": "is too long", "too_many": "has too many entries", "unknown": "names nothing that exists",
		"malformed": "is not well formed", "one_of": "give exactly one of them", "not_at_counter": "does not answer at this thread's counter",
		"https": "must begin with https://", "internal": "leads into the server's own network", "ahead": "lies in the future",
		"kind": "is of a kind that is not taken", "picture": "is not a picture that can be read", "expired": "is unknown or too old",
		"out_of_range": "is out of range", "taken": "is there already", "fixed": "cannot be changed any more", "closed": "is closed",
		"same": "is the same customer", "number": "is not a number that fits here", "currency": "is not a currency code such as TWD",
		"date": "is not a date that can be read", "too_early": "lies before 1990", "too_late": "lies in the future", "sign": "may be below zero in a return only",
		"colour": "is not a colour such as #f1d5c0", "url": "is not a web address", "facet": "is not a facet such as scent:light", "past": "is over",
		"too_far": "is too far away", "with_other": "belongs to another row that cannot be accepted",
		"erased": "belongs to somebody who had everything about her erased: she may come back herself, by writing or at a counter, but no program brings her back",
	}
	if w, ok := words[code]; ok {
		return w
	}
	return "cannot be accepted"
}

// transform puts our problems in the place of the framework's, which would
// repeat the caller's values and tell inner names.
func (s *server) transform(ctx huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	switch model.Status {
	case http.StatusRequestEntityTooLarge:
		return newProblem(model.Status, "too-large", "The body is larger than this address takes."), nil
	case http.StatusUnsupportedMediaType:
		return newProblem(model.Status, "unsupported-media-type", "The body must be application/json."), nil
	case http.StatusBadRequest:
		return newProblem(model.Status, "malformed", "The body is missing, or is not JSON."), nil
	case http.StatusRequestTimeout:
		return newProblem(model.Status, "timeout", "The body did not arrive in time."), nil
	case http.StatusUnprocessableEntity:
		p := newProblem(model.Status, "invalid", "A value cannot be accepted.")
		for _, e := range model.Errors {
			p.Errors = append(p.Errors, fieldProblem(e))
		}
		return p, nil
	}
	p := internalProblem()
	p.Status, p.Title = model.Status, http.StatusText(model.Status)
	s.Log.ErrorContext(ctx.Context(), "API request failed", "reference", p.Reference, "status", model.Status, "error", model.Detail)
	return p, nil
}

func fieldProblem(e *huma.ErrorDetail) FieldProblem {
	in, field, _ := strings.Cut(e.Location, ".")
	f := FieldProblem{In: in, Field: field, Code: "malformed", Message: e.Message}
	for part, code := range map[string]string{
		"required": "required", "unexpected property": "unknown_field", "length <=": "too_long", "<= ": "out_of_range", ">= ": "out_of_range",
		"length >=": "too_short", "one of": "unknown",
	} {
		if strings.Contains(e.Message, part) && (f.Code == "malformed" || strings.HasPrefix(part, "length")) {
			f.Code = code
		}
	}
	if strings.Contains(e.Message, "Go ") { // the decoder's own words
		f.Message = sentence("malformed")
	}
	return f
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	raw, _ := json.Marshal(p) // strings and numbers always marshal
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(raw)
}
