package consent

import (
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"dingdong/internal/db"
)

//go:embed text/*.json
var textFiles embed.FS

// shippedNames are the purposes of the first day, in their order.
func shippedNames() []string { return []string{Service, Marketing, Profiling, Sharing, TryOn} }

// byShipped is who wrote what came with the product.
const byShipped = "system"

// shippedTexts are the texts of the product, by purpose and language.
var shippedTexts = sync.OnceValues(func() (map[string]map[string]Text, error) {
	out := map[string]map[string]Text{}
	for _, name := range shippedNames() {
		out[name] = map[string]Text{}
	}
	for _, language := range Languages() {
		raw, err := textFiles.ReadFile("text/" + language + ".json")
		if err != nil {
			return nil, err
		}
		var texts map[string]Text
		if err := json.Unmarshal(raw, &texts); err != nil {
			return nil, fmt.Errorf("texts of purposes in %s: %w", language, err)
		}
		for name, t := range texts {
			if out[name] == nil {
				return nil, fmt.Errorf("texts of purposes in %s: %q is no purpose", language, name)
			}
			out[name][language] = t
		}
	}
	return out, nil
})

// Shipped says whether the words of a purpose in a language are those that came with the
// product: only of them it is known what they come to in short.
func (p Purpose) Shipped(language string) bool {
	texts, err := shippedTexts()
	if err != nil {
		return false
	}
	shipped, ok := texts[p.Name][language]
	return ok && p.Texts[language] == shipped
}

// EnsureShipped makes the purposes of the first day that there are not yet. What
// the group changed stays as it is. It runs at every start, on every node.
func (r *Room) EnsureShipped(tx *db.Tx) error {
	rows, err := tx.Query(`SELECT name FROM purpose`)
	there, err := db.Collect(rows, err, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) })
	if err != nil {
		return fmt.Errorf("shipped purposes: %w", err)
	}
	for i, name := range shippedNames() {
		if slices.Contains(there, name) {
			continue
		}
		texts, err := shippedTexts()
		if err != nil {
			return err
		}
		p := Purpose{Name: name, NeedsGrant: name != Service, Position: 10 * (i + 1), Version: 1, FromVersion: 1, Texts: texts[name]}
		added, err := tx.Exec(`INSERT INTO purpose (name, needs_grant, position, version) VALUES ($1, $2, $3, 1) ON CONFLICT (name) DO NOTHING`,
			p.Name, p.NeedsGrant, int64(p.Position))
		if err != nil {
			return fmt.Errorf("shipped purposes: %w", err)
		}
		if added == 0 { // another node is as quick
			continue
		}
		if err := keepVersion(tx, newVersion{Purpose: p, by: byShipped}); err != nil {
			return err
		}
	}
	return nil
}
