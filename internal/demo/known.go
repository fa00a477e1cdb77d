package demo

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/staff"
)

// What the counters know of the customers stands in known.txt. Days are counted from
// today, backwards with a minus:
//
//	# name | account          as in stories.txt
//	member NUMBER [verified]   phone NUMBER [verified]
//	birthday 2d [1994]         in two days; born then
//	has name=value ...         attributes: the level from the till, the rest entered by her advisor
//	tag name -9d               given by hand
//	note -9d text
//	wish -8d facets | text
//	promise -1d 0d | text      given yesterday, due today
//	unbound                    the advisor who answered her is not hers
//	buys ...  bought ...  returned ...   see till.go
//
// What she said herself is not here: the house reads it in her messages.
//
//go:embed known.txt
var knownText string

// known is somebody with whom a story made us acquainted.
type known struct {
	name, customer, account, counter string // counter: its key
	keeper                           string // key of who looks after her
	bound                            bool   // keeper is her advisor
	since                            time.Time
}

// knowing is the reading of known.txt.
type knowing struct {
	*seeder
	tx      *db.Tx
	who     known
	viewers map[string]staff.Viewer
}

func personKey(name, account string) string { return name + "|" + account }

// meetings notes whom a story was about.
func (s *seeder) meetings(t *telling, customerID string) {
	k := known{name: t.name, customer: customerID, account: t.story.account, counter: t.story.account, keeper: t.advisor, bound: t.advisor != "-",
		since: t.lines[0].at}
	if k.account == webKey {
		k.counter = webCounter
	}
	if !k.bound {
		k.keeper = firstAdvisor(k.counter)
	}
	s.known[personKey(k.name, k.account)] = k
	s.order = append(s.order, personKey(k.name, k.account))
}

func firstAdvisor(counter string) string {
	for _, p := range people {
		for _, at := range p.counters {
			if at == counter && p.role == staff.Advisor {
				return p.key
			}
		}
	}
	return ""
}

// learn enters what known.txt says, in one transaction.
func (s *seeder) learn(tx *db.Tx) error {
	k := &knowing{seeder: s, tx: tx, viewers: map[string]staff.Viewer{}}
	unbound := map[string]bool{}
	var till till
	for n, row := range strings.Split(knownText, "\n") {
		if row == "" || strings.HasPrefix(row, "//") {
			continue
		}
		word, rest, _ := strings.Cut(row, " ")
		var err error
		switch word {
		case "#":
			name, account, _ := strings.Cut(rest, "|")
			key := personKey(strings.TrimSpace(name), strings.TrimSpace(account))
			ok := false
			if k.who, ok = s.known[key]; !ok {
				err = fmt.Errorf("no story knows %q", key)
			}
		case "unbound":
			unbound[k.who.customer] = true
		case "buys", "bought", "returned":
			err = till.ring(s, k.who, row)
		default:
			err = k.enter(word, rest)
		}
		if err != nil {
			return fmt.Errorf("known, line %d: %w", n+1, err)
		}
	}
	if err := till.record(s, tx); err != nil {
		return err
	}
	for _, key := range s.order {
		if k.who = s.known[key]; k.who.bound && !unbound[k.who.customer] {
			if err := k.bind(); err != nil {
				return fmt.Errorf("advisor of %q: %w", key, err)
			}
		}
	}
	if err := k.agree(); err != nil {
		return err
	}
	_, err := s.shop.MatchWishes(tx)
	return err
}

// enter takes in one line about k.who.
func (k *knowing) enter(word, rest string) error {
	f := strings.Fields(rest)
	if len(f) == 0 {
		return fmt.Errorf("%q says nothing", word)
	}
	switch word {
	case "member", "phone":
		return k.contact(word, rest)
	case "birthday":
		return k.birthday(f)
	case "has":
		return k.has(f)
	case "tag":
		at, err := k.day(f[len(f)-1])
		if err != nil {
			return err
		}
		_, err = k.desk.Book.GiveTag(k.tx, k.who.customer, f[0], k.proof(customer.SourceStaff, at))
		return err
	}
	at, err := k.day(f[0])
	if err != nil {
		return err
	}
	v, err := k.viewer()
	if err != nil {
		return err
	}
	_, rest, _ = strings.Cut(rest, " ")
	first, text, parted := strings.Cut(rest, " | ")
	text, who, counter := strings.TrimSpace(text), k.who.customer, k.group.counters[k.who.counter]
	return dated(k.tx, at, func() error {
		switch word {
		case "note":
			_, err := k.desk.Book.AddNote(k.tx, v, customer.NoteForm{CustomerID: who, CounterID: counter, Body: rest})
			return err
		case "wish":
			_, err := k.desk.Book.AddWish(k.tx, v, customer.WishForm{CustomerID: who, CounterID: counter, Body: text, Facets: strings.Fields(first)})
			return err
		case "promise":
			due, err := k.day(first)
			if err != nil || !parted {
				return fmt.Errorf("promise due %q: %w", first, err)
			}
			_, err = k.desk.Book.AddPromise(k.tx, v, customer.PromiseForm{CustomerID: who, CounterID: counter, Body: text, Due: due})
			return err
		}
		return fmt.Errorf("%q makes no sense", word)
	})
}

// dated lets what is entered bear the time at which it would have been: the rooms take
// theirs from the transaction.
func dated(tx *db.Tx, at time.Time, do func() error) error {
	now := tx.Now
	tx.Now = at
	err := do()
	tx.Now = now
	return err
}

