package conversation

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// What she taps on a button of ours comes back as a postback whose data begins with
// "dd:". It is a command to the house and never a message to the advisor:
//
//	dd:counters            show the counters; dd:counters:<n> from the n-th on
//	dd:counter:<id>        go on with that counter
//	dd:advisors            show the advisors of the counter she speaks with
//	dd:advisor:<c>:<id>    be bound to that advisor of counter c; no id: anyone
//	dd:card:<visit>:yes|no answer the question of a card
//	dd:handover:<id>:fine|other|stop what she says to her new advisor
//	dd:stop                no messages that she did not ask for
//	dd:undo:<entry>        as it was before that stop
//	dd:allow:<p>:<v>:<l>   she agrees to purpose p, whose text she read in version v and language l
//	dd:refuse:<p>:<v>:<l>  she does not
//	dd:own                 the link of her own page
//	dd:own:export|erase    yes, a copy of everything, or delete everything
const ours = "dd:"

// Data of buttons that anybody may show: a rich menu for instance.
const (
	DataCounters = ours + "counters"
	DataAdvisors = ours + "advisors"
)

func dataCounter(id string) string           { return ours + "counter:" + id }
func dataAdvisor(counter, id string) string  { return ours + "advisor:" + counter + ":" + id }
func dataCard(visit, answer string) string   { return ours + "card:" + visit + ":" + answer }
func dataCountersFrom(from int) string       { return DataCounters + ":" + strconv.Itoa(from) }
func (c command) is(word string, n int) bool { return c.word == word && len(c.args) == n }

// command is what she wants of the house.
type command struct {
	word string
	args []string
	said string // as she typed it
}

const longestCommand = 30 // letters of a typed one

// commandOf tells whether an event is for the house and not for the advisor. Typed
// commands count where there is a choice: elsewhere "change counter" is a sentence.
func commandOf(a Account, in channel.Inbound) (command, bool) {
	if in.Kind == channel.Postback {
		rest, is := strings.CutPrefix(in.Body.Data, ours)
		words := strings.Split(rest, ":")
		return command{word: words[0], args: words[1:]}, is
	}
	text := in.Body.Text
	if len(a.Counters) == 0 || in.Body.Type != channel.Text || utf8.RuneCountInString(text) > longestCommand {
		return command{}, false
	}
	text = strings.ToLower(strings.Join(strings.Fields(strings.Trim(text, " \t\n.!?。！？")), " "))
	return command{word: "counters", said: in.Body.Text}, commands()[text]
}

// receiveCommand does what she asked for, once per event of the platform, and answers.
func (d *Desk) receiveCommand(tx *db.Tx, a Account, in channel.Inbound, c command) (bool, error) {
	isNew, err := d.keepNotice(tx, a, channel.Inbound{EventID: in.EventID, Kind: channel.Postback, ExternalID: in.ExternalID, At: in.At}, "")
	if err != nil || !isNew {
		return false, err
	}
	if in.Standby && !c.takesAway() || in.Peer.Type == channel.Group || in.Peer.Type == channel.Room {
		return true, nil // another module answers, or many would be asked at once
	}
	p, err := d.locateHeld(tx, a, in, "")
	if err != nil {
		return false, err
	}
	if err := speakTo(tx, a, p); err != nil {
		return false, err
	}
	t := tap{Desk: d, tx: tx, account: a, in: in, place: p, command: c}
	if t.voice, err = d.voice(tx, p.identityID, p.counterID); err != nil {
		return false, err
	}
	if err := t.do(); err != nil {
		return false, err
	}
	return true, d.wantProfile(tx, a, p)
}

// takesAway says that she refuses something: that counts also where another module
// answers for us, as her word does.
func (c command) takesAway() bool {
	return c.is("stop", 0) || c.is("refuse", 3) || c.is("handover", 2) && c.args[1] == HandoverStop
}

// tap is one command under way.
type tap struct {
	*Desk
	tx      *db.Tx
	account Account
	in      channel.Inbound
	place   place
	command command
	voice   voice
}

