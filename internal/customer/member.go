package customer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"dingdong/internal/audit"
	"dingdong/internal/db"
)

// MemberRow is somebody as a file of another system tells of her. Her member number
// proves who she is: the file is that system's own. Her phone number does where the
// system has proved it.
type MemberRow struct {
	Number    string
	Phone     string
	Email     string
	Name      string
	CounterID string // as Entry.CounterID
	Birthday  string // "" or as the attribute takes it
}

// Enrolment is how the members of a file come in.
type Enrolment struct {
	By       string // who brings the file
	ImportID string
	Region   string // of phone numbers without a country; "": DefaultRegion
	Proved   bool   // the phone numbers were proved
	DryRun   bool   // nothing is written
	Seen     Seen   // in a dry run: whom the file has named already
}

// Enrolled is what became of a MemberRow.
type Enrolled struct {
	CustomerID string // the record; "" in a dry run for somebody new
	New        bool
	Changed    bool     // she was known, and the file told more
	Proved     []string // look-up hashes that are proved to be hers since this row
}

// ValidRegion says whether there is a country of this code that has phone numbers.
func ValidRegion(code string) bool {
	return phonenumbers.GetSupportedRegions()[strings.ToUpper(code)]
}

// Enrol takes a member in, once however often a file names her. A row that cannot be
// taken is a db.Invalid, and then nothing of it was written. Whoever had herself
// erased is not made anew by a file; nor are two people made one. The caller has
// taken LockMerges.
func (b *Book) Enrol(tx *db.Tx, m MemberRow, e Enrolment) (Enrolled, error) {
	r, err := b.readMember(tx, m, e)
	if err != nil {
		return Enrolled{}, err
	}
	person, err := b.whoIs(tx, r)
	if err != nil {
		return Enrolled{}, err
	}
	if e.DryRun && e.Seen.again(person, r) {
		return Enrolled{CustomerID: person}, nil
	}
	if person == "" && r.weak() {
		// Nothing proves who she is; but whoever has this number need not be there twice.
		records, err := b.withContact(tx, `kind = $1 AND hash = $2`, string(Phone), r.contacts[0].hash)
		if err != nil || len(records) > 0 {
			return Enrolled{}, err
		}
	}
	if person == "" {
		return b.enrolNew(tx, r)
	}
	return b.enrolKnown(tx, person, r)
}

// enrolling is a MemberRow that was read.
type enrolling struct {
	MemberRow
	Enrolment
	contacts []memberContact
	birthday AttributeDef // where Birthday is not empty
}

type memberContact struct {
	Contact
	hash string
}

// weak says that only a number nobody has proved tells who she is.
func (r enrolling) weak() bool { return r.Number == "" && !r.Proved }

func (b *Book) readMember(tx *db.Tx, m MemberRow, e Enrolment) (enrolling, error) {
	r := enrolling{MemberRow: m, Enrolment: e}
	r.Name = line(m.Name)
	if utf8.RuneCountInString(r.Name) > MaxName {
		return r, db.Invalid{Field: "name", Code: "too_long"}
	}
	if m.Number == "" && m.Phone == "" {
		return r, db.Invalid{Field: "member", Code: "required"}
	}
	for _, c := range []Contact{{Kind: Member, Value: m.Number, Verified: true}, {Kind: Phone, Value: m.Phone, Region: e.Region, Verified: e.Proved}, {Kind: Email, Value: m.Email}} {
		if c.Value == "" {
			continue
		}
		hash, err := b.ContactHash(c.Kind, c.Value, c.Region)
		if err != nil {
			return r, err
		}
		c.Source, c.By = SourceImport, e.ImportID
		r.contacts = append(r.contacts, memberContact{c, hash})
	}
	if m.Birthday == "" {
		return r, nil
	}
	var err error
	if r.birthday, err = b.attributeDef(tx, "name", AttributeBirthday); err != nil || r.birthday.Closed {
		return r, db.Invalid{Field: "birthday", Code: "closed"}
	}
	r.Birthday, err = r.birthday.normal(m.Birthday, tx.Now)
	return r, err
}

// whoIs finds the person whom the proved numbers of a row are of.
func (b *Book) whoIs(tx *db.Tx, r enrolling) (person string, err error) {
	for _, c := range r.contacts {
		if !c.Verified {
			continue
		}
		records, err := b.withContact(tx, `verified AND kind = $1 AND hash = $2`, string(c.Kind), c.hash)
		if err != nil {
			return "", err
		}
		for _, record := range records {
			who, err := b.Person(tx, record)
			if err != nil {
				return "", err
			}
			if person != "" && person != who {
				return "", db.Invalid{Field: string(c.Kind), Code: "two_people"}
			}
			person = who
		}
	}
	return person, nil
}

