package conversation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// JobProfile asks a platform for a person's public name and picture.
const JobProfile = "profile"

type profileArgs struct {
	Identity string `json:"identity"`
}

// FetchProfile is the job handler that learns what a person is called.
func (d *Desk) FetchProfile(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args profileArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	var i customer.Identity
	var a Account
	peer := channel.Peer{}
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		if i, err = d.Book.IdentityByID(tx, args.Identity); err != nil {
			return err
		}
		c, err := d.Book.Get(tx, i.CustomerID)
		if err != nil {
			return err
		}
		peer.Type = c.Kind
		if peer.ID, err = d.Book.External(tx, i.ID); err != nil {
			return err
		}
		a, err = d.accountOut(tx, i.AccountID)
		return err
	})
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	profiler, ok := d.Adapters[a.Kind].(channel.Profiler)
	if !ok {
		return nil, nil
	}
	p, err := profiler.Profile(ctx, a.Account, peer)
	var e *channel.Error
	if errors.As(err, &e) && e.Kind != channel.Retry && e.Kind != channel.Throttled {
		return func(tx *db.Tx) error { return d.Book.ProfileTried(tx, i.ID) }, nil
	}
	if err != nil {
		return nil, err
	}
	return func(tx *db.Tx) error {
		if err := d.Book.SetProfile(tx, customer.Profile{IdentityID: i.ID, Name: p.Name, Language: p.Language}); err != nil {
			return err
		}
		if err := d.portrayed(tx, a, i.ID, p.Picture); err != nil {
			return err
		}
		return d.customerNews(tx, i.CustomerID, "platform")
	}, nil
}

// customerNews tells pages that a customer's card changed, once per thread of hers.
func (d *Desk) customerNews(tx *db.Tx, customerID, by string) error {
	customerID, err := d.Book.Person(tx, customerID)
	if err != nil {
		return err
	}
	rows, err := tx.Query(`SELECT id, counter_id FROM thread WHERE customer_id = $1`, customerID)
	threads, err := collectRefs(rows, err)
	if err != nil {
		return err
	}
	for _, t := range threads {
		event.Append(tx, event.Event{Kind: event.CustomerChanged, Customer: customerID, Thread: t.ThreadID, Counter: t.CounterID, By: by})
	}
	return nil
}

// JobQuota asks the platforms how much of the month's allowance is used.
const JobQuota = "quota"

// quotaEvery is how often the allowance is asked for; LINE's figure is approximate anyway.
const quotaEvery = 30 * time.Minute

// CheckQuotas is the periodic job handler behind the console's quota line.
func (d *Desk) CheckQuotas(ctx context.Context, j job.Job) (job.Outcome, error) {
	var accounts []Account
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		accounts, err = d.Accounts(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	found := map[string]channel.Quota{}
	for _, a := range accounts {
		if quoter, ok := d.Adapters[a.Kind].(channel.Quoter); ok {
			// One account that cannot be asked must not hide the others.
			if q, err := quoter.Quota(ctx, a.Account); err == nil {
				found[a.ID] = q
			}
		}
	}
	return func(tx *db.Tx) error {
		for id, q := range found {
			if err := d.setQuota(tx, id, q); err != nil {
				return err
			}
		}
		job.KeepOpen(tx, tx.Now.Add(quotaEvery))
		return nil
	}, nil
}

func (d *Desk) setQuota(tx *db.Tx, accountID string, q channel.Quota) error {
	limit := int64(0)
	if q.Limited {
		limit = int64(q.Limit)
	}
	// An allowance that has room again ends the stop that its end caused.
	_, err := tx.Exec(`UPDATE account SET quota_limit = $2, quota_used = $3, quota_at = $4,
			halted = CASE WHEN halted = 'over_quota' AND (CAST($2 AS BIGINT) = 0 OR CAST($3 AS BIGINT) < CAST($2 AS BIGINT)) THEN '' ELSE halted END WHERE id = $1`,
		accountID, limit, int64(q.Used), db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("quota: %w", err)
	}
	d.accounts.forget(accountID)
	return nil
}

// QuotaLow tells when an account's allowance deserves a warning: 80 of 100 used.
func (a Account) QuotaLow() bool {
	return a.Quota.Limited && a.Quota.Used*100 >= a.Quota.Limit*80
}

// CheckAccount asks the platform whether an account is set up well.
func (d *Desk) CheckAccount(ctx context.Context, id string) ([]channel.Finding, error) {
	var a Account
	err := d.DB.Read(ctx, func(tx *db.Tx) error {
		var err error
		a, err = d.AccountByID(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	checker, ok := d.Adapters[a.Kind].(channel.Checker)
	if !ok {
		return []channel.Finding{{OK: true, Code: "nothing_to_check"}}, nil
	}
	findings, info, err := checker.Check(ctx, a.Account, d.PublicURL+a.WebhookPath())
	if err != nil {
		return nil, err
	}
	if info.BotID == "" {
		return findings, nil
	}
	return findings, d.DB.Write(ctx, func(tx *db.Tx) error {
		d.accounts.forget(id)
		_, err := tx.Exec(`UPDATE account SET bot_id = $2, basic_id = $3 WHERE id = $1`, id, info.BotID, info.BasicID)
		return err
	})
}

// MarkRead is the job handler that tells a platform what we have read.
func (d *Desk) MarkRead(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args readArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	a, _, err := d.addressee(ctx, args.Thread)
	if errors.Is(err, db.ErrNotFound) { // she was erased
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	reader, ok := d.Adapters[a.Kind].(channel.Reader)
	if !ok {
		return nil, nil
	}
	err = reader.MarkRead(ctx, a.Account, args.Token)
	var e *channel.Error
	if errors.As(err, &e) && e.Kind != channel.Retry && e.Kind != channel.Throttled {
		return nil, nil // an account without this feature; nothing is lost
	}
	return nil, err
}

// ShowTyping lets a customer see that an answer is being prepared. It is a
// courtesy: when it fails, nothing follows.
func (d *Desk) ShowTyping(ctx context.Context, threadID string, t time.Duration) error {
	a, to, err := d.addressee(ctx, threadID)
	if err != nil {
		return err
	}
	if typer, ok := d.Adapters[a.Kind].(channel.Typer); ok {
		return typer.Typing(ctx, a.Account, to, t)
	}
	return nil
}

func (d *Desk) addressee(ctx context.Context, threadID string) (a Account, to string, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		if err := follow(tx, &threadID); err != nil {
			return err
		}
		var account, identity string
		err := tx.QueryRow(`SELECT account_id, identity_id FROM thread WHERE id = $1`, threadID).Scan(&account, &identity)
		if err != nil {
			return db.NotFound(err)
		}
		if a, err = d.AccountByID(tx, account); err != nil {
			return err
		}
		to, err = d.Book.External(tx, identity)
		return err
	})
	return a, to, err
}
