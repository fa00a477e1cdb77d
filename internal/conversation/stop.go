package conversation

import (
	"slices"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
)

// utterance is a message of hers that was just stored.
type utterance struct {
	account Account
	in      channel.Inbound
	place   place
	message row
}

// heed does what a message asks of the house, if it is a word that does, and tells who
// wrote in a web chat for the first time what we do with it. It runs once per event:
// repeats of the platform stop before it. The message reaches the advisor all the same.
func (d *Desk) heed(tx *db.Tx, s utterance) error {
	if s.place.peer == channel.Group || s.place.peer == channel.Room || s.message.UnsentAt != 0 {
		return nil
	}
	asks := hint("")
	if s.in.Kind == channel.Message && s.in.Body.Type == channel.Text {
		var err error
		if asks, err = d.hintOf(tx, s.in.Body.Text); err != nil {
			return err
		}
	}
	switch {
	case asks == hintStop: // also where another module answers for us: her word counts
		return d.stopBySaying(tx, s)
	case s.in.Standby:
		return nil
	case asks == "":
		if s.account.Kind == channel.WebChat && s.place.opened {
			return d.greet(tx, s.account, s.place, false)
		}
		return nil
	}
	v, err := d.voice(tx, s.place.identityID, s.place.counterID)
	if err != nil {
		return err
	}
	var say sentence
	switch asks {
	case hintOwn:
		say = d.ownPage(v, s.place.identityID, tx.Now)
	case hintStart:
		say, err = d.question(tx, v, s.place)
	case hintOther:
		if say, err = d.otherAdvisors(tx, v, s); len(say.choices) == 0 {
			return err // her advisor reads it
		}
	}
	if err != nil {
		return err
	}
	say.key = "heed:" + s.message.ID
	return d.tell(tx, s.place.threadID, say)
}

// otherAdvisors is whom she may choose, unless she is offered them anyway with these words.
func (d *Desk) otherAdvisors(tx *db.Tx, v voice, s utterance) (sentence, error) {
	if s.account.OfferChoice && s.place.routing == unbound {
		if due, err := offerDue(tx, s.account, s.place); err != nil || due {
			return sentence{}, err
		}
	}
	return d.othersAt(tx, s.account, s.place.counterID, v)
}

// stopBySaying withdraws everything at once, and says so.
func (d *Desk) stopBySaying(tx *db.Tx, s utterance) error {
	v, err := d.voice(tx, s.place.identityID, s.place.counterID)
	if err != nil {
		return err
	}
	say, err := d.stopAll(tx, stopping{s.account, s.place, v, consent.Entry{How: consent.HowChat, Message: s.message.ID, Evidence: []byte(s.in.Body.Text)}})
	if err != nil || s.in.Standby {
		return err
	}
	say.key = "heed:" + s.message.ID
	return d.tell(tx, s.place.threadID, say)
}

// stopping is a customer who stops everything that she did not ask for.
type stopping struct {
	account Account
	place   place
	voice   voice
	entry   consent.Entry // how she said it
}

// stopAll withdraws every purpose that needs a grant, refuses what was planned, and
// gives the words that confirm it: with a way back where something was taken away.
func (d *Desk) stopAll(tx *db.Tx, s stopping) (sentence, error) {
	s.entry.Customer, s.entry.Language = s.place.customerID, consent.Language(s.voice.language)
	before, err := d.Consent().States(tx, s.entry.Customer, time.Time{})
	if err != nil {
		return sentence{}, err
	}
	entries, err := d.Consent().StopAll(tx, s.entry)
	if err != nil {
		return sentence{}, err
	}
	if err := d.Withdrawn(tx, s.entry.Customer); err != nil {
		return sentence{}, err
	}
	say := sentence{text: s.voice.say("stopped", "page", d.PageURL(s.place.identityID, false, tx.Now))}
	for _, e := range entries {
		if !e.KeptAt.Equal(tx.Now) { // she had said so before
			continue
		}
		if _, err := d.addLine(tx, s.account, s.place, systemLine{Type: TypeDeclined}); err != nil {
			return sentence{}, err
		}
		for _, b := range before {
			if b.Needs && b.Allowed() {
				say.choices = []channel.Choice{{Label: s.voice.say("undo"), Data: ours + "undo:" + e.ID}}
			}
		}
		break
	}
	return say, nil
}

// DataStop is on a button that stops everything she did not ask for: a rich menu may
// have one.
const DataStop = ours + "stop"

func (t *tap) stops() error {
	say, err := t.stopAll(t.tx, stopping{t.account, t.place, t.voice, consent.Entry{How: consent.HowChat}})
	if err != nil {
		return err
	}
	return t.answerAt(t.place, say)
}

// undoable is how long a stop can be taken back as if it had not been; later she is asked.
const undoable = 30 * 24 * time.Hour

// undo brings back what she had allowed before a stop. What she said since counts more.
func (t *tap) undo(entryID string) error {
	room := t.Consent()
	history, err := room.History(t.tx, t.place.customerID)
	if err != nil {
		return err
	}
	var stop consent.Entry
	for _, e := range history {
		if e.ID == entryID && e.State == consent.Withdrawn {
			stop = e
		}
	}
	if stop.ID == "" {
		return t.stale()
	}
	t.voice = t.voice.in(stop.Language) // in which she read that she could take it back
	if t.tx.Now.Sub(stop.KeptAt) > undoable {
		return t.starts()
	}
	first, last, since := stop.At, map[string]consent.Entry{}, map[string]bool{}
	for _, e := range history { // the newest first
		if last[e.Purpose].ID == "" {
			last[e.Purpose] = e
		}
		if !e.KeptAt.Equal(stop.KeptAt) || e.How != stop.How || e.State != consent.Withdrawn {
			continue
		}
		since[e.ID] = true
		if e.At.Before(first) {
			first = e.At
		}
	}
	before, err := room.States(t.tx, t.place.customerID, first.Add(-time.Microsecond))
	if err != nil {
		return err
	}
	now, err := room.States(t.tx, t.place.customerID, time.Time{})
	if err != nil {
		return err
	}
	back := 0
	for _, b := range before {
		switch {
		case !b.Needs || !b.Allowed():
			continue
		case slices.ContainsFunc(now, func(s consent.Standing) bool { return s.Purpose == b.Purpose && s.Account == b.Account && s.Allowed() }): // tapped twice
			back++
			continue
		case !since[last[b.Purpose].ID]:
			continue
		}
		if _, err := t.allowed(consent.Entry{Purpose: b.Purpose, Account: b.Account, Version: b.Entry.Version, State: consent.Granted}); err != nil {
			return t.excused(err)
		}
		if err := t.keepRefused(b, before); err != nil {
			return t.excused(err)
		}
		back++
	}
	if back == 0 {
		return t.stale()
	}
	return t.answerAt(t.place, sentence{text: t.voice.say("undone", "page", t.link(false))})
}

// keepRefused refuses again on single accounts what she had refused there before the stop:
// a yes for all channels, brought back, would cover them too.
func (t *tap) keepRefused(back consent.Standing, before []consent.Standing) error {
	for _, b := range before {
		if back.Account != "" || b.Purpose != back.Purpose || b.Account == "" || b.State != consent.Withdrawn {
			continue
		}
		if _, err := t.Consent().Record(t.tx, consent.Entry{Customer: t.place.customerID, Purpose: b.Purpose, Account: b.Account, Version: b.Entry.Version,
			State: consent.Withdrawn, How: consent.HowChat, Language: consent.Language(t.voice.language)}); err != nil {
			return err
		}
	}
	return nil
}
