package staff

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
)

// Person is somebody who works for the group, or did.
type Person struct {
	ID          string
	Email       string
	Name        string
	Role        Role
	Language    string
	Counters    []string // counters she is a member of
	Stores      []string // stores she manages; empty unless she is a manager
	HasPassword bool
	MustChange  bool
	CreatedAt   time.Time
	LeftAt      time.Time // zero: active
	AwayUntil   time.Time // zero or past: on duty
	AwayAt      time.Time // when she went off duty, as long as AwayUntil is ahead
	LeavesAt    time.Time // the day she is known to leave; zero: none
	Shown
}

// Shown is what a customer reads of an advisor when she chooses hers.
type Shown struct {
	Languages    []string // she speaks: "zh-Hant", "en"
	Specialities string   // her own words
}

// StaffForm is what an administrator says about a person; an empty ID makes a new one.
// Counters and Stores replace what was set before. A new person has no password:
// ResetPassword gives her the first.
type StaffForm struct {
	ID       string
	Email    string
	Name     string
	Role     Role
	Language string // "": whatever her browser asks for
	Counters []string
	Stores   []string // only a manager's are kept
	Shown    *Shown   // nil: what there is stays
}

const personColumns = `id, email, name, role, language, password_hash <> '', must_change, created_at, left_at,
	languages, specialities, away_until, away_at, leaves_at`

func scanPerson(scan func(...any) error) (Person, error) {
	var p Person
	var created, away, awayAt int64
	var left, leaves *int64
	var languages string
	err := scan(&p.ID, &p.Email, &p.Name, &p.Role, &p.Language, &p.HasPassword, &p.MustChange, &created, &left,
		&languages, &p.Specialities, &away, &awayAt, &leaves)
	if err != nil {
		return Person{}, err
	}
	p.CreatedAt, p.LeftAt, p.AwayUntil = db.Time(created), nullable(left), db.Time(away)
	p.AwayAt, p.LeavesAt = db.Time(awayAt), nullable(leaves)
	p.Languages = strings.Fields(languages)
	return p, nil
}

// ListStaff lists everybody by name, those who left last.
func ListStaff(tx *db.Tx) ([]Person, error) {
	rows, err := tx.Query(`SELECT ` + personColumns + ` FROM staff
		ORDER BY CASE WHEN left_at IS NULL THEN 0 ELSE 1 END, name, id`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Person, error) { return scanPerson(r.Scan) })
	if err != nil {
		return nil, fmt.Errorf("list staff: %w", err)
	}
	counters, err := pairs(tx, `SELECT staff_id, counter_id FROM staff_counter ORDER BY counter_id`)
	if err != nil {
		return nil, fmt.Errorf("list counters of staff: %w", err)
	}
	stores, err := pairs(tx, `SELECT staff_id, store_id FROM staff_store ORDER BY store_id`)
	if err != nil {
		return nil, fmt.Errorf("list stores of staff: %w", err)
	}
	for i := range list {
		list[i].Counters, list[i].Stores = counters[list[i].ID], stores[list[i].ID]
	}
	return list, nil
}

func pairs(tx *db.Tx, q string) (map[string][]string, error) {
	rows, err := tx.Query(q)
	list, err := db.Collect(rows, err, func(r *sql.Rows) ([2]string, error) {
		var p [2]string
		err := r.Scan(&p[0], &p[1])
		return p, err
	})
	if err != nil {
		return nil, err
	}
	byFirst := make(map[string][]string)
	for _, p := range list {
		byFirst[p[0]] = append(byFirst[p[0]], p[1])
	}
	return byFirst, nil
}

// GetStaff loads one person.
func GetStaff(tx *db.Tx, id string) (Person, error) {
	return onePerson(tx, "id", id)
}

// StaffByEmail loads one person by her e-mail address.
func StaffByEmail(tx *db.Tx, email string) (Person, error) {
	return onePerson(tx, "email", normalEmail(email))
}

func onePerson(tx *db.Tx, column, value string) (Person, error) {
	p, err := scanPerson(tx.QueryRow(`SELECT `+personColumns+` FROM staff WHERE `+column+` = $1`, value).Scan)
	if err != nil {
		return Person{}, fmt.Errorf("load staff: %w", db.NotFound(err))
	}
	if p.Counters, err = texts(tx, `SELECT counter_id FROM staff_counter WHERE staff_id = $1 ORDER BY counter_id`, p.ID); err != nil {
		return Person{}, fmt.Errorf("load her counters: %w", err)
	}
	if p.Stores, err = texts(tx, `SELECT store_id FROM staff_store WHERE staff_id = $1 ORDER BY store_id`, p.ID); err != nil {
		return Person{}, fmt.Errorf("load her stores: %w", err)
	}
	return p, nil
}

