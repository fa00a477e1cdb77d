package staff

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"dingdong/internal/db"
)

// DirectoryCounter is a counter with the names around it.
type DirectoryCounter struct {
	ID       string
	Name     string
	StoreID  string
	Store    string
	BrandID  string
	Brand    string
	Timezone string
	Closed   bool
	StandIn  string // who answers for an advisor who is off
}

// Directory is the whole store group at a glance: small, and read for nearly every page.
type Directory struct {
	Counters []DirectoryCounter // by store, then brand; closed ones too: old threads name them

	byID map[string]int
}

// LoadDirectory reads the directory in one query. It is shared: nobody changes it.
func LoadDirectory(tx *db.Tx) (Directory, error) {
	return db.Once(tx, directoryOnce{}, func() (Directory, error) { return readDirectory(tx) })
}

// directoryOnce and colleaguesOnce are what a page asks for from several sides.
type (
	directoryOnce  struct{}
	colleaguesOnce string // counter
)

func readDirectory(tx *db.Tx) (Directory, error) {
	rows, err := tx.Query(`
		SELECT c.id, c.name, s.id, s.name, b.id, b.name, s.timezone, c.closed_at IS NOT NULL, c.stand_in_id
		FROM counter c JOIN store s ON s.id = c.store_id JOIN brand b ON b.id = c.brand_id
		ORDER BY s.name, b.name, c.id`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (DirectoryCounter, error) {
		var c DirectoryCounter
		err := r.Scan(&c.ID, &c.Name, &c.StoreID, &c.Store, &c.BrandID, &c.Brand, &c.Timezone, &c.Closed, &c.StandIn)
		return c, err
	})
	if err != nil {
		return Directory{}, fmt.Errorf("load directory: %w", err)
	}
	d := Directory{Counters: list, byID: make(map[string]int, len(list))}
	for i, c := range list {
		d.byID[c.ID] = i
	}
	return d, nil
}

// Counter finds a counter by its id.
func (d Directory) Counter(id string) (DirectoryCounter, bool) {
	i, found := d.byID[id]
	if !found {
		return DirectoryCounter{}, false
	}
	return d.Counters[i], true
}

// Open lists the counters that are not closed.
func (d Directory) Open() []DirectoryCounter {
	var open []DirectoryCounter
	for _, c := range d.Counters {
		if !c.Closed {
			open = append(open, c)
		}
	}
	return open
}

// Colleague is somebody who answers at a counter.
type Colleague struct {
	ID   string
	Name string
	Role Role
	Away bool // off duty at this moment
	Shown
}

// Colleagues lists the active staff who answer at a counter, by name: its members whose
// role chats, and the managers of its store.
func Colleagues(tx *db.Tx, counterID string) ([]Colleague, error) {
	list, err := db.Once(tx, colleaguesOnce(counterID), func() ([]Colleague, error) { return readColleagues(tx, counterID) })
	return slices.Clone(list), err
}

func readColleagues(tx *db.Tx, counterID string) ([]Colleague, error) {
	rows, err := tx.Query(`
		SELECT s.id, s.name, s.role, s.languages, s.specialities, s.away_until FROM staff s
		WHERE s.left_at IS NULL AND s.role IN ('advisor', 'manager', 'admin') AND s.id IN (
			SELECT staff_id FROM staff_counter WHERE counter_id = $1)
		UNION
		SELECT s.id, s.name, s.role, s.languages, s.specialities, s.away_until FROM staff s
		WHERE s.left_at IS NULL AND s.role = 'manager' AND s.id IN (
			SELECT m.staff_id FROM staff_store m JOIN counter c ON c.store_id = m.store_id WHERE c.id = $1)
		ORDER BY 2, 1`, counterID)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Colleague, error) {
		var c Colleague
		var languages string
		var away int64
		err := r.Scan(&c.ID, &c.Name, &c.Role, &languages, &c.Specialities, &away)
		c.Languages, c.Away = strings.Fields(languages), away > db.Micro(tx.Now)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("list colleagues: %w", err)
	}
	return list, nil
}

// StaffNames gives the names of people by id, of those who left too.
func StaffNames(tx *db.Tx, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := tx.Query(`SELECT id, name FROM staff WHERE id IN (`+db.Marks(len(ids), 1)+`)`, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Colleague, error) {
		var c Colleague
		err := r.Scan(&c.ID, &c.Name)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("load names of staff: %w", err)
	}
	for _, c := range list {
		names[c.ID] = c.Name
	}
	return names, nil
}

// Advisors lists who can be chosen at some counters, by name: their members who stay and whose
// role is to advise, or, where there is none, everybody who answers there.
func Advisors(tx *db.Tx, counterIDs []string) (map[string][]Colleague, error) {
	if len(counterIDs) == 0 {
		return nil, nil
	}
	type member struct {
		Colleague
		counter string
	}
	marks, args := db.In(counterIDs, 1)
	rows, err := tx.Query(`SELECT m.counter_id, s.id, s.name, s.role, s.languages, s.specialities, s.away_until
		FROM staff_counter m JOIN staff s ON s.id = m.staff_id
		WHERE m.counter_id IN (`+marks+`) AND s.left_at IS NULL AND s.leaves_at IS NULL AND s.role IN ('advisor', 'manager', 'admin') ORDER BY s.name, s.id`, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (member, error) {
		var m member
		var languages string
		var away int64
		err := r.Scan(&m.counter, &m.ID, &m.Name, &m.Role, &languages, &m.Specialities, &away)
		m.Languages, m.Away = strings.Fields(languages), away > db.Micro(tx.Now)
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("list advisors: %w", err)
	}
	out, others := map[string][]Colleague{}, map[string][]Colleague{}
	for _, m := range list {
		if m.Role == Advisor {
			out[m.counter] = append(out[m.counter], m.Colleague)
		} else {
			others[m.counter] = append(others[m.counter], m.Colleague)
		}
	}
	for counter, people := range others {
		if len(out[counter]) == 0 {
			out[counter] = people
		}
	}
	return out, nil
}
