package conversation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// Account is one of the group's accounts on a messenger; what she writes there
// comes to its counter.
type Account struct {
	channel.Account
	Name       string
	CounterID  string
	BasicID    string   // LINE: @id
	Origins    []string // web chat: sites that may embed it
	Greeting   string   // web chat: the first line a visitor reads
	Quota      channel.Quota
	QuotaAt    time.Time // zero: never asked
	Halted     string    // why sending stands still, a key below "failure."
	HaltedTill time.Time
	CreatedAt  time.Time
	ClosedAt   time.Time

	OldSecretUntil time.Time // zero: no old secret counts any more

	Counters    []string // served beside its own; see Served
	OfferChoice bool     // a customer without an advisor is offered a choice, once
	LIFF        LIFF
}

// WebhookPath is what the platform calls.
func (a Account) WebhookPath() string { return "/in/" + a.ID }

const accountColumns = `id, channel, name, counter_id, secret, token, bot_id, basic_id, api_base, data_base, origins, greeting,
	quota_limit, quota_used, quota_at, halted, halted_until, created_at, COALESCE(closed_at, 0), offer_choice, liff_id, login_channel, liff_sdk, old_secret, old_secret_until`

func (d *Desk) scanAccount(row interface{ Scan(...any) error }, now time.Time) (Account, error) {
	var a Account
	var secret, token, oldSecret []byte
	var origins string
	var limit, used, quotaAt, till, created, closed, oldUntil int64
	err := row.Scan(&a.ID, &a.Kind, &a.Name, &a.CounterID, &secret, &token, &a.BotID, &a.BasicID, &a.APIBase, &a.DataBase, &origins,
		&a.Greeting, &limit, &used, &quotaAt, &a.Halted, &till, &created, &closed,
		&a.OfferChoice, &a.LIFF.ID, &a.LoginChannel, &a.LIFF.SDK, &oldSecret, &oldUntil)
	if err != nil {
		return a, db.NotFound(err)
	}
	a.Origins, a.LIFF.LoginChannel = strings.Fields(origins), a.LoginChannel
	a.Quota = channel.Quota{Limited: limit > 0, Limit: int(limit), Used: int(used)}
	a.QuotaAt, a.HaltedTill, a.CreatedAt, a.ClosedAt = db.Time(quotaAt), db.Time(till), db.Time(created), db.Time(closed)
	plain, err := d.Vault.OpenHouse(labelSecret, secret)
	if err != nil {
		return a, fmt.Errorf("account secret: %w", err)
	}
	a.Secret = string(plain)
	if plain, err = d.Vault.OpenHouse(labelToken, token); err != nil {
		return a, fmt.Errorf("account token: %w", err)
	}
	a.Token = string(plain)
	if until := db.Time(oldUntil); now.Before(until) {
		if plain, err = d.Vault.OpenHouse(labelSecret, oldSecret); err != nil {
			return a, fmt.Errorf("account's old secret: %w", err)
		}
		a.OldSecret, a.OldSecretUntil = string(plain), until
	}
	return a, nil
}

// AccountByID returns an account, closed ones too.
func (d *Desk) AccountByID(tx *db.Tx, id string) (Account, error) {
	a, err := db.Once(tx, accountOnce(id), func() (Account, error) { return d.readAccount(tx, id) })
	a.Counters = slices.Clone(a.Counters)
	return a, err
}

// accountOnce is an account with its counters, as a page needs it from several sides.
type accountOnce string

func (d *Desk) readAccount(tx *db.Tx, id string) (Account, error) {
	a, err := d.scanAccount(tx.QueryRow(`SELECT `+accountColumns+` FROM account WHERE id = $1`, id), tx.Now)
	if err != nil {
		return a, err
	}
	more, err := extraCounters(tx, id)
	a.Counters = more[id]
	return a, err
}

// accountOut is the account of the way out: one that is known costs no query, and a
// closed one is found too.
func (d *Desk) accountOut(tx *db.Tx, id string) (Account, error) {
	a, err := d.Listening(tx, id)
	if errors.Is(err, db.ErrNotFound) {
		return d.AccountByID(tx, id)
	}
	return a, err
}

// Accounts lists the accounts in use.
func (d *Desk) Accounts(tx *db.Tx) ([]Account, error) { return d.listAccounts(tx, `closed_at IS NULL`) }

// ClosedAccounts lists the accounts that were closed.
func (d *Desk) ClosedAccounts(tx *db.Tx) ([]Account, error) {
	return d.listAccounts(tx, `closed_at IS NOT NULL`)
}

