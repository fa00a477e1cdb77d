package api

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Customer is a person, as far as an integrator needs to know her.
type Customer struct {
	ID         string           `json:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
	Name       string           `json:"name" doc:"What the counter calls her, else what the platform does; empty: nobody has told yet." example:"Wong Ka Yan"`
	Kind       channel.PeerType `json:"kind" enum:"person,group,room" example:"person"`
	CreatedAt  time.Time        `json:"created_at"`
	Identities []Identity       `json:"identities" doc:"Where she can be met."`
	Threads    []string         `json:"threads" doc:"Ids of her threads."`
}

// Identity is a person on one channel account.
type Identity struct {
	ID       string         `json:"id" example:"idn_06hk2q8s1n7v0000000000000g"`
	Account  string         `json:"account" example:"acc_06hk2q8s1n7v0000000000000e"`
	Channel  channel.Kind   `json:"channel" example:"line"`
	Name     string         `json:"name,omitempty" doc:"What the platform calls her."`
	Language string         `json:"language,omitempty" example:"zh-Hant"`
	Reach    customer.Reach `json:"reach" enum:"unknown,friend,blocked" doc:"blocked: she cannot be written to there." example:"friend"`
}

type customerInput struct {
	ID string `path:"id" example:"cus_06hk2q8s1n7v0000000000000b"`
}

type customersInput struct {
	Query    string `query:"query" maxLength:"100" doc:"Part of a name." example:"Wong"`
	Phone    string `query:"phone" maxLength:"40" doc:"Who has this number, in any notation, verified or not."`
	Email    string `query:"email" maxLength:"200" doc:"Who has this address."`
	Member   string `query:"member" maxLength:"60" doc:"Who has this member number."`
	Account  string `query:"account" maxLength:"60" doc:"With external: a channel account."`
	External string `query:"external" maxLength:"200" doc:"With account: the platform's own id of her there."`
	Tag      string `query:"tag" maxLength:"80" doc:"Who has this tag now."`
	Cursor   string `query:"cursor" maxLength:"120" doc:"The next of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
}

type customersOutput struct {
	Body struct {
		Customers []Customer `json:"customers"`
		Next      string     `json:"next,omitempty" doc:"The cursor of the next page, of everybody or of a tag; absent: there is none."`
	}
}

type newCustomerInput struct {
	Keyed
	Body struct {
		Name     string        `json:"name,omitempty" maxLength:"120" doc:"What the counter calls her." example:"Wong Ka Yan"`
		Counter  string        `json:"counter_id,omitempty" maxLength:"60" doc:"Who sees this counter sees her at once; absent: only programs do, and whoever sees the whole group, until she writes to a counter or is merged with somebody who did." example:"cnt_06hk2q8s1n7v0000000000000c"`
		Contacts []ContactForm `json:"contacts,omitempty" maxItems:"20" doc:"A verified phone or member number that is somebody's already makes this her, and nobody new."`
	}
}

type newCustomerOutput struct {
	Status int
	Again
	Body Card
}

func (s *server) customerOperations() {
	register(s, huma.Operation{OperationID: "get-customer", Method: http.MethodGet, Path: prefix + "/customers/{id}", Tags: []string{tagCustomers},
		Summary: "Get a customer's card", Security: needs(staff.CustomersRead),
		Description: "Everything on it but purchases and messages, which have scopes of their own. The id of a record that was merged leads to the card that shows her."}, s.getCustomer)
	register(s, huma.Operation{OperationID: "find-customers", Method: http.MethodGet, Path: prefix + "/customers", Tags: []string{tagCustomers},
		Summary: "Find or list customers", Security: needs(staff.CustomersRead),
		Description: "By exactly one of query, phone, email, member, tag, or account and external. Without any: everybody, in the order in which they were entered."}, s.findCustomers)
	register(s, huma.Operation{OperationID: "create-customer", Method: http.MethodPost, Path: prefix + "/customers", Tags: []string{tagCustomers},
		Summary: "Enter a customer", Security: needs(staff.CustomersWrite), DefaultStatus: http.StatusCreated,
		Description: "Somebody whom your system knows and no channel has met. 200 instead of 201: she was known by a verified number, and has got the other contacts; or the same request was made before."}, s.createCustomer)
}