// SaveStaff makes or changes a person, with her counters and stores.
func SaveStaff(tx *db.Tx, v Viewer, f StaffForm) (Person, error) {
	if !v.May(ManageGroup) {
		return Person{}, ErrForbidden
	}
	if err := f.check(); err != nil {
		return Person{}, err
	}
	if err := hold(tx); err != nil {
		return Person{}, err
	}
	if err := unused(tx, "email", `SELECT id FROM staff WHERE email = $1 AND id <> $2`, f.Email, f.ID); err != nil {
		return Person{}, err
	}
	var before Person
	var err error
	if f.ID == "" {
		f.ID = tx.NewID("stf")
		_, err = tx.Exec(`INSERT INTO staff (id, email, name, role, language, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			f.ID, f.Email, f.Name, string(f.Role), f.Language, db.Micro(tx.Now))
		if err != nil {
			return Person{}, fmt.Errorf("add staff: %w", taken(err, "email"))
		}
	} else if before, err = changeStaff(tx, f); err != nil {
		return Person{}, err
	}
	if err := place(tx, f); err != nil {
		return Person{}, err
	}
	if err := saveShown(tx, f); err != nil {
		return Person{}, err
	}
	detail := fmt.Sprintf("role %s, counters %s, stores %s", f.Role, strings.Join(f.Counters, " "), strings.Join(f.Stores, " "))
	note(tx, v, "staff_saved", f.ID, detail)
	p, err := GetStaff(tx, f.ID)
	if err != nil {
		return Person{}, err
	}
	if before.ID != "" && (before.Role != p.Role || !slices.Equal(before.Counters, p.Counters) || !slices.Equal(before.Stores, p.Stores)) {
		if err := renewSessions(tx, p.ID); err != nil {
			return Person{}, err
		}
	}
	if before.Role == Admin {
		err = KeepWayIn(tx, "role")
	}
	return p, err
}

// changeStaff writes the form, and gives who she was before.
func changeStaff(tx *db.Tx, f StaffForm) (Person, error) {
	old, err := GetStaff(tx, f.ID)
	if err != nil {
		return Person{}, err
	}
	if old.Role == Admin && f.Role != Admin {
		if err := notLastAdmin(tx, old, "role"); err != nil {
			return Person{}, err
		}
	}
	_, err = tx.Exec(`UPDATE staff SET email = $2, name = $3, role = $4, language = $5 WHERE id = $1`,
		f.ID, f.Email, f.Name, string(f.Role), f.Language)
	if err != nil {
		return Person{}, fmt.Errorf("change staff: %w", taken(err, "email"))
	}
	return old, nil
}

// check cleans the form and names the first field that is wrong.
func (f *StaffForm) check() (err error) {
	if f.Email, err = emailField(f.Email); err != nil {
		return err
	}
	if f.Name, err = nameField("name", f.Name); err != nil {
		return err
	}
	if f.Role == "" {
		return db.Invalid{Field: "role", Code: "required"}
	}
	if !slices.Contains(Roles(), f.Role) {
		return db.Invalid{Field: "role", Code: "unknown"}
	}
	if f.Language != "" && !slices.Contains(Languages(), f.Language) {
		return db.Invalid{Field: "language", Code: "unknown"}
	}
	if err := f.Shown.check(); err != nil {
		return err
	}
	if f.Role != Manager {
		// Not an error: the page hides the stores when another role is chosen, but a
		// former manager's are still ticked.
		f.Stores = nil
	}
	f.Counters, f.Stores = distinct(f.Counters), distinct(f.Stores)
	return nil
}

func distinct(ids []string) []string {
	ids = slices.Sorted(slices.Values(ids))
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}

// place sets her counters and stores.
func place(tx *db.Tx, f StaffForm) error {
	for _, p := range []struct {
		field, table, owned string
		ids                 []string
	}{
		{"counters", "counter", "staff_counter", f.Counters},
		{"stores", "store", "staff_store", f.Stores},
	} {
		if _, err := tx.Exec(`DELETE FROM `+p.owned+` WHERE staff_id = $1`, f.ID); err != nil {
			return fmt.Errorf("clear her %s: %w", p.field, err)
		}
		for _, id := range p.ids {
			n, err := tx.Exec(`INSERT INTO `+p.owned+` (staff_id, `+p.table+`_id)
				SELECT $1, id FROM `+p.table+` WHERE id = $2`, f.ID, id)
			if err != nil {
				return fmt.Errorf("set her %s: %w", p.field, err)
			}
			if n == 0 {
				return db.Invalid{Field: p.field, Code: "unknown"}
			}
		}
	}
	return nil
}

// notLastAdmin refuses to lose the last active administrator: nobody could name another.
func notLastAdmin(tx *db.Tx, p Person, field string) error {
	if p.Role != Admin || !p.LeftAt.IsZero() {
		return nil
	}
	var others int
	err := tx.QueryRow(`SELECT COUNT(*) FROM staff WHERE role = $1 AND left_at IS NULL AND id <> $2`, string(Admin), p.ID).Scan(&others)
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if others == 0 {
		return db.Invalid{Field: field, Code: "last_admin"}
	}
	return nil
}

// EndStaff notes that a person left: her sessions and her password end at once. Her name
// stays with what she wrote. API tokens she made stay too: they are the group's.
func EndStaff(tx *db.Tx, v Viewer, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	if err := hold(tx); err != nil {
		return err
	}
	p, err := GetStaff(tx, id)
	if err != nil || !p.LeftAt.IsZero() {
		return err
	}
	if err := notLastAdmin(tx, p, "staff"); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE staff SET left_at = $2, password_hash = '', must_change = FALSE, password_until = NULL WHERE id = $1`, id, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("end staff: %w", err)
	}
	if err := endSessions(tx, id, ""); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM passkey WHERE staff_id = $1`, id); err != nil {
		return fmt.Errorf("end her passkeys: %w", err)
	}
	if p.Role == Admin {
		if err := KeepWayIn(tx, "staff"); err != nil {
			return err
		}
	}
	note(tx, v, "staff_ended", id, "")
	return nil
}

// ReturnStaff notes that a person who left is back. She needs a new password.
func ReturnStaff(tx *db.Tx, v Viewer, id string) error {
	if !v.May(ManageGroup) {
		return ErrForbidden
	}
	if err := one(tx.Exec(`UPDATE staff SET left_at = NULL, leaves_at = NULL WHERE id = $1`, id)); err != nil {
		return fmt.Errorf("return staff: %w", err)
	}
	note(tx, v, "staff_returned", id, "")
	return nil
}
