package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func isRefusal(err error) bool {
	return errors.Is(err, db.ErrNotFound) || errors.Is(err, staff.ErrForbidden)
}

// reading are the verbs by which rooms tell of a side's customers.
func (h *minimum) reading(tx *db.Tx, v staff.Viewer, of *side) map[string]func() (any, error) {
	desk, book := h.Desk, h.Desk.Book
	wen := of.wen.CustomerID
	page := func() customer.Page { return customer.Page{Records: must(book.Records(tx, wen)), Limit: 100} }
	past := conversation.PastPage{PersonID: wen, Limit: 100, Zone: time.UTC}
	sight := must(book.Sight(tx, v))
	def := ""
	for _, d := range must(book.AttributeDefs(tx)) {
		if d.Name == of.word+"_club" {
			def = d.ID
		}
	}
	two := func(x any, _ bool, err error) (any, error) { return x, err }
	verbs := map[string]func() (any, error){
		"thread":            func() (any, error) { return desk.Thread(tx, v, of.wen.ID) },
		"first contact":     func() (any, error) { return desk.FirstContact(tx, v, of.own.ID) },
		"messages":          func() (any, error) { return two(desk.Messages(tx, v, conversation.Page{ThreadID: of.wen.ID})) },
		"message":           func() (any, error) { return desk.MessageFor(tx, v, of.picture) },
		"planned":           func() (any, error) { return desk.Planned(tx, v, of.wen.ID) },
		"notes of a thread": func() (any, error) { return desk.Notes(tx, v, of.wen.ID, time.Time{}) },
		"draft":             func() (any, error) { return desk.DraftText(tx, v, of.wen) },
		"replies":           func() (any, error) { return desk.Replies(tx, v, of.counter) },
		"offers":            func() (any, error) { return h.Reader.Offers(tx, v, of.wen.ID) },
		"today":             func() (any, error) { return desk.Today(tx, v, conversation.Day{All: true}) },
		"days":              func() (any, error) { return desk.MessageDays(tx, v, past) },
		"card visits":       func() (any, error) { return desk.CardVisits(tx, v, past) },
		"answering":         func() (any, error) { return desk.Answering(tx, v, wen, time.UTC) },
		"suggestions":       func() (any, error) { return desk.Suggestions(tx, v, wen) },
		"contacts":          func() (any, error) { return desk.Contacts(tx, v, of.own.CustomerID) },
		"merges":            func() (any, error) { return desk.Merges(tx, v, wen) },
		"failures":          func() (any, error) { return desk.Failures(tx, v, 50) },
		"blocks":            func() (any, error) { return two(desk.Blocks(tx, v, conversation.BlockFilter{})) },
		"cards":             func() (any, error) { return desk.Cards(tx, v) },
		"note":              func() (any, error) { return book.NoteByID(tx, v, of.row["note"]) },
		"wish":              func() (any, error) { return book.WishByID(tx, v, of.row["wish"]) },
		"promise":           func() (any, error) { return book.PromiseByID(tx, v, of.row["promise"]) },
		"notes":             func() (any, error) { return book.Notes(tx, v, page()) },
		"wishes":            func() (any, error) { return book.Wishes(tx, v, page()) },
		"promises":          func() (any, error) { return book.Promises(tx, v, page()) },
		"promises due":      func() (any, error) { return book.PromisesDue(tx, v, tx.Now.Add(time.Hour*99)) },
		"wishes matched":    func() (any, error) { return book.WishesMatched(tx, v, 50) },
		"tags":              func() (any, error) { return book.TagsOf(tx, sight, page().Records) },
		"tags of the past":  func() (any, error) { return book.TagPage(tx, sight, page()) },
		"attributes":        func() (any, error) { return book.Attributes(tx, sight, page().Records) },
		"attribute page":    func() (any, error) { return book.AttributePage(tx, sight, page()) },
		"attribute history": func() (any, error) { return book.AttributeHistory(tx, sight, page(), def) },
		"purchases":         func() (any, error) { return h.Shop.Purchases(tx, v, page().Records, catalogue.Cursor{}, 50) },
		"habits":            func() (any, error) { return h.Shop.Habits(tx, v, page().Records, tx.Now) },
		"handovers":         func() (any, error) { return h.Hands.List(tx, v) },
		"leavers":           func() (any, error) { return h.Hands.Leavers(tx, v) },
	}
	for _, box := range []conversation.Box{conversation.BoxMine, conversation.BoxUnassigned, conversation.BoxAll} {
		for _, query := range []string{"", of.ask, "Wen"} {
			for _, closed := range []bool{false, true} {
				verbs[fmt.Sprint("inbox ", box, query, closed)] = func() (any, error) {
					list, _, err := desk.Inbox(tx, v, conversation.Filter{Box: box, Query: query, Closed: closed, Limit: 100})
					return list, err
				}
			}
		}
	}
	for _, query := range []string{of.ask, "sensitive", "Wen", "0912345678", "5678", of.word + ":regular", of.word + "_club=" + of.word + " gold", "group:" + of.ask} {
		verbs["find customers "+query[:3]+fmt.Sprint(len(query))] = func() (any, error) {
			list, _, err := desk.FindCustomers(tx, v, conversation.FindCustomer{Query: query, Limit: 100})
			return list, err
		}
		verbs["find messages "+query[:3]+fmt.Sprint(len(query))] = func() (any, error) {
			list, _, err := desk.FindMessages(tx, v, conversation.Find{Query: query, Limit: 100})
			return list, err
		}
	}
	return verbs
}

