package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// ContactKind is what a contact is.
type ContactKind string

// What somebody can be reached or recognised by.
const (
	Phone  ContactKind = "phone"
	Email  ContactKind = "email"
	Member ContactKind = "member"
)

const (
	labelContact = "contact.value"
	hashContact  = "contact."
	hashTail     = "contact.tail"
)

// Contact is a number or an address of a customer. Only a verified one proves
// who somebody is: it was given by a till that read her card, or she answered a
// code that was sent to it.
type Contact struct {
	ID         string
	CustomerID string // the record it was given for
	Kind       ContactKind
	Value      string // for AddContact: as it was written; nothing else fills it
	Region     string // for AddContact: where a phone number without a country is from; empty: DefaultRegion
	Masked     string // for display
	Verified   bool
	Source     Source // SourceLink too
	By         string // a staff id, an import, a token
	At         time.Time
}

// SourceLink is a contact that a platform vouches for, because she linked her
// account herself.
const SourceLink Source = "link"

// givesContacts tells whether a contact can come from there.
func (s Source) givesContacts() bool {
	switch s {
	case SourceSaid, SourceStaff, SourceTill, SourceImport, SourceAPI, SourceLink:
		return true
	}
	return false
}

// ContactHash is what a contact is looked up by: of any spelling of the value.
func (b *Book) ContactHash(kind ContactKind, value, region string) (string, error) {
	normal, err := normalContact(kind, value, region)
	if err != nil {
		return "", err
	}
	return b.Vault.Hash(hashContact+string(kind), normal), nil
}

// AddContact gives a record a number or an address. One that is there already
// stays; it becomes verified when this one is.
func (b *Book) AddContact(tx *db.Tx, customerID string, c Contact) (Contact, error) {
	normal, err := normalContact(c.Kind, c.Value, c.Region)
	if err != nil {
		return c, err
	}
	if !c.Source.givesContacts() {
		return c, db.Invalid{Field: "source", Code: "unknown"}
	}
	sealed, err := b.Vault.Seal(tx, customerID, labelContact, []byte(normal))
	if errors.Is(err, vault.ErrErased) {
		return c, db.ErrNotFound
	}
	if err != nil {
		return c, fmt.Errorf("seal contact: %w", err)
	}
	tail := tailOf(c.Kind, normal)
	if tail != "" {
		tail = b.Vault.Hash(hashTail, tail)
	}
	c.CustomerID, c.Value, c.Region, c.Masked = customerID, "", "", masked(c.Kind, normal)
	var at int64
	err = tx.QueryRow(`INSERT INTO contact (id, customer_id, kind, hash, tail, value, verified, source, by, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (customer_id, kind, hash) WHERE ended_at IS NULL DO UPDATE SET
			source = CASE WHEN excluded.verified AND NOT contact.verified THEN excluded.source ELSE contact.source END,
			by = CASE WHEN excluded.verified AND NOT contact.verified THEN excluded.by ELSE contact.by END,
			at = CASE WHEN excluded.verified AND NOT contact.verified THEN excluded.at ELSE contact.at END,
			verified = contact.verified OR excluded.verified
		RETURNING id, verified, source, by, at`,
		tx.NewID("con"), customerID, string(c.Kind), b.Vault.Hash(hashContact+string(c.Kind), normal), tail, sealed, c.Verified, string(c.Source), c.By, db.Micro(tx.Now)).
		Scan(&c.ID, &c.Verified, &c.Source, &c.By, &at)
	if err != nil {
		return c, fmt.Errorf("add contact: %w", db.NotFound(err))
	}
	c.At = db.Time(at)
	return c, nil
}

// EndContact takes a number or an address off a record; nobody is found by it any more.
func (b *Book) EndContact(tx *db.Tx, id string) error {
	n, err := tx.Exec(`UPDATE contact SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL`, id, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("end contact: %w", err)
	}
	if n == 0 {
		return db.ErrNotFound
	}
	return nil
}

