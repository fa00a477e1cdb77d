package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// cardHouse is a desk with one customer whose card is looked at.
type cardHouse struct {
	*deskHouse
	mei    *browser
	thread string
	her    string // the person
}

func newCardHouse(t testing.TB) *cardHouse {
	h := &cardHouse{deskHouse: newDeskHouse(t)}
	h.Shop = &catalogue.Shop{DB: h.DB, Vault: h.Desk.Vault, Book: h.Desk.Book, Blobs: h.Desk.Blobs}
	h.Reader = &insight.Room{Vault: h.Desk.Vault, Book: h.Desk.Book, Desk: h.Desk}
	h.write(h.Desk.Book.EnsureDefaults)
	h.thread = h.hears("林怡君", "您好").ThreadID
	h.her = h.personOf(h.thread)
	h.mei = h.as(t, h.Advisor).partial()
	return h
}

func (h *cardHouse) personOf(thread string) (id string) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT customer_id FROM thread WHERE id = $1`, thread).Scan(&id)
	})
	return id
}

func (h *cardHouse) at(path string) string { return "/inbox/" + h.thread + path }

// said gives her a tag that was heard.
func (h *cardHouse) said(tag, words string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Book.GiveTag(tx, h.her, tag, customer.Proof{Source: customer.SourceSaid, CounterID: h.Counter,
			Rule: "zh-Hant/3/concern.sensitive", Cause: words})
		return err
	})
}

// rowIn finds the id of a row in what was drawn.
func rowIn(t testing.TB, body, prefix string) string {
	t.Helper()
	id := regexp.MustCompile(prefix + `_[a-z0-9]+`).FindString(body)
	if id == "" {
		t.Fatalf("no %s in %.1500s", prefix, body)
	}
	return id
}

func TestTagsOnACard(t *testing.T) {
	h := newCardHouse(t)
	h.said("concern:sensitive", "我是敏感肌 <b>")
	got := h.mei.get(h.at("/card"))
	want(t, got, http.StatusOK, "sensitive skin", "我是敏感肌 &lt;b&gt;", "concern.sensitive", `title="zh-Hant/3/concern.sensitive">Recognised by the words for Chinese (traditional)`, "said in chat", "skincare lover", `id="card-head"`)
	row := rowIn(t, got.Body.String(), "ctg")
	t.Run("one tap undoes it, and it is not concluded again", func(t *testing.T) {
		got := h.mei.post(h.at("/card/tags/"+row+"/undo"), nil)
		want(t, got, http.StatusOK, "“sensitive skin” is gone.", "Put it back")
		h.said("concern:sensitive", "again")
		lacks(t, h.mei.get(h.at("/card/tags")), "again", ">sensitive skin</summary>")
		want(t, h.mei.post(h.at("/card/tags"), url.Values{"tag": {"concern:sensitive"}}), http.StatusOK, "sensitive skin</summary>", "typed by you")
	})
	t.Run("by hand", func(t *testing.T) {
		got := h.mei.post(h.at("/card/tags"), url.Values{"tag": {"gift_expert"}})
		want(t, got, http.StatusOK, "gift expert</summary>", "Take away")
		lacks(t, got, `value="gift_expert"`)
		want(t, h.mei.get(h.at("/card/all-tags")), http.StatusOK, `value="scent:light"`)
	})
	t.Run("an unknown one is refused", func(t *testing.T) {
		got := h.mei.post(h.at("/card/tags"), url.Values{"tag": {"<script>"}})
		want(t, got, http.StatusUnprocessableEntity, "field-error")
		if got.Header().Get("HX-Retarget") != "#card-tags" {
			t.Error("nobody sees what is wrong")
		}
	})
	t.Run("an officer reads", func(t *testing.T) {
		lacks(t, h.as(t, h.Privacy).partial().get(h.at("/card")), "/undo", "hx-post", "Put it back")
	})
}

func TestWhatIsKnownOnACard(t *testing.T) {
	h := newCardHouse(t)
	save := func(name string, form url.Values) string {
		t.Helper()
		got := h.mei.post(h.at("/card/known/"+name), form)
		want(t, got, http.StatusOK, `id="card-known"`)
		return got.Body.String()
	}
	for name, c := range map[string]struct {
		form  url.Values
		shown string
	}{
		"address_as": {url.Values{"value": {"怡君"}}, "怡君"},
		"skin_type":  {url.Values{"value": {"dry"}}, "dry skin"},
		"sensitive":  {url.Values{"value": {"yes"}}, "Yes"},
		"scents":     {url.Values{"value": {"light"}}, "light scents"},
		"allergies":  {url.Values{"value": {`<img src=x onerror="alert(1)">`}}, "&lt;img src=x"},
		"languages":  {url.Values{"value": {"en"}}, "English"},
		"birthday":   {url.Values{"month": {"02"}, "day": {"29"}, "year": {""}}, "29 February"},
	} {
		t.Run(name, func(t *testing.T) {
			if body := save(name, c.form); !strings.Contains(body, c.shown) {
				t.Errorf("no %q in %s", c.shown, body)
			}
			want(t, h.mei.get(h.at("/card/known/"+name)), http.StatusOK, c.shown, "typed by you", "History (1 entry)")
		})
	}
	want(t, h.mei.get(h.at("/card/head")), http.StatusOK, "Likes to be called", "怡君", "29 February", "English")
	t.Run("what is refused stays as it was typed", func(t *testing.T) {
		got := h.mei.post(h.at("/card/known/birthday"), url.Values{"month": {"02"}, "day": {"30"}, "year": {"1990"}})
		want(t, got, http.StatusUnprocessableEntity, `value="1990"`, `<option value="30" selected>`, "field-error")
		if got.Header().Get("HX-Retarget") != "#edit-birthday" {
			t.Errorf("it goes to %q", got.Header().Get("HX-Retarget"))
		}
		long := strings.Repeat("長", customer.MaxValue+1)
		want(t, h.mei.post(h.at("/card/known/address_as"), url.Values{"value": {long}}), http.StatusUnprocessableEntity, long, "too long")
		want(t, h.mei.post(h.at("/card/known/nothing"), url.Values{"value": {"x"}}), http.StatusNotFound)
		want(t, h.mei.get(h.at("/card/known/nothing")), http.StatusNotFound)
	})
	t.Run("undo brings back what was known before", func(t *testing.T) {
		body := save("skin_type", url.Values{"value": {"oily"}})
		if !strings.Contains(body, "oily skin") {
			t.Fatal("not changed")
		}
		row := rowIn(t, h.mei.get(h.at("/card/known/skin_type")).Body.String(), "atr")
		want(t, h.mei.post(h.at("/card/values/"+row+"/forget"), nil), http.StatusOK, "dry skin")
		want(t, h.mei.get(h.at("/card/known/skin_type")), http.StatusOK, "undone by Mei")
	})
}

func TestPlansOnACard(t *testing.T) {
	h := newCardHouse(t)
	for _, c := range []struct {
		kind, prefix string
		form         url.Values
		shown        string
	}{
		{"notes", "not", url.Values{}, "Mei"},
		{"wishes", "wsh", url.Values{"facet": {"scent:light", "size:small"}}, "light scents"},
		{"promises", "prm", url.Values{"due": {"tomorrow"}}, "tomorrow"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			add := func(body string) url.Values {
				f := url.Values{"body": {body}}
				for k, v := range c.form {
					f[k] = v
				}
				return f
			}
			path := h.at("/card/" + c.kind)
			got := h.mei.post(path, add("</textarea><script>alert(1)</script>"))
			want(t, got, http.StatusOK, "&lt;script&gt;", c.shown)
			lacks(t, got, "<script>")
			row := rowIn(t, got.Body.String(), c.prefix)
			want(t, h.mei.post(path+"/"+row, url.Values{"body": {"other words"}}), http.StatusOK, ">other words<")
			got = h.mei.post(path+"/"+row, url.Values{"body": {" "}})
			want(t, got, http.StatusUnprocessableEntity, "plan-more\" open", "field-error")
			got = h.mei.post(path, add(strings.Repeat("長", 4001)))
			want(t, got, http.StatusUnprocessableEntity, strings.Repeat("長", 4001), "too long", `id="card-`+c.kind+`"`)
			want(t, h.mei.post(path, add(strings.Repeat("x", cardBody))), http.StatusRequestEntityTooLarge)
			do := "done"
			if c.kind == "notes" {
				do = "drop"
			}
			lacks(t, h.mei.post(path+"/"+row, url.Values{"do": {do}}), "other words")
		})
	}
	t.Run("a promise by a day", func(t *testing.T) {
		path := h.at("/card/promises")
		want(t, h.mei.post(path, url.Values{"body": {"b"}, "due": {"date"}, "date": {"31.12.2026"}}), http.StatusUnprocessableEntity, "field-error", ">b</textarea>")
		want(t, h.mei.post(path, url.Values{"body": {"b"}, "due": {"date"}, "date": {"2020-01-01"}}), http.StatusUnprocessableEntity, "field-error")
		in := h.DB.Now().In(time.FixedZone("", 8*3600)).AddDate(0, 0, 3).Format(time.DateOnly)
		got := h.mei.post(path, url.Values{"body": {"b"}, "due": {"date"}, "date": {in}})
		want(t, got, http.StatusOK, "in 3 days")
		row := rowIn(t, got.Body.String(), "prm")
		next := h.DB.Now().In(time.FixedZone("", 8*3600)).AddDate(0, 0, 5).Format(time.DateOnly)
		want(t, h.mei.post(path+"/"+row, url.Values{"body": {"b"}, "date": {next}}), http.StatusOK, "in 5 days")
		lacks(t, h.mei.post(path+"/"+row, url.Values{"do": {"drop"}}), row)
	})
	t.Run("an advisor does not rewrite a colleague's words", func(t *testing.T) {
		var row string
		h.write(func(tx *db.Tx) error {
			n, err := h.Desk.Book.AddNote(tx, must(staff.ViewerByID(tx, h.Manager)), customer.NoteForm{CustomerID: h.her, CounterID: h.Counter, Body: "of Min"})
			row = n.ID
			return err
		})
		want(t, h.mei.post(h.at("/card/notes/"+row), url.Values{"body": {"x"}}), http.StatusForbidden)
		want(t, h.mei.get(h.at("/card/notes")), http.StatusOK, "of Min")
	})
}

func TestContactsOnACard(t *testing.T) {
	h := newCardHouse(t)
	path := h.at("/card/contacts")
	want(t, h.mei.post(path, url.Values{"kind": {"phone"}, "value": {"12"}}), http.StatusUnprocessableEntity, `value="12"`, "field-error")
	got := h.mei.post(path, url.Values{"kind": {"phone"}, "value": {"0912 345 678"}})
	want(t, got, http.StatusOK, "678", "typed by you")
	lacks(t, got, "345")
	row := rowIn(t, got.Body.String(), "con")
	want(t, h.mei.post(path+"/"+row+"/show", nil), http.StatusUnprocessableEntity, "field-error")
	want(t, h.mei.post(path+"/"+row+"/show", url.Values{"reason": {"because"}}), http.StatusUnprocessableEntity)
	if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'customer.contact'`); n != 0 {
		t.Fatalf("%d looks on record that were none", n)
	}
	want(t, h.mei.post(path+"/"+row+"/show", url.Values{"reason": {"call"}}), http.StatusOK, "&#43;886912345678", `href="tel:&#43;886912345678"`)
	if n := h.count(`SELECT COUNT(*) FROM audit WHERE action = 'customer.contact' AND detail = 'call' AND actor = $1`, h.Advisor); n != 1 {
		t.Errorf("%d looks on record", n)
	}
	lacks(t, h.mei.get(h.at("/card/reach")), "345")
	lacks(t, h.mei.post(path+"/"+row+"/end", nil), "678")
}