// Two brands know the same person, by the same record even: what one knows of her does
// not come out at the other, by any page and any verb that reads.
func TestWhatABrandKnowsStaysThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newMinimum(t, d)
		for _, mine := range h.sides() {
			theirs := h.other(mine)
			for _, who := range []string{mine.advisor, mine.manager} {
				v, b := h.viewer(who), h.as(t, who)
				for _, ids := range h.sides() {
					for _, read := range []map[string]string{h.verbs(v, ids), h.pages(b, ids)} {
						for _, leak := range tells(read, theirs.word) {
							t.Errorf("%s reads of the other brand in %s", v.Role, leak)
						}
						if own := tells(read, mine.word); ids == mine && len(own) < 15 {
							t.Errorf("%s reads her own in %d places only: %q", v.Role, len(own), own)
						}
					}
				}
			}
		}
	})
}

// What a stranger to a customer tries with an id is answered as if there were nothing,
// and nothing happens.
func TestAnotherBrandsIdsDoNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newMinimum(t, d)
		contact := ""
		h.write(func(tx *db.Tx) error {
			c, err := h.Desk.AddContact(tx, staff.System(), h.rose.own.CustomerID, customer.Contact{Kind: customer.Phone, Value: "+886987654321", Source: customer.SourceStaff})
			contact = c.ID
			return err
		})
		b := h.as(t, h.lumi.advisor)
		before := h.sum()
		for _, rt := range h.routes() {
			if !rt.shows() || !strings.HasPrefix(rt.pattern, "POST ") {
				continue
			}
			for _, thread := range []string{h.rose.own.ID, h.rose.wen.ID} {
				f := fixtures{"thread": thread, "message": h.rose.later, "row": contact, "name": "address_as"}
				form := url.Values{"key": {"k"}, "text": {"evil"}, "to": {h.lumi.advisor}, "value": {"evil"}, "body": {"evil"}, "reason": {"call"}, "other": {h.lumi.own.CustomerID}}
				got := b.post(f.path(strings.TrimPrefix(rt.pattern, "POST ")), form)
				if got.Code != http.StatusNotFound && got.Code != http.StatusForbidden {
					t.Errorf("%s is answered with %d", rt.pattern, got.Code)
				}
			}
		}
		// The thread is hers, the row is the other brand's.
		for _, path := range []string{"notes/" + h.rose.row["note"], "wishes/" + h.rose.row["wish"], "promises/" + h.rose.row["promise"], "contacts/" + contact + "/show", "contacts/" + contact + "/end"} {
			got := b.post("/inbox/"+h.lumi.wen.ID+"/card/"+path, url.Values{"body": {"evil"}, "do": {"drop"}, "reason": {"call"}, "state": {"dropped"}})
			if got.Code != http.StatusNotFound && got.Code != http.StatusForbidden {
				t.Errorf("%s is answered with %d", path, got.Code)
			}
		}
		if after := h.sum(); after != before {
			t.Errorf("something happened: %s, before %s", after, before)
		}
	})
}

// sum counts what must not change.
func (h *minimum) sum() (out string) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		for _, table := range []string{"message", "note WHERE ended_at IS NULL", "wish WHERE ended_at IS NULL", "promise WHERE ended_at IS NULL", "contact WHERE ended_at IS NULL", "thread_note", "binding", "merge"} {
			var n int
			if err := tx.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
				return err
			}
			out += fmt.Sprint(table, " ", n, ", ")
		}
		return nil
	})
	return out
}

