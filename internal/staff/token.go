package staff

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
)

// What an API token can be allowed to do.
const (
	ThreadsRead   = "threads:read"
	MessagesRead  = "messages:read"
	MessagesWrite = "messages:write"
	CustomersRead = "customers:read"
	AccountsRead  = "accounts:read"
	StaffRead     = "staff:read"
	EventsRead    = "events:read"
	WebhooksWrite = "webhooks:write"

	CustomersWrite = "customers:write"
	CatalogueRead  = "catalogue:read"
	CatalogueWrite = "catalogue:write"
	PurchasesRead  = "purchases:read"
	PurchasesWrite = "purchases:write"
	ContactsRead   = "contacts:read"
	CardsWrite     = "cards:write"
	LexiconsWrite  = "lexicons:write"
	PrivacyWrite   = "privacy:write"
	ConsentsRead   = "consents:read"
	ConsentsWrite  = "consents:write"

	HandoversRead  = "handovers:read"
	HandoversWrite = "handovers:write"
)

// Scopes lists what an API token can be allowed to do, in the order in which a form
// offers it.
func Scopes() []string {
	return []string{ThreadsRead, MessagesRead, MessagesWrite, CustomersRead, AccountsRead, StaffRead, EventsRead, WebhooksWrite,
		CustomersWrite, ContactsRead, CatalogueRead, CatalogueWrite, PurchasesRead, PurchasesWrite, CardsWrite, LexiconsWrite, PrivacyWrite,
		ConsentsRead, ConsentsWrite, HandoversRead, HandoversWrite}
}

const tokenPrefix = "dd_" // so that a scanner for leaked secrets can know ours

// Token lets an integrator's program use the API.
type Token struct {
	ID        string
	Name      string
	Scopes    []string
	CreatedBy string
	CreatedAt time.Time
	UsedAt    time.Time // zero: never
	EndedAt   time.Time // zero: in force
	TouchDue  bool      // last noted as used a minute ago or more: call TouchToken

	counters []string
}

// Has says whether the token has the scope.
func (t Token) Has(scope string) bool { return slices.Contains(t.Scopes, scope) }

// Viewer is the program as a viewer: it sees every counter and may what its scopes say.
func (t Token) Viewer() Viewer {
	v := Machine(t.Name, t.Scopes...)
	v.ID, v.sees = "token/"+t.ID, &t.counters
	return v
}

const tokenColumns = `id, name, scopes, created_by, created_at, used_at, ended_at`

func scanToken(scan func(...any) error) (Token, error) {
	var t Token
	var scopes string
	var created int64
	var used, ended *int64
	if err := scan(&t.ID, &t.Name, &scopes, &t.CreatedBy, &created, &used, &ended); err != nil {
		return Token{}, err
	}
	t.Scopes = strings.Fields(scopes)
	t.CreatedAt, t.UsedAt, t.EndedAt = db.Time(created), nullable(used), nullable(ended)
	return t, nil
}

// CreateToken makes an API token. The plain token is shown once and not kept.
func CreateToken(tx *db.Tx, v Viewer, name string, scopes []string) (plain string, t Token, err error) {
	if !v.May(ManageGroup) {
		return "", Token{}, ErrForbidden
	}
	if name, err = nameField("name", name); err != nil {
		return "", Token{}, err
	}
	scopes = distinct(scopes)
	if len(scopes) == 0 {
		return "", Token{}, db.Invalid{Field: "scopes", Code: "required"}
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return "", Token{}, db.Invalid{Field: "scopes", Code: "unknown"}
		}
	}
	plain = tokenPrefix + newSecret()
	t = Token{ID: tx.NewID("tok"), Name: name, Scopes: scopes, CreatedBy: v.ID, CreatedAt: tx.Now}
	_, err = tx.Exec(`INSERT INTO api_token (id, name, token_hash, scopes, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.ID, t.Name, fingerprint(plain), strings.Join(t.Scopes, " "), t.CreatedBy, db.Micro(t.CreatedAt))
	if err != nil {
		return "", Token{}, fmt.Errorf("create API token: %w", err)
	}
	note(tx, v, "token_created", t.ID, strings.Join(t.Scopes, " "))
	return plain, t, nil
}

// TokenBySecret finds the token that a program shows. ErrBadToken when there is none in
// force.
func TokenBySecret(tx *db.Tx, plain string) (Token, error) {
	if len(plain) != len(tokenPrefix)+sessionTokenLength || !strings.HasPrefix(plain, tokenPrefix) {
		return Token{}, ErrBadToken
	}
	t, err := scanToken(tx.QueryRow(`SELECT `+tokenColumns+` FROM api_token WHERE token_hash = $1 AND ended_at IS NULL`,
		fingerprint(plain)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, ErrBadToken
	}
	if err != nil {
		return Token{}, fmt.Errorf("load API token: %w", err)
	}
	t.TouchDue = !tx.Now.Before(t.UsedAt.Add(touchEvery))
	if t.counters, err = texts(tx, `SELECT id FROM counter ORDER BY id`); err != nil {
		return Token{}, fmt.Errorf("load counters: %w", err)
	}
	return t, nil
}

// TouchToken notes that a token is in use. Call it when Token.TouchDue says so; more often
// it changes nothing.
func TouchToken(tx *db.Tx, id string) error {
	_, err := tx.Exec(`UPDATE api_token SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at <= $3)`,
		id, db.Micro(tx.Now), db.Micro(tx.Now.Add(-touchEvery)))
	if err != nil {
		return fmt.Errorf("touch API token: %w", err)
	}
	return nil
}

// Tokens lists all API tokens, those in force first, the newest first.
func Tokens(tx *db.Tx) ([]Token, error) {
	rows, err := tx.Query(`SELECT ` + tokenColumns + ` FROM api_token
		ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, created_at DESC, id DESC`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Token, error) { return scanToken(r.Scan) })
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return list, nil
}

// EndToken takes a token out of force, for good.
func EndToken(tx *db.Tx, v Viewer, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	err := one(tx.Exec(`UPDATE api_token SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL`, id, db.Micro(tx.Now)))
	if err != nil {
		return fmt.Errorf("end API token: %w", err)
	}
	note(tx, v, "token_ended", id, "")
	return nil
}