func TestHerAdvisorOnACard(t *testing.T) {
	h := newCardHouse(t)
	want(t, h.mei.get(h.at("/card/head")), http.StatusOK, "No advisor of her own", "She is my customer", ">Min<")
	want(t, h.mei.post(h.at("/card/advisor"), url.Values{"advisor": {h.Advisor}}), http.StatusOK, "Mei (you)", "Nobody in particular")
	want(t, h.mei.post(h.at("/card/advisor"), url.Values{"advisor": {h.Other}}), http.StatusUnprocessableEntity)
	want(t, h.mei.post(h.at("/card/advisor"), url.Values{"advisor": {""}}), http.StatusOK, "No advisor of her own")
}

// A row is found on the card of its person and on no other, whoever sees both.
func TestRowsOfAnotherPersonAreNotFound(t *testing.T) {
	h := newCardHouse(t)
	h.said("concern:sensitive", "words")
	h.mei.post(h.at("/card/notes"), url.Values{"body": {"n"}})
	h.mei.post(h.at("/card/contacts"), url.Values{"kind": {"phone"}, "value": {"0912345678"}})
	h.mei.post(h.at("/card/known/address_as"), url.Values{"value": {"x"}})
	body := h.mei.get(h.at("/card")).Body.String()
	editor := h.mei.get(h.at("/card/known/address_as")).Body.String()
	other := "/inbox/" + h.hears("Amelia", "hi").ThreadID + "/card"
	for _, path := range []string{"/tags/" + rowIn(t, body, "ctg") + "/undo", "/notes/" + rowIn(t, body, "not"), "/contacts/" + rowIn(t, body, "con") + "/show",
		"/contacts/" + rowIn(t, body, "con") + "/end", "/values/" + rowIn(t, editor, "atr") + "/forget"} {
		want(t, h.mei.post(other+path, url.Values{"body": {"x"}, "reason": {"call"}}), http.StatusNotFound)
	}
	olga := h.as(t, h.Other).partial()
	for _, part := range []string{"", "/head", "/tags", "/past", "/purchases", "/one", "/reach", "/known/address_as"} {
		want(t, olga.get(h.at("/card"+part)), http.StatusNotFound)
	}
	want(t, h.mei.get(h.at("/card/nothing")), http.StatusNotFound)
	want(t, h.mei.get(h.at("/card/past?before=x")), http.StatusBadRequest)
	want(t, h.mei.get(h.at("/card/receipts?before=x")), http.StatusBadRequest)
}