// A phone number is masked for everybody who sees her, until she says why she needs it;
// that is on record.
func TestANumberIsMaskedUntilAskedFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newMinimum(t, d)
		for _, s := range h.sides() {
			for _, who := range []string{s.advisor, s.manager} {
				for _, read := range []map[string]string{h.verbs(h.viewer(who), s), h.pages(h.as(t, who), s)} {
					for _, whole := range []string{"912345678", "912 345 678"} {
						for _, leak := range tells(read, whole) {
							if !strings.Contains(leak, "/find?") { // where she typed it
								t.Errorf("the whole number in %s", leak)
							}
						}
					}
				}
			}
		}
		b := h.as(t, h.rose.advisor)
		row := ""
		h.read(func(tx *db.Tx) error {
			row = must(h.Desk.Contacts(tx, h.viewer(h.rose.advisor), h.rose.wen.CustomerID))[0].ID
			return nil
		})
		path := "/inbox/" + h.rose.wen.ID + "/card/contacts/" + row + "/show"
		for _, reason := range []string{"", "because"} {
			if got := b.post(path, url.Values{"reason": {reason}}); got.Code != http.StatusUnprocessableEntity || strings.Contains(got.Body.String(), "912345678") {
				t.Errorf("without a good reason: %d", got.Code)
			}
		}
		want(t, b.post(path, url.Values{"reason": {"delivery"}}), http.StatusOK, "&#43;886912345678")
		h.read(func(tx *db.Tx) error {
			var n int
			if err := tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE actor = $1 AND action = 'customer.contact' AND detail = 'delivery'`, h.rose.advisor).Scan(&n); err != nil || n != 1 {
				t.Errorf("on record %d times, %v", n, err)
			}
			return nil
		})
	})
}

// The live stream of one brand is not told that the other one wrote something down.
func TestLiveIsSilentOnOtherBrands(t *testing.T) {
	h := newMinimum(t, dbtest.New(t))
	ear := h.ear()
	e := ear.listens(h.as(t, h.lumi.advisor), "after="+ear.last()+"&thread="+h.lumi.wen.ID, "")
	e.event("presence")
	v, theirs := h.viewer(h.rose.advisor), h.viewer(h.lumi.advisor)
	h.write(func(tx *db.Tx) error {
		must(h.Desk.Book.AddNote(tx, v, customer.NoteForm{CustomerID: h.rose.wen.CustomerID, CounterID: h.rose.counter, Body: "quartz"}))
		must(h.Desk.Book.AddWish(tx, v, customer.WishForm{CustomerID: h.rose.wen.CustomerID, CounterID: h.rose.counter, Body: "quartz"}))
		must(h.Desk.Book.AddPromise(tx, v, customer.PromiseForm{CustomerID: h.rose.wen.CustomerID, CounterID: h.rose.counter, Body: "quartz", Due: tx.Now.Add(time.Hour)}))
		must(h.Shop.RecordPurchases(tx, staff.System(), []catalogue.PurchaseForm{{Source: "till", Ref: "live", CustomerID: h.rose.wen.CustomerID, Counter: h.rose.counter, At: tx.Now, Currency: "TWD",
			Lines: []catalogue.LineForm{{SKU: "QUARTZ", Quantity: 1, Amount: 1}}}}))
		must(h.Desk.Say(tx, v, conversation.Draft{ThreadID: h.rose.wen.ID, Body: channel.Body{Type: channel.Text, Text: "quartz"}}))
		return h.Desk.GiveAdvisor(tx, v, conversation.Giving{ThreadID: h.rose.wen.ID, AdvisorID: h.rose.advisor})
	})
	h.write(func(tx *db.Tx) error { // the end of what is listened to
		_, err := h.Desk.Book.AddNote(tx, theirs, customer.NoteForm{CustomerID: h.lumi.wen.CustomerID, CounterID: h.lumi.counter, Body: "her own"})
		return err
	})
	for _, f := range e.until(func(f frame) bool { return f.Event == "card" }) {
		if strings.Contains(f.Data, h.rose.wen.ID) || strings.Contains(f.Data, "quartz") || f.Event == "row" || f.Event == "message" {
			t.Errorf("told %+v", f)
		}
		if f.Event == "card" && f.Data != `{"thread":"`+h.lumi.wen.ID+`","parts":["notes"]}` {
			t.Errorf("told of the card: %s", f.Data)
		}
	}
}

// A file of one brand's customers holds nothing of the other's.
func TestAnExportStaysWithinItsCounters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newMinimum(t, d)
		for _, s := range h.sides() {
			text := h.exported(s)
			if strings.Contains(text, h.other(s).word) || strings.Contains(text, "912345678") || !strings.Contains(text, "Only "+s.word) {
				t.Errorf("the file of %s: %s", s.word, text)
			}
		}
	})
}

// The relation ends: an advisor leaves the counter, or is leaving; a conversation is
// handed to a colleague; the customer goes on with another counter.
func TestARelationThatEnded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newMinimum(t, d)
		s := h.rose
		blind := func(when, who, word string) {
			t.Helper()
			for _, read := range []map[string]string{h.verbs(h.viewer(who), s), h.pages(h.as(t, who), s)} {
				for _, leak := range tells(read, word) {
					if !slices.ContainsFunc([]string{"/me", "/admin", "cards", "replies"}, func(own string) bool { return strings.HasPrefix(strings.TrimPrefix(leak, "GET "), own) }) {
						t.Errorf("%s: %s", when, leak)
					}
				}
			}
		}

		// She went on with another counter of the same account.
		moved := h.hears(h.shared, "Ann garnet", "garnet words")
		there := h.moves(moved, h.lumi.counter)
		if mine := tells(h.verbs(h.viewer(s.advisor), s), "garnet"); len(mine) == 0 {
			t.Error("an open conversation is gone from the advisor who has to end it")
		}
		b := h.as(t, s.advisor)
		want(t, b.post("/inbox/"+moved.ID+"/close", nil), http.StatusNoContent)
		blind("she closed it", s.advisor, "garnet")
		for _, path := range []string{"", "/card", "/head", "/messages?before=9000000000000000.z", "/card/past"} {
			want(t, b.get("/inbox/"+moved.ID+path), http.StatusNotFound)
		}
		if boss := tells(h.verbs(h.viewer(s.manager), s), "garnet"); len(boss) == 0 {
			t.Error("the manager does not see what was said at her counter")
		}
		h.read(func(tx *db.Tx) error {
			if _, err := h.Desk.Visible(tx, h.viewer(s.advisor), moved.CustomerID); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("her card: %v", err)
			}
			_, err := h.Desk.Visible(tx, h.viewer(h.lumi.advisor), moved.CustomerID)
			return err
		})
		h.moves(there, s.counter)
		h.hears(h.shared, "Ann garnet", "garnet again")
		if mine := tells(h.verbs(h.viewer(s.advisor), s), "garnet"); len(mine) == 0 {
			t.Error("she came back and her advisor does not see her")
		}

		// She is leaving: what is not hers to do is not hers to see.
		h.write(func(tx *db.Tx) error {
			if err := h.Desk.Release(tx, h.viewer(s.advisor), s.wen.ID); err != nil {
				return err
			}
			must(h.Desk.Book.LearnByHand(tx, staff.System(), customer.ByHand{CustomerID: s.wen.CustomerID, Name: customer.AttributeBirthday, Value: tx.Now.Format("01-02")}))
			must(h.Desk.Book.SaveAttributeDef(tx, staff.System(), customer.AttributeDef{Name: "x", Type: customer.TypeText}))
			return staff.SetLeaving(tx, staff.System(), s.advisor, tx.Now.Add(48*time.Hour))
		})
		blind("she is leaving", s.advisor, s.word+" is")
		blind("she is leaving", s.advisor, s.wen.ID)
		h.write(func(tx *db.Tx) error { return staff.SetLeaving(tx, staff.System(), s.advisor, time.Time{}) })

		// She stands at the other counter now.
		h.write(func(tx *db.Tx) error {
			p := must(staff.GetStaff(tx, s.advisor))
			_, err := staff.SaveStaff(tx, staff.System(), staff.StaffForm{ID: p.ID, Name: p.Name, Email: p.Email, Role: p.Role, Counters: []string{h.lumi.counter}})
			return err
		})
		blind("she changed the counter", s.advisor, s.word)
	})
}

// moves lets the customer of a thread go on with another counter.
func (h *minimum) moves(t conversation.Thread, counter string) conversation.Thread {
	h.t.Helper()
	id := ""
	h.write(func(tx *db.Tx) error {
		if err := h.Desk.SwitchCounter(tx, t.IdentityID, counter); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1 AND counter_id = $2`, t.CustomerID, counter).Scan(&id)
	})
	return h.thread(id)
}

