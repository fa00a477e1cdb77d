package demo

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// card is what an advisor finds out about somebody.
type card struct {
	person      string
	attributes  map[string]customer.Attribute
	tags        map[string]customer.CustomerTag
	purchases   []catalogue.Purchase
	habits      catalogue.Habits
	notes       []customer.Note
	wishes      []customer.Wish
	contacts    []customer.Contact
	bindings    []customer.Binding
	suggestions []conversation.Suggestion
}

// reading is a demonstration that is looked at by one of its people.
type reading struct {
	t    *testing.T
	desk *conversation.Desk
	shop *catalogue.Shop
	made map[string]conversation.Thread
}

func seeded(t *testing.T, d *db.DB) reading {
	t.Helper()
	desk := newDesk(t, d)
	must(Seed(t.Context(), desk, places))(t)
	return reading{t, desk, &catalogue.Shop{DB: d, Vault: desk.Vault, Book: desk.Book, Blobs: desk.Blobs}, inbox(t, desk)}
}

func (r reading) read(fn func(tx *db.Tx) error) {
	r.t.Helper()
	if err := r.desk.DB.Read(r.t.Context(), fn); err != nil {
		r.t.Fatal(err)
	}
}

func (r reading) viewer(tx *db.Tx, key string) (staff.Viewer, error) {
	for _, p := range people {
		if p.key != key {
			continue
		}
		all, err := staff.ListStaff(tx)
		for _, one := range all {
			if one.Name == p.name {
				return staff.ViewerByID(tx, one.ID)
			}
		}
		return staff.Viewer{}, err
	}
	return staff.Viewer{}, db.ErrNotFound
}

// card is what the advisor sees of a customer.
func (r reading) card(advisor, name string) card {
	r.t.Helper()
	c := card{person: r.made[name].CustomerID, attributes: map[string]customer.Attribute{}, tags: map[string]customer.CustomerTag{}}
	r.read(func(tx *db.Tx) error {
		v, err := r.viewer(tx, advisor)
		if err != nil {
			return err
		}
		records, err := r.desk.Book.Records(tx, c.person)
		if err != nil {
			return err
		}
		sight, err := r.desk.Book.Sight(tx, v)
		if err != nil {
			return err
		}
		attributes, err := r.desk.Book.Attributes(tx, sight, records)
		if err != nil {
			return err
		}
		for _, a := range attributes {
			c.attributes[a.Def.Name] = a
		}
		tags, err := r.desk.Book.TagsOf(tx, sight, records)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			c.tags[tag.Tag.Name] = tag
		}
		page := customer.Page{Records: records}
		for _, step := range []func() error{
			func() (err error) {
				c.purchases, err = r.shop.Purchases(tx, v, records, catalogue.Cursor{}, 100)
				return
			},
			func() (err error) { c.habits, err = r.shop.Habits(tx, v, records, tx.Now); return },
			func() (err error) { c.notes, err = r.desk.Book.Notes(tx, v, page); return },
			func() (err error) { c.wishes, err = r.desk.Book.Wishes(tx, v, page); return },
			func() (err error) { c.contacts, err = r.desk.Book.Contacts(tx, records); return },
			func() (err error) { c.bindings, err = r.desk.Book.Bindings(tx, records); return },
			func() (err error) { c.suggestions, err = r.desk.Suggestions(tx, v, c.person); return },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	return c
}

func TestWhatIsKnown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := seeded(t, d)
		now := d.Now()

		lin := r.card("mei", "林怡君")
		if a := lin.attributes["member_level"]; a.Value != "gold" || a.Proof.Source != customer.SourceTill {
			t.Errorf("her level: %+v", a)
		}
		if a := lin.attributes["skin_type"]; a.Value != "combination" || a.Proof.Source != customer.SourceStaff || a.Proof.By == "" || now.Sub(a.At) < 24*time.Hour {
			t.Errorf("her skin: %+v", a)
		}
		if tag := lin.tags["skincare_lover"]; tag.Proof.Source != customer.SourceStaff {
			t.Errorf("her tags: %+v", lin.tags)
		}
		if len(lin.notes) != 2 || lin.notes[0].AuthorName != "Mei 王美玲" || now.Sub(lin.notes[1].At) < 30*24*time.Hour {
			t.Errorf("her notes: %+v", lin.notes)
		}
		if len(lin.wishes) != 1 || lin.wishes[0].State != customer.WishMatched || lin.wishes[0].VariantID == "" {
			t.Errorf("nothing grants her wish: %+v", lin.wishes)
		}
		if len(lin.bindings) != 1 || lin.bindings[0].At.After(now.Add(-24*time.Hour)) {
			t.Errorf("her advisors: %+v", lin.bindings)
		}
		verified := 0
		for _, c := range lin.contacts {
			if c.Verified {
				verified++
			}
		}
		if len(lin.contacts) != 2 || verified != 1 {
			t.Errorf("her numbers: %+v", lin.contacts)
		}

		mei := r.card("mei", "陳美惠")
		if !slices.ContainsFunc(mei.habits.Cycles, func(c catalogue.Cycle) bool { return c.Days >= 80 && c.Days <= 88 && c.N >= 2 }) {
			t.Errorf("nobody notices that she comes every 84 days: %+v", mei.habits)
		}
		amelia := r.card("sophia", "Amelia Wong")
		if h := amelia.habits; h.Day.Value != "weekend" || h.Day.N < 5 {
			t.Errorf("nobody notices that she buys at weekends: %+v", h.Day)
		}
		pan := r.card("peishan", "盧孟潔")
		if len(pan.purchases) != 3 || pan.purchases[0].AdvisorID == "" || pan.purchases[0].Lines[0].Name == "" {
			t.Errorf("her receipts: %+v", pan.purchases)
		}
		lai := r.card("mei", "賴詩涵")
		if !slices.ContainsFunc(lai.purchases, func(p catalogue.Purchase) bool {
			return p.Kind == catalogue.Return && p.ReturnsRef != "" && p.Total < 0
		}) {
			t.Error("the mascara that dried was not taken back")
		}

		for _, pair := range [][2]string{{"黃小姐", "黃郁婷"}, {"", "曾子晴"}} {
			c := r.card("mei", pair[0])
			if len(c.suggestions) != 1 || c.suggestions[0].PersonID != r.made[pair[1]].CustomerID || c.suggestions[0].Reasons[0].Code != "phone" ||
				c.suggestions[0].Reasons[0].Verified {
				t.Errorf("%q may be the same as %+v", pair[0], c.suggestions)
			}
		}
	})
}

