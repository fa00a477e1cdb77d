// Package customer knows people: who somebody on a channel account is, what she
// is called, whether she can be reached there. Names and platform ids are sealed
// with her own key; what must be found again has a keyed hash beside it.
package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// Labels bind sealed cells to their column.
const (
	labelName     = "customer.name"
	labelIdentity = "identity.name"
	labelExternal = "identity.external"
	hashExternal  = "identity.external"
	hashGram      = "customer.gram"
)

// Reach says whether a person can be written to on an account.
type Reach string

// What follow and block events have told us.
const (
	ReachUnknown Reach = "unknown"
	ReachFriend  Reach = "friend"
	ReachBlocked Reach = "blocked"
)

// Book is the customer register. It is built once and holds no state but the vault.
type Book struct {
	Vault *vault.Vault
}

// Identity is a person on one channel account.
type Identity struct {
	ID         string
	CustomerID string
	PersonID   string // whose card shows her; since a merge another than CustomerID
	AccountID  string
	CounterID  string // with which counter she speaks; empty: the account's own
	Name       string // what the platform calls her
	Language   string
	Picture    string // blob key
	ProfileAt  time.Time
	Reach      Reach
	ReachAt    time.Time
	CreatedAt  time.Time
}

// Customer is a person, or a group or room of a platform.
type Customer struct {
	ID        string
	Kind      channel.PeerType
	Name      string // what the counter calls her; empty: what the platform does
	CreatedAt time.Time
}

// ExternalHash is what an external id is looked up by.
func (b *Book) ExternalHash(accountID, external string) string {
	return b.Vault.Hash(hashExternal, accountID+"\x00"+external)
}

// NewPeer is somebody not met before on an account.
type NewPeer struct {
	AccountID string
	Peer      channel.Peer
}

// Meet enters a new person, or returns the one another node entered at the
// same moment.
func (b *Book) Meet(tx *db.Tx, n NewPeer) (Identity, error) {
	kind := n.Peer.Type
	if kind == "" {
		kind = channel.Person
	}
	id := Identity{
		ID: tx.NewID("idn"), CustomerID: tx.NewID("cus"), AccountID: n.AccountID,
		Name: n.Peer.Name, Reach: ReachUnknown, CreatedAt: tx.Now,
	}
	id.PersonID = id.CustomerID
	if err := b.Vault.NewKey(tx, id.CustomerID); err != nil {
		return id, fmt.Errorf("key for a new customer: %w", err)
	}
	external, err := b.Vault.Seal(tx, id.CustomerID, labelExternal, []byte(n.Peer.ID))
	if err != nil {
		return id, err
	}
	name, err := b.sealName(tx, id.CustomerID, labelIdentity, n.Peer.Name)
	if err != nil {
		return id, err
	}
	if _, err := tx.Exec(`INSERT INTO customer (id, kind, created_at) VALUES ($1, $2, $3)`,
		id.CustomerID, string(kind), db.Micro(tx.Now)); err != nil {
		return id, fmt.Errorf("new customer: %w", err)
	}
	added, err := tx.Exec(`INSERT INTO identity (id, customer_id, account_id, external_hash, external, name, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, external_hash) DO NOTHING`,
		id.ID, id.CustomerID, n.AccountID, b.ExternalHash(n.AccountID, n.Peer.ID), external, name, db.Micro(tx.Now))
	if err != nil {
		return id, fmt.Errorf("new identity: %w", err)
	}
	if added == 0 {
		return b.yield(tx, id.CustomerID, n)
	}
	if n.Peer.Name != "" {
		return id, b.index(tx, id.CustomerID)
	}
	return id, nil
}

// yield takes back a customer that lost the race for her identity.
func (b *Book) yield(tx *db.Tx, customerID string, n NewPeer) (Identity, error) {
	if _, err := tx.Exec(`DELETE FROM customer WHERE id = $1`, customerID); err != nil {
		return Identity{}, err
	}
	if err := b.Vault.DropKey(tx, customerID); err != nil {
		return Identity{}, err
	}
	return b.Find(tx, n.AccountID, n.Peer.ID)
}

const identityColumns = `id, customer_id, person_id, account_id, counter_id, name, language, picture, profile_at, reach, reach_at, created_at`

// Find returns who somebody on an account is, or db.ErrNotFound.
func (b *Book) Find(tx *db.Tx, accountID, external string) (Identity, error) {
	i, err := readIdentity(tx.QueryRow(`SELECT `+identityColumns+` FROM identity
		WHERE account_id = $1 AND external_hash = $2`, accountID, b.ExternalHash(accountID, external)))
	return b.openIdentity(tx, i, err)
}

// IdentityByID returns one identity.
func (b *Book) IdentityByID(tx *db.Tx, id string) (Identity, error) {
	i, err := readIdentity(tx.QueryRow(`SELECT `+identityColumns+` FROM identity WHERE id = $1`, id))
	return b.openIdentity(tx, i, err)
}

type scanner interface{ Scan(...any) error }

// sealedIdentity is a row as stored. Cells are opened only after the rows were
// closed: opening may have to read a key on the same connection.
type sealedIdentity struct {
	Identity
	name []byte
}

