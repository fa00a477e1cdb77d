package webhook

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// Endpoint is an address of the group's own that wants to hear what happens.
type Endpoint struct {
	ID        string
	Name      string
	URL       string
	Kinds     []event.Kind // empty: every kind
	CreatedAt time.Time
	PausedAt  time.Time // zero: events are sent
	Queued    int       // events that wait for it to accept them

	OldSecretUntil time.Time // until then calls are signed with the old secret as well; zero: no longer
}

// Form is what an administrator says about an endpoint; ID empty: a new one.
type Form struct {
	ID, Name, URL string
	Kinds         []string
}

const endpointColumns = `e.id, e.name, e.url, e.kinds, e.created_at, COALESCE(e.paused_at, 0), e.old_secret_until,
	(SELECT COUNT(*) FROM endpoint_delivery d WHERE d.endpoint_id = e.id AND d.event_seq > e.after_seq AND d.state = 'queued')`

func scanEndpoint(row interface{ Scan(...any) error }, now time.Time) (Endpoint, error) {
	var e Endpoint
	var kinds string
	var created, paused, old int64
	err := row.Scan(&e.ID, &e.Name, &e.URL, &kinds, &created, &paused, &old, &e.Queued)
	for k := range strings.FieldsSeq(kinds) {
		e.Kinds = append(e.Kinds, event.Kind(k))
	}
	e.CreatedAt, e.PausedAt = db.Time(created), db.Time(paused)
	if until := db.Time(old); now.Before(until) {
		e.OldSecretUntil = until
	}
	return e, err
}

// List gives the endpoints in use.
func (r *Room) List(tx *db.Tx, v staff.Viewer) ([]Endpoint, error) {
	if !v.May(staff.ManageGroup) {
		return nil, staff.ErrForbidden
	}
	rows, err := tx.Query(`SELECT ` + endpointColumns + ` FROM endpoint e WHERE e.ended_at IS NULL ORDER BY e.name, e.id`)
	list, err := db.Collect(rows, err, func(rs *sql.Rows) (Endpoint, error) { return scanEndpoint(rs, tx.Now) })
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	return list, nil
}

// Get gives one endpoint in use.
func (r *Room) Get(tx *db.Tx, v staff.Viewer, id string) (Endpoint, error) {
	if !v.May(staff.ManageGroup) {
		return Endpoint{}, staff.ErrForbidden
	}
	e, err := scanEndpoint(tx.QueryRow(`SELECT `+endpointColumns+` FROM endpoint e WHERE e.id = $1 AND e.ended_at IS NULL`, id), tx.Now)
	if err != nil {
		return Endpoint{}, fmt.Errorf("load endpoint: %w", db.NotFound(err))
	}
	return e, nil
}