// buys records receipts, one a day, the last one yesterday.
func (h *cardHouse) buys(n int) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		sys := staff.System()
		if _, err := h.Shop.Upsert(tx, sys, []catalogue.ProductForm{{Ref: "P1", Brand: h.brand(tx), Name: "Velvet lipstick", Category: "lipstick",
			Variants: []catalogue.VariantForm{{SKU: "L1", Name: "03 Rosewood", Shade: "03 Rosewood", Colour: "#a94e50"}}}}); err != nil {
			return err
		}
		var forms []catalogue.PurchaseForm
		for i := range n {
			forms = append(forms, catalogue.PurchaseForm{Source: "pos", Ref: fmt.Sprint(i), CustomerID: h.her, Counter: h.Counter, At: tx.Now.AddDate(0, 0, i-n),
				Currency: "TWD", Lines: []catalogue.LineForm{{SKU: "L1", Amount: 118000}}})
		}
		forms = append(forms, catalogue.PurchaseForm{Source: "pos", Ref: "r", Kind: catalogue.Return, ReturnsRef: "0", CustomerID: h.her, Counter: h.Counter,
			At: tx.Now.Add(-time.Hour), Currency: "TWD", Lines: []catalogue.LineForm{{SKU: "L1", Quantity: -1, Amount: -118000}}})
		for _, r := range must(h.Shop.RecordPurchases(tx, sys, forms)) {
			if r.State != catalogue.Added {
				return fmt.Errorf("%+v", r)
			}
		}
		return nil
	})
}