func (s *server) createCustomer(ctx context.Context, in *newCustomerInput) (*newCustomerOutput, error) {
	c := callerOf(ctx)
	out := &newCustomerOutput{}
	n := conversation.NewCustomer{Name: in.Body.Name, CounterID: in.Body.Counter}
	for _, f := range in.Body.Contacts {
		n.Contacts = append(n.Contacts, f.contact())
	}
	known := false
	repeated, err := s.makeOnce(ctx, making{"customer", in.Key, in.Body, func(tx *db.Tx) (string, error) {
		entered, err := s.Desk.EnterCustomer(tx, c.Viewer, n)
		known = !entered.New
		return entered.CustomerID, err
	}}, func(tx *db.Tx, id string) error {
		p, err := s.person(tx, c, id)
		if err != nil {
			return err
		}
		out.Body, err = s.wholeCard(tx, c, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	if out.Status = out.status(repeated); known {
		out.Status = http.StatusOK
	}
	if err := s.sawContacts(ctx, c, out.Body.ID, out.Body.Contacts); err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, out.Body.ID)
}

func (s *server) customer(tx *db.Tx, id string) (Customer, error) {
	id, err := s.Desk.Book.Person(tx, id) // since a merge she may be shown by another card
	if err != nil {
		return Customer{}, err
	}
	found, err := s.Desk.Book.Get(tx, id)
	if err != nil {
		return Customer{}, err
	}
	records, err := s.Desk.Book.Records(tx, id)
	if err != nil {
		return Customer{}, err
	}
	out := Customer{ID: found.ID, Name: found.Name, Kind: found.Kind, CreatedAt: found.CreatedAt, Identities: []Identity{}}
	for _, record := range records {
		identities, err := s.Desk.Book.Identities(tx, record)
		if err != nil {
			return out, err
		}
		kinds, err := texts(tx, `SELECT a.channel FROM identity i JOIN account a ON a.id = i.account_id WHERE i.customer_id = $1 ORDER BY i.id`, record)
		if err != nil || len(kinds) != len(identities) {
			return out, fmt.Errorf("channels of identities: %w", err)
		}
		for n, i := range identities {
			if out.Name == "" {
				out.Name = i.Name
			}
			out.Identities = append(out.Identities, Identity{ID: i.ID, Account: i.AccountID, Channel: channel.Kind(kinds[n]), Name: i.Name, Language: i.Language, Reach: i.Reach})
		}
	}
	out.Threads, err = texts(tx, `SELECT id FROM thread WHERE customer_id = $1 ORDER BY id`, id)
	return out, err
}

// candidates bounds how many customers are looked at for one search.
const candidates = 300

func (s *server) findCustomers(ctx context.Context, in *customersInput) (*customersOutput, error) {
	c := callerOf(ctx)
	out := &customersOutput{}
	out.Body.Customers = []Customer{}
	find, err := s.finder(in)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = s.read(ctx, func(tx *db.Tx) error {
		found, next, err := find(tx)
		if err != nil {
			return err
		}
		out.Body.Next = next
		for _, id := range found {
			one, err := s.customer(tx, id)
			if err != nil {
				return err
			}
			if slices.Contains(ids, one.ID) || in.Query != "" && !one.goesBy(in.Query) {
				continue
			}
			out.Body.Customers, ids = append(out.Body.Customers, one), append(ids, one.ID)
			if len(ids) == in.Limit {
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.searched(ctx, c, fmt.Sprintf("customers %d", len(ids))); err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, ids...)
}

// finding gives records that are asked for, and where the next page begins.
type finding func(tx *db.Tx) (records []string, next string, err error)

// finder chooses how to look: by the one thing that was given.
func (s *server) finder(in *customersInput) (finding, error) {
	ways := map[string]finding{}
	contact := func(field string, kind customer.ContactKind, value string) {
		if value != "" {
			ways[field] = func(tx *db.Tx) ([]string, string, error) {
				ids, err := s.Desk.Book.FindByContact(tx, kind, db.CleanText(value))
				return ids, "", err
			}
		}
	}
	contact("phone", customer.Phone, in.Phone)
	contact("email", customer.Email, in.Email)
	contact("member", customer.Member, in.Member)
	if in.Query != "" {
		if strings.TrimSpace(db.CleanText(in.Query)) == "" {
			return nil, db.Invalid{Field: "query", Code: "required"}
		}
		ways["query"] = func(tx *db.Tx) ([]string, string, error) {
			ids, err := s.search(tx, db.CleanText(in.Query))
			return ids, "", err
		}
	}
	if in.Account != "" || in.External != "" {
		if in.Account == "" || in.External == "" {
			return nil, db.Invalid{Field: "external", Code: "required"}
		}
		ways["external"] = func(tx *db.Tx) ([]string, string, error) {
			i, err := s.Desk.Book.Find(tx, db.CleanText(in.Account), db.CleanText(in.External))
			if errors.Is(err, db.ErrNotFound) {
				return nil, "", nil
			}
			return []string{i.PersonID}, "", err
		}
	}
	if in.Tag != "" {
		ways["tag"] = func(tx *db.Tx) ([]string, string, error) { return s.tagged(tx, in) }
	}
	if len(ways) > 1 {
		return nil, db.Invalid{Field: "query", Code: "one_of"}
	}
	for _, way := range ways {
		return way, nil
	}
	return func(tx *db.Tx) ([]string, string, error) { return everybody(tx, in) }, nil
}

func (s *server) tagged(tx *db.Tx, in *customersInput) ([]string, string, error) {
	after, err := in.after(listTagged)
	if err != nil {
		return nil, "", err
	}
	found, err := s.Desk.Book.FindByTag(tx, customer.Find{Name: in.Tag, After: after, Limit: in.Limit})
	if err != nil || found.Next == "" {
		return found.Persons, "", err
	}
	return found.Persons, cursor{list: listTagged, id: found.Next}.String(), nil
}

// everybody lists persons, the oldest first; merged records are shown by others.
func everybody(tx *db.Tx, in *customersInput) ([]string, string, error) {
	after, err := in.after(listCustomers)
	if err != nil {
		return nil, "", err
	}
	ids, err := texts(tx, `SELECT id FROM customer WHERE id > $1 AND person_id = '' ORDER BY id LIMIT $2`, after, in.Limit+1)
	if err != nil || len(ids) <= in.Limit {
		return ids, "", err
	}
	return ids[:in.Limit], cursor{list: listCustomers, id: ids[in.Limit-1]}.String(), nil
}

func (in *customersInput) after(list string) (string, error) {
	if in.Cursor == "" {
		return "", nil
	}
	cur, err := parseCursor(list, "cursor", in.Cursor)
	return cur.id, err
}

// goesBy checks a candidate: the index knows pairs of letters only.
func (c Customer) goesBy(query string) bool {
	names := c.Name
	for _, i := range c.Identities {
		names += " " + i.Name
	}
	return customer.Matches(names, query)
}

// search finds who may be meant, by the Keyed hashes of the query's letters.
func (s *server) search(tx *db.Tx, query string) ([]string, error) {
	hashes, need := s.Desk.Book.QueryHashes(query)
	if len(hashes) == 0 {
		return nil, nil
	}
	args := []any{candidates, need}
	for _, h := range hashes {
		args = append(args, h)
	}
	return texts(tx, `SELECT customer_id FROM customer_gram WHERE hash IN (`+db.Marks(len(hashes), 3)+`)
		GROUP BY customer_id HAVING COUNT(*) >= $2 ORDER BY customer_id DESC LIMIT $1`, args...)
}

// texts runs a query of one text column.
func texts(tx *db.Tx, q string, args ...any) ([]string, error) {
	rows, err := tx.Query(q, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (string, error) {
		var t string
		return t, r.Scan(&t)
	})
	if list == nil {
		list = []string{}
	}
	return list, err
}
