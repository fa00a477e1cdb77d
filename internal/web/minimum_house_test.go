package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/export"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// side is one of two brands in a store, with what only its own people may read. Whatever
// it knows of a customer has its word in it.
type side struct {
	word     string // stands in every text of this side and in none of the other's
	ask      string // a part of it: a page that shows a query must not look like a leak
	advisor  string
	manager  string
	counter  string
	brand    string
	account  conversation.Account
	wen, own conversation.Thread // of who is at both, and of who is only here
	picture  string              // a message
	later    string              // a message that is planned
	row      map[string]string   // of Wen's card, by kind
	card     string
	product  string
}

// minimum is a house of two brands. Wen is a customer of both, by two accounts, and
// proved to be one person; each side has somebody of its own, too.
type minimum struct {
	*adminHouse
	url    string
	rose   *side
	lumi   *side
	shared conversation.Account // one account that both counters answer
	said   int
}

func newMinimum(t *testing.T, d *db.DB) *minimum {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stopping := make(chan struct{})
	h := &minimum{adminHouse: newAdminHouseOn(t, d, func(d *Deps) { d.Events, d.Stopping = event.NewLog(d.DB), stopping })}
	ended := make(chan struct{})
	go func() { defer close(ended); h.Events.Run(ctx) }()
	server := httptest.NewServer(h.Server)
	t.Cleanup(func() { close(stopping); server.CloseClientConnections(); server.Close(); cancel(); <-ended })
	h.url = server.URL
	h.rose = &side{word: "quartz", ask: "quart", advisor: h.Advisor, counter: h.Counter}
	h.lumi = &side{word: "onyxian", ask: "onyxi", advisor: h.Other, counter: h.OtherCounter}
	h.write(func(tx *db.Tx) (err error) {
		if err := h.Desk.Book.EnsureDefaults(tx); err != nil {
			return err
		}
		for _, s := range h.sides() {
			s.brand = must(staff.GetCounter(tx, s.counter)).BrandID
			s.account = must(h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{Channel: channel.LINE, Name: s.word + " LINE", CounterID: s.counter, Secret: "s", Token: "t"}))
			s.manager = must(staff.SaveStaff(tx, staff.System(), staff.StaffForm{Name: "Boss " + s.word, Email: s.word + "@group.test", Role: staff.Manager, Counters: []string{s.counter}})).ID
		}
		both := []string{h.lumi.counter}
		h.shared, err = h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{Channel: channel.LINE, Name: "the store", CounterID: h.rose.counter, Counters: &both, Secret: "s", Token: "t"})
		if err != nil {
			return err
		}
		_, err = h.Desk.SaveChatRules(tx, staff.System(), conversation.ChatRules{NoGreeting: true})
		return err
	})
	for _, s := range h.sides() {
		s.wen = h.hears(s.account, "Wen "+s.word, s.word+" is what she said: my skin is sensitive")
		s.own = h.hears(s.account, "Only "+s.word, s.word+" has her alone")
	}
	h.write(func(tx *db.Tx) error { // a till read her card at both counters
		for _, s := range h.sides() {
			if _, err := h.Desk.AddContact(tx, staff.System(), s.wen.CustomerID, customer.Contact{Kind: customer.Phone, Value: "+886912345678", Verified: true, Source: customer.SourceTill}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, s := range h.sides() {
		s.wen = h.thread(s.wen.ID)
		h.knows(s)
	}
	if h.rose.wen.CustomerID != h.lumi.wen.CustomerID {
		t.Fatal("Wen is two persons")
	}
	return h
}

func (h *minimum) sides() []*side { return []*side{h.rose, h.lumi} }

func (h *minimum) other(s *side) *side {
	if s == h.rose {
		return h.lumi
	}
	return h.rose
}

// viewer is somebody as she is allowed to look now.
func (h *minimum) viewer(staffID string) (v staff.Viewer) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) { v, err = staff.ViewerByID(tx, staffID); return err })
	return v
}

// thread reads a thread for the house.
func (h *minimum) thread(id string) (t conversation.Thread) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) { t, err = h.Desk.Thread(tx, staff.System(), id); return err })
	return t
}

// hears lets somebody write to an account, and gives the thread that it came to.
func (h *minimum) hears(a conversation.Account, name, text string) conversation.Thread {
	h.t.Helper()
	h.said++
	id := fmt.Sprint("minimum-", h.said)
	thread := ""
	h.write(func(tx *db.Tx) error {
		if _, err := h.Desk.Receive(tx, a, []channel.Inbound{{EventID: id, ExternalID: id, Kind: channel.Message, At: tx.Now,
			Peer: channel.Peer{Type: channel.Person, ID: "U-" + name, Name: name}, Body: channel.Body{Type: channel.Text, Text: text}}}); err != nil {
			return err
		}
		var message string
		if err := tx.QueryRow(`SELECT thread_id, id FROM message WHERE event_id = $1`, id).Scan(&thread, &message); err != nil {
			return err
		}
		return h.Reader.React(tx, event.Event{Kind: event.MessageReceived, Message: message, Thread: thread})
	})
	return h.thread(thread)
}

