package api

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/channel"
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

type customerOutput struct{ Body Customer }

type customersInput struct {
	Query string `query:"query" required:"true" minLength:"1" maxLength:"100" doc:"Part of a name." example:"Wong"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
}

type customersOutput struct {
	Body struct {
		Customers []Customer `json:"customers"`
	}
}

func (s *server) customerOperations() {
	register(s, huma.Operation{OperationID: "get-customer", Method: http.MethodGet, Path: prefix + "/customers/{id}", Tags: []string{tagCustomers},
		Summary: "Get a customer", Security: needs(staff.CustomersRead)}, s.getCustomer)
	register(s, huma.Operation{OperationID: "find-customers", Method: http.MethodGet, Path: prefix + "/customers", Tags: []string{tagCustomers},
		Summary: "Find customers by name", Security: needs(staff.CustomersRead)}, s.findCustomers)
}

func (s *server) getCustomer(ctx context.Context, in *customerInput) (*customerOutput, error) {
	c := callerOf(ctx)
	out := &customerOutput{}
	err := s.read(ctx, func(tx *db.Tx) (err error) {
		out.Body, err = s.customer(tx, in.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, in.ID)
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
	if strings.TrimSpace(db.CleanText(in.Query)) == "" {
		return nil, db.Invalid{Field: "query", Code: "required"}
	}
	var ids []string
	err := s.read(ctx, func(tx *db.Tx) error {
		found, err := s.search(tx, db.CleanText(in.Query))
		if err != nil {
			return err
		}
		for _, id := range found {
			one, err := s.customer(tx, id)
			if err != nil {
				return err
			}
			if !one.goesBy(in.Query) {
				continue
			}
			out.Body.Customers, ids = append(out.Body.Customers, one), append(ids, id)
			if len(ids) == in.Limit {
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.saw(ctx, c, ids...)
}

// goesBy checks a candidate: the index knows pairs of letters only.
func (c Customer) goesBy(query string) bool {
	names := c.Name
	for _, i := range c.Identities {
		names += " " + i.Name
	}
	return customer.Matches(names, query)
}

// search finds who may be meant, by the keyed hashes of the query's letters.
func (s *server) search(tx *db.Tx, query string) ([]string, error) {
	hashes := s.Desk.Book.QueryHashes(query)
	if len(hashes) == 0 {
		return nil, nil
	}
	args := []any{candidates, len(hashes)}
	for _, h := range hashes {
		args = append(args, h)
	}
	return texts(tx, `SELECT customer_id FROM customer_gram WHERE hash IN (`+db.Marks(len(hashes), 3)+`)
		GROUP BY customer_id HAVING COUNT(*) = $2 ORDER BY customer_id DESC LIMIT $1`, args...)
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
