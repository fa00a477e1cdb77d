package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// myView fills her page.
type myView struct {
	*Server
	tx        *db.Tx
	own       conversation.Own
	page      *myPage
	language  string
	say       map[string]string
	directory staff.Directory
	zone      *time.Location
}

// looksMonths is how far back she reads how often she was looked at.
const looksMonths = 6

func (m *myView) fill() (err error) {
	*m.page = myPage{Action: m.page.Action, Wrong: m.page.Wrong, Account: m.own.Account.Name, Fresh: m.own.Fresh, Form: m.formToken(m.own, m.tx.Now),
		Asked: map[string]bool{}}
	if m.directory, err = staff.LoadDirectory(m.tx); err != nil {
		return err
	}
	counter, _ := m.directory.Counter(m.own.Counter)
	m.zone = m.location(counter.Timezone)
	for _, part := range []func() error{m.uses, m.known, m.sees, m.looks, m.requests} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (m *myView) word(key string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(m.say[key])
}

// day and month are as Chinese writes them, or as every other reader can tell what they mean.
func (m *myView) day(t time.Time) string {
	if strings.HasPrefix(m.language, "zh") {
		return t.In(m.zone).Format("2006 年 1 月 2 日")
	}
	return "\u2066" + t.In(m.zone).Format(time.DateOnly) + "\u2069" // kept whole in a line written from the right
}

func (m *myView) month(t time.Time) string {
	if strings.HasPrefix(m.language, "zh") {
		return t.Format("2006 年 1 月")
	}
	return t.Format("2006-01")
}

// uses are the purposes with where she stands.
func (m *myView) uses() error {
	room := m.Desk.Consent()
	purposes, err := room.Purposes(m.tx)
	if err != nil {
		return err
	}
	states, err := room.States(m.tx, m.own.PersonID, time.Time{})
	if err != nil {
		return err
	}
	accounts, err := m.accounts()
	if err != nil {
		return err
	}
	for _, p := range purposes {
		text, lang := p.In(m.language)
		use := myUse{Name: p.Name, Title: text.Title, Paragraphs: paragraphs(text.Body), Lang: lang, Version: p.Version, Needs: p.NeedsGrant, State: "always"}
		if p.NeedsGrant {
			if !p.ClosedAt.IsZero() {
				continue
			}
			use.State = "never"
		}
		apart := map[string]bool{}
		for _, s := range states {
			switch {
			case s.Purpose != p.Name || !p.NeedsGrant:
				continue
			case s.Account != "":
				apart[s.Account] = s.Allowed()
				continue
			}
			use.On = s.Allowed()
			switch {
			case s.State == consent.Granted && s.Outdated:
				use.State = "outdated"
			case s.State == consent.Granted:
				use.State = "yes"
			case s.State == consent.Withdrawn:
				use.State = "no"
			}
			if s.State != "" {
				use.When = m.word("since", "date", m.day(s.Entry.At), "n", strconv.Itoa(s.Entry.Version))
			}
		}
		m.page.Open = m.page.Open || use.Needs && use.State != "no"
		// One account is no choice beside "everywhere", unless it differs.
		for id, name := range accounts {
			on, differs := apart[id]
			if !p.NeedsGrant || !differs && len(accounts) < 2 {
				continue
			}
			if !differs {
				on = use.On
			}
			m.page.Open = m.page.Open || on
			use.Apart = append(use.Apart, myApart{Account: id, Name: m.word("on_account", "account", name), On: on})
		}
		slices.SortFunc(use.Apart, func(a, b myApart) int { return cmp.Compare(a.Name, b.Name) })
		m.page.Uses = append(m.page.Uses, use)
	}
	return nil
}

// accounts are those she writes on, by id.
func (m *myView) accounts() (map[string]string, error) {
	out := map[string]string{}
	for _, record := range m.own.Records {
		identities, err := m.Desk.Book.Identities(m.tx, record)
		if err != nil {
			return nil, err
		}
		for _, i := range identities {
			a, err := m.Desk.AccountByID(m.tx, i.AccountID)
			if err != nil {
				return nil, err
			}
			if a.ClosedAt.IsZero() {
				out[a.ID] = a.Name
			}
		}
	}
	return out, nil
}

// known is what we know of her: in words to who came from her chat, else in numbers.
func (m *myView) known() error {
	book := m.Desk.Book
	sight, err := book.Sight(m.tx, staff.System())
	if err != nil {
		return err
	}
	names, err := m.names()
	if err != nil {
		return err
	}
	contacts, err := book.Contacts(m.tx, m.own.Records)
	if err != nil {
		return err
	}
	attributes, err := book.Attributes(m.tx, sight, m.own.Records)
	if err != nil {
		return err
	}
	tags, err := book.TagsOf(m.tx, sight, m.own.Records)
	if err != nil {
		return err
	}
	counts, err := m.Desk.OwnCounts(m.tx, m.own.Records)
	if err != nil {
		return err
	}
	var numbers, suits, words []string
	hers := m.HerWords()
	for _, c := range contacts {
		numbers = append(numbers, c.Masked)
	}
	for _, a := range attributes {
		suits = append(suits, hers.Attribute(m.language, a.Def)+": "+hers.Value(m.language, a.Def, a.Value))
	}
	for _, t := range tags {
		words = append(words, cmp.Or(t.Tag.Label, hers.Tag(m.language, t.Tag.Name)))
	}
	for _, k := range []struct {
		key    string
		values []string
		count  int
	}{{"names", names, 0}, {"contacts", numbers, 0}, {"attributes", suits, 0}, {"tags", words, 0},
		{"notes", nil, counts.Notes}, {"purchases", nil, counts.Purchases}, {"messages", nil, counts.Messages}} {
		one := myKnown{Title: m.say[k.key], Count: k.count + len(k.values)}
		if m.own.Fresh {
			one.Values = k.values
		}
		m.page.Known = append(m.page.Known, one)
	}
	return nil
}

func (m *myView) names() (out []string, err error) {
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, record := range m.own.Records {
		c, err := m.Desk.Book.Get(m.tx, record)
		if err != nil {
			return nil, err
		}
		add(c.Name)
		identities, err := m.Desk.Book.Identities(m.tx, record)
		if err != nil {
			return nil, err
		}
		for _, i := range identities {
			add(i.Name)
		}
	}
	return out, nil
}

// sees are the roles that can see her, and at which counters.
func (m *myView) sees() error {
	counters, err := m.Desk.CountersOf(m.tx, m.own.PersonID) // also those that she was only entered for
	if err != nil {
		return err
	}
	roles, err := staff.RolesSeeing(m.tx, counters)
	if err != nil {
		return err
	}
	for _, x := range roles {
		where := m.say["everywhere"]
		if len(x.Counters) > 0 {
			var names []string
			for _, id := range x.Counters {
				c, _ := m.directory.Counter(id)
				names = append(names, c.Name)
			}
			where = strings.Join(names, ", ")
		}
		m.page.Sees = append(m.page.Sees, mySees{m.role(x.Role), where})
	}
	return nil
}

func (m *myView) role(r staff.Role) string { return cmp.Or(m.say[string(r)], string(r)) }

func (m *myView) looks() error {
	since := m.tx.Now.In(m.zone)
	since = time.Date(since.Year(), since.Month()-looksMonths+1, 1, 0, 0, 0, 0, m.zone)
	looks, err := staff.LooksOf(m.tx, staff.Looked{Records: m.own.Records, Since: since, Zone: m.zone})
	if err != nil {
		return err
	}
	for _, l := range looks {
		m.page.Looks = append(m.page.Looks, myLook{Month: m.word("month", "date", m.month(l.Month)), Role: m.role(l.Role),
			Times: m.word("times", "n", strconv.Itoa(l.Opened+l.Listed+l.Revealed+l.Exported))})
	}
	return nil
}

// requests are what she asked and waits for, and the copy that is ready.
func (m *myView) requests() error {
	if m.Privacy == nil {
		return nil
	}
	open, err := m.Privacy.OpenRequests(m.tx, m.own.PersonID)
	if err != nil {
		return err
	}
	for _, q := range open {
		key := "asked_" + string(q.Kind)
		if m.say[key] == "" {
			continue
		}
		m.page.Asked[string(q.Kind)] = true
		m.page.Waiting = append(m.page.Waiting, m.word(key, "date", m.day(q.At), "due", m.day(q.Due)))
	}
	files, err := m.Privacy.FilesOf(m.tx, m.own.PersonID)
	if err != nil {
		return err
	}
	for _, f := range files {
		// What an officer has had made may be for another eye first.
		if f.State == privacy.FileReady && f.By == "customer" && f.Expires.After(m.tx.Now) {
			m.page.Files = append(m.page.Files, f.ID)
		}
	}
	return nil
}