// knows lets a side write down everything that can be written of a customer.
func (h *minimum) knows(s *side) {
	h.t.Helper()
	up := must(h.Desk.Upload(context.Background(), h.viewer(s.advisor), conversation.File{ThreadID: s.wen.ID, Name: s.word + ".jpg", From: strings.NewReader(string(picture(h.t)))}))
	v := h.viewer(s.advisor)
	h.write(func(tx *db.Tx) error {
		sys, wen := staff.System(), s.wen.CustomerID
		s.row = map[string]string{
			"note":    must(h.Desk.Book.AddNote(tx, v, customer.NoteForm{CustomerID: s.wen.RecordID, CounterID: s.counter, Body: s.word + " note"})).ID,
			"wish":    must(h.Desk.Book.AddWish(tx, v, customer.WishForm{CustomerID: s.wen.RecordID, CounterID: s.counter, Body: s.word + " wish"})).ID,
			"promise": must(h.Desk.Book.AddPromise(tx, v, customer.PromiseForm{CustomerID: s.wen.RecordID, CounterID: s.counter, Body: s.word + " promise", Due: tx.Now.Add(time.Hour)})).ID,
		}
		must(h.Desk.Book.SaveTag(tx, sys, customer.Tag{Name: s.word + ":regular", Label: s.word + " regular", BrandID: s.brand}))
		must(h.Desk.Book.SaveTag(tx, sys, customer.Tag{Name: "group:" + s.ask, Label: "Group tag"}))
		must(h.Desk.Book.SaveAttributeDef(tx, sys, customer.AttributeDef{Name: s.word + "_club", Type: customer.TypeText, BrandID: s.brand}))
		for _, by := range []customer.ByHand{{CustomerID: s.wen.RecordID, CounterID: s.counter, Name: s.word + ":regular"}} {
			must(h.Desk.Book.GiveTagByHand(tx, v, by))
		}
		proof := customer.Proof{Source: customer.SourceSaid, CounterID: s.counter, MessageID: s.wen.LastMessageID, Rule: "en/1/" + s.word, Cause: s.word + " made us think so"}
		must(h.Desk.Book.GiveTag(tx, s.wen.RecordID, "group:"+s.ask, proof))
		must(h.Desk.Book.Learn(tx, s.wen.RecordID, customer.Learnt{Name: "scents", Value: "rose" + fmt.Sprint(len(s.word)), Proof: proof}))
		must(h.Desk.Book.LearnByHand(tx, v, customer.ByHand{CustomerID: s.wen.RecordID, CounterID: s.counter, Name: s.word + "_club", Value: s.word + " gold"}))
		made := must(h.Shop.Upsert(tx, sys, []catalogue.ProductForm{{Ref: s.word, Brand: s.brand, Name: s.word + " cream", Category: "cream", Variants: []catalogue.VariantForm{{SKU: strings.ToUpper(s.word)}}}}))
		s.product = made[0].ID
		must(h.Shop.RecordPurchases(tx, sys, []catalogue.PurchaseForm{
			{Source: "till", Ref: s.word, CustomerID: s.wen.RecordID, Counter: s.counter, At: tx.Now.AddDate(-1, 0, 0), Currency: "TWD", Lines: []catalogue.LineForm{{SKU: strings.ToUpper(s.word), Quantity: 1, Amount: 1000}}},
			{Source: "till", Ref: s.word + "-online", CustomerID: s.wen.RecordID, At: tx.Now.AddDate(0, -1, 0), Currency: "TWD", Lines: []catalogue.LineForm{{SKU: strings.ToUpper(s.word), Quantity: 1, Amount: 1000}}},
		}))
		s.picture = must(h.Desk.Say(tx, v, conversation.Draft{ThreadID: s.wen.ID, Blob: up.Blob, Preview: up.Preview, BlobOf: up.CustomerID, Body: channel.Body{Type: up.Type, Media: &up.Media}})).ID
		must(h.Desk.Say(tx, v, conversation.Draft{ThreadID: s.wen.ID, Body: channel.Body{Type: channel.Text, Text: s.word + " answer"}}))
		s.later = must(h.Desk.Say(tx, v, conversation.Draft{ThreadID: s.wen.ID, NotBefore: tx.Now.Add(30 * time.Hour), Body: channel.Body{Type: channel.Text, Text: s.word + " later"}})).ID
		must(h.Desk.SaveReply(tx, sys, conversation.Reply{Title: s.word + " reply", Text: s.word + " ready", CounterID: s.counter}))
		s.card = must(h.Desk.SaveCard(tx, sys, conversation.CardForm{AccountID: s.account.ID, CounterID: s.counter, AdvisorID: s.advisor})).ID
		must(h.Desk.ScanCard(tx, conversation.Scan{CardID: s.card, Peer: channel.Peer{Type: channel.Person, ID: "U-Wen " + s.word}}))
		must(h.Consent.Record(tx, consent.Entry{Customer: wen, Purpose: consent.Marketing, State: consent.Granted, How: consent.HowChat, Account: s.account.ID, Evidence: []byte(s.word + " yes")}))
		must(h.Consent.Record(tx, consent.Entry{Customer: wen, Purpose: consent.Profiling, State: consent.Granted, How: consent.HowStaff, Staff: s.advisor, Account: s.account.ID, Evidence: []byte(s.word + " said so")}))
		if err := h.Desk.Transfer(tx, v, conversation.Handing{ThreadID: s.wen.ID, To: s.manager, Note: s.word + " handing"}); err != nil {
			return err
		}
		if err := h.Desk.Take(tx, v, s.wen.ID); err != nil {
			return err
		}
		return h.Desk.SaveDraft(tx, v, s.wen.ID, s.word+" draft")
	})
}