func (t *tap) do() error {
	switch c := t.command; {
	case c.is("counters", 0):
		return t.showCounters(0)
	case c.is("counters", 1):
		from, err := strconv.Atoi(c.args[0])
		if err != nil || from < 0 {
			return t.stale()
		}
		return t.showCounters(from)
	case c.is("counter", 1):
		return t.goTo(c.args[0])
	case c.is("advisors", 0):
		return t.showAdvisors()
	case c.is("advisor", 2):
		return t.choose(c.args[0], c.args[1])
	case c.is("card", 2) && (c.args[1] == "yes" || c.args[1] == "no"):
		return t.answerCard(c.args[0], c.args[1] == "yes")
	case c.is("handover", 2) && (c.args[1] == HandoverFine || c.args[1] == HandoverOther || c.args[1] == HandoverStop):
		return t.answerHandover(c.args[0], c.args[1])
	case c.is("stop", 0):
		return t.stops()
	case c.is("undo", 1):
		return t.undo(c.args[0])
	case c.is("allow", 3), c.is("refuse", 3):
		return t.decide(c.word == "allow")
	case c.is("own", 0):
		return t.showOwn()
	case c.is("own", 1):
		return t.confirm(c.args[0])
	}
	return t.stale()
}

// answerAt says a sentence in the thread of a place, with the event's free reply.
func (t *tap) answerAt(p place, s sentence) error {
	if t.in.Standby {
		return nil
	}
	if err := t.keepToken(t.tx, t.account, t.in, p.threadID); err != nil {
		return err
	}
	s.key = "tap:" + t.in.EventID
	if len(s.key) > 200 {
		s.key = ""
	}
	return t.tell(t.tx, p.threadID, s)
}

func (t *tap) stale() error { return t.answerAt(t.place, sentence{text: t.voice.say("stale")}) }

// excused answers a choice that is not possible any more, and hands on other errors.
func (t *tap) excused(err error) error {
	var invalid db.Invalid
	if errors.Is(err, db.ErrNotFound) || errors.As(err, &invalid) {
		return t.stale()
	}
	return err
}

// asked notes in the thread that she wanted to choose.
func (t *tap) asked() error {
	l := systemLine{Type: TypeAsked}
	if t.in.Kind == channel.Message { // typed: her own page shows it
		l.Said, l.In = t.command.said, t.in
	}
	_, err := t.addLine(t.tx, t.account, t.place, l)
	return err
}

// countersShown leaves one place for "more".
const countersShown = channel.MaxChoices - 1

func (t *tap) showCounters(from int) error {
	all, err := t.Choosable(t.tx, t.account.ID)
	if err != nil {
		return err
	}
	if from >= len(all) {
		from = 0
	}
	if err := t.asked(); err != nil {
		return err
	}
	if len(all) < 2 {
		name, err := counterName(t.tx, t.place.counterID)
		if err != nil {
			return err
		}
		return t.answerAt(t.place, sentence{text: t.voice.say("only_counter", "counter", name)})
	}
	s := sentence{text: t.voice.say("counters")}
	rest := all[from:]
	for i, c := range rest {
		if i == countersShown && len(rest) > channel.MaxChoices {
			s.choices = append(s.choices, channel.Choice{Label: t.voice.say("more"), Data: dataCountersFrom(from + i)})
			break
		}
		s.choices = append(s.choices, channel.Choice{Label: label(c.Counter), Data: dataCounter(c.CounterID)})
	}
	return t.answerAt(t.place, s)
}

func (t *tap) goTo(counterID string) error {
	if err := openCounter(t.tx, t.account, counterID); err != nil {
		return t.excused(err)
	}
	if err := t.SwitchCounter(t.tx, t.place.identityID, counterID); err != nil {
		return err
	}
	return t.arrived(counterID, "counter_now")
}

// arrived confirms in the thread of the counter where she is now.
func (t *tap) arrived(counterID, key string, pairs ...string) error {
	p, err := t.placeOf(t.tx, t.account, t.place.identityID, counterID)
	if err != nil {
		return err
	}
	name, err := counterName(t.tx, counterID)
	if err != nil {
		return err
	}
	return t.answerAt(p, sentence{text: t.voice.say(key, append(pairs, "counter", name)...)})
}