// Save enters or changes an endpoint. A new one comes with its signing secret,
// which is shown this once; it hears of what happens from now on.
func (r *Room) Save(tx *db.Tx, v staff.Viewer, f Form) (e Endpoint, secret string, err error) {
	if !v.May(staff.ManageGroup) {
		return Endpoint{}, "", staff.ErrForbidden
	}
	if err := r.check(&f); err != nil {
		return Endpoint{}, "", err
	}
	kinds := strings.Join(f.Kinds, " ")
	if f.ID == "" {
		f.ID = tx.NewID("end")
		secret = newSecret()
		sealed, err := r.Vault.SealHouse(labelSecret, []byte(secret))
		if err != nil {
			return Endpoint{}, "", err
		}
		last, err := event.Last(tx)
		if err != nil {
			return Endpoint{}, "", err
		}
		_, err = tx.Exec(`INSERT INTO endpoint (id, name, url, secret, kinds, after_seq, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			f.ID, f.Name, f.URL, sealed, kinds, last, db.Micro(tx.Now))
		if err != nil {
			return Endpoint{}, "", fmt.Errorf("add endpoint: %w", err)
		}
	} else if err := one(tx.Exec(`UPDATE endpoint SET name = $2, url = $3, kinds = $4 WHERE id = $1 AND ended_at IS NULL`,
		f.ID, f.Name, f.URL, kinds)); err != nil {
		return Endpoint{}, "", fmt.Errorf("change endpoint: %w", err)
	}
	r.note(tx, v, "endpoint.save", f.ID)
	e, err = r.Get(tx, v, f.ID)
	return e, secret, err
}

// End takes an endpoint out of use, for good; its log stays.
func (r *Room) End(tx *db.Tx, v staff.Viewer, id string) error {
	return r.set(tx, v, setting{id, "endpoint.end", `ended_at = $2`, []any{db.Micro(tx.Now)}})
}

// Pause stops sending to an endpoint. What is queued waits; what happens
// meanwhile is not queued.
func (r *Room) Pause(tx *db.Tx, v staff.Viewer, id string) error {
	return r.set(tx, v, setting{id, "endpoint.pause", `paused_at = COALESCE(paused_at, $2)`, []any{db.Micro(tx.Now)}})
}

// Resume goes on sending, first what was left in the queue.
func (r *Room) Resume(tx *db.Tx, v staff.Viewer, id string) error {
	if err := r.set(tx, v, setting{id, "endpoint.resume", `paused_at = NULL`, nil}); err != nil {
		return err
	}
	// The time that they waited through no fault of the endpoint does not count.
	if _, err := tx.Exec(`UPDATE endpoint_delivery SET at = $2, attempts = 0, done_at = NULL WHERE endpoint_id = $1 AND state = 'queued'
		AND event_seq > (SELECT after_seq FROM endpoint WHERE id = $1)`, id, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("resume endpoint: %w", err)
	}
	return enqueue(tx, id)
}

type setting struct {
	id, action, what string
	args             []any // from $2 on
}

func (r *Room) set(tx *db.Tx, v staff.Viewer, s setting) error {
	if !v.May(staff.ManageGroup) {
		return staff.ErrForbidden
	}
	if err := one(tx.Exec(`UPDATE endpoint SET `+s.what+` WHERE id = $1 AND ended_at IS NULL`, append([]any{s.id}, s.args...)...)); err != nil {
		return fmt.Errorf("%s: %w", s.action, err)
	}
	r.note(tx, v, s.action, s.id)
	return nil
}

func (r *Room) note(tx *db.Tx, v staff.Viewer, action, id string) {
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: action, Object: id})
	tx.AfterCommit(r.live.forget)
}

// one says that the row was not there when nothing was changed.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return db.ErrNotFound
	}
	return err
}

func enqueue(tx *db.Tx, endpointID string) error {
	return job.Enqueue(tx, job.New{Kind: JobDeliver, Lane: "hook:" + endpointID, Key: endpointID, Args: deliverArgs{Endpoint: endpointID}})
}

const (
	maxName = 80
	maxURL  = 500
)

// check cleans the form and names the first field that is wrong.
func (r *Room) check(f *Form) error {
	f.Name, f.URL = strings.TrimSpace(db.CleanText(f.Name)), strings.TrimSpace(db.CleanText(f.URL))
	switch {
	case f.Name == "":
		return db.Invalid{Field: "name", Code: "required"}
	case utf8.RuneCountInString(f.Name) > maxName:
		return db.Invalid{Field: "name", Code: "too_long"}
	case f.URL == "":
		return db.Invalid{Field: "url", Code: "required"}
	case len(f.URL) > maxURL:
		return db.Invalid{Field: "url", Code: "too_long"}
	}
	if code := r.checkURL(f.URL); code != "" {
		return db.Invalid{Field: "url", Code: code}
	}
	slices.Sort(f.Kinds)
	f.Kinds = slices.Compact(f.Kinds)
	for _, k := range f.Kinds {
		if !slices.Contains(event.Kinds(), event.Kind(k)) {
			return db.Invalid{Field: "kinds", Code: "unknown"}
		}
	}
	return nil
}

// checkURL tells early what the transport would refuse at every call. The
// transport's own look, at the address that a name stands for, is the one that
// counts.
func (r *Room) checkURL(s string) (code string) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "malformed"
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	addr, err := netip.ParseAddr(host)
	local := host == "localhost" || (err == nil && addr.Unmap().IsLoopback())
	switch {
	case local && r.AllowLocal:
		return ""
	case u.Scheme != "https":
		return "https"
	case local, err == nil && refused(addr, r.AllowLocal):
		return "internal"
	}
	return ""
}

const secretPrefix = "whsec_"

func newSecret() string {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}
