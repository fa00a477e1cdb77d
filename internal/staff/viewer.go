package staff

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/db"
)

// Viewer is who looks, and what she may see. It is a value to hand around; nothing in it
// changes after it was made, so a long-lived stream has to load it again now and then.
// The zero Viewer sees nothing and may nothing.
type Viewer struct {
	ID          string
	Name        string
	Email       string
	Role        Role
	Language    string // "": whatever her browser asks for
	Theme       string
	Sound       bool
	Session     string    // the id of her session, not its token
	MustChange  bool      // she has to prove herself better before anything else: choose a password, add a passkey
	TouchDue    bool      // the session was last seen a minute ago or more: call Touch
	RenewDue    bool      // her rights changed: call Renew
	MustPasskey bool      // what she has to do before anything else is to add a passkey
	ProvenAt    time.Time // when she last proved who she is, in this session
	Way         Way       // how she proved it
	Leaving     bool      // an advisor with a leaving date: she sees only what she still has to do

	known  whence
	all    bool
	sees   *[]string // sorted ids of counters
	scopes *[]string // of a machine
}

// System is the product itself, and whoever has its command line.
func System() Viewer { return Viewer{ID: "system", Name: "system", Role: house, all: true} }

// Machine is a program that speaks through the API, or an automation of ours. It sees
// every counter, and may write only what its scopes name.
func Machine(name string, scopes ...string) Viewer {
	return Viewer{ID: "machine/" + name, Name: name, Role: machine, all: true, scopes: &scopes}
}

// Sees says whether the viewer may see threads of the counter.
func (v Viewer) Sees(counterID string) bool {
	if v.MustChange || counterID == "" {
		return false
	}
	if v.all {
		return true
	}
	if v.sees == nil {
		return false
	}
	_, found := slices.BinarySearch(*v.sees, counterID)
	return found
}

// SeesAll says that no counter is hidden from the viewer, so a query needs no filter.
// System and Machine have no list of counters: ask this before using Counters.
func (v Viewer) SeesAll() bool { return v.all && !v.MustChange }

// Counters lists the counters the viewer sees, closed ones included, in the order of
// their ids. The list belongs to the caller.
func (v Viewer) Counters() []string {
	if v.MustChange || v.sees == nil {
		return nil
	}
	return slices.Clone(*v.sees)
}

// Answers says whether the viewer may write to customers at all: her role chats, and
// there is a counter she stands at.
func (v Viewer) Answers() bool {
	return v.May(Chat) && (v.all || v.sees != nil && len(*v.sees) > 0)
}

// AnswersAt says whether the viewer may write to customers of this counter.
func (v Viewer) AnswersAt(counterID string) bool { return v.May(Chat) && v.Sees(counterID) }

// ViewerBySession finds who holds the session token. It runs at every request: two
// queries, both by index. ErrSignedOut when the session is unknown, ended or expired.
func ViewerBySession(tx *db.Tx, token string) (Viewer, error) {
	var v Viewer
	if len(token) != sessionTokenLength {
		return v, ErrSignedOut
	}
	var seen, proven, created int64
	var hasPasskey bool
	var rules *string
	err := tx.QueryRow(`
		SELECT e.id, e.created_at, e.seen_at, e.proven_at, e.way, e.renew, e.user_agent, e.networks,
			s.id, s.name, s.email, s.role, s.language, s.theme, s.sound, s.must_change,
			s.leaves_at IS NOT NULL AND s.role = 'advisor',
			EXISTS (SELECT 1 FROM passkey p WHERE p.staff_id = s.id AND p.cloned_at IS NULL),
			(SELECT value FROM setting WHERE name = $3)
		FROM session e JOIN staff s ON s.id = e.staff_id
		WHERE (e.token_hash = $1 OR e.old_hash = $1 AND e.old_hash <> '' AND e.renewed_at > $4) AND e.expires_at > $2 AND s.left_at IS NULL`,
		fingerprint(token), db.Micro(tx.Now), rulesSetting, db.Micro(tx.Now.Add(-oldTokenLasts))).
		Scan(&v.Session, &created, &seen, &proven, &v.Way, &v.RenewDue, &v.known.agent, &v.known.networks,
			&v.ID, &v.Name, &v.Email, &v.Role, &v.Language, &v.Theme, &v.Sound, &v.MustChange, &v.Leaving, &hasPasskey, &rules)
	if errors.Is(err, sql.ErrNoRows) {
		return Viewer{}, ErrSignedOut
	}
	if err != nil {
		return Viewer{}, fmt.Errorf("load session: %w", err)
	}
	r, err := parseRules(rules)
	if err != nil {
		return Viewer{}, err
	}
	if !tx.Now.Before(db.Time(seen).Add(r.idle())) || !tx.Now.Before(db.Time(created).Add(r.lasts())) {
		return Viewer{}, ErrSignedOut
	}
	v.TouchDue = !tx.Now.Before(db.Time(seen).Add(touchEvery))
	v.ProvenAt, v.known.moves = db.Time(proven), r.Moves
	if !hasPasskey {
		// The provider looks at whoever comes through it by its own rules. Whoever was
		// given a password first chooses her own, where passwords are any use.
		wanted := r.passkey(v.Role) && (v.Way == ByPassword || v.Way == ByPasskey)
		v.MustPasskey = v.MustChange && r.NoPasswords || !v.MustChange && wanted
	}
	v.MustChange = v.MustChange || v.MustPasskey
	return withSight(tx, v)
}

