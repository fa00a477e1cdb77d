package api

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Thread is one customer and one counter, across channels.
type Thread struct {
	ID           string         `json:"id" example:"thr_06hk2q8s1n7v0000000000000a"`
	Customer     Named          `json:"customer"`
	Counter      string         `json:"counter" example:"cnt_06hk2q8s1n7v0000000000000c"`
	Kind         string         `json:"kind" enum:"person,group,room" example:"person"`
	State        string         `json:"state" enum:"open,closed" example:"open"`
	Assignee     *Named         `json:"assignee,omitempty" doc:"The advisor whose thread it is."`
	Account      string         `json:"account" doc:"Where she wrote last: answers go there." example:"acc_06hk2q8s1n7v0000000000000e"`
	Channel      channel.Kind   `json:"channel" example:"line"`
	Reach        customer.Reach `json:"reach" enum:"unknown,friend,blocked" example:"friend"`
	LastMessage  string         `json:"last_message,omitempty" doc:"The id of its last message." example:"msg_06hk2q8s1n7v0000000000000d"`
	LastAt       time.Time      `json:"last_at"`
	WaitingSince *time.Time     `json:"waiting_since,omitempty" doc:"Since when she waits for an answer; absent: she does not."`
	Unread       int            `json:"unread"`
	Halted       string         `json:"halted,omitempty" doc:"Why its account cannot send, as a code."`
	CreatedAt    time.Time      `json:"created_at"`
}

func newThread(t conversation.Thread) Thread {
	out := Thread{
		ID: t.ID, Customer: Named{t.CustomerID, t.Name}, Counter: t.CounterID, Kind: string(t.Kind), State: "open", Account: t.AccountID,
		Channel: t.Channel, Reach: t.Reach, LastMessage: t.LastMessageID, LastAt: t.LastAt, Unread: t.Unread, Halted: t.Halted, CreatedAt: t.CreatedAt,
	}
	if t.Closed {
		out.State = "closed"
	}
	if t.AssigneeID != "" {
		out.Assignee = &Named{t.AssigneeID, t.AssigneeName}
	}
	if !t.WaitingSince.IsZero() {
		out.WaitingSince = &t.WaitingSince
	}
	return out
}

