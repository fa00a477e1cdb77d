package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/job"
)

// Her own page is reached by a signed link, which names the identity it was sent to. A
// link may be forwarded, so it proves little: with it one sees an outline, and can only
// take away what she allowed. What she just asked for in her chat shows more for a short
// while; and what hands out or destroys is confirmed there.

const (
	labelPage = "own.page"
	// PageLasts is how long a link works; a new one is a word away.
	PageLasts = 30 * 24 * time.Hour
	// PageFresh is how long a link that she asked for shows what we know in words.
	PageFresh = 30 * time.Minute
)

// DataOwn is on a button that brings the link of her own page: a rich menu may have one.
const DataOwn = ours + "own"

type pageToken struct {
	Identity string `json:"i"`
	Asked    int64  `json:"a,omitempty"` // when she asked for it in her chat; 0: it came by itself
}

// PageURL is a link to the page of an identity's own. Asked says that she asked for it
// in her chat at this moment.
func (d *Desk) PageURL(identityID string, asked bool, now time.Time) string {
	t := pageToken{Identity: identityID}
	if asked {
		t.Asked = db.Micro(now)
	}
	payload, err := json.Marshal(t)
	if err != nil {
		panic(err) // two plain fields
	}
	return d.PublicURL + "/my/" + d.Vault.Sign(labelPage, payload, now.Add(PageLasts))
}

// Own is a customer as her own page knows her.
type Own struct {
	Identity customer.Identity
	PersonID string
	Records  []string // of the person
	Account  Account
	Counter  string // with which she speaks
	Language string // in which the house speaks to her
	Fresh    bool   // she asked for this link a moment ago, in her own chat
}

// OpenPage tells whose page a link is. ErrForged and ErrExpired of the vault, and
// db.ErrNotFound for somebody who is not known any more.
func (d *Desk) OpenPage(tx *db.Tx, token string) (Own, error) {
	payload, err := d.Vault.Verify(labelPage, token, tx.Now)
	if err != nil {
		return Own{}, err
	}
	var t pageToken
	if err := json.Unmarshal(payload, &t); err != nil {
		return Own{}, fmt.Errorf("link of a page: %w", db.ErrNotFound)
	}
	o := Own{Fresh: t.Asked > 0 && tx.Now.Sub(db.Time(t.Asked)) < PageFresh}
	if o.Identity, err = d.Book.IdentityByID(tx, t.Identity); err != nil {
		return o, err
	}
	o.PersonID = o.Identity.PersonID
	if o.Records, err = d.Book.Records(tx, o.PersonID); err != nil {
		return o, err
	}
	if o.Account, err = d.AccountByID(tx, o.Identity.AccountID); err != nil {
		return o, err
	}
	if o.Counter = o.Identity.CounterID; o.Counter == "" {
		o.Counter = o.Account.CounterID
	}
	o.Language, err = LanguageOf(tx, o.Identity, o.Counter)
	return o, err
}

// ownPage is the sentence that brings a fresh link.
func (d *Desk) ownPage(v voice, identityID string, now time.Time) sentence {
	return sentence{text: v.say("page", "page", d.PageURL(identityID, true, now))}
}

func (t *tap) link(asked bool) string { return t.PageURL(t.place.identityID, asked, t.tx.Now) }

func (t *tap) showOwn() error {
	return t.answerAt(t.place, t.ownPage(t.voice, t.place.identityID, t.tx.Now))
}

// JobAsked carries what she confirmed in her chat to the room that keeps such requests.
const JobAsked = "privacy_asked"

// Asked is what she asks of her data.
type Asked struct {
	Customer string `json:"customer"`
	What     string `json:"what"` // AskedExport or AskedErase
}

// What she can ask of her data.
const (
	AskedExport = "export"
	AskedErase  = "erase"
)

// confirm takes her yes to a question about her data: it was put to her in her own chat,
// so nobody else can have tapped it.
func (t *tap) confirm(what string) error {
	if what != AskedExport && what != AskedErase {
		return t.stale()
	}
	if err := job.Enqueue(t.tx, job.New{Kind: JobAsked, Lane: t.place.customerID, Key: t.place.customerID + " " + what,
		Args: Asked{t.place.customerID, what}}); err != nil {
		return err
	}
	return t.answerAt(t.place, sentence{text: t.voice.say("asked_" + what)})
}

// chat is her chat with the counter she speaks with, to say something there about what
// she did on her page.
type chat struct {
	place place
	voice voice
}

func (d *Desk) chatOf(tx *db.Tx, o Own) (chat, error) {
	p, err := d.placeOf(tx, o.Account, o.Identity.ID, o.Counter)
	if err != nil {
		return chat{}, err
	}
	c := chat{p, voice{phrases()[o.Language], o.Language}}
	// A link may be of a channel that she left since: her advisor must not answer her there.
	if !o.Account.ClosedAt.IsZero() || o.Identity.Reach == customer.ReachBlocked {
		return c, nil
	}
	return c, speakTo(tx, o.Account, p)
}

func (d *Desk) tellOwn(tx *db.Tx, o Own, say func(chat) (sentence, error)) error {
	c, err := d.chatOf(tx, o)
	if err != nil {
		return err
	}
	s, err := say(c)
	if err != nil || s.text == "" {
		return err
	}
	return d.tell(tx, c.place.threadID, s)
}