// ViewerByID loads an active person as a viewer without a session, for work that is done
// in her name.
func ViewerByID(tx *db.Tx, staffID string) (Viewer, error) {
	var v Viewer
	err := tx.QueryRow(`
		SELECT id, name, email, role, language, theme, sound, must_change, leaves_at IS NOT NULL AND role = 'advisor'
		FROM staff WHERE id = $1 AND left_at IS NULL`, staffID).
		Scan(&v.ID, &v.Name, &v.Email, &v.Role, &v.Language, &v.Theme, &v.Sound, &v.MustChange, &v.Leaving)
	if err != nil {
		return Viewer{}, fmt.Errorf("load viewer: %w", db.NotFound(err))
	}
	return withSight(tx, v)
}

// withSight loads the counters the viewer sees: those she is a member of; a manager also
// those of her stores; a privacy officer all.
func withSight(tx *db.Tx, v Viewer) (Viewer, error) {
	q, args := `SELECT counter_id FROM staff_counter WHERE staff_id = $1 ORDER BY counter_id`, []any{v.ID}
	switch v.Role {
	case Manager:
		q = `SELECT counter_id FROM staff_counter WHERE staff_id = $1
			UNION
			SELECT c.id FROM staff_store s JOIN counter c ON c.store_id = s.store_id WHERE s.staff_id = $1
			ORDER BY 1`
	case Privacy:
		q, args = `SELECT id FROM counter ORDER BY id`, nil
		v.all = true
	}
	ids, err := texts(tx, q, args...)
	if err != nil {
		return Viewer{}, fmt.Errorf("load counters she sees: %w", err)
	}
	// The engines sort text by their own rules; binary search needs Go's.
	slices.Sort(ids)
	v.sees = &ids
	return v, nil
}

// texts runs a query of one text column.
func texts(tx *db.Tx, q string, args ...any) ([]string, error) {
	rows, err := tx.Query(q, args...)
	return db.Collect(rows, err, func(r *sql.Rows) (string, error) {
		var s string
		err := r.Scan(&s)
		return s, err
	})
}

// touchEvery is how exactly it is known when a session was last in use.
const touchEvery = time.Minute

// Near says whether somebody stands, or stood until she left, at a counter that a viewer
// sees.
func Near(tx *db.Tx, v Viewer, staffID string) (bool, error) {
	counters, err := texts(tx, `SELECT counter_id FROM staff_counter WHERE staff_id = $1
		UNION SELECT c.id FROM staff_store m JOIN counter c ON c.store_id = m.store_id WHERE m.staff_id = $1`, staffID)
	if err != nil {
		return false, fmt.Errorf("where somebody stands: %w", err)
	}
	return slices.ContainsFunc(counters, v.Sees), nil
}