func (h *cardHouse) brand(tx *db.Tx) string { return must(staff.GetCounter(tx, h.Counter)).BrandID }

func TestPurchasesOnACard(t *testing.T) {
	h := newCardHouse(t)
	want(t, h.mei.get(h.at("/card/purchases")), http.StatusOK, "No purchases")
	h.buys(30)
	got := h.mei.get(h.at("/card/purchases"))
	want(t, got, http.StatusOK, "Velvet lipstick", "03 Rosewood", `fill="#a94e50"`, "NT$1,180", "Return", "−NT$1,180", "Favours shade 03 Rosewood", "of 29")
	all := regexp.MustCompile(`pur_[a-z0-9]+"><header`)
	seen := all.FindAllString(got.Body.String(), -1)
	for pages := 0; ; pages++ {
		more := regexp.MustCompile(`hx-get="(/inbox/[^"]*/receipts[^"]*)"`).FindStringSubmatch(got.Body.String())
		if more == nil {
			break
		}
		if pages > 5 {
			t.Fatal("no end")
		}
		got = h.mei.get(strings.ReplaceAll(more[1], "&amp;", "&"))
		want(t, got, http.StatusOK)
		seen = append(seen, all.FindAllString(got.Body.String(), -1)...)
	}
	slices.Sort(seen)
	if n := len(seen); n != 31 || len(slices.Compact(seen)) != 31 {
		t.Errorf("%d receipts, of which some twice", n)
	}
}

