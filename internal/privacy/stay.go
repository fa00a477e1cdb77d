package privacy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

const (
	// partAtOnce is how many persons one transaction erases or asks.
	partAtOnce = 25
	// partInANight bounds how many persons a night asks or lets go, so that a rule
	// that is new does not empty a house before anybody looks.
	partInANight = 5000
)

// partings asks those who were silent for long and agreed to marketing whether to
// stay in touch, and lets go who did not answer in time, or was never to be asked.
func (r *Room) partings(ctx context.Context, p parting) (asked, gone int, err error) {
	rules := p.rules
	if rules.SilentMonths == 0 {
		return 0, 0, nil
	}
	p.since = r.DB.Now().AddDate(0, -rules.SilentMonths, 0)
	err = r.eachSilent(ctx, p.since, func(persons []string) error {
		for part := range slices.Chunk(persons, partAtOnce) {
			if asked+gone >= partInANight {
				return errEnough
			}
			a, g := 0, 0
			err := r.DB.Write(ctx, func(tx *db.Tx) (err error) {
				a, g, err = r.part(tx, part, p)
				return err
			})
			if err != nil {
				return err
			}
			asked, gone = asked+a, gone+g
			if a+g > 0 {
				if err := rest(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err != nil {
		return asked, gone, fmt.Errorf("let silent customers go: %w", err)
	}
	return asked, gone, nil
}

var errEnough = errors.New("enough for one night")

// parting is a night that lets people go.
type parting struct {
	rules   Rules
	erasure string    // which all of them share
	since   time.Time // who had no contact since then is let go
}

func (r *Room) part(tx *db.Tx, persons []string, p parting) (asked, gone int, err error) {
	if persons, err = stillSilent(tx, persons, p.since); err != nil || len(persons) == 0 {
		return 0, 0, err
	}
	marks, args := db.In(persons, 1)
	// Whoever had contact after she was asked has answered, and is asked anew.
	if _, err := tx.Exec(`DELETE FROM stay_question WHERE purge_at < $`+fmt.Sprint(len(args)+1)+` AND person_id IN (`+marks+`)`,
		append(args, db.Micro(p.since))...); err != nil {
		return 0, 0, fmt.Errorf("who was asked long ago: %w", err)
	}
	due := map[string]bool{}
	rows, err := tx.Query(`SELECT person_id, CASE WHEN purge_at <= $`+fmt.Sprint(len(args)+1)+` THEN 1 ELSE 0 END FROM stay_question WHERE person_id IN (`+marks+`)`,
		append(args, db.Micro(tx.Now))...)
	_, err = db.Collect(rows, err, func(rs *sql.Rows) (none struct{}, err error) {
		var id string
		var over int
		err = rs.Scan(&id, &over)
		due[id] = over == 1
		return none, err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("who was asked: %w", err)
	}
	// What she asked and still waits for comes first: it is answered by an officer. She
	// may have asked before two records were found to be her.
	rows, err = tx.Query(`SELECT CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END FROM privacy_request q JOIN customer c ON c.id = q.person_id
		WHERE q.closed_at IS NULL AND (c.id IN (`+marks+`) OR c.person_id <> '' AND c.person_id IN (`+marks+`))`, args...)
	waiting, err := db.Collect(rows, err, scanText)
	if err != nil {
		return 0, 0, fmt.Errorf("who waits for an answer: %w", err)
	}
	var leaving, staying []string
	for _, id := range persons {
		over, wasAsked := due[id]
		switch {
		case slices.Contains(waiting, id), wasAsked && !over:
			continue
		case wasAsked:
			leaving = append(leaving, id)
			continue
		}
		may, err := r.Consent.May(tx, id, consent.Marketing, "")
		if err != nil {
			return 0, 0, err
		}
		if may {
			staying = append(staying, id)
		} else {
			leaving = append(leaving, id)
		}
	}
	if err := r.askToStay(tx, staying, p.rules); err != nil {
		return 0, 0, err
	}
	asked = len(staying)
	if len(leaving) == 0 {
		return asked, 0, nil
	}
	if err := customer.LockMerges(tx); err != nil { // as in Erase
		return 0, 0, err
	}
	var records []string
	for _, id := range leaving {
		all, err := r.Book.Records(tx, id)
		if err != nil {
			return 0, 0, err
		}
		records = append(records, all...)
	}
	_, err = r.erase(tx, Erasing{By: ByRetention, Together: p.erasure}, leaving[0], records)
	return asked, len(leaving), err
}

// askToStay asks people who agreed to be written to, and notes by when they must answer.
// Who cannot be reached any more has that time all the same.
func (r *Room) askToStay(tx *db.Tx, persons []string, rules Rules) error {
	until := tx.Now.AddDate(0, 0, 7*rules.AnswerWeeks)
	sent, err := r.Desk.AskToStay(tx, persons, until)
	if err != nil {
		return err
	}
	var rows []any
	for _, id := range persons {
		rows = append(rows, id, sent[id].ID, db.Micro(tx.Now), db.Micro(until))
	}
	if err := tx.Insert(`INSERT INTO stay_question (person_id, message_id, asked_at, purge_at)`, 4, rows, `ON CONFLICT (person_id) DO NOTHING`); err != nil {
		return fmt.Errorf("note questions: %w", err)
	}
	return nil
}

// React hears what she answers: any word of hers means to stay, except the button
// that says not to, which is a request to be erased.
func (r *Room) React(tx *db.Tx, e event.Event) error {
	if e.Kind != event.MessageReceived || e.Customer == "" || e.Message == "" {
		return nil
	}
	var person string
	err := db.NotFound(tx.QueryRow(`SELECT q.person_id FROM customer c JOIN stay_question q ON q.person_id = CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END
		WHERE c.id = $1`, e.Customer).Scan(&person))
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("was she asked: %w", err)
	}
	if _, err := tx.Exec(`DELETE FROM stay_question WHERE person_id = $1`, person); err != nil {
		return fmt.Errorf("she answered: %w", err)
	}
	tapped, err := r.Desk.Tapped(tx, e.Message)
	if err != nil || tapped != conversation.StayNo {
		return err
	}
	_, err = r.RequestErasure(tx, person, FromChat)
	return err
}

// Nobody says that nobody was asked, so that no message has to be looked at.
func Nobody(tx *db.Tx) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM (SELECT 1 FROM stay_question LIMIT 1) AS some`).Scan(&n)
	return n == 0, err
}
