package staff

import (
	"fmt"
	"slices"

	"dingdong/internal/db"
)

// Languages lists the languages a person can choose.
func Languages() []string { return []string{"en", "zh-TW", "zh-CN", "ar", "id", "ms", "th", "vi"} }

// Themes lists the themes a person can choose; "" follows her device.
func Themes() []string { return []string{"", "light", "dark"} }

// SetLanguage sets the language the viewer reads.
func SetLanguage(tx *db.Tx, v Viewer, language string) error {
	if !slices.Contains(Languages(), language) {
		return db.Invalid{Field: "language", Code: "unknown"}
	}
	return prefer(tx, `UPDATE staff SET language = $2 WHERE id = $1`, v, language)
}

// SetTheme sets light, dark, or whatever the viewer's device says.
func SetTheme(tx *db.Tx, v Viewer, theme string) error {
	if !slices.Contains(Themes(), theme) {
		return db.Invalid{Field: "theme", Code: "unknown"}
	}
	return prefer(tx, `UPDATE staff SET theme = $2 WHERE id = $1`, v, theme)
}

// SetSound sets whether the viewer's page dings.
func SetSound(tx *db.Tx, v Viewer, on bool) error {
	return prefer(tx, `UPDATE staff SET sound = $2 WHERE id = $1`, v, on)
}

// prefer saves a taste of the viewer's. That is nobody else's business: it is not audited.
func prefer(tx *db.Tx, q string, v Viewer, value any) error {
	if err := one(tx.Exec(q, v.ID, value)); err != nil {
		return fmt.Errorf("save preference: %w", err)
	}
	return nil
}