func TestHerPast(t *testing.T) {
	h := newCardHouse(t)
	h.buys(30)
	h.said("concern:sensitive", "words")
	h.mei.post(h.at("/card/notes"), url.Values{"body": {"a note of mine"}})
	h.mei.post(h.at("/card/wishes"), url.Values{"body": {"a light scent"}})
	h.mei.post(h.at("/card/promises"), url.Values{"body": {"keep one"}, "due": {"today"}})
	h.mei.post(h.at("/card/known/address_as"), url.Values{"value": {"怡君"}})
	h.mei.post(h.at("/card/advisor"), url.Values{"advisor": {h.Advisor}})
	for i := range 12 {
		h.receives(channel.Inbound{Kind: channel.Message, At: h.DB.Now().AddDate(0, 0, -40-i/4), Peer: channel.Peer{Type: channel.Person, ID: "U-林怡君"},
			Body: channel.Body{Type: channel.Text, Text: "old"}})
	}
	path := h.at("/card/past")
	var all string
	for pages := 0; path != ""; pages++ {
		if pages > 9 {
			t.Fatal("no end")
		}
		got := h.mei.get(path)
		want(t, got, http.StatusOK)
		all += got.Body.String()
		path = ""
		if more := regexp.MustCompile(`hx-get="([^"]*/past[^"]*)"`).FindStringSubmatch(got.Body.String()); more != nil {
			path = strings.ReplaceAll(more[1], "&amp;", "&")
		}
	}
	for text, n := range map[string]int{"Bought for NT$1,180": 30, "Brought back": 1, "Tag “sensitive skin”": 1, "a note of mine": 1, "a light scent": 1, "keep one": 1,
		"Called: 怡君": 1, "became her advisor": 1, ">4 messages<": 3, ">1 message<": 1} {
		if got := strings.Count(all, text); got != n {
			t.Errorf("%q stands there %d times, not %d", text, got, n)
		}
	}
}