// Contacts lists the numbers and addresses of some records, masked. Those of
// somebody who was erased are left out.
func (b *Book) Contacts(tx *db.Tx, customerIDs []string) ([]Contact, error) {
	if len(customerIDs) == 0 {
		return nil, nil
	}
	type row struct {
		Contact
		sealed []byte
	}
	marks, args := db.In(customerIDs, 1)
	rows, err := tx.Query(`SELECT id, customer_id, kind, verified, source, by, at, value FROM contact
		WHERE ended_at IS NULL AND customer_id IN (`+marks+`) ORDER BY kind DESC, at, id`, args...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (row, error) {
		var c row
		var at int64
		err := r.Scan(&c.ID, &c.CustomerID, &c.Kind, &c.Verified, &c.Source, &c.By, &at, &c.sealed)
		c.At = db.Time(at)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("contacts: %w", err)
	}
	if err := b.Vault.Warm(tx, customerIDs); err != nil {
		return nil, err
	}
	out := make([]Contact, 0, len(found))
	for _, c := range found {
		plain, err := b.Vault.Open(tx, c.CustomerID, labelContact, c.sealed)
		if errors.Is(err, vault.ErrErased) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open contact: %w", err)
		}
		c.Masked = masked(c.Kind, string(plain))
		out = append(out, c.Contact)
	}
	return out, nil
}

// ContactByID returns a contact with its full value: whoever shows it puts that
// on record, as Desk.ShowContact does.
func (b *Book) ContactByID(tx *db.Tx, id string) (Contact, error) {
	var c Contact
	var sealed []byte
	var at int64
	err := tx.QueryRow(`SELECT id, customer_id, kind, verified, source, by, at, value FROM contact WHERE id = $1 AND ended_at IS NULL`, id).
		Scan(&c.ID, &c.CustomerID, &c.Kind, &c.Verified, &c.Source, &c.By, &at, &sealed)
	if err != nil {
		return c, db.NotFound(err)
	}
	plain, err := b.Vault.Open(tx, c.CustomerID, labelContact, sealed)
	if errors.Is(err, vault.ErrErased) {
		return Contact{}, db.ErrNotFound
	}
	c.Value, c.At = string(plain), db.Time(at)
	c.Masked = masked(c.Kind, c.Value)
	return c, err
}

// FindByContact returns the records that have a number or an address, verified
// or not, the oldest first. What is no such number finds nobody.
func (b *Book) FindByContact(tx *db.Tx, kind ContactKind, value string) ([]string, error) {
	hash, err := b.ContactHash(kind, value, "")
	if errors.As(err, new(db.Invalid)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return b.withContact(tx, `kind = $1 AND hash = $2`, string(kind), hash)
}

// FindByTail returns the records that have a number with these last four signs.
func (b *Book) FindByTail(tx *db.Tx, four string) ([]string, error) {
	if four = strings.ToUpper(strings.TrimSpace(four)); len([]rune(four)) != 4 {
		return nil, nil
	}
	return b.withContact(tx, `tail = $1 AND tail <> ''`, b.Vault.Hash(hashTail, four))
}

// foundByContact bounds how many have one number: a household, or a default of
// some till.
const foundByContact = 200

func (b *Book) withContact(tx *db.Tx, where string, args ...any) ([]string, error) {
	rows, err := tx.Query(`SELECT DISTINCT customer_id FROM contact WHERE ended_at IS NULL AND `+where+
		fmt.Sprintf(` ORDER BY customer_id LIMIT %d`, foundByContact), args...)
	ids, err := db.Collect(rows, err, scanText)
	if err != nil {
		return nil, fmt.Errorf("find by contact: %w", err)
	}
	return ids, nil
}

// Sharing is a contact that two records have.
type Sharing struct {
	CustomerID string // the other record
	Kind       ContactKind
	Verified   bool // for both
}

// Sharings returns who else has a contact of some records.
func (b *Book) Sharings(tx *db.Tx, records []string) ([]Sharing, error) {
	mine, args := db.In(records, 1)
	others, more := db.In(records, len(args)+1)
	rows, err := tx.Query(`SELECT o.customer_id, o.kind, MAX(CASE WHEN o.verified AND c.verified THEN 1 ELSE 0 END)
		FROM contact c JOIN contact o ON o.kind = c.kind AND o.hash = c.hash AND o.ended_at IS NULL
		WHERE c.ended_at IS NULL AND c.customer_id IN (`+mine+`) AND o.customer_id NOT IN (`+others+`)
		GROUP BY o.customer_id, o.kind ORDER BY o.customer_id, o.kind LIMIT 200`, append(args, more...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (s Sharing, err error) {
		var verified int
		err = r.Scan(&s.CustomerID, &s.Kind, &verified)
		s.Verified = verified == 1
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("who has the same contact: %w", err)
	}
	return list, nil
}
