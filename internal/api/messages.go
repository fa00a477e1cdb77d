package api

import (
	"context"
	"database/sql"
	"fmt"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

type threadMessagesInput struct {
	ID     string `path:"id" example:"thr_06hk2q8s1n7v0000000000000a"`
	After  string `query:"after" doc:"Messages after this cursor, the oldest first."`
	Before string `query:"before" doc:"Messages before this cursor. Without either: the newest."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type threadMessagesOutput struct {
	Body struct {
		Messages []webhook.Message `json:"messages" doc:"In the order in which they were written."`
		Older    string            `json:"older,omitempty" doc:"Give it as before, for what was written earlier."`
		Newer    string            `json:"newer,omitempty" doc:"Give it as after, for what was written later."`
	}
}

type messagesInput struct {
	After string `query:"after" doc:"The next of the page before; without: from the beginning; latest: no messages, only the cursor of now."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type messagesOutput struct {
	Body struct {
		Messages []webhook.Message `json:"messages" doc:"In the order in which they came in or were queued."`
		Next     string            `json:"next" doc:"Where to go on, now or later: every message comes once."`
		More     bool              `json:"more" doc:"There is more already."`
	}
}

type messageInput struct {
	ID string `path:"id" example:"msg_06hk2q8s1n7v0000000000000d"`
}

type messageOutput struct{ Body webhook.Message }

type contentInput struct {
	ID      string `path:"id" example:"msg_06hk2q8s1n7v0000000000000d"`
	Preview bool   `query:"preview" doc:"A small JPEG instead, where there is one."`
}

func (s *server) messageOperations() {
	register(s, huma.Operation{OperationID: "list-thread-messages", Method: http.MethodGet, Path: prefix + "/threads/{id}/messages", Tags: []string{tagMessages},
		Summary: "Read a thread", Security: needs(staff.MessagesRead), Description: "By the time at which a message was written. One that arrives late takes " +
			"its place among the older ones, so follow /messages to miss none. What is planned is in neither until it goes."}, s.threadMessages)
	register(s, huma.Operation{OperationID: "list-messages", Method: http.MethodGet, Path: prefix + "/messages", Tags: []string{tagMessages},
		Summary: "Follow all messages", Security: needs(staff.MessagesRead), Description: "Every message of every thread, from customers and to them, in the order of " +
			"arrival. Nothing is missed and nothing comes twice, also while messages pour in."}, s.allMessages)
	register(s, huma.Operation{OperationID: "get-message", Method: http.MethodGet, Path: prefix + "/messages/{id}", Tags: []string{tagMessages},
		Summary: "Get a message", Security: needs(staff.MessagesRead)}, s.getMessage)
	register(s, huma.Operation{OperationID: "get-message-content", Method: http.MethodGet, Path: prefix + "/messages/{id}/content", Tags: []string{tagMessages},
		Summary: "Get a message's bytes", Security: needs(staff.MessagesRead), Description: "The picture, voice note, video or file. Ranges are honoured. 404 while it is pending, and once it is gone.",
		Responses: map[string]*huma.Response{"200": {Description: "The bytes", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}}, s.getContent)
}

func (s *server) threadMessages(ctx context.Context, in *threadMessagesInput) (*threadMessagesOutput, error) {
	c := callerOf(ctx)
	if in.After != "" && in.Before != "" {
		return nil, db.Invalid{Field: "after", Code: "one_of"}
	}
	out := &threadMessagesOutput{}
	out.Body.Messages = []webhook.Message{}
	var customerID string
	err := s.read(ctx, func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, c.Viewer, in.ID)
		if err != nil {
			return err
		}
		customerID, in.ID = t.CustomerID, t.ID
		found, more, err := in.find(tx)
		if err != nil {
			return err
		}
		if out.Body.Messages, err = s.messages(tx, found); err != nil || len(found) == 0 {
			out.Body.Newer = in.After
			return err
		}
		first, last := found[0], found[len(found)-1]
		if more || in.After != "" {
			out.Body.Older = cursor{listThread, first.at, first.id}.String()
		}
		out.Body.Newer = cursor{listThread, last.at, last.id}.String()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, customerID)
}

// find gives a piece of a thread, the oldest first, and whether there is more
// in the direction in which it was read.
func (in *threadMessagesInput) find(tx *db.Tx) (found []place, more bool, err error) {
	compare, order, field, text := "<", "DESC", "before", in.Before
	if in.After != "" {
		compare, order, field, text = ">", "ASC", "after", in.After
	}
	at, id := int64(1<<62), "~"
	if text != "" {
		cur, err := parseCursor(listThread, field, text)
		if err != nil {
			return nil, false, err
		}
		at, id = cur.at, cur.id
	}
	rows, err := tx.Query(`SELECT id, at FROM message WHERE thread_id = $1 AND (at, id) `+compare+` ($2, $3) AND status <> 'planned'
		ORDER BY at `+order+`, id `+order+` LIMIT $4`, in.ID, at, id, in.Limit+1)
	found, err = db.Collect(rows, err, func(r *sql.Rows) (place, error) {
		var p place
		return p, r.Scan(&p.id, &p.at)
	})
	if err != nil {
		return nil, false, fmt.Errorf("read thread: %w", err)
	}
	if more = len(found) > in.Limit; more {
		found = found[:in.Limit]
	}
	if in.After == "" {
		for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
			found[i], found[j] = found[j], found[i]
		}
	}
	return found, more, nil
}

func (s *server) messages(tx *db.Tx, places []place) ([]webhook.Message, error) {
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	byID, err := s.Desk.MessagesByID(tx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]webhook.Message, 0, len(ids))
	for _, id := range ids {
		if m, ok := byID[id]; ok {
			out = append(out, webhook.NewMessage(m))
		}
	}
	return out, nil
}