// texts says what a viewer can read by the verbs of the rooms, by name.
func (h *minimum) verbs(v staff.Viewer, of *side) map[string]string {
	h.t.Helper()
	out := map[string]string{}
	h.read(func(tx *db.Tx) error {
		for name, read := range h.reading(tx, v, of) {
			got, err := read()
			text, _ := json.Marshal(got)
			if out[name] = string(text); err != nil && !isRefusal(err) {
				h.t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	return out
}

// pages asks for every page and part that is read, with the ids of a side.
func (h *minimum) pages(b *browser, of *side, more ...string) map[string]string {
	h.t.Helper()
	f := fixtures{"thread": of.wen.ID, "message": of.picture, "name": of.word + "_club", "file": of.card + ".svg", "card": of.card, "customer": of.wen.CustomerID,
		"row": of.row["note"], "counter": of.counter, "staff": of.advisor, "product": of.product, "account": of.account.ID, "brand": of.brand}
	var paths []string
	for _, rt := range h.routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		if method != http.MethodGet || rt.access.kind == "foreign" || path == "/live" || path == "/static/" || strings.HasPrefix(path, "/sign-in") {
			continue
		}
		if strings.Contains(path, "{part}") {
			for _, part := range []string{"head", "tags", "all-tags", "promises", "wishes", "facets", "known", "notes", "reach", "consent", "consent-past", "one", "purchases", "receipts", "past"} {
				paths = append(paths, f.path(strings.Replace(path, "{part}", part, 1)))
			}
			continue
		}
		paths = append(paths, f.path(path))
	}
	for _, box := range []string{"mine", "unassigned", "all"} {
		paths = append(paths, "/inbox?box="+box, "/inbox?box="+box+"&q="+of.ask, "/inbox?box="+box+"&closed=1")
	}
	for _, q := range []string{of.ask, "Wen", "sensitive", "0912345678", "5678", "Group+tag", of.ask + "+regu", "cream"} {
		paths = append(paths, "/find?q="+q, "/find?q="+q+"&what=messages", "/find?in=messages&q="+q)
	}
	paths = append(append(paths, "/today?all=1", "/inbox/"+of.own.ID, "/inbox/"+of.own.ID+"/card", "/inbox/"+of.wen.ID+"/messages?before=9000000000000000.z",
		"/inbox/"+of.wen.ID+"/card/past?before=9000000000000000.z"), more...)
	out := map[string]string{}
	for _, path := range paths {
		got := b.get(path)
		if got.Code >= 500 {
			h.t.Errorf("GET %s: %d", path, got.Code)
		}
		out["GET "+path] = got.Body.String()
	}
	return out
}

// tells looks for the word of a side in what was read, and says where it stands.
func tells(read map[string]string, word string) (where []string) {
	for name, text := range read {
		if at := strings.Index(strings.ToLower(text), word); at >= 0 {
			where = append(where, name+": …"+text[max(0, at-80):min(len(text), at+60)]+"…")
		}
	}
	return where
}

// exported makes a file of a side's customers, for its manager.
func (h *minimum) exported(s *side) string {
	h.t.Helper()
	x := must(h.Files.Ask(context.Background(), h.viewer(s.manager), export.Request{Kind: export.Customers, Reason: "for the spring mailing", Filter: export.Filter{Purpose: export.OwnUse}}))
	done := must(h.Files.Handlers()[export.JobMake](context.Background(), job.Job{Kind: export.JobMake, Args: []byte(`{"export":"` + x.ID + `"}`), Attempt: 1}))
	if done != nil {
		h.write(done)
	}
	_, file, err := h.Files.Open(context.Background(), h.viewer(s.manager), x.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	defer file.Close()
	return string(must(io.ReadAll(file)))
}

func (h *minimum) ear() *deskHouse {
	return &deskHouse{chatHouse: &chatHouse{house: h.house, t: h.t, url: h.url}}
}