func TestNewestFirst(t *testing.T) {
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	e := func(id string, hour int) pastEntry {
		return pastEntry{ID: id, At: start.Add(time.Duration(hour) * time.Hour)}
	}
	for name, c := range map[string]struct {
		streams [][]pastEntry
		limit   int
		want    string
		more    bool
	}{
		"nothing":          {nil, 3, "", false},
		"empty streams":    {[][]pastEntry{nil, {}}, 3, "", false},
		"two streams":      {[][]pastEntry{{e("a", 9), e("b", 5)}, {e("c", 7), e("d", 1)}}, 9, "acbd", false},
		"just full":        {[][]pastEntry{{e("a", 9)}, {e("c", 7)}}, 2, "ac", false},
		"one too many":     {[][]pastEntry{{e("a", 9), e("b", 5)}, {e("c", 7)}}, 2, "ac", true},
		"of one moment":    {[][]pastEntry{{e("b", 5)}, {e("c", 5)}, {e("a", 5)}}, 3, "cba", false},
		"one stream alone": {[][]pastEntry{nil, {e("a", 3), e("b", 2), e("c", 1)}}, 2, "ab", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, more := newestFirst(c.limit, c.streams...)
			text := ""
			for _, x := range got {
				text += x.ID
			}
			if text != c.want || more != c.more {
				t.Errorf("%q %v, want %q %v", text, more, c.want, c.more)
			}
		})
	}
}

func TestBecomingOnePerson(t *testing.T) {
	h := newCardHouse(t)
	v := h.deskHouse.visits("")
	v.says("hello from the shop")
	web := v.thread().ThreadID
	for _, thread := range []string{h.thread, web} {
		want(t, h.mei.post("/inbox/"+thread+"/card/contacts", url.Values{"kind": {"phone"}, "value": {"0912345678"}}), http.StatusOK)
	}
	other := h.personOf(web)
	got := h.mei.get(h.at("/card/one"))
	want(t, got, http.StatusOK, "Perhaps the same person", "Same phone number", other)
	want(t, h.mei.post(h.at("/card/one"), url.Values{"other": {h.her}}), http.StatusNotFound)
	got = h.mei.post(h.at("/card/one"), url.Values{"other": {other}})
	if got.Code != http.StatusNoContent || !strings.HasPrefix(got.Header().Get("HX-Redirect"), "/inbox/thr_") {
		t.Fatalf("%d to %q", got.Code, got.Header().Get("HX-Redirect"))
	}
	to := got.Header().Get("HX-Redirect")
	want(t, h.mei.get(to), http.StatusOK, "hello from the shop", "您好", `class="via">LINE<`, `class="via">Web chat<`)
	got = h.mei.get(to + "/card/one")
	want(t, got, http.StatusOK, "Put together by Mei", "Take apart", "confirmed at the counter")
	row := rowIn(t, got.Body.String(), "mrg")
	foreign := h.hears("Amelia", "hi").ThreadID
	want(t, h.mei.post("/inbox/"+foreign+"/card/merges/"+row+"/apart", nil), http.StatusNotFound)
	want(t, h.mei.post(to+"/card/merges/"+row+"/apart", nil), http.StatusNoContent)
	lacks(t, h.mei.get(h.at("")), "hello from the shop", `class="via"`)
	lacks(t, h.mei.get(h.at("/card/one")), "Perhaps the same person") // whom she took apart are not suggested again
}