func (t *tap) showAdvisors() error {
	s, err := t.othersAt(t.tx, t.account, t.place.counterID, t.voice)
	if err != nil {
		return err
	}
	if len(s.choices) == 0 {
		return t.stale()
	}
	if err := t.asked(); err != nil {
		return err
	}
	return t.answerAt(t.place, s)
}

func (t *tap) choose(counterID, advisorID string) error {
	c := Choose{IdentityID: t.place.identityID, CounterID: counterID, AdvisorID: advisorID}
	if err := t.choosable(t.tx, t.account, c); err != nil {
		return t.excused(err)
	}
	if err := t.ChooseAdvisor(t.tx, c); err != nil {
		return err
	}
	if advisorID == "" {
		return t.arrived(counterID, "anyone_chosen")
	}
	who, err := staff.GetStaff(t.tx, advisorID)
	if err != nil {
		return err
	}
	return t.arrived(counterID, chosenKey(who, t.tx), "advisor", who.Name)
}

func chosenKey(p staff.Person, tx *db.Tx) string {
	if p.AwayUntil.After(tx.Now) {
		return "chosen_away"
	}
	return "chosen"
}

// answerCard takes the answer only from whom the question was put to.
func (t *tap) answerCard(visitID string, yes bool) error {
	v, err := t.visit(t.tx, visitID)
	if err != nil {
		return t.excused(err)
	}
	if v.identityID != t.place.identityID || v.account.ID != t.account.ID {
		return t.stale()
	}
	changed, err := t.answer(t.tx, v, yes)
	switch {
	case err != nil:
		return err
	case !changed && yes != (v.answer == visitBound):
		return t.stale()
	case !yes:
		return t.answerAt(t.place, sentence{text: t.voice.say("card_no")})
	case v.card.AdvisorID == "":
		return t.arrived(v.card.CounterID, "card_yes")
	}
	who, err := staff.GetStaff(t.tx, v.card.AdvisorID)
	if err != nil {
		return err
	}
	return t.arrived(v.card.CounterID, chosenKey(who, t.tx), "advisor", who.Name)
}

func counterName(tx *db.Tx, id string) (string, error) {
	c, err := staff.GetCounter(tx, id)
	return c.Name, err
}

// advisorsOffered leaves room for "anyone".
const advisorsOffered = 10

// advisorsAt offers who is on duty at a counter; no choices: there are none to choose.
func (d *Desk) advisorsAt(tx *db.Tx, a Account, counterID string, v voice) (sentence, error) {
	people, err := staff.Advisors(tx, []string{counterID})
	if err != nil {
		return sentence{}, err
	}
	name, err := counterName(tx, counterID)
	if err != nil {
		return sentence{}, err
	}
	s := sentence{text: v.say("offer", "counter", name)}
	for _, p := range people[counterID] {
		if !p.Away && len(s.choices) < advisorsOffered {
			s.choices = append(s.choices, channel.Choice{Label: label(p.Name), Data: dataAdvisor(counterID, p.ID)})
		}
	}
	if len(s.choices) > 0 {
		s.choices = append(s.choices, channel.Choice{Label: v.say("anyone"), Data: dataAdvisor(counterID, "")})
	}
	return s, nil
}

// othersAt is advisorsAt for who asked for it: she may have one.
func (d *Desk) othersAt(tx *db.Tx, a Account, counterID string, v voice) (sentence, error) {
	s, err := d.advisorsAt(tx, a, counterID, v)
	s.text = v.say("offer_other")
	return s, err
}

// offerChoice offers a customer without an advisor one of her own, once: with her first
// words to a counter, or after she was greeted, when she has answered that or goes on.
func (d *Desk) offerChoice(tx *db.Tx, a Account, in channel.Inbound, p place) error {
	if !a.OfferChoice || p.routing != unbound || in.Standby || p.peer == channel.Group || p.peer == channel.Room {
		return nil
	}
	if due, err := offerDue(tx, a, p); err != nil || !due {
		return err
	}
	v, err := d.voice(tx, p.identityID, p.counterID)
	if err != nil {
		return err
	}
	s, err := d.advisorsAt(tx, a, p.counterID, v)
	if err != nil || len(s.choices) < 3 { // one advisor and "anyone" are no choice
		return err
	}
	s.key = "offer"
	return d.tell(tx, p.threadID, s)
}