type threadsInput struct {
	Counter string    `query:"counter" doc:"Only threads of this counter."`
	State   string    `query:"state" enum:"open,closed" doc:"Only open or only closed ones."`
	Updated time.Time `query:"updated_after" doc:"Only threads with a message after this time; the list then begins with the oldest, so that you can go on from the last one's last_at."`
	Cursor  string    `query:"cursor" doc:"The next of the page before."`
	Limit   int       `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type threadsOutput struct {
	Body struct {
		Threads []Thread `json:"threads"`
		Next    string   `json:"next,omitempty" doc:"The cursor of the next page; absent: there is none."`
	}
}

type threadInput struct {
	ID string `path:"id" example:"thr_06hk2q8s1n7v0000000000000a"`
}

type threadOutput struct{ Body Thread }

type assignInput struct {
	ID   string `path:"id" example:"thr_06hk2q8s1n7v0000000000000a"`
	Body struct {
		Staff string `json:"staff" doc:"Who takes it over; empty: nobody, it goes back to its counter." example:"stf_06hk2q8s1n7v0000000000000f"`
		Note  string `json:"note,omitempty" doc:"A line that only staff reads."`
	}
}

func (s *server) threadOperations() {
	register(s, huma.Operation{OperationID: "list-threads", Method: http.MethodGet, Path: prefix + "/threads", Tags: []string{tagThreads},
		Summary: "List threads", Security: needs(staff.ThreadsRead), Description: "The latest first. A thread that moves while you page may show up again. " +
			"To miss nothing, follow /messages or /events."}, s.listThreads)
	register(s, huma.Operation{OperationID: "get-thread", Method: http.MethodGet, Path: prefix + "/threads/{id}", Tags: []string{tagThreads},
		Summary: "Get a thread", Security: needs(staff.ThreadsRead)}, s.getThread)
	register(s, huma.Operation{OperationID: "assign-thread", Method: http.MethodPost, Path: prefix + "/threads/{id}/assign", Tags: []string{tagThreads},
		Summary: "Assign a thread", Security: needs(staff.MessagesWrite)}, s.assignThread)
	register(s, huma.Operation{OperationID: "close-thread", Method: http.MethodPost, Path: prefix + "/threads/{id}/close", Tags: []string{tagThreads},
		Summary: "Close a thread", Security: needs(staff.MessagesWrite)}, s.act((*conversation.Desk).CloseThread))
	register(s, huma.Operation{OperationID: "reopen-thread", Method: http.MethodPost, Path: prefix + "/threads/{id}/reopen", Tags: []string{tagThreads},
		Summary: "Reopen a thread", Security: needs(staff.MessagesWrite)}, s.act((*conversation.Desk).Reopen))
	register(s, huma.Operation{OperationID: "show-typing", Method: http.MethodPost, Path: prefix + "/threads/{id}/typing", Tags: []string{tagThreads},
		Summary: "Show that an answer is being written", Security: needs(staff.MessagesWrite), DefaultStatus: http.StatusNoContent,
		Description: "A courtesy, for some twenty seconds, where the messenger can show it; elsewhere nothing happens."}, s.showTyping)
}

// place is a thread's place in the list.
type place struct {
	id string
	at int64
}

func (s *server) listThreads(ctx context.Context, in *threadsInput) (*threadsOutput, error) {
	c := callerOf(ctx)
	out := &threadsOutput{}
	out.Body.Threads = []Thread{}
	var customers []string
	err := s.read(ctx, func(tx *db.Tx) error {
		found, next, err := in.find(tx, c)
		if err != nil {
			return err
		}
		out.Body.Next = next
		for _, p := range found {
			t, err := s.Desk.Thread(tx, c.Viewer, p.id)
			if err != nil {
				return err
			}
			out.Body.Threads = append(out.Body.Threads, newThread(t))
			customers = append(customers, t.CustomerID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, customers...)
}

// find reads each counter in the order of its own index and merges: one query
// over many counters would sort everything they ever had.
func (in *threadsInput) find(tx *db.Tx, c caller) (found []place, next string, err error) {
	upward := !in.Updated.IsZero()
	list, at, id := listThreads, int64(1<<62), "~"
	if upward {
		list, at, id = listUpdated, db.Micro(in.Updated), "~"
	}
	if in.Cursor != "" {
		cur, err := parseCursor(list, "cursor", in.Cursor)
		if err != nil {
			return nil, "", err
		}
		at, id = cur.at, cur.id
	}
	compare, order := "<", "DESC"
	if upward {
		compare, order = ">", "ASC"
	}
	counters := c.Counters()
	if in.Counter != "" {
		counters = slices.DeleteFunc(counters, func(id string) bool { return id != in.Counter })
	}
	state := ""
	if in.State != "" { // one of two words, checked by the schema
		state = " AND state = '" + in.State + "'"
	}
	for _, counter := range counters {
		rows, err := tx.Query(`SELECT id, last_at FROM thread WHERE counter_id = $1 AND kind = 'person' AND folded_id = '' AND (last_at, id) `+compare+` ($2, $3)`+state+`
			ORDER BY last_at `+order+`, id `+order+` LIMIT $4`, counter, at, id, in.Limit+1)
		some, err := db.Collect(rows, err, func(r *sql.Rows) (place, error) {
			var p place
			return p, r.Scan(&p.id, &p.at)
		})
		if err != nil {
			return nil, "", fmt.Errorf("list threads: %w", err)
		}
		found = append(found, some...)
	}
	slices.SortFunc(found, func(a, b place) int {
		n := cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
		if upward {
			return n
		}
		return -n
	})
	if len(found) > in.Limit {
		found = found[:in.Limit]
		last := found[in.Limit-1]
		next = cursor{list, last.at, last.id}.String()
	}
	return found, next, nil
}

func (s *server) getThread(ctx context.Context, in *threadInput) (*threadOutput, error) {
	c := callerOf(ctx)
	var t conversation.Thread
	err := s.read(ctx, func(tx *db.Tx) (err error) {
		t, err = s.Desk.Thread(tx, c.Viewer, in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &threadOutput{newThread(t)}, s.saw(ctx, c, t.CustomerID)
}

func (s *server) assignThread(ctx context.Context, in *assignInput) (*threadOutput, error) {
	return s.change(ctx, in.ID, func(tx *db.Tx, c caller) error {
		if in.Body.Staff == "" {
			return s.Desk.Release(tx, c.Viewer, in.ID)
		}
		t, err := s.Desk.Thread(tx, c.Viewer, in.ID)
		if err != nil {
			return err
		}
		if err := answers(tx, in.Body.Staff, t.CounterID, "staff"); err != nil {
			return err
		}
		return s.Desk.Transfer(tx, c.Viewer, conversation.Handing{ThreadID: in.ID, To: in.Body.Staff, Note: in.Body.Note})
	})
}

// answers asks whether somebody is active and answers at a counter.
func answers(tx *db.Tx, staffID, counterID, field string) error {
	colleagues, err := staff.Colleagues(tx, counterID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(colleagues, func(p staff.Colleague) bool { return p.ID == staffID }) {
		return db.Invalid{Field: field, Code: "not_at_counter"}
	}
	return nil
}

// act makes a handler of something that can be done with a thread.
func (s *server) act(do func(*conversation.Desk, *db.Tx, staff.Viewer, string) error) func(context.Context, *threadInput) (*threadOutput, error) {
	return func(ctx context.Context, in *threadInput) (*threadOutput, error) {
		return s.change(ctx, in.ID, func(tx *db.Tx, c caller) error { return do(s.Desk, tx, c.Viewer, in.ID) })
	}
}

// change does something with a thread and gives it as it is then.
func (s *server) change(ctx context.Context, id string, do func(*db.Tx, caller) error) (*threadOutput, error) {
	c := callerOf(ctx)
	var t conversation.Thread
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := do(tx, c); err != nil {
			return err
		}
		var err error
		t, err = s.Desk.Thread(tx, c.Viewer, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &threadOutput{newThread(t)}, s.saw(ctx, c, t.CustomerID)
}

// typingTime is how long a customer is shown that somebody writes: LINE takes
// steps of five seconds up to sixty.
const typingTime = 20 * time.Second

func (s *server) showTyping(ctx context.Context, in *threadInput) (*struct{}, error) {
	c := callerOf(ctx)
	err := s.read(ctx, func(tx *db.Tx) error {
		_, err := s.Desk.Thread(tx, c.Viewer, in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.Desk.ShowTyping(ctx, in.ID, typingTime); err != nil {
		s.Log.DebugContext(ctx, "typing could not be shown", "error", err) // nothing follows from that
	}
	return nil, nil
}
