package export

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Settings are the rules of exports.
type Settings struct {
	SecondAbove int `json:"second_above"` // rows, above which a second person has to agree
	Hours       int `json:"hours"`        // a file can be fetched
}

const setting = "export"

// Defaults are sane rules.
func Defaults() Settings { return Settings{SecondAbove: 200, Hours: 24} }

// Load gives the rules in force.
func Load(tx *db.Tx) (Settings, error) {
	s := Defaults()
	var value string
	err := tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, setting).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(value), &s)
	}
	if err != nil {
		return s, fmt.Errorf("load rules of exports: %w", err)
	}
	return s, nil
}

// Save keeps rules.
func Save(tx *db.Tx, v staff.Viewer, s Settings) error {
	switch {
	case !v.May(staff.ManageGroup):
		return staff.ErrForbidden
	case s.SecondAbove < 0 || s.SecondAbove > maxRows:
		return db.Invalid{Field: "second_above", Code: "range"}
	case s.Hours < 1 || s.Hours > 7*24:
		return db.Invalid{Field: "hours", Code: "range"}
	}
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, setting, string(value))
	if err != nil {
		return fmt.Errorf("save rules of exports: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "export.settings", Detail: string(value)})
	return nil
}
