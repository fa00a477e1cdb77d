package staff

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
)

// Program stands in for a role where an integrator's program looked.
const Program = machine

// Looks is how often a customer was looked at in a month by people of one role. It names
// nobody: it is for her own eyes.
type Looks struct {
	Month    time.Time // its first day, in the zone that was asked for
	Role     Role      // or Program
	Opened   int       // her conversation or card was opened, or read by a program
	Listed   int       // she stood in a list that was shown
	Revealed int       // a number or address of hers was shown in full
	Exported int       // she stood in a file that left the house
}

// lookedBy are the actions that are looks, and what they count as.
var lookedBy = map[string]func(*Looks){
	"thread.open":       func(l *Looks) { l.Opened++ },
	"api.read":          func(l *Looks) { l.Opened++ },
	"customer.shown":    func(l *Looks) { l.Listed++ },
	"customer.contact":  func(l *Looks) { l.Revealed++ },
	"api.contact":       func(l *Looks) { l.Revealed++ },
	"customer.exported": func(l *Looks) { l.Exported++ },
}

// LookActions are the actions of the audit that are looks at a customer.
func LookActions() []string { return slices.Sorted(maps.Keys(lookedBy)) }

// Looked asks how often a person was looked at.
type Looked struct {
	Records []string // of the person
	Since   time.Time
	Zone    *time.Location
}

// LooksOf counts the looks at a person by month and role, the latest month first. Roles
// are those that people have today.
func LooksOf(tx *db.Tx, q Looked) ([]Looks, error) {
	if len(q.Records) == 0 {
		return nil, nil
	}
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	marks, args := db.In(q.Records, 2)
	looks, actions := db.In(LookActions(), len(args)+2)
	type look struct {
		actor, action string
		at            time.Time
	}
	rows, err := tx.Query(`SELECT actor, action, at FROM audit WHERE at >= $1 AND customer_id <> '' AND customer_id IN (`+marks+`)
		AND action IN (`+looks+`)`, slices.Concat([]any{db.Micro(q.Since)}, args, actions)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (l look, err error) {
		var at int64
		err = r.Scan(&l.actor, &l.action, &at)
		l.at = db.Time(at).In(q.Zone)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("count looks at her: %w", err)
	}
	var actors []string
	for _, l := range list {
		actors = append(actors, l.actor)
	}
	roles, err := RolesOf(tx, actors)
	if err != nil {
		return nil, err
	}
	type key struct {
		month time.Time
		role  Role
	}
	sums := map[key]*Looks{}
	for _, l := range list {
		role := roles[l.actor]
		if role == "" { // the house itself: a backup, an automation
			continue
		}
		k := key{time.Date(l.at.Year(), l.at.Month(), 1, 0, 0, 0, 0, q.Zone), role}
		if sums[k] == nil {
			sums[k] = &Looks{Month: k.month, Role: k.role}
		}
		lookedBy[l.action](sums[k])
	}
	out := make([]Looks, 0, len(sums))
	for _, l := range sums {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Looks) int { return cmp.Or(b.Month.Compare(a.Month), cmp.Compare(a.Role, b.Role)) })
	return out, nil
}

// RolesOf gives the roles of actors of the audit: Program for a token or an endpoint,
// nothing for the house itself.
func RolesOf(tx *db.Tx, actors []string) (map[string]Role, error) {
	out := map[string]Role{}
	var people []string
	for _, a := range distinct(actors) {
		if strings.HasPrefix(a, "token/") || strings.HasPrefix(a, "endpoint/") {
			out[a] = Program
		} else {
			people = append(people, a)
		}
	}
	for part := range slices.Chunk(people, 250) {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT id, role FROM staff WHERE id IN (`+marks+`)`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var id string
			var role Role
			err = r.Scan(&id, &role)
			out[id] = role
			return none, err
		})
		if err != nil {
			return nil, fmt.Errorf("roles of actors: %w", err)
		}
	}
	return out, nil
}

// Seeing says that people of a role may see a customer, and where they are.
type Seeing struct {
	Role     Role     // or Program
	Counters []string // of which counters; none: of all of them
}

// RolesSeeing lists who can see a customer of some counters, by role. It names nobody.
func RolesSeeing(tx *db.Tx, counterIDs []string) ([]Seeing, error) {
	byRole := map[Role][]string{}
	for _, counter := range distinct(counterIDs) {
		// Also who only reads there, and so is no colleague who could answer her.
		roles, err := texts(tx, `SELECT s.role FROM staff s JOIN staff_counter m ON m.staff_id = s.id WHERE s.left_at IS NULL AND m.counter_id = $1
			UNION SELECT s.role FROM staff s JOIN staff_store m ON m.staff_id = s.id JOIN counter c ON c.store_id = m.store_id
			WHERE s.left_at IS NULL AND s.role = 'manager' AND c.id = $1`, counter)
		if err != nil {
			return nil, fmt.Errorf("who sees a counter: %w", err)
		}
		for _, role := range roles {
			byRole[Role(role)] = append(byRole[Role(role)], counter)
		}
	}
	delete(byRole, Privacy) // she sees them all: below
	var out []Seeing
	for _, role := range Roles() {
		if len(byRole[role]) > 0 {
			out = append(out, Seeing{role, byRole[role]})
		}
	}
	for _, whole := range []struct {
		role  Role
		query string
	}{
		{Privacy, `SELECT COUNT(*) FROM staff WHERE role = 'privacy' AND left_at IS NULL`},
		// An endpoint is told what customers write, whatever tokens there are.
		{Program, `SELECT (SELECT COUNT(*) FROM endpoint WHERE ended_at IS NULL) + (SELECT COUNT(*) FROM api_token WHERE ended_at IS NULL AND
			(scopes LIKE '%customers:%' OR scopes LIKE '%messages:%' OR scopes LIKE '%threads:%' OR scopes LIKE '%events:%'
				OR scopes LIKE '%consents:%' OR scopes LIKE '%purchases:read%'))`},
	} {
		var n int
		if err := tx.QueryRow(whole.query).Scan(&n); err != nil {
			return nil, fmt.Errorf("who sees every counter: %w", err)
		}
		if n > 0 {
			out = append(out, Seeing{Role: whole.role})
		}
	}
	return out, nil
}
