package conversation

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// kindGreeting marks the message that says who we are and asks: by it we know that she
// was told on an account.
const kindGreeting = "greeting"

// greet tells her once per account who we are, what for and how to stop, and asks whether
// we may write first. Whoever has answered, on
// whatever channel, is not asked again; whoever comes back after a block is, unless she did.
func (d *Desk) greet(tx *db.Tx, a Account, p place, back bool) error {
	if p.peer == channel.Group || p.peer == channel.Room {
		return nil
	}
	service, err := d.Consent().Purpose(tx, consent.Service)
	if errors.Is(err, db.ErrNotFound) {
		return nil // a house without purposes asks nothing
	}
	if err != nil {
		return err
	}
	if rules, err := d.ChatRules(tx); err != nil || rules.NoGreeting {
		return err
	}
	if answered, err := d.answeredBefore(tx, p.customerID); err != nil || answered {
		return err
	}
	told, err := greeted(tx, a.ID, p.personID)
	if err != nil || told && !back {
		return err
	}
	v, err := d.voice(tx, p.identityID, p.counterID)
	if err != nil {
		return err
	}
	g := hello{account: a, service: service, page: d.PageURL(p.identityID, false, tx.Now), identityID: p.identityID}
	if g.counter, err = counterName(tx, p.counterID); err != nil {
		return err
	}
	say, err := d.greetingOf(tx, v, g)
	if err != nil {
		return err
	}
	say.key, say.kind = greetingKey(a.ID), kindGreeting
	if told {
		say.key += " " + tx.NewID("evt")
	}
	return d.tell(tx, p.threadID, say)
}

// greetingKey is the key of the first greeting on an account.
func greetingKey(accountID string) string { return "greeting " + accountID }

// hello is what a greeting says who we are by.
type hello struct {
	account          Account
	service          consent.Purpose
	counter          string // its name
	page, identityID string
}

// greetingOf writes a greeting: one bubble that fits a phone. Where the texts of the
// purposes are those of the product it says what they come to, and where the whole is;
// where the group has written its own, it says their beginnings.
func (d *Desk) greetingOf(tx *db.Tx, v voice, g hello) (sentence, error) {
	say, err := d.ask(tx, v, consent.Marketing, g.identityID)
	if err != nil {
		return say, err
	}
	asks := len(say.choices) > 1
	names := []string{"account", g.account.Name, "counter", g.counter}
	words, language := g.service.In(consent.Language(v.language))
	short := g.service.Shipped(language)
	if asks && short {
		marketing, err := d.Consent().Purpose(tx, consent.Marketing)
		if err != nil {
			return say, err
		}
		_, language := marketing.In(consent.Language(v.language))
		short = marketing.Shipped(language)
	}
	page, who := []string{"page", g.page}, "greet_who"
	if g.account.Name == g.counter {
		who = "greet_who_same"
	}
	var parts []string
	switch {
	case short && asks:
		parts = []string{v.say(who, names...), v.say("greet_ask"), v.say("greet_page", page...)}
	case short:
		parts = []string{v.say(who, names...), v.say("greet_page", page...)}
	default:
		parts = []string{v.say("hello", names...), beginning(words.Title + "\n" + words.Body)}
		if asks {
			parts = append(parts, beginning(say.text))
		}
		parts = append(parts, v.say("page_line", page...))
	}
	say.text = fitted(parts, d.limits(g.account).TextUnits)
	return say, nil
}

// beginning is the first paragraph of a text.
func beginning(text string) string {
	first, _, _ := strings.Cut(text, "\n\n")
	return first
}

// answeredBefore tells whether she has said yes or no to marketing for all channels.
func (d *Desk) answeredBefore(tx *db.Tx, customerID string) (bool, error) {
	states, err := d.Consent().States(tx, customerID, time.Time{})
	for _, s := range states {
		if s.Purpose == consent.Marketing && s.Account == "" && s.State != "" && s.Entry.How != consent.HowBlock {
			return true, err
		}
	}
	return false, err
}

