package privacy

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// Extract is everything about a person but what was said, which is read part by part.
// Its JSON is documented in docs/privacy.md.
type Extract struct {
	Format    string                        `json:"format"` // "dingdong.person/1"
	Made      time.Time                     `json:"made"`
	Person    customer.Extract              `json:"person"`
	Consent   consent.Extract               `json:"consent"`
	Purchases []catalogue.ExtractPurchase   `json:"purchases"`
	Heard     []insight.ExtractMention      `json:"heard"`
	Requests  []ExtractRequest              `json:"requests"`
	Seen      []Seen                        `json:"seen"`
	Pictures  []conversation.ExtractPicture `json:"pictures"`       // that her platforms show of her
	Moves     []handover.ExtractMove        `json:"handovers"`      // when her advisor changed
	Groups    []conversation.ExtractMessage `json:"in_groups"`      // what she wrote where others read along
	Copy      string                        `json:"copy,omitempty"` // which copy this is: it leads to who had it made
	By        string                        `json:"for,omitempty"`  // you, officer

	Threads []conversation.ExtractThread `json:"-"` // written with their messages
}

// ExtractRequest is what she asked of us, in her copy.
type ExtractRequest struct {
	Kind   RequestKind  `json:"kind"`
	Origin Origin       `json:"origin"`
	State  RequestState `json:"state"`
	Note   string       `json:"note,omitempty"`
	At     time.Time    `json:"at"`
	Due    time.Time    `json:"due"`
}

// Seen says how often people of a role looked at her, and not who: that is theirs.
type Seen struct {
	Role  string    `json:"role"` // advisor, manager, ..., program, system
	Times int       `json:"times"`
	Last  time.Time `json:"last"`
}

const extractFormat = "dingdong.person/1"

// collect reads what every room knows of some records.
func (r *Room) collect(ctx context.Context, person string) (Extract, []string, error) {
	out := Extract{Format: extractFormat}
	var records []string
	err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		out = Extract{Format: extractFormat, Made: tx.Now}
		if records, err = r.Book.Records(tx, person); err != nil {
			return err
		}
		if out.Person, err = r.Book.Export(tx, records); err != nil {
			return err
		}
		if out.Consent, err = r.Consent.Export(tx, records); err != nil {
			return err
		}
		if out.Purchases, err = r.Shop.Export(tx, records); err != nil {
			return err
		}
		if out.Heard, err = r.Reader.Export(tx, records); err != nil {
			return err
		}
		if out.Threads, err = r.Desk.ExportThreads(tx, records); err != nil {
			return err
		}
		if out.Pictures, err = r.Desk.ExportPictures(tx, records); err != nil {
			return err
		}
		if out.Groups, err = r.Desk.ExportGroups(tx, records); err != nil {
			return err
		}
		if out.Requests, err = r.exportRequests(tx, records); err != nil {
			return err
		}
		if out.Moves, err = handover.Export(tx, records); err != nil {
			return err
		}
		out.Seen, err = WhoSaw(tx, records)
		return err
	})
	return out, records, err
}

func (r *Room) exportRequests(tx *db.Tx, records []string) ([]ExtractRequest, error) {
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT `+requestColumns+requestFrom+`WHERE q.person_id IN (`+marks+`) ORDER BY q.at, q.id`, args...)
	found, err := db.Collect(rows, err, func(rs *sql.Rows) (sealedRequest, error) { return scanRequest(rs) })
	if err != nil {
		return nil, fmt.Errorf("her requests: %w", err)
	}
	out := make([]ExtractRequest, 0, len(found))
	for _, q := range found {
		open, err := r.openRequest(tx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, ExtractRequest{open.Kind, open.Origin, open.State, open.Note, open.At, open.Due})
	}
	return out, nil
}

// WhoSaw tells from the audit how often people of each role looked at a person.
func WhoSaw(tx *db.Tx, records []string) ([]Seen, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 1)
	looks, actions := db.In(staff.LookActions(), len(args)+1)
	rows, err := tx.Query(`SELECT role, COUNT(*), MAX(at) FROM (
			SELECT CASE WHEN s.role IS NOT NULL THEN s.role WHEN a.actor LIKE 'token/%' OR a.actor LIKE 'endpoint/%' THEN 'program' ELSE 'system' END AS role, a.at AS at
			FROM audit a LEFT JOIN staff s ON s.id = a.actor WHERE a.customer_id <> '' AND a.customer_id IN (`+marks+`) AND a.actor <> 'customer' AND a.action IN (`+looks+`)) AS looks
		GROUP BY role ORDER BY role`, append(args, actions...)...)
	list, err := db.Collect(rows, err, func(rs *sql.Rows) (s Seen, err error) {
		var at int64
		err = rs.Scan(&s.Role, &s.Times, &at)
		s.Last = db.Time(at)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("who saw her: %w", err)
	}
	return list, nil
}