const (
	// scanBatch is how many events are looked at together for messages, and
	// scanMost how many by one request: status news may lie in between.
	scanBatch = 500
	scanMost  = 10_000
	latest    = "latest"
)

func (s *server) allMessages(ctx context.Context, in *messagesInput) (*messagesOutput, error) {
	c := callerOf(ctx)
	out := &messagesOutput{}
	out.Body.Messages = []webhook.Message{}
	var customers []string
	err := s.read(ctx, func(tx *db.Tx) error {
		last, err := event.Last(tx)
		if err != nil {
			return err
		}
		seq := int64(0)
		switch {
		case in.After == latest:
			seq = last
		case in.After != "":
			cur, err := parseCursor(listArrived, "after", in.After)
			if err != nil {
				return err
			}
			if seq = cur.at; seq > last {
				return event.ErrAhead
			}
		}
		found, seq, err := arrived(tx, seq, in.Limit)
		if err != nil {
			return err
		}
		out.Body.Next = cursor{list: listArrived, at: seq}.String()
		out.Body.More = seq < last
		if out.Body.Messages, err = s.messages(tx, found); err != nil {
			return err
		}
		for _, m := range out.Body.Messages {
			customers = append(customers, m.Customer)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, customers...)
}

// arrived finds the messages that the events after seq announce, and the number
// up to which it looked.
func arrived(tx *db.Tx, seq int64, limit int) ([]place, int64, error) {
	var found []place
	for range scanMost / scanBatch {
		events, err := event.After(tx, seq, scanBatch)
		if err != nil {
			return nil, seq, err
		}
		for _, e := range events {
			if e.Kind == event.MessageReceived || e.Kind == event.MessageSent {
				found = append(found, place{id: e.Message, at: e.Seq})
			}
			if seq = e.Seq; len(found) == limit {
				return found, seq, nil
			}
		}
		if len(events) < scanBatch {
			break
		}
	}
	return found, seq, nil
}

func (s *server) getMessage(ctx context.Context, in *messageInput) (*messageOutput, error) {
	c := callerOf(ctx)
	var m conversation.Message
	err := s.read(ctx, func(tx *db.Tx) (err error) {
		m, err = s.Desk.MessageFor(tx, c.Viewer, in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &messageOutput{webhook.NewMessage(m)}, s.saw(ctx, c, m.CustomerID)
}

func (s *server) getContent(ctx context.Context, in *contentInput) (*huma.StreamResponse, error) {
	c := callerOf(ctx)
	m, err := s.getMessage(ctx, &messageInput{ID: in.ID})
	if err != nil {
		return nil, err
	}
	content, err := s.Desk.ContentFor(ctx, c.Viewer, m.Body.ID, in.Preview)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer content.Close()
		r, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		if _, _, err := mime.ParseMediaType(content.MIME); err == nil {
			h.Set("Content-Type", content.MIME)
		}
		// What a customer sent is never shown by a browser as a page of ours.
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": content.Name}))
		http.ServeContent(w, r, "", content.At, content)
	}}, nil
}