// greeted tells whether a person was told on an account.
func greeted(tx *db.Tx, accountID, personID string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM message WHERE account_id = $1 AND kind = $2 AND author = 'automation'
		AND thread_id IN (SELECT id FROM thread WHERE customer_id = $3)`, accountID, kindGreeting, personID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("was she greeted: %w", err)
	}
	return n > 0, nil
}

// fitted joins paragraphs; where they are too long for one message, each gives its first.
func fitted(parts []string, units int) string {
	whole := strings.Join(parts, "\n\n")
	if len(utf16.Encode([]rune(whole))) <= units {
		return whole
	}
	for i := range parts {
		parts[i], _, _ = strings.Cut(parts[i], "\n\n")
	}
	return strings.Join(parts, "\n\n")
}

// question asks with buttons whether we may write first. Its text is the purpose's; it
// is empty where the group has closed the purpose.
func (d *Desk) question(tx *db.Tx, v voice, p place) (sentence, error) {
	return d.ask(tx, v, consent.Marketing, p.identityID)
}

func (d *Desk) ask(tx *db.Tx, v voice, purpose, identityID string) (sentence, error) {
	more := channel.Choice{Label: v.say("read_more"), Data: DataOwn}
	p, err := d.Consent().Purpose(tx, purpose)
	if errors.Is(err, db.ErrNotFound) || err == nil && (!p.ClosedAt.IsZero() || !p.NeedsGrant) {
		return sentence{text: v.say("page_line", "page", d.PageURL(identityID, false, tx.Now)), choices: []channel.Choice{more}}, nil
	}
	if err != nil {
		return sentence{}, err
	}
	words, language := p.In(consent.Language(v.language))
	version := ":" + p.Name + ":" + strconv.Itoa(p.Version) + ":" + language
	return sentence{text: words.Title + "\n" + words.Body, choices: []channel.Choice{
		{Label: v.say("agree"), Data: ours + "allow" + version},
		{Label: v.say("only_answers"), Data: ours + "refuse" + version},
		more,
	}}, nil
}

func (t *tap) starts() error {
	say, err := t.question(t.tx, t.voice, t.place)
	if err != nil {
		return err
	}
	return t.answerAt(t.place, say)
}

// decide records her answer to a question about a purpose, with the text that she read.
// An old button says what she read then; where the group has asked anew since, it asks.
func (t *tap) decide(yes bool) error {
	version, err := strconv.Atoi(t.command.args[1])
	if err != nil || version < 1 {
		return t.stale()
	}
	e := consent.Entry{Purpose: t.command.args[0], Version: version, Language: t.command.args[2], State: consent.Withdrawn}
	if err := t.answerIn(e.Language, e.Purpose); err != nil {
		return err
	}
	if yes {
		e.State = consent.Granted
	}
	if e, err = t.allowed(e); err != nil {
		return t.excused(err)
	}
	if !yes {
		if err := t.Withdrawn(t.tx, t.place.customerID); err != nil {
			return err
		}
		if err := t.answerAt(t.place, sentence{text: t.voice.say("refused", "page", t.link(false))}); err != nil {
			return err
		}
		return t.offerChoice(t.tx, t.account, t.in, t.place)
	}
	may, err := t.Consent().May(t.tx, t.place.customerID, e.Purpose, e.Account)
	if err != nil {
		return err
	}
	if !may { // she read a text that does not count any more
		say, err := t.ask(t.tx, t.voice, e.Purpose, t.place.identityID)
		if err != nil {
			return err
		}
		return t.answerAt(t.place, say)
	}
	if err := t.answerAt(t.place, sentence{text: t.voice.say("agreed", "page", t.link(false))}); err != nil {
		return err
	}
	return t.offerChoice(t.tx, t.account, t.in, t.place)
}

// answerIn makes the answer to a question come in the language in which she read it: her
// profile may have told another one since. Where the purpose has no text in her language
// the question was in two, and hers stays.
func (t *tap) answerIn(language, purpose string) error {
	p, err := t.Consent().Purpose(t.tx, purpose)
	if errors.Is(err, db.ErrNotFound) {
		return nil // what follows refuses it
	}
	if err != nil {
		return err
	}
	if _, now := p.In(consent.Language(t.voice.language)); now != language {
		t.voice = t.voice.in(language)
	}
	return nil
}

// allowed writes what she tapped into the ledger, with a line of the thread as its proof.
// Where nothing changes there is no second line.
func (t *tap) allowed(e consent.Entry) (consent.Entry, error) {
	e.Customer, e.How = t.place.customerID, consent.HowChat
	if e.Language == "" {
		e.Language = consent.Language(t.voice.language)
	}
	return t.note(t.tx, noted{t.account, t.place, e})
}

// noted is an answer of hers on its way into the ledger and her thread.
type noted struct {
	account Account
	place   place
	entry   consent.Entry
}

func (d *Desk) note(tx *db.Tx, n noted) (consent.Entry, error) {
	e := n.entry
	p, err := d.Consent().Purpose(tx, e.Purpose)
	if err != nil {
		return e, err
	}
	states, err := d.Consent().States(tx, e.Customer, time.Time{})
	if err != nil {
		return e, err
	}
	line := systemLine{Type: TypeDeclined}
	if e.State == consent.Granted {
		language, err := storeLanguage(tx, n.place.counterID)
		if err != nil {
			return e, err
		}
		words, _ := p.In(consent.Language(language))
		line = systemLine{Type: TypeAllowed, Text: words.Title}
	}
	for _, s := range states {
		if s.Purpose == e.Purpose && s.Account == e.Account && s.State == e.State && (e.State == consent.Withdrawn || s.Entry.Version == e.Version) {
			line.Type = ""
		}
	}
	e, err = d.Consent().Record(tx, e)
	if err != nil || line.Type == "" {
		return e, err
	}
	_, err = d.addLine(tx, n.account, n.place, line)
	return e, err
}

// storeLanguage is the language of the place where a counter stands.
func storeLanguage(tx *db.Tx, counterID string) (string, error) {
	c, err := staff.GetCounter(tx, counterID)
	if err != nil {
		return "", err
	}
	s, err := staff.GetStore(tx, c.StoreID)
	return StoreLanguage(s.Timezone), err
}