func (d *Desk) listAccounts(tx *db.Tx, which string) ([]Account, error) {
	rows, err := tx.Query(`SELECT ` + accountColumns + ` FROM account WHERE ` + which + ` ORDER BY channel, name, id`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Account, error) { return d.scanAccount(r, tx.Now) })
	if err != nil {
		return nil, err
	}
	more, err := extraCounters(tx, "")
	for i := range list {
		list[i].Counters = more[list[i].ID]
	}
	return list, err
}

// AccountForm is what an administrator enters. ID empty: a new account. Secret
// and Token empty: keep what there is.
type AccountForm struct {
	ID, Name, CounterID string
	Channel             channel.Kind
	Secret, Token       string
	APIBase, DataBase   string
	Origins             []string
	Greeting            string

	Counters    *[]string // served beside CounterID; nil: what there is stays
	OfferChoice *bool     // nil: what there is stays
	LIFF        *LIFF     // nil: what there is stays

	// Overlap is how long the old secret still counts beside a new one; 0: SecretOverlap,
	// negative: not at all.
	Overlap time.Duration
}

// SaveAccount enters or changes an account.
func (d *Desk) SaveAccount(tx *db.Tx, v staff.Viewer, f AccountForm) (Account, error) {
	if !v.May(staff.ManageGroup) {
		return Account{}, staff.ErrForbidden
	}
	old := Account{}
	if f.ID != "" {
		var err error
		if old, err = d.AccountByID(tx, f.ID); err != nil {
			return Account{}, err
		}
		f.Channel = old.Kind
	}
	if f.Secret == "" {
		f.Secret = old.Secret
	}
	if f.Token == "" {
		f.Token = old.Token
	}
	if err := f.check(tx); err != nil {
		return Account{}, err
	}
	if err := checkOverlap(f.Overlap); err != nil {
		return Account{}, err
	}
	secret, err := d.Vault.SealHouse(labelSecret, []byte(f.Secret))
	if err != nil {
		return Account{}, err
	}
	token, err := d.Vault.SealHouse(labelToken, []byte(f.Token))
	if err != nil {
		return Account{}, err
	}
	if f.ID == "" {
		f.ID = tx.NewID("acc")
		_, err = tx.Exec(`INSERT INTO account (id, channel, name, counter_id, secret, token, api_base, data_base, origins, greeting, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, f.ID, string(f.Channel), f.Name, f.CounterID, secret, token,
			f.APIBase, f.DataBase, strings.Join(f.Origins, "\n"), f.Greeting, db.Micro(tx.Now))
	} else {
		if err := d.changeSecrets(tx, v, old, f); err != nil {
			return Account{}, err
		}
		// New credentials deserve a new try at once.
		_, err = tx.Exec(`UPDATE account SET name = $2, counter_id = $3, secret = $4, token = $5, api_base = $6, data_base = $7,
			origins = $8, greeting = $9, halted = '', halted_until = 0 WHERE id = $1`, f.ID, f.Name, f.CounterID, secret, token,
			f.APIBase, f.DataBase, strings.Join(f.Origins, "\n"), f.Greeting)
	}
	if err != nil {
		return Account{}, fmt.Errorf("save account: %w", err)
	}
	if err := d.saveReach(tx, f); err != nil {
		return Account{}, err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "account.save", Object: f.ID})
	event.Append(tx, event.Event{Kind: event.AccountChanged, Counter: f.CounterID, By: v.ID, Data: map[string]string{"account": f.ID}})
	d.accounts.forget(f.ID)
	return d.AccountByID(tx, f.ID)
}

func (f *AccountForm) check(tx *db.Tx) error {
	f.Name = strings.TrimSpace(db.CleanText(f.Name))
	f.Greeting = strings.TrimSpace(db.CleanText(f.Greeting))
	f.Secret, f.Token = strings.TrimSpace(f.Secret), strings.TrimSpace(f.Token)
	switch {
	case f.Name == "":
		return db.Invalid{Field: "name", Code: "required"}
	case utf8.RuneCountInString(f.Name) > 80:
		return db.Invalid{Field: "name", Code: "too_long"}
	case utf8.RuneCountInString(f.Greeting) > 300:
		return db.Invalid{Field: "greeting", Code: "too_long"}
	case f.Channel != channel.LINE && f.Channel != channel.WebChat:
		return db.Invalid{Field: "channel", Code: "unknown"}
	case f.Channel == channel.LINE && f.Secret == "":
		return db.Invalid{Field: "secret", Code: "required"}
	case f.Channel == channel.LINE && f.Token == "":
		return db.Invalid{Field: "token", Code: "required"}
	case len(f.Secret) > 500 || strings.ContainsFunc(f.Secret, notPrintable):
		return db.Invalid{Field: "secret", Code: "malformed"}
	case len(f.Token) > 2000 || strings.ContainsFunc(f.Token, notPrintable):
		return db.Invalid{Field: "token", Code: "malformed"}
	}
	for field, base := range map[string]*string{"api_base": &f.APIBase, "data_base": &f.DataBase} {
		clean, ok := cleanBase(*base)
		if !ok {
			return db.Invalid{Field: field, Code: "malformed"}
		}
		*base = clean
	}
	for i, o := range f.Origins {
		clean, ok := cleanBase(o)
		if u, err := url.Parse(clean); !ok || err != nil || clean == "" || u.Path != "" {
			return db.Invalid{Field: "origins", Code: "malformed"}
		}
		f.Origins[i] = clean
	}
	if len(f.Origins) > 50 {
		return db.Invalid{Field: "origins", Code: "too_many"}
	}
	if err := f.LIFF.check(f.Channel); err != nil {
		return err
	}
	var found int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM counter WHERE id = $1 AND closed_at IS NULL`, f.CounterID).Scan(&found); err != nil {
		return err
	}
	if found == 0 {
		return db.Invalid{Field: "counter", Code: "unknown"}
	}
	return nil
}

func notPrintable(r rune) bool { return r <= ' ' || r > '~' }

// cleanBase accepts an http(s) address without query and takes the slash off
// its end. Platforms' addresses are set by administrators only, who may point
// them at a stand-in inside their own network.
func cleanBase(s string) (string, bool) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", true
	}
	u, err := url.Parse(s)
	ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
	return s, ok && len(s) <= 300
}