func TestTheDayOfAnAdvisor(t *testing.T) {
	r := seeded(t, dbtest.New(t))
	today := func(advisor string) map[conversation.TodoKind][]string {
		kinds := map[conversation.TodoKind][]string{}
		r.read(func(tx *db.Tx) error {
			v, err := r.viewer(tx, advisor)
			if err != nil {
				return err
			}
			all, err := r.desk.Today(tx, v, conversation.Day{Zone: must(time.LoadLocation(zoneName))(t)})
			for _, one := range all {
				kinds[one.Kind] = append(kinds[one.Kind], one.Thread.Name)
			}
			return err
		})
		return kinds
	}
	mei := today("mei")
	if got := mei[conversation.TodoBirthday]; !slices.Equal(got, []string{"林怡君", "黃郁婷"}) {
		t.Errorf("birthdays of the week: %q", got)
	}
	if got := mei[conversation.TodoPromise]; !slices.Equal(got, []string{"林怡君"}) {
		t.Errorf("promised for today: %q", got)
	}
	if got := mei[conversation.TodoWish]; !slices.Contains(got, "林怡君") {
		t.Errorf("wishes that can be granted: %q", got)
	}
	if got := today("chiachi")[conversation.TodoAnniversary]; !slices.Equal(got, []string{"傅心怡"}) {
		t.Errorf("a year since they bought: %q", got)
	}
}

func TestSheIsAwayAndAnotherStandsIn(t *testing.T) {
	r := seeded(t, dbtest.New(t))
	r.read(func(tx *db.Tx) error {
		all, err := staff.ListStaff(tx)
		away := 0
		for _, p := range all {
			if p.AwayUntil.After(tx.Now) {
				away++
			}
		}
		if away != 1 {
			t.Errorf("%d are away", away)
		}
		accounts, err2 := r.desk.Accounts(tx)
		choosing := 0
		for _, a := range accounts {
			if a.OfferChoice {
				choosing++
			}
			if _, known := liffs[choosingKey]; !known || (a.OfferChoice && a.LIFF.ID == "") {
				t.Errorf("%s forgot its page inside LINE", a.Name)
			}
		}
		if choosing != 1 {
			t.Errorf("%d accounts offer a choice", choosing)
		}
		if err == nil {
			err = err2
		}
		return err
	})
}