// erased tells whether somebody with a number or address had herself erased.
func (b *Book) erased(tx *db.Tx, c Contact) (bool, error) {
	hash, err := b.ContactHash(c.Kind, c.Value, c.Region)
	if err != nil {
		return false, err
	}
	found, err := b.SuppressedHashes(tx, c.Kind, []string{hash})
	return found[hash] == SuppressErased, err
}

// RefuseErased refuses somebody new whom a number or address shows to have been
// erased: she may come back herself, by writing or at a counter, but no system brings
// her back. The field of the db.Invalid is the kind of the contact.
func (b *Book) RefuseErased(tx *db.Tx, contacts []Contact) error {
	for _, c := range contacts {
		gone, err := b.erased(tx, c)
		if err != nil {
			return err
		}
		if gone {
			return db.Invalid{Field: string(c.Kind), Code: "erased"}
		}
	}
	return nil
}

func (b *Book) enrolNew(tx *db.Tx, r enrolling) (Enrolled, error) {
	out := Enrolled{New: true}
	contacts := make([]Contact, len(r.contacts))
	for i, c := range r.contacts {
		contacts[i] = c.Contact
	}
	if err := b.RefuseErased(tx, contacts); err != nil || r.DryRun {
		return out, err
	}
	var err error
	if out.CustomerID, err = b.Enter(tx, Entry{Name: r.Name, CounterID: r.CounterID}); err != nil {
		return out, fatal(err)
	}
	audit.Record(tx, audit.Entry{Actor: r.By, Action: "customer.entered", Customer: out.CustomerID, Object: r.ImportID})
	if err := b.giveContacts(tx, &out, r.contacts); err != nil {
		return out, err
	}
	if r.Birthday == "" {
		return out, nil
	}
	return out, b.giveBirthday(tx, out.CustomerID, r)
}

// enrolKnown adds what the file knows and the house does not; it changes nothing that
// is there.
func (b *Book) enrolKnown(tx *db.Tx, person string, r enrolling) (Enrolled, error) {
	out := Enrolled{CustomerID: person}
	records, err := b.Records(tx, person)
	if err != nil {
		return out, err
	}
	var missing []memberContact
	for _, c := range r.contacts {
		marks, args := db.In(records, 4)
		has, err := texts(tx, `SELECT id FROM contact WHERE kind = $1 AND hash = $2 AND ended_at IS NULL AND (verified OR NOT $3) AND customer_id IN (`+marks+`)`,
			append([]any{string(c.Kind), c.hash, c.Verified}, args...)...)
		if err != nil {
			return out, fmt.Errorf("contacts of a member: %w", err)
		}
		if len(has) == 0 {
			missing = append(missing, c)
		}
	}
	nameless, err := b.nameless(tx, person)
	if err != nil {
		return out, err
	}
	name := r.Name != "" && nameless
	born := false
	if r.Birthday != "" {
		known, err := b.proofs(tx, r.birthday, records)
		if err != nil {
			return out, err
		}
		born = len(known) == 0
	}
	if out.Changed = name || born || len(missing) > 0; !out.Changed || r.DryRun {
		return out, nil
	}
	audit.Record(tx, audit.Entry{Actor: r.By, Action: "customer.contact_added", Customer: person, Object: r.ImportID})
	if err := b.giveContacts(tx, &out, missing); err != nil {
		return out, err
	}
	if name {
		if err := b.Rename(tx, person, r.Name); err != nil {
			return out, fatal(err)
		}
	}
	if born {
		return out, b.giveBirthday(tx, person, r)
	}
	return out, nil
}

// nameless says whether no counter has given a person a name.
func (b *Book) nameless(tx *db.Tx, person string) (bool, error) {
	found, err := texts(tx, `SELECT id FROM customer WHERE id = $1 AND name IS NULL`, person)
	if err != nil {
		return false, fmt.Errorf("name of a member: %w", err)
	}
	return slices.Contains(found, person), nil
}

func (b *Book) giveContacts(tx *db.Tx, out *Enrolled, contacts []memberContact) error {
	for _, c := range contacts {
		if _, err := b.AddContact(tx, out.CustomerID, c.Contact); err != nil {
			return fatal(err)
		}
		if c.Verified {
			out.Proved = append(out.Proved, c.hash)
		}
	}
	return nil
}

func (b *Book) giveBirthday(tx *db.Tx, customerID string, r enrolling) error {
	_, err := b.Learn(tx, customerID, Learnt{Name: AttributeBirthday, Value: r.Birthday,
		Proof: Proof{Source: SourceImport, By: r.ImportID, CounterID: r.CounterID, At: tx.Now}})
	return fatal(err)
}

// fatal is an error after something was written: a refusal may not pass then for one
// of a row of which nothing is in.
func fatal(err error) error {
	var refused db.Invalid
	if errors.As(err, &refused) {
		return fmt.Errorf("take a member in: %s", refused.Error())
	}
	return err
}