// News of a card name the messages that prove it, of all of her threads. What was drawn of
// one for the page of its own counter is not told to the page of another.
func TestLiveKeepsABubbleWithItsThread(t *testing.T) {
	h := newMinimum(t, dbtest.New(t))
	ear := h.ear()
	after := "after=" + ear.last() + "&thread="
	own := ear.listens(h.as(t, h.rose.advisor), after+h.rose.wen.ID, "")
	own.event("presence")
	said := h.hears(h.rose.account, "Wen "+h.rose.word, h.rose.word+" words: I love skincare")
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Book.GiveTag(tx, said.CustomerID, "skincare_lover", customer.Proof{Source: customer.SourceSaid, CounterID: h.rose.counter, MessageID: said.LastMessageID})
		return err
	})
	own.until(func(f frame) bool { return f.Event == "card" && strings.Contains(f.Data, "tags") })
	other := ear.listens(h.as(t, h.lumi.advisor), after+h.lumi.wen.ID, "") // reads the same news later
	told := other.until(at)
	if !slices.ContainsFunc(told, func(f frame) bool { return f.Event == "card" }) {
		t.Errorf("her card is not told to have changed: %+v", told)
	}
	for _, f := range told {
		if strings.Contains(f.Data, h.rose.word) || strings.Contains(f.Data, h.rose.wen.ID) {
			t.Errorf("told of the other brand: %+v", f)
		}
	}
}