func readIdentity(row scanner) (sealedIdentity, error) {
	var i sealedIdentity
	var profileAt, reachAt, createdAt int64
	err := row.Scan(&i.ID, &i.CustomerID, &i.PersonID, &i.AccountID, &i.CounterID, &i.name, &i.Language, &i.Picture, &profileAt, &i.Reach, &reachAt, &createdAt)
	if i.PersonID == "" {
		i.PersonID = i.CustomerID
	}
	i.ProfileAt, i.ReachAt, i.CreatedAt = db.Time(profileAt), db.Time(reachAt), db.Time(createdAt)
	return i, err
}

func (b *Book) openIdentity(tx *db.Tx, i sealedIdentity, err error) (Identity, error) {
	if err != nil {
		return i.Identity, db.NotFound(err)
	}
	i.Name, err = b.openName(tx, i.CustomerID, labelIdentity, i.name)
	return i.Identity, err
}

// External opens the platform's id of an identity: only the way out needs it.
func (b *Book) External(tx *db.Tx, identityID string) (string, error) {
	var customerID string
	var sealed []byte
	err := tx.QueryRow(`SELECT customer_id, external FROM identity WHERE id = $1`, identityID).Scan(&customerID, &sealed)
	if err != nil {
		return "", db.NotFound(err)
	}
	plain, err := b.Vault.Open(tx, customerID, labelExternal, sealed)
	return string(plain), err
}

// Addressee is how to reach an identity.
type Addressee struct {
	External string
	Reach    Reach
}

// Addressees opens the platform's ids of several identities at once. Who was
// erased is left out.
func (b *Book) Addressees(tx *db.Tx, identityIDs []string) (map[string]Addressee, error) {
	if len(identityIDs) == 0 {
		return nil, nil
	}
	type sealed struct {
		id, customer string
		external     []byte
		reach        Reach
	}
	marks, args := db.In(identityIDs, 1)
	rows, err := tx.Query(`SELECT id, customer_id, external, reach FROM identity WHERE id IN (`+marks+`)`, args...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (s sealed, err error) {
		return s, r.Scan(&s.id, &s.customer, &s.external, &s.reach)
	})
	if err != nil {
		return nil, fmt.Errorf("addressees: %w", err)
	}
	out := make(map[string]Addressee, len(found))
	for _, s := range found {
		external, err := b.Vault.Open(tx, s.customer, labelExternal, s.external)
		if errors.Is(err, vault.ErrErased) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("addressee: %w", err)
		}
		out[s.id] = Addressee{External: string(external), Reach: s.reach}
	}
	return out, nil
}

// Identities lists where a customer can be met.
func (b *Book) Identities(tx *db.Tx, customerID string) ([]Identity, error) {
	list, err := db.Once(tx, identitiesOnce(customerID), func() ([]Identity, error) { return b.readIdentities(tx, customerID) })
	return slices.Clone(list), err
}

func (b *Book) readIdentities(tx *db.Tx, customerID string) ([]Identity, error) {
	rows, err := tx.Query(`SELECT `+identityColumns+` FROM identity WHERE customer_id = $1 ORDER BY id`, customerID)
	sealed, err := db.Collect(rows, err, func(r *sql.Rows) (sealedIdentity, error) { return readIdentity(r) })
	if err != nil {
		return nil, fmt.Errorf("identities: %w", err)
	}
	out := make([]Identity, 0, len(sealed))
	for _, s := range sealed {
		i, err := b.openIdentity(tx, s, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, nil
}

// Get returns a customer.
func (b *Book) Get(tx *db.Tx, id string) (Customer, error) {
	var c Customer
	var name []byte
	var created int64
	err := tx.QueryRow(`SELECT id, kind, name, created_at FROM customer WHERE id = $1`, id).Scan(&c.ID, &c.Kind, &name, &created)
	if err != nil {
		return c, db.NotFound(err)
	}
	c.CreatedAt = db.Time(created)
	c.Name, err = b.openName(tx, id, labelName, name)
	return c, err
}

// SealedNames carries the two name cells of a row that another room read by a join.
type SealedNames struct {
	CustomerID         string
	IdentityOf         string // the record of the identity; empty: CustomerID
	Customer, Identity []byte
}

// DisplayName is what pages call her: the counter's name for her, else the
// platform's, else nothing (the page then says so in its own language).
func (b *Book) DisplayName(tx *db.Tx, s SealedNames) (string, error) {
	name, err := b.openName(tx, s.CustomerID, labelName, s.Customer)
	if err != nil || name != "" {
		return name, err
	}
	if s.IdentityOf == "" {
		s.IdentityOf = s.CustomerID
	}
	return b.openName(tx, s.IdentityOf, labelIdentity, s.Identity)
}

func (b *Book) sealName(tx *db.Tx, customerID, label, name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	return b.Vault.Seal(tx, customerID, label, []byte(name))
}

// openName gives an empty name once she was erased: a page may still show that
// there was somebody.
func (b *Book) openName(tx *db.Tx, customerID, label string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := b.Vault.Open(tx, customerID, label, sealed)
	if errors.Is(err, vault.ErrErased) {
		return "", nil
	}
	return string(plain), err
}
