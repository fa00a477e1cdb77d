package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

type eventsInput struct {
	After  string `query:"after" doc:"The id of the last event you saw; 0: from the beginning; without, or latest: from now on." example:"4711"`
	LastID string `header:"Last-Event-ID" doc:"The same, as event-stream clients send it when they come back; it goes before after."`
	Types  string `query:"types" doc:"Only these types, with commas between them." example:"message.received,message.status"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"JSON only."`
	Accept string `header:"Accept" doc:"application/json: one page; else text/event-stream: for as long as you like." example:"text/event-stream"`
}

// EventPage is a piece of the events, for programs that ask now and then.
type EventPage struct {
	Events []webhook.Document `json:"events"`
	Next   string             `json:"next" doc:"Give it as after, now or later."`
	More   bool               `json:"more" doc:"There is more already."`
}

func (s *server) eventOperations() {
	schema := s.api.OpenAPI().Components.Schemas.Schema(pageGoType, true, "")
	register(s, huma.Operation{OperationID: "follow-events", Method: http.MethodGet, Path: prefix + "/events", Tags: []string{tagEvents},
		Summary: "Follow events", Security: needs(staff.EventsRead), Description: "As server-sent events, live, each with its number as id and its type as event; or, with Accept: " +
			"application/json, as a page. A stream begins with the id to resume from and sends a sign of life every 15 seconds.",
		Responses: map[string]*huma.Response{"200": {Description: "Events", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schema}, "text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}}, s.followEvents)
}

// following is one caller's wish.
type following struct {
	caller caller
	after  int64
	kinds  []event.Kind // empty: every kind
}

func (f following) pick(events []event.Event) []event.Event {
	if len(f.kinds) == 0 {
		return events
	}
	var some []event.Event // the slice handed in is shared with other subscribers
	for _, e := range events {
		if slices.Contains(f.kinds, e.Kind) {
			some = append(some, e)
		}
	}
	return some
}

func (s *server) followEvents(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	f := following{caller: callerOf(ctx)}
	if in.Types != "" {
		for k := range strings.SplitSeq(in.Types, ",") {
			if !slices.Contains(event.Kinds(), event.Kind(k)) {
				return nil, db.Invalid{Field: "types", Code: "unknown"}
			}
			f.kinds = append(f.kinds, event.Kind(k))
		}
	}
	after := in.After
	if in.LastID != "" {
		after = in.LastID
	}
	err := s.read(ctx, func(tx *db.Tx) error {
		last, err := event.Last(tx)
		if err != nil {
			return err
		}
		if f.after = last; after == "" || after == latest {
			return nil
		}
		if f.after, err = parseSeq("after", after); err == nil && f.after > last {
			err = event.ErrAhead
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if strings.Contains(in.Accept, "application/json") && !strings.Contains(in.Accept, "text/event-stream") {
		page, err := s.eventPage(ctx, f, in.Limit)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) { writeJSON(hc, page) }}, nil
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		if err := s.stream(r.Context(), w, f); err != nil && r.Context().Err() == nil {
			s.Log.WarnContext(ctx, "an event stream broke off", "error", err)
		}
	}}, nil
}

func writeJSON(hc huma.Context, v any) {
	_, w := humago.Unwrap(hc)
	w.Header().Set("Content-Type", "application/json")
	_ = huma.DefaultJSONFormat.Marshal(w, v) // who has gone away needs no answer
}

func (s *server) eventPage(ctx context.Context, f following, limit int) (EventPage, error) {
	page := EventPage{Events: []webhook.Document{}}
	var customers []string
	err := s.read(ctx, func(tx *db.Tx) error {
		last, err := event.Last(tx)
		if err != nil {
			return err
		}
		var found []event.Event
		seq := f.after
	scan:
		for range scanMost / scanBatch {
			events, err := event.After(tx, seq, scanBatch)
			if err != nil {
				return err
			}
			for _, e := range events {
				found = append(found, f.pick([]event.Event{e})...)
				if seq = e.Seq; len(found) == limit {
					break scan
				}
			}
			if len(events) < scanBatch {
				break
			}
		}
		page.Next, page.More = strconv.FormatInt(seq, 10), seq < last
		docs, err := webhook.Documents(tx, s.Desk, found)
		page.Events = append(page.Events, docs...)
		customers = named(docs)
		return err
	})
	if err != nil {
		return page, err
	}
	return page, s.saw(ctx, f.caller, customers...)
}

// named lists the customers whose words are in these documents.
func named(docs []webhook.Document) []string {
	var list []string
	for _, d := range docs {
		if d.Message != nil {
			list = append(list, d.Customer)
		}
	}
	return list
}

// retry is how soon a client should come back, in milliseconds.
const retry = 2000

// stream sends events until the caller goes away, its token ends or we stop.
func (s *server) stream(ctx context.Context, w http.ResponseWriter, f following) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.Stopping != nil {
		go func() {
			select {
			case <-s.Stopping:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies that know the header do not hold events back
	out := http.NewResponseController(w)
	fmt.Fprintf(w, "retry: %d\nid: %d\n\n", retry, f.after)
	if err := out.Flush(); err != nil {
		return err
	}
	sub := s.Events.Subscribe(f.after)
	seen, checked := f.after, s.DB.Now()
	for {
		events, err := s.next(ctx, sub.Next)
		if ctx.Err() != nil || errors.Is(err, event.ErrStopped) {
			return nil
		}
		if err != nil {
			return err
		}
		if now := s.DB.Now(); len(events) == 0 || now.Sub(checked) >= s.Beat {
			if _, err := s.identify(ctx, "Bearer "+f.caller.secret); err != nil {
				return nil // ended, or we cannot tell: the client comes back and is told
			}
			checked = now
		}
		if len(events) > 0 {
			seen = events[len(events)-1].Seq
		}
		text, err := s.frames(ctx, f, events)
		if err != nil {
			return err
		}
		if len(text) == 0 { // a filtered stream moves on too
			text = fmt.Appendf(nil, ": beat\nid: %d\n\n", seen)
		}
		if _, err := w.Write(text); err != nil {
			return nil // she has gone
		}
		if err := out.Flush(); err != nil {
			return nil
		}
	}
}

// next waits for events, or for the time of a beat, which gives none.
func (s *server) next(ctx context.Context, wait func(context.Context) ([]event.Event, error)) ([]event.Event, error) {
	short, cancel := context.WithTimeout(ctx, s.Beat)
	defer cancel()
	events, err := wait(short)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, nil
	}
	return events, err
}

// frames writes what a stream sends for these events.
func (s *server) frames(ctx context.Context, f following, events []event.Event) ([]byte, error) {
	if events = f.pick(events); len(events) == 0 {
		return nil, nil
	}
	var docs []webhook.Document
	err := s.read(ctx, func(tx *db.Tx) (err error) {
		docs, err = webhook.Documents(tx, s.Desk, events)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.saw(ctx, f.caller, named(docs)...); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, d := range docs {
		raw, err := json.Marshal(d) // one line: JSON has no line ends of its own
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "id: %s\nevent: %s\ndata: %s\n\n", d.ID, d.Type, raw)
	}
	return text.Bytes(), nil
}