// day reads "-9d": an afternoon nine days ago, and never one that is still to come
// when it is not ahead.
func (s *seeder) day(word string) (time.Time, error) {
	n, err := strconv.Atoi(strings.TrimSuffix(word, "d"))
	if err != nil {
		return time.Time{}, fmt.Errorf("day %q: %w", word, err)
	}
	today := s.now.In(s.zone)
	at := time.Date(today.Year(), today.Month(), today.Day()+n, 15, 20, 0, 0, s.zone)
	if n < 0 && at.After(s.now) || n == 0 {
		at = s.now.Add(-2 * time.Minute)
	}
	return at.UTC(), nil
}

func (k *knowing) viewer() (staff.Viewer, error) {
	if v, ok := k.viewers[k.who.keeper]; ok {
		return v, nil
	}
	v, err := staff.ViewerByID(k.tx, k.group.people[k.who.keeper])
	if err != nil {
		return v, fmt.Errorf("advisor %q: %w", k.who.keeper, err)
	}
	k.viewers[k.who.keeper] = v
	return v, nil
}

func (k *knowing) proof(source customer.Source, at time.Time) customer.Proof {
	p := customer.Proof{Source: source, By: k.group.people[k.who.keeper], CounterID: k.group.counters[k.who.counter], At: at}
	if source == customer.SourceTill {
		p.By = ""
	}
	return p
}

func (k *knowing) contact(kind, rest string) error {
	value, verified := strings.CutSuffix(rest, " verified")
	c := customer.Contact{Kind: customer.ContactKind(kind), Value: value, Verified: verified, Source: customer.SourceStaff, By: k.group.people[k.who.keeper]}
	if verified { // a till read her card
		c.Source, c.By = customer.SourceTill, ""
	}
	return dated(k.tx, k.who.since, func() error {
		_, err := k.desk.Book.AddContact(k.tx, k.who.customer, c)
		return err
	})
}

func (k *knowing) birthday(f []string) error {
	days, err := strconv.Atoi(strings.TrimSuffix(f[0], "d"))
	if err != nil {
		return fmt.Errorf("birthday %q: %w", f[0], err)
	}
	on := k.now.In(k.zone).AddDate(0, 0, days).Format("01-02")
	if len(f) > 1 && on != "02-29" { // most years have none
		on = f[1] + "-" + on
	}
	return k.attribute(customer.AttributeBirthday, on)
}

// has reads "name=value name=a longer value".
func (k *knowing) has(f []string) error {
	name, value := "", ""
	for _, word := range append(f, "=") {
		n, v, begins := strings.Cut(word, "=")
		if !begins {
			value += " " + word
			continue
		}
		if name != "" {
			if err := k.attribute(name, value); err != nil {
				return err
			}
		}
		name, value = n, v
	}
	return nil
}

func (k *knowing) attribute(name, value string) error {
	source := customer.SourceStaff
	if name == "member_level" {
		source = customer.SourceTill
	}
	_, err := k.desk.Book.Learn(k.tx, k.who.customer, customer.Learnt{Name: name, Value: value, Proof: k.proof(source, k.who.since)})
	return err
}

// bind makes who looks after her her own advisor: by a card at the counter, by her
// choice, or because a colleague entered it.
func (k *knowing) bind() error {
	who := k.group.people[k.who.keeper]
	b := customer.Binding{CustomerID: k.who.customer, CounterID: k.group.counters[k.who.counter], AdvisorID: who, How: customer.HowChosen, By: "customer"}
	if k.who.account != webKey {
		switch number(k.who.name) % 3 {
		case 0:
			b.How, b.CardID = customer.HowCard, k.cards[cardKey{k.group.accounts[k.who.account].ID, b.CounterID, who}]
		case 1:
			b.How, b.By = customer.HowStaff, who
		}
	}
	return dated(k.tx, k.who.since, func() error {
		_, err := k.desk.Book.Bind(k.tx, b)
		return err
	})
}

// leave ends the preparation: an advisor has two days off, and one account offers new
// customers a choice.
func (s *seeder) leave(tx *db.Tx) error {
	today := s.now.In(s.zone)
	back := time.Date(today.Year(), today.Month(), today.Day()+2, 11, 0, 0, 0, s.zone)
	if err := staff.SetAway(tx, staff.System(), staff.Away{StaffID: s.group.people[awayAdvisor], Until: back.UTC()}); err != nil {
		return fmt.Errorf("absence: %w", err)
	}
	a, yes := s.group.accounts[choosingKey], true
	_, err := s.desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: a.ID, Name: a.Name, CounterID: a.CounterID,
		APIBase: a.APIBase, DataBase: a.DataBase, Greeting: a.Greeting, OfferChoice: &yes})
	if err != nil {
		return err
	}
	return s.handOver(tx)
}

// leavingAdvisor goes in two weeks: her handover is planned, and a manager may start it.
const leavingAdvisor = "yating"

func (s *seeder) handOver(tx *db.Tx) error {
	today := s.now.In(s.zone)
	room := handover.Room{DB: s.desk.DB, Desk: s.desk, Consent: &consent.Room{Vault: s.desk.Vault, Book: s.desk.Book}}
	_, err := room.Plan(tx, staff.System(), handover.Form{LeaverID: s.group.people[leavingAdvisor], Kind: handover.Leaves,
		Ends: time.Date(today.Year(), today.Month(), today.Day()+14, 21, 30, 0, 0, s.zone), Rule: handover.Rule{Language: true, Speciality: true, Load: true}})
	if err != nil {
		return fmt.Errorf("handover: %w", err)
	}
	return nil
}