// What she says is known from her own words, by the house's reading of the seeded messages.
func TestHerWordsAreRead(t *testing.T) {
	d := dbtest.New(t)
	r := seeded(t, d)
	room := &insight.Room{Vault: r.desk.Vault, Book: r.desk.Book, Desk: r.desk}
	if err := d.Write(t.Context(), room.EnsureShipped); err != nil {
		t.Fatal(err)
	}
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		var seq int64
		for {
			some, err := event.After(tx, seq, 500)
			if err != nil || len(some) == 0 {
				return err
			}
			for _, e := range some {
				seq = e.Seq
				if err := room.React(tx, e); err != nil {
					return err
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	tags := r.card("mei", "林怡君").tags
	for _, name := range []string{"concern:sensitive", "category:perfume", "scent:light"} {
		if tag := tags[name]; tag.Proof.Source != customer.SourceSaid || tag.Proof.MessageID == "" || tag.Proof.Rule == "" || !strings.Contains("很服貼！不過我是敏感肌，最近換季有點癢\n另外想找淡一點的香水，生日想犒賞自己", tag.Proof.Cause) {
			t.Errorf("%s: %+v", name, tag.Proof)
		}
	}
	heard := 0
	r.read(func(tx *db.Tx) error {
		sight, err := r.desk.Book.Sight(tx, staff.System())
		if err != nil {
			return err
		}
		for _, thread := range r.made {
			tags, err := r.desk.Book.TagsOf(tx, sight, []string{thread.CustomerID})
			if err != nil {
				return err
			}
			if slices.ContainsFunc(tags, func(tag customer.CustomerTag) bool { return tag.Proof.Source == customer.SourceSaid }) {
				heard++
			}
		}
		return nil
	})
	if heard < 15 {
		t.Errorf("of %d customers something is known", heard)
	}
}

func TestTheSameReceiptsEveryTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 16, 2, 0, 0, time.UTC)
	zone := must(time.LoadLocation(zoneName))(t)
	_, items, err := readProducts(productText, now)
	if err != nil {
		t.Fatal(err)
	}
	ring := func() []catalogue.PurchaseForm {
		s := &seeder{now: now, zone: zone, items: items}
		var till till
		for _, row := range []string{"buys every 84d CT-LOT-100", "buys weekends 7 CT-TEA-30 CT-LOT-40", "bought -30d CT-MAS-BK CT-MAS-BK", "returned -3d CT-MAS-BK"} {
			if err := till.ring(s, known{name: "林怡君", customer: "cus", counter: "chanty-xinyi"}, row); err != nil {
				t.Fatal(err)
			}
		}
		return till.forms
	}
	one, two := ring(), ring()
	if len(one) < 12 || len(one) != len(two) {
		t.Fatalf("%d and %d receipts", len(one), len(two))
	}
	for i, p := range one {
		if !p.At.Equal(two[i].At) || p.Ref != two[i].Ref || p.Lines[0].SKU != two[i].Lines[0].SKU {
			t.Errorf("receipt %d: %+v and %+v", i, p, two[i])
		}
		if p.At.After(now) || now.Sub(p.At) > 366*24*time.Hour {
			t.Errorf("she bought at %v", p.At)
		}
	}
	last := one[len(one)-1]
	if last.Kind != catalogue.Return || last.ReturnsRef != one[len(one)-2].Ref || one[len(one)-2].Lines[0].Quantity != 2 {
		t.Errorf("taken back: %+v of %+v", last, one[len(one)-2])
	}
}

func TestKnowledgeThatMakesNoSense(t *testing.T) {
	s := &seeder{now: time.Now(), zone: time.UTC, items: map[string]item{"A": {"a", 100}}}
	for name, row := range map[string]string{
		"nobody sells it":   "bought -3d B",
		"never bought":      "returned -3d A",
		"odd day":           "bought soon A",
		"odd number":        "buys many A",
		"too often":         "buys every 2d A",
		"odd cycle":         "buys every day A",
		"odd weekend":       "buys weekends lots A",
		"a pool of nothing": "buys 3",
	} {
		var till till
		if err := till.ring(s, known{name: "x"}, row); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, text := range map[string]string{
		"variant first": "+ A | a | | | | | 1 | ",
		"odd price":     "# b | P | p | c | 1\n+ A | a | | | | | dear | ",
		"odd days":      "# b | P | p | c | long",
		"short":         "# b | P",
	} {
		if _, _, err := readProducts(text, time.Now()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