// offerDue leaves the buttons of a greeting to be answered first: messengers and our own
// chat show those of the last message only.
func offerDue(tx *db.Tx, a Account, p place) (bool, error) {
	var before, now, offered int
	err := tx.QueryRow(`SELECT COALESCE(SUM(CASE WHEN client_key = $2 AND at < $3 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN client_key = $2 AND at >= $3 THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN client_key = 'offer' THEN 1 ELSE 0 END), 0)
		FROM message WHERE thread_id = $1 AND client_key IN ($2, 'offer')`, p.threadID, greetingKey(a.ID), db.Micro(tx.Now)).Scan(&before, &now, &offered)
	if err != nil {
		return false, fmt.Errorf("was she offered advisors: %w", err)
	}
	return offered == 0 && now == 0 && (p.opened || before > 0), nil
}

var codeInText = regexp.MustCompile(`\[\s*([0-9A-Za-z]{6})\s*\]`)

// greeting is what a card's link types beside the code.
const greeting = "👋"

// cutCode takes the code of one of the account's cards out of a text, before anything
// is stored. Other text in brackets is hers. A text of nothing but the code, and the
// greeting that came with it, is empty then.
func (d *Desk) cutCode(tx *db.Tx, a Account, b *channel.Body) (Card, error) {
	if b.Type != channel.Text || !strings.Contains(b.Text, "[") {
		return Card{}, nil
	}
	for _, at := range codeInText.FindAllStringSubmatchIndex(b.Text, 5) {
		c, err := d.CardByCode(tx, b.Text[at[2]:at[3]])
		if errors.Is(err, db.ErrNotFound) || (err == nil && c.AccountID != a.ID) {
			continue
		}
		if err != nil {
			return Card{}, err
		}
		b.Text = strings.TrimSpace(b.Text[:at[0]] + b.Text[at[1]:])
		if b.Text == greeting {
			b.Text = ""
		}
		return c, nil
	}
	return Card{}, nil
}

// receiveCode takes in a text that was nothing but a card's code: no message, but a
// visit, and the question that follows.
func (d *Desk) receiveCode(tx *db.Tx, a Account, in channel.Inbound, c Card) (bool, error) {
	isNew, err := d.keepNotice(tx, a, channel.Inbound{EventID: in.EventID, Kind: channel.Notice, ExternalID: in.ExternalID, At: in.At}, "")
	if err != nil || !isNew {
		return false, err
	}
	if in.Standby || in.Peer.Type == channel.Group || in.Peer.Type == channel.Room {
		return true, nil
	}
	p, err := d.locateHeld(tx, a, in, c.CounterID)
	if err != nil {
		return false, err
	}
	if err := speakTo(tx, a, p); err != nil {
		return false, err
	}
	if err := d.keepToken(tx, a, in, p.threadID); err != nil {
		return false, err
	}
	name, err := d.cardName(tx, c)
	if err != nil {
		return false, err
	}
	if _, err := d.addLine(tx, a, p, systemLine{Type: TypeScanned, Text: name, Said: greeting, In: in}); err != nil {
		return false, err
	}
	if err := d.askForCard(tx, a, p, c); err != nil {
		return false, err
	}
	return true, d.wantProfile(tx, a, p)
}

// askForCard asks before anything is bound, and says what the data is used for.
func (d *Desk) askForCard(tx *db.Tx, a Account, p place, c Card) error {
	if p.peer == channel.Group || p.peer == channel.Room {
		return nil
	}
	visit, err := d.visitOf(tx, a, p, c)
	if err != nil {
		return err
	}
	v, err := d.voice(tx, p.identityID, c.CounterID)
	if err != nil {
		return err
	}
	counter, err := counterName(tx, c.CounterID)
	if err != nil {
		return err
	}
	s := sentence{text: v.say("card_counter", "counter", counter)}
	if c.AdvisorID != "" {
		name, err := d.cardName(tx, c)
		if err != nil {
			return err
		}
		s.text = v.say("card_advisor", "advisor", name, "counter", counter)
	}
	s.choices = []channel.Choice{{Label: v.say("yes"), Data: dataCard(visit, "yes")}, {Label: v.say("no"), Data: dataCard(visit, "no")}}
	return d.tell(tx, p.threadID, s)
}