// StopFromPage stops everything that she did not ask for, by one tap on her page or in a
// mail, and says so in her chat. A second tap says nothing again.
func (d *Desk) StopFromPage(tx *db.Tx, o Own) error {
	states, err := d.Consent().States(tx, o.PersonID, time.Time{})
	if err != nil {
		return err
	}
	open := false
	for _, s := range states {
		open = open || s.Needs && s.State != consent.Withdrawn && !s.Closed
	}
	if !open {
		return nil
	}
	return d.tellOwn(tx, o, func(c chat) (sentence, error) {
		return d.stopAll(tx, stopping{o.Account, c.place, c.voice, consent.Entry{How: consent.HowPage}})
	})
}

// PageChange is one purpose that she switches on her page, everywhere or on one account.
type PageChange struct {
	Purpose, Account string
	Allow            bool
	Version          int // of the text that the page showed
}

// ChangeFromPage records what she switched. To take away, the link is enough, and her
// chat hears of it; to allow, she must have come from her chat just now, else she is
// asked there: Asked tells so.
func (d *Desk) ChangeFromPage(tx *db.Tx, o Own, change PageChange) (asked bool, err error) {
	if _, err := d.Consent().Purpose(tx, change.Purpose); errors.Is(err, db.ErrNotFound) {
		return false, db.Invalid{Field: "purpose", Code: "unknown"}
	}
	if change.Allow && !o.Fresh {
		return true, d.tellOwn(tx, o, func(c chat) (sentence, error) {
			p, err := d.Consent().Purpose(tx, change.Purpose)
			if err != nil {
				return sentence{}, err
			}
			if !p.NeedsGrant || !p.ClosedAt.IsZero() {
				return sentence{}, db.Invalid{Field: "purpose", Code: "fixed"}
			}
			return d.ask(tx, c.voice, p.Name, o.Identity.ID)
		})
	}
	return false, d.tellOwn(tx, o, func(c chat) (sentence, error) {
		e := consent.Entry{Customer: c.place.customerID, Purpose: change.Purpose, Account: change.Account, State: consent.Withdrawn,
			How: consent.HowPage, Version: change.Version, Language: consent.Language(o.Language)}
		if change.Allow {
			e.State = consent.Granted
		}
		e, err := d.note(tx, noted{o.Account, c.place, e})
		if err != nil {
			return sentence{}, err
		}
		if !change.Allow {
			if err := d.Withdrawn(tx, o.PersonID); err != nil {
				return sentence{}, err
			}
		}
		if o.Fresh || !e.KeptAt.Equal(tx.Now) {
			return sentence{}, nil
		}
		return sentence{text: c.voice.say("changed", "page", d.PageURL(o.Identity.ID, false, tx.Now))}, nil
	})
}

// AskInChat puts a question into her own chat whether she really wants it.
func (d *Desk) AskInChat(tx *db.Tx, o Own, what string) error {
	if what != AskedExport && what != AskedErase {
		return db.Invalid{Field: "act", Code: "unknown"}
	}
	return d.tellOwn(tx, o, func(c chat) (sentence, error) {
		return sentence{text: c.voice.say("ask_" + what), choices: []channel.Choice{
			{Label: c.voice.say("confirm_" + what), Data: DataOwn + ":" + what}}}, nil
	})
}

// SendPage sends a fresh link of her page into her own chat.
func (d *Desk) SendPage(tx *db.Tx, o Own) error {
	return d.tellOwn(tx, o, func(c chat) (sentence, error) { return d.ownPage(c.voice, o.Identity.ID, tx.Now), nil })
}

// OfferAdvisors lets her choose her advisor in her own chat; false where there is nobody
// to choose from.
func (d *Desk) OfferAdvisors(tx *db.Tx, o Own) (offered bool, err error) {
	err = d.tellOwn(tx, o, func(c chat) (sentence, error) {
		s, err := d.advisorsAt(tx, o.Account, o.Counter, c.voice)
		if offered = len(s.choices) > 0; !offered {
			return sentence{}, err
		}
		return s, err
	})
	return offered, err
}

// OwnCounts is how much there is about a person, without a word of it.
type OwnCounts struct{ Messages, Notes, Purchases int }

// OwnCounts counts what her page names only as numbers.
func (d *Desk) OwnCounts(tx *db.Tx, records []string) (n OwnCounts, err error) {
	marks, args := db.In(records, 1)
	err = tx.QueryRow(`SELECT (SELECT COUNT(*) FROM message m WHERE m.author IN ('customer', 'staff', 'automation') AND m.thread_id IN (
			SELECT id FROM thread WHERE customer_id IN (`+marks+`))),
		(SELECT COUNT(*) FROM note WHERE ended_at IS NULL AND customer_id IN (`+marks+`)),
		(SELECT COUNT(*) FROM purchase WHERE customer_id <> '' AND customer_id IN (`+marks+`))`, args...).Scan(&n.Messages, &n.Notes, &n.Purchases)
	if err != nil {
		return n, fmt.Errorf("count what is known of her: %w", err)
	}
	return n, nil
}
