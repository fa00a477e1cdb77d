package conversation

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"dingdong/internal/channel"
	"dingdong/internal/db"
)

// LIFF is what a LINE account needs so that a card can prove who scanned it.
type LIFF struct {
	ID           string // of the LIFF app: 1234567890-AbcdEfgh; empty: cards fall back to a typed code
	LoginChannel string // id of the LINE Login channel that the app belongs to
	SDK          string // where its script comes from; empty: LINE's own address
}

var (
	liffID       = regexp.MustCompile(`^[0-9]{5,20}-[A-Za-z0-9]{4,20}$`)
	loginChannel = regexp.MustCompile(`^[0-9]{5,20}$`)
)

func (l *LIFF) check(kind channel.Kind) error {
	if l == nil {
		return nil
	}
	l.ID, l.LoginChannel = strings.TrimSpace(l.ID), strings.TrimSpace(l.LoginChannel)
	sdk, ok := cleanBase(l.SDK)
	l.SDK = sdk
	switch {
	case kind != channel.LINE && *l != (LIFF{}):
		return db.Invalid{Field: "liff_id", Code: "kind"}
	case l.ID != "" && !liffID.MatchString(l.ID):
		return db.Invalid{Field: "liff_id", Code: "malformed"}
	case l.LoginChannel != "" && !loginChannel.MatchString(l.LoginChannel):
		return db.Invalid{Field: "login_channel", Code: "malformed"}
	case l.ID != "" && l.LoginChannel == "":
		return db.Invalid{Field: "login_channel", Code: "required"}
	case !ok:
		return db.Invalid{Field: "liff_sdk", Code: "malformed"}
	}
	return nil
}

// maxCounters bounds what one account can serve: a customer chooses from them in a chat.
const maxCounters = 500

// Served lists the counters that an account serves, its own first.
func (a Account) Served() []string { return append([]string{a.CounterID}, a.Counters...) }

// Serves says whether customers of the account may speak with a counter.
func (a Account) Serves(counterID string) bool {
	return counterID != "" && (counterID == a.CounterID || slices.Contains(a.Counters, counterID))
}

// extraCounters reads which counters an account serves beside its own; of all accounts
// without an id.
func extraCounters(tx *db.Tx, accountID string) (map[string][]string, error) {
	q, args := `SELECT account_id, counter_id FROM account_counter ORDER BY account_id, counter_id`, []any(nil)
	if accountID != "" {
		q, args = `SELECT account_id, counter_id FROM account_counter WHERE account_id = $1 ORDER BY counter_id`, []any{accountID}
	}
	rows, err := tx.Query(q, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (p [2]string, err error) { return p, r.Scan(&p[0], &p[1]) })
	if err != nil {
		return nil, fmt.Errorf("counters of an account: %w", err)
	}
	out := map[string][]string{}
	for _, p := range list {
		out[p[0]] = append(out[p[0]], p[1])
	}
	return out, nil
}

// saveReach keeps which counters an account serves and how its cards work, as far as the
// form says it.
func (d *Desk) saveReach(tx *db.Tx, f AccountForm) error {
	if f.OfferChoice != nil {
		if _, err := tx.Exec(`UPDATE account SET offer_choice = $2 WHERE id = $1`, f.ID, *f.OfferChoice); err != nil {
			return fmt.Errorf("save account: %w", err)
		}
	}
	if f.LIFF != nil {
		if _, err := tx.Exec(`UPDATE account SET liff_id = $2, login_channel = $3, liff_sdk = $4 WHERE id = $1`,
			f.ID, f.LIFF.ID, f.LIFF.LoginChannel, f.LIFF.SDK); err != nil {
			return fmt.Errorf("save account: %w", err)
		}
	}
	if f.Counters != nil {
		if err := setCounters(tx, f); err != nil {
			return err
		}
	} else if _, err := tx.Exec(`DELETE FROM account_counter WHERE account_id = $1 AND counter_id = $2`, f.ID, f.CounterID); err != nil {
		return fmt.Errorf("save account: %w", err)
	}
	more, err := extraCounters(tx, f.ID)
	if err != nil {
		return err
	}
	return d.Book.KeepCounters(tx, f.ID, append([]string{f.CounterID}, more[f.ID]...))
}

func setCounters(tx *db.Tx, f AccountForm) error {
	ids := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(*f.Counters))), func(id string) bool { return id == "" || id == f.CounterID })
	if len(ids) > maxCounters {
		return db.Invalid{Field: "counters", Code: "too_many"}
	}
	if _, err := tx.Exec(`DELETE FROM account_counter WHERE account_id = $1`, f.ID); err != nil {
		return fmt.Errorf("clear counters of an account: %w", err)
	}
	for _, id := range ids {
		n, err := tx.Exec(`INSERT INTO account_counter (account_id, counter_id) SELECT $1, id FROM counter WHERE id = $2`, f.ID, id)
		if err != nil {
			return fmt.Errorf("set counters of an account: %w", err)
		}
		if n == 0 {
			return db.Invalid{Field: "counters", Code: "unknown"}
		}
	}
	return nil
}
