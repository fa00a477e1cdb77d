package alarm

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Settings are the bounds, by rule and role: from so many on an alarm is raised; 0 watches
// nothing. staff.Program stands for API tokens.
type Settings struct {
	Bounds map[Rule]map[staff.Role]int `json:"bounds"`
	// Open and Shut bound the hours in which looking is nobody's concern, on the clock of
	// the viewer's counter: "07:00", "23:30". Equal ones watch no hours.
	Open string `json:"open"`
	Shut string `json:"shut"`
	// So many days before somebody leaves, only so many percent of each bound are left.
	LeavingDays    int `json:"leaving_days"`
	LeavingPercent int `json:"leaving_percent"`
}

const (
	setting  = "alarm"
	maxBound = 1_000_000
	maxDays  = 366
)

// Watched lists who is watched, in the order in which a page shows it.
func Watched() []staff.Role { return append(staff.Roles(), staff.Program) }

// Defaults are sane bounds for a counter where an advisor speaks with some sixty customers
// a day and a till's program reads them all.
func Defaults() Settings {
	bounds := func(advisor, manager, marketing, privacy, admin, program int) map[staff.Role]int {
		return map[staff.Role]int{staff.Advisor: advisor, staff.Manager: manager, staff.Marketing: marketing, staff.Privacy: privacy,
			staff.Admin: admin, staff.Program: program}
	}
	return Settings{Bounds: map[Rule]map[staff.Role]int{
		Opened:   bounds(60, 120, 20, 100, 30, 5000),
		Listed:   bounds(400, 800, 200, 800, 300, 0),
		Searches: bounds(60, 80, 40, 120, 40, 2000),
		Reveals:  bounds(10, 15, 5, 20, 5, 1000),
		Others:   bounds(25, 0, 0, 0, 0, 0),
		OffDuty:  bounds(5, 5, 5, 10, 10, 0),
		Exports:  bounds(3, 3, 3, 6, 3, 0),
		Denied:   bounds(1, 1, 1, 1, 1, 0),
		Day:      bounds(250, 500, 80, 400, 100, 50_000),
	}, Open: "07:00", Shut: "23:30", LeavingDays: 14, LeavingPercent: 30}
}

// Load gives the settings in force.
func Load(tx *db.Tx) (Settings, error) {
	s := Defaults()
	var value string
	err := tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, setting).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("load alarm settings: %w", err)
	}
	var kept Settings
	if err := json.Unmarshal([]byte(value), &kept); err != nil {
		return s, fmt.Errorf("read alarm settings: %w", err)
	}
	for rule, roles := range kept.Bounds { // what a newer version watches keeps its default
		if s.Bounds[rule] != nil {
			maps.Copy(s.Bounds[rule], roles)
		}
	}
	s.Open, s.Shut, s.LeavingDays, s.LeavingPercent = kept.Open, kept.Shut, kept.LeavingDays, kept.LeavingPercent
	return s, nil
}

// Save keeps settings. Who is watched closest does not choose how close: only an
// administrator may.
func Save(tx *db.Tx, v staff.Viewer, s Settings) error {
	if !v.May(staff.ManageGroup) {
		return staff.ErrForbidden
	}
	if err := s.check(); err != nil {
		return err
	}
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, setting, string(value))
	if err != nil {
		return fmt.Errorf("save alarm settings: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "alarm.settings", Detail: string(value)})
	return nil
}

func (s Settings) check() error {
	for _, rule := range Rules() {
		for role, n := range s.Bounds[rule] {
			if n < 0 || n > maxBound {
				return db.Invalid{Field: "bound." + string(rule) + "." + string(role), Code: "range"}
			}
		}
	}
	for field, at := range map[string]string{"open": s.Open, "shut": s.Shut} {
		if _, err := time.Parse("15:04", at); err != nil {
			return db.Invalid{Field: field, Code: "time"}
		}
	}
	if s.LeavingDays < 0 || s.LeavingDays > maxDays {
		return db.Invalid{Field: "leaving_days", Code: "range"}
	}
	if s.LeavingPercent < 1 || s.LeavingPercent > 100 {
		return db.Invalid{Field: "leaving_percent", Code: "range"}
	}
	return nil
}

// bound is from how many on a rule raises an alarm; 0: never.
func (s Settings) bound(rule Rule, role staff.Role, leaving bool) int {
	n := s.Bounds[rule][role]
	if leaving && n > 0 {
		n = max(1, n*s.LeavingPercent/100)
	}
	return n
}

// leaving tells whether somebody's last days have begun.
func (s Settings) leaving(p staff.Person, now time.Time) bool {
	return !p.LeavesAt.IsZero() && !now.Before(p.LeavesAt.AddDate(0, 0, -s.LeavingDays))
}

// night tells whether a time lies outside the hours of the day.
func (s Settings) night(at time.Time) bool {
	clock := at.Format("15:04")
	switch {
	case s.Open == s.Shut:
		return false
	case s.Open < s.Shut:
		return clock < s.Open || clock >= s.Shut
	}
	return clock >= s.Shut && clock < s.Open // a house that closes after midnight
}