// What a platform calls her tells nobody else: who is not found by a name by its own
// counter's reach is not found at all, and nobody is shown under it.
func TestANameOfAnotherBrandFindsNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newMinimum(t, d)
		h.read(func(tx *db.Tx) error {
			for _, s := range h.sides() {
				v := h.viewer(s.manager)
				for _, query := range []string{"Wen " + s.word, s.word} {
					list, _, err := h.Desk.Inbox(tx, v, conversation.Filter{Box: conversation.BoxAll, Query: query})
					if err != nil || len(list) == 0 {
						t.Errorf("%q finds %d of her own, %v", query, len(list), err)
					}
				}
				for _, query := range []string{"Wen " + h.other(s).word, h.other(s).word, h.other(s).ask} {
					list, _, err := h.Desk.Inbox(tx, v, conversation.Filter{Box: conversation.BoxAll, Query: query})
					if err != nil {
						return err
					}
					for _, found := range list {
						t.Errorf("%q finds %s", query, found.Name)
					}
				}
			}
			return nil
		})

		// She was entered for one counter without a name, and writes to the other only.
		card := customer.Contact{Kind: customer.Member, Value: "VIP-77", Verified: true, Source: customer.SourceAPI}
		h.write(func(tx *db.Tx) error {
			crm := staff.Machine("crm", staff.CustomersWrite)
			if _, err := h.Desk.AddContact(tx, crm, h.lumi.own.CustomerID, card); err != nil {
				return err
			}
			id, err := h.Desk.Book.Enter(tx, customer.Entry{CounterID: h.rose.counter})
			if err != nil {
				return err
			}
			_, err = h.Desk.AddContact(tx, crm, id, card)
			return err
		})
		h.read(func(tx *db.Tx) error {
			found, _, err := h.Desk.FindCustomers(tx, h.viewer(h.rose.advisor), conversation.FindCustomer{Query: "VIP-77"})
			if err != nil || len(found) != 1 || found[0].Name != "" {
				t.Errorf("%+v, %v: want her, without a name", found, err)
			}
			return nil
		})
	})
}

// Who is about to leave has a conversation open while it is handed on: her page hears no
// more of it, not even by the news of the card.
func TestLiveEndsWithWhatIsHandedOn(t *testing.T) {
	h := newMinimum(t, dbtest.New(t))
	s, ear := h.rose, h.ear()
	h.write(func(tx *db.Tx) error {
		return staff.SetLeaving(tx, staff.System(), s.advisor, tx.Now.Add(48*time.Hour))
	})
	e := ear.listens(h.as(t, s.advisor), "after="+ear.last()+"&thread="+s.wen.ID, "")
	e.event("presence")
	boss := h.viewer(s.manager)
	h.write(func(tx *db.Tx) error {
		return h.Desk.Transfer(tx, boss, conversation.Handing{ThreadID: s.wen.ID, To: s.manager})
	})
	said := h.hears(s.account, "Wen "+s.word, s.word+" for somebody else")
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Book.GiveTag(tx, said.CustomerID, "skincare_lover", customer.Proof{Source: customer.SourceSaid, CounterID: s.counter, MessageID: said.LastMessageID})
		return err
	})
	for _, f := range e.until(func(f frame) bool { return f.Event == "reload" || f.Event == "card" }) {
		if strings.Contains(f.Data, s.word) || f.Event == "card" {
			t.Errorf("told %+v", f)
		}
	}
	e.over()
}