// CloseAccount ends an account: its webhook is refused from now on.
func (d *Desk) CloseAccount(tx *db.Tx, v staff.Viewer, id string) error {
	if !v.May(staff.ManageGroup) {
		return staff.ErrForbidden
	}
	n, err := tx.Exec(`UPDATE account SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL`, id, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("close account: %w", err)
	}
	if n == 0 {
		return db.ErrNotFound
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "account.close", Object: id})
	d.accounts.forget(id)
	return nil
}

// ReopenAccount takes a closed account into use again, with all its conversations. What
// is sent to it meanwhile is lost on our side: a platform repeats for a short time only.
func (d *Desk) ReopenAccount(tx *db.Tx, v staff.Viewer, id string) error {
	if !v.May(staff.ManageGroup) {
		return staff.ErrForbidden
	}
	a, err := d.AccountByID(tx, id)
	if err != nil {
		return err
	}
	if a.ClosedAt.IsZero() {
		return nil
	}
	counter, err := staff.GetCounter(tx, a.CounterID)
	if err != nil {
		return err
	}
	if !counter.ClosedAt.IsZero() {
		return db.Invalid{Field: "counter", Code: "closed"}
	}
	if _, err := tx.Exec(`UPDATE account SET closed_at = NULL WHERE id = $1`, id); err != nil {
		return fmt.Errorf("reopen account: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "account.reopen", Object: id})
	d.accounts.forget(id)
	return nil
}

// accountCache spares the webhook door a query and two decryptions a call. A
// change made by another process is seen within a second.
type accountCache struct {
	mu    sync.Mutex
	known map[string]cachedAccount
}

type cachedAccount struct {
	account Account
	till    time.Time
}

const accountCacheTime = time.Second

func (c *accountCache) forget(id string) {
	c.mu.Lock()
	delete(c.known, id)
	c.mu.Unlock()
}

func (c *accountCache) get(id string, now time.Time) (Account, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.known[id]
	return found.account, ok && now.Before(found.till)
}

func (c *accountCache) put(a Account, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) > 1000 {
		c.known = map[string]cachedAccount{}
	}
	c.known[a.ID] = cachedAccount{account: a, till: now.Add(accountCacheTime)}
}

// Listening returns an account in use, for the doors that the public knocks at
// and for the way out.
func (d *Desk) Listening(tx *db.Tx, id string) (Account, error) {
	if a, ok := d.accounts.get(id, tx.Now); ok {
		return a, nil
	}
	a, err := d.AccountByID(tx, id)
	if err != nil {
		return a, err
	}
	if !a.ClosedAt.IsZero() {
		return a, db.ErrNotFound
	}
	d.accounts.put(a, tx.Now)
	return a, nil
}

// ListeningAccount is Listening for a door that has no transaction yet: an
// account that is known costs no query.
func (d *Desk) ListeningAccount(ctx context.Context, id string) (a Account, err error) {
	if a, ok := d.accounts.get(id, d.DB.Now()); ok {
		return a, nil
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		a, err = d.Listening(tx, id)
		return err
	})
	return a, err
}
