package app

import (
	"slices"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

type replyCommands struct {
	Add    addReply    `cmd:"" help:"Add a saved reply, at the end of its counter's list."`
	List   listReplies `cmd:"" help:"List saved replies: id, counter, position, title; the text with --json."`
	Edit   editReply   `cmd:"" help:"Change a saved reply: only what is given."`
	Delete deleteReply `cmd:"" help:"Delete a saved reply."`
}

func replyTold(r conversation.Reply) row { return told(r.ID, shown("title", r.Title)) }

// everyReply lists them all, and finds one if an id is given.
func everyReply(h *App, tx *db.Tx, id string) (all []conversation.Reply, found conversation.Reply, err error) {
	if all, err = h.Desk.Replies(tx, staff.System(), ""); err != nil || id == "" {
		return all, found, err
	}
	i := slices.IndexFunc(all, func(r conversation.Reply) bool { return r.ID == id })
	if i < 0 {
		return nil, found, missing("reply", id, "reply")
	}
	return all, all[i], nil
}

// lastPosition is where the list of a counter ends.
func lastPosition(all []conversation.Reply, counterID string) int {
	last := 0
	for _, r := range all {
		if r.CounterID == counterID {
			last = max(last, r.Position)
		}
	}
	return last
}

type addReply struct {
	Title   string `required:"" help:"Title that advisors find it by."`
	Text    string `required:"" help:"Text; {customer}, {advisor} and {counter} are replaced by names."`
	Counter string `help:"Id or name of the counter that has it; absent: every counter."`
}

// Run adds a saved reply.
func (f addReply) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		r := conversation.Reply{Title: f.Title, Text: f.Text}
		if f.Counter != "" {
			x, err := findCounter(tx, "--counter", f.Counter)
			if err != nil {
				return nil, err
			}
			r.CounterID = x.ID
		}
		all, _, err := everyReply(h, tx, "")
		if err != nil {
			return nil, err
		}
		r.Position = lastPosition(all, r.CounterID) + 1
		r, err = h.Desk.SaveReply(tx, staff.System(), r)
		return []row{replyTold(r)}, err
	})
}

type listReplies struct{}

// Run lists saved replies.
func (listReplies) Run(c *call, a *adminCommand) error {
	return a.look(c, func(h *App, tx *db.Tx) (out []row, err error) {
		all, _, err := everyReply(h, tx, "")
		for _, r := range all {
			out = append(out, told(r.ID, shown("counter", r.CounterID), shown("position", r.Position), shown("title", r.Title), detail("text", r.Text)))
		}
		return out, err
	})
}

type editReply struct {
	Reply        string  `arg:"" help:"Id."`
	Title        *string `help:"New title."`
	Text         *string `help:"New text."`
	Counter      string  `xor:"counter" help:"Id or name of the counter that has it from now on."`
	EveryCounter bool    `xor:"counter" help:"Every counter has it from now on."`
	Position     *int    `help:"Where it stands in its list: lower comes first."`
}

// Validate refuses a change that names nothing.
func (f editReply) Validate() error {
	if f.Title == nil && f.Text == nil && f.Counter == "" && !f.EveryCounter && f.Position == nil {
		return errNothing("--title, --text, --counter, --every-counter, --position")
	}
	return nil
}

// Run changes what is given. A reply that changes its counter goes to the end
// of the new list.
func (f editReply) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		all, r, err := everyReply(h, tx, f.Reply)
		if err != nil {
			return nil, err
		}
		before := r.CounterID
		if f.EveryCounter {
			r.CounterID = ""
		}
		if f.Counter != "" {
			x, err := findCounter(tx, "--counter", f.Counter)
			if err != nil {
				return nil, err
			}
			r.CounterID = x.ID
		}
		if r.CounterID != before {
			r.Position = lastPosition(all, r.CounterID) + 1
		}
		r.Title, r.Text, r.Position = given(f.Title, r.Title), given(f.Text, r.Text), given(f.Position, r.Position)
		r, err = h.Desk.SaveReply(tx, staff.System(), r)
		return []row{replyTold(r)}, err
	})
}

type deleteReply struct {
	Reply string `arg:"" help:"Id."`
}

// Run deletes a saved reply.
func (f deleteReply) Run(c *call, a *adminCommand) error {
	return a.change(c, func(h *App, tx *db.Tx) ([]row, error) {
		_, r, err := everyReply(h, tx, f.Reply)
		if err != nil {
			return nil, err
		}
		return []row{replyTold(r)}, h.Desk.DeleteReply(tx, staff.System(), r.ID)
	})
}
