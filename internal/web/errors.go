package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/sso"
	"dingdong/internal/staff"
)

// Errors of this room.
var (
	errSignedOut   = errors.New("web: nobody is signed in")
	errMustChange  = errors.New("web: she has to choose a password first")
	errCrossOrigin = errors.New("web: request from another site")
	errMalformed   = errors.New("web: request makes no sense")
)

// fault is an error as a person meets it.
type fault struct {
	status    int
	key       string // of its sentence; key + ".title" is the page's title
	args      []any
	reference string // set for what we did not foresee: she reads it to us, we find it in the log
	retry     int    // seconds
}

// hold says when to come again.
func (f fault) hold(w http.ResponseWriter) {
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retry))
	}
}

// explain is the only place where an error becomes a status and a sentence.
func explain(err error, v *Visit) fault {
	var invalid db.Invalid
	var throttled staff.ErrThrottled
	var tooLarge *http.MaxBytesError
	var refusal sso.Refusal
	var busy busyError
	switch {
	case errors.Is(err, db.ErrNotFound):
		return fault{status: http.StatusNotFound, key: "error.not_found"}
	case errors.Is(err, staff.ErrForbidden):
		return fault{status: http.StatusForbidden, key: "error.forbidden"}
	case errors.Is(err, errCrossOrigin):
		return fault{status: http.StatusForbidden, key: "error.cross_origin"}
	case errors.Is(err, errSignedOut), errors.Is(err, staff.ErrSignedOut):
		return fault{status: http.StatusUnauthorized, key: "error.signed_out"}
	case errors.Is(err, errNotFresh):
		return fault{status: http.StatusUnauthorized, key: "error.not_fresh"}
	case errors.Is(err, errMustChange):
		return fault{status: http.StatusForbidden, key: "error.must_change"}
	case errors.Is(err, staff.ErrWrongPassword):
		return fault{status: http.StatusUnprocessableEntity, key: "error.wrong_password"}
	case errors.Is(err, errElsewhere):
		return fault{status: http.StatusUnauthorized, key: "error.elsewhere"}
	case errors.Is(err, staff.ErrOtherWay):
		return fault{status: http.StatusUnprocessableEntity, key: "error.other_way"}
	case errors.Is(err, staff.ErrExpired):
		return fault{status: http.StatusUnprocessableEntity, key: "error.one_time_old"}
	case errors.Is(err, staff.ErrPasskey), errors.Is(err, staff.ErrCeremony):
		return fault{status: http.StatusUnprocessableEntity, key: "error.passkey"}
	case errors.Is(err, staff.ErrCloned):
		return fault{status: http.StatusUnprocessableEntity, key: "error.cloned"}
	case errors.As(err, &refusal):
		return fault{status: http.StatusForbidden, key: "sso.refused." + refusal.Code}
	case errors.Is(err, staff.ErrNoPasskeys):
		return fault{status: http.StatusUnprocessableEntity, key: "error.no_passkeys"}
	case errors.Is(err, channel.ErrSignature):
		return fault{status: http.StatusUnauthorized, key: "error.signature"}
	case errors.Is(err, errMediaType):
		return fault{status: http.StatusUnsupportedMediaType, key: "error.malformed"}
	case errors.Is(err, errMalformed), errors.Is(err, channel.ErrMalformed), errors.Is(err, db.ErrText): // an id with a NUL, for one
		return fault{status: http.StatusBadRequest, key: "error.malformed"}
	case errors.As(err, &invalid):
		return fault{status: http.StatusUnprocessableEntity, key: "error.invalid",
			args: []any{"what", invalidText(v.Words, invalid.Code)}}
	case errors.Is(err, db.ErrConflict):
		return fault{status: http.StatusConflict, key: "error.conflict"}
	case errors.As(err, &throttled):
		wait := max(1, int(throttled.Until.Sub(v.Now).Seconds()))
		return fault{status: http.StatusTooManyRequests, key: "error.throttled", retry: wait,
			args: []any{"n", (wait + 59) / 60}}
	case errors.As(err, &busy):
		return fault{status: http.StatusTooManyRequests, key: "error.too_many", retry: max(1, int(busy.wait.Seconds()+0.999))}
	case errors.As(err, &tooLarge):
		return fault{status: http.StatusRequestEntityTooLarge, key: "error.too_large",
			args: []any{"n", tooLarge.Limit >> 20}}
	}
	status := http.StatusInternalServerError
	if errors.As(err, new(unavailableError)) || errors.Is(err, db.ErrUnavailable) || errors.Is(err, db.ErrFull) || errors.Is(err, db.ErrClosed) {
		status = http.StatusServiceUnavailable
	}
	return fault{status: status, key: "error.unknown", reference: rand.Text()[:10]}
}

// invalidText says what is wrong with one value.
func invalidText(w *Words, code string) string {
	if key := "invalid." + code; w.Has(key) {
		return w.T(key)
	}
	return w.T("invalid.unknown")
}

// fail answers with an error, and logs what nobody foresaw.
func (s *Server) fail(w http.ResponseWriter, v *Visit, err error) {
	if errors.Is(err, context.Canceled) && v.request.Context().Err() != nil {
		return // she closed the page; nobody reads an answer
	}
	f := explain(err, v)
	if f.reference != "" {
		s.Log.Error("request failed", "reference", f.reference, "route", v.request.Pattern, "error", err)
	}
	s.answer(w, v, f)
}

// answer tells a fault in the form that was asked for: JSON for scripts, a toast
// for htmx, a page for a person.
func (s *Server) answer(w http.ResponseWriter, v *Visit, f fault) {
	if out, ok := w.(*recorder); ok && out.status != 0 {
		return // the answer is under way, a stream for one
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	f.hold(w)
	// The language and the navigation of an error are hers, where somebody is signed in.
	if !v.SignedIn && f.status < 500 {
		_ = s.identify(v) // without a viewer the answer is still right
	}
	text := v.T(f.key, f.args...)
	var err error
	switch {
	case v.Partial:
		h.Set("HX-Retarget", "#toasts")
		h.Set("HX-Reswap", "beforeend")
		toast := Toast{Tone: "bad", Text: text, Reference: f.reference}
		err = s.render(w, v, view{Page: "error", Block: "toast", Status: f.status, Data: toast})
	case strings.Contains(v.request.Header.Get("Accept"), "application/json"):
		h.Set("Content-Type", "application/json; charset=utf-8")
		raw, _ := json.Marshal(map[string]string{"error": text, "reference": f.reference}) // strings always marshal
		err = s.send(w, v.request, f.status, raw)
	default:
		data := errorPage{Frame: s.frame(v, "", v.T(f.key+".title")), Text: text, Reference: f.reference, Status: f.status}
		err = s.render(w, v, view{Page: "error", Status: f.status, Data: data})
	}
	if err != nil {
		s.Log.Error("telling an error failed", "error", err)
		http.Error(w, http.StatusText(f.status), f.status)
	}
}

// unavailableError is a failure that passes: whoever asked should ask again.
type unavailableError struct{ error }

func unavailable(err error) error { return unavailableError{err} }

func (e unavailableError) Unwrap() error { return e.error }

// malformed tells a body that is too large from one that makes no sense.
func malformed(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}

// errorPage is what a person sees instead of the page she wanted.
type errorPage struct {
	Frame
	Status    int
	Text      string
	Reference string
}

// notFound answers every address that no route knows.
func (s *Server) notFound(http.ResponseWriter, *http.Request, *Visit) error {
	return db.ErrNotFound
}