func TestNotTheSamePerson(t *testing.T) {
	h := newCardHouse(t)
	twin := h.receives(channel.Inbound{Kind: channel.Message, Peer: channel.Peer{Type: channel.Person, ID: "U-2", Name: "林怡君"},
		Body: channel.Body{Type: channel.Text, Text: "hi"}})
	h.write(func(tx *db.Tx) error { // as the profile would
		return h.Desk.Rename(tx, must(staff.ViewerByID(tx, h.Advisor)), twin.ThreadID, "林怡君")
	})
	h.write(func(tx *db.Tx) error {
		return h.Desk.Rename(tx, must(staff.ViewerByID(tx, h.Advisor)), h.thread, "林怡君")
	})
	want(t, h.mei.get(h.at("/card/one")), http.StatusOK, "Same name at your counter")
	lacks(t, h.mei.post(h.at("/card/not-one"), url.Values{"other": {h.personOf(twin.ThreadID)}}), "Same name")
}

func TestLiveTellsWhatChangedOnACard(t *testing.T) {
	h := newCardHouse(t)
	e := h.listens(h.as(t, h.Advisor), "after="+h.last()+"&thread="+h.thread, "")
	e.event("presence")
	for what, parts := range map[string]string{"tags": `["offers","tags"]`, "notes": `["notes"]`, "known/address_as": `["head","known"]`, "wishes": `["wishes"]`} {
		h.as(t, h.Manager).post(h.at("/card/"+what), url.Values{"tag": {"gift_expert"}, "body": {"x"}, "value": {"y"}})
		if f := e.event("card"); !strings.Contains(f.Data, parts) || !strings.Contains(f.Data, h.thread) {
			t.Errorf("%s: told %s", what, f.Data)
		}
	}
	h.buys(1)
	if f := e.event("card"); !strings.Contains(f.Data, "purchases") {
		t.Errorf("told %s", f.Data)
	}
	// What changes about somebody else is not told here.
	other := h.hears("Amelia", "hi").ThreadID
	e.event("at")
	h.mei.post("/inbox/"+other+"/card/notes", url.Values{"body": {"x"}})
	h.mei.post(h.at("/card/wishes"), url.Values{"body": {"x"}})
	if f := e.event("card"); !strings.Contains(f.Data, `["wishes"]`) {
		t.Errorf("told %s", f.Data)
	}
}

func TestReadyReplies(t *testing.T) {
	h := newCardHouse(t)
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.SaveReply(tx, staff.System(), conversation.Reply{Title: "The mild range", Text: "For you, {customer}", Tag: "concern:sensitive", CounterID: h.Counter})
		return err
	})
	lacks(t, h.mei.get(h.at("/offers")), "The mild range")
	m := h.hears("林怡君", "我是敏感肌")
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO mention (message_id, customer_id, counter_id, rule, kind, about, stance, at)
			VALUES ($1, $2, $3, 'concern.sensitive', 'tag', 'concern:sensitive', 'said', $4)`, m.ID, h.her, h.Counter, db.Micro(tx.Now))
		return err
	})
	want(t, h.mei.get(h.at("/offers")), http.StatusOK, "The mild range", "sensitive skin", `data-reply="For you, 林怡君"`)
	want(t, h.mei.get(h.at("")), http.StatusOK, `class="reply-chip offer"`)
}

func TestBirthdayInWords(t *testing.T) {
	h := newHouse(t)
	at := func(day string) Clock {
		return Clock{Now: must(time.Parse(time.DateOnly, day)).Add(12 * time.Hour), Zone: time.UTC, Words: h.languages.byTag["en"]}
	}
	for _, c := range []struct{ today, value, day, soon string }{
		{"2026-11-22", "1994-11-25", "25 November 1994", "in 3 days"},
		{"2026-11-22", "11-22", "22 November", "today"},
		{"2026-11-22", "11-21", "21 November", ""},
		{"2026-12-31", "01-01", "1 January", "tomorrow"},
		{"2027-02-27", "02-29", "29 February", "tomorrow"},
		{"2028-02-27", "2000-02-29", "29 February 2000", "in 2 days"},
	} {
		if day, soon := at(c.today).Birthday(c.value); day != c.day || soon != c.soon {
			t.Errorf("%s on %s: %q %q", c.value, c.today, day, soon)
		}
	}
}
