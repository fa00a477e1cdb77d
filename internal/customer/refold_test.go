package customer

import (
	"fmt"
	"slices"
	"testing"

	"dingdong/internal/db"
)

// candidates are the people whom a search of the index comes to.
func (s *shop) candidates(query string) (found []string) {
	s.t.Helper()
	hashes, need := s.QueryHashes(query)
	args := []any{need}
	for _, h := range hashes {
		args = append(args, h)
	}
	s.read(func(tx *db.Tx) (err error) {
		found, err = texts(tx, `SELECT customer_id FROM customer_gram WHERE hash IN (`+db.Marks(len(hashes), 2)+`) GROUP BY customer_id HAVING COUNT(*) >= $1 ORDER BY 1`, args...)
		return err
	})
	return found
}

// grew makes the index of some people as the program once did, and tells of it as if
// nothing had been indexed since.
func (s *shop) grew(names map[string]string) {
	s.t.Helper()
	s.write(func(tx *db.Tx) error {
		for id, name := range names {
			if err := s.Rename(tx, id, name); err != nil {
				return err
			}
			if _, err := tx.Exec(`DELETE FROM customer_gram WHERE customer_id = $1`, id); err != nil {
				return err
			}
			for _, g := range grams(Fold(name), false) {
				if _, err := tx.Exec(`INSERT INTO customer_gram (hash, customer_id) VALUES ($1, $2)`, s.gramHash(g), id); err != nil {
					return err
				}
			}
		}
		_, err := tx.Exec(`DELETE FROM setting WHERE name = $1`, settingRefold)
		return err
	})
}

// refolds runs one piece, as the job does.
func (s *shop) refolds() (more bool) {
	s.t.Helper()
	s.write(func(tx *db.Tx) (err error) {
		more, err = s.Refold(tx)
		return err
	})
	return more
}

func TestOldNamesAreFoundAfterAnUpgrade(t *testing.T) {
	eachShop(t, func(s *shop) {
		all := map[string]string{s.lin: "劉曉雲", s.wang: "張護士"}
		s.write(func(tx *db.Tx) error {
			for i := range 2*refoldAtOnce + 3 {
				all[s.customer(tx, fmt.Sprint("U-", i))] = fmt.Sprintf("髮%d", i)
			}
			return nil
		})
		s.grew(all)
		folded := []string{"刘晓云", "张护士", "发"}
		for _, query := range folded {
			if got := s.candidates(query); len(got) != 0 {
				t.Fatalf("%s is found already: %v", query, got)
			}
		}
		// It goes on where it stopped; a piece that is rolled back was not done.
		if !s.refolds() {
			t.Fatal("one piece is all")
		}
		first := len(s.candidates("发")) + len(s.candidates("刘晓云")) + len(s.candidates("张护士"))
		if first != refoldAtOnce {
			t.Errorf("a piece is %d people, not %d", first, refoldAtOnce)
		}
		failed := fmt.Errorf("the machine is switched off")
		if err := s.try(func(tx *db.Tx) error {
			if _, err := s.Refold(tx); err != nil {
				return err
			}
			return failed
		}); err != failed {
			t.Fatal(err)
		}
		pieces := 1
		for s.refolds() {
			pieces++
		}
		if pieces != 2 {
			t.Errorf("the rest took %d pieces more", pieces)
		}
		for query, want := range map[string][]string{"刘晓云": {s.lin}, "劉曉雲": {s.lin}, "张护": {s.wang}} {
			if got := s.candidates(query); !slices.Equal(got, want) {
				t.Errorf("%s finds %v, not %v", query, got, want)
			}
		}
		if got := s.candidates("发"); len(got) != 2*refoldAtOnce+3 {
			t.Errorf("%d of all are found", len(got))
		}

		// Once is enough: nothing is done again, and nothing changes.
		s.read(func(tx *db.Tx) error {
			old, err := NamesAreOld(tx)
			if old {
				t.Error("it would begin again at the next start")
			}
			return err
		})
		s.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM customer_gram WHERE customer_id = $1`, s.lin)
			return err
		})
		if s.refolds() || len(s.candidates("刘晓云")) != 0 {
			t.Error("it was done again")
		}
		// A version that folds otherwise begins anew.
		s.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE setting SET value = '{"version":0,"done":true}' WHERE name = $1`, settingRefold)
			return err
		})
		for s.refolds() {
		}
		if got := s.candidates("刘晓云"); !slices.Equal(got, []string{s.lin}) {
			t.Errorf("after the next upgrade: %v", got)
		}
	})
}

func TestRefoldOfPeopleWhoChange(t *testing.T) {
	eachShop(t, func(s *shop) {
		var gone string
		s.write(func(tx *db.Tx) error { gone = s.customer(tx, "U-gone"); return nil })
		s.grew(map[string]string{s.lin: "劉曉雲", s.wang: "張護士", gone: "髮"})
		s.merge(s.lin, s.wang) // her names are found by the person
		s.write(func(tx *db.Tx) error { return s.Vault.DropKey(tx, gone) })
		for s.refolds() {
		}
		if got := s.candidates("张护士"); !slices.Equal(got, []string{s.lin}) {
			t.Errorf("a merged one is found as %v", got)
		}
		if got := s.candidates("发"); len(got) != 0 {
			t.Errorf("whose key is gone is found as %v", got)
		}
		s.write(func(tx *db.Tx) error { return s.Rename(tx, s.lin, "陳") })
		if got := s.candidates("刘晓云"); len(got) != 0 {
			t.Errorf("renamed, she is still found: %v", got)
		}
	})
}

// A house without customers, and one that is new, has nothing to do and says so.
func TestNothingToRefold(t *testing.T) {
	eachShop(t, func(s *shop) {
		if s.refolds() {
			t.Error("there is more of nothing")
		}
		s.read(func(tx *db.Tx) error {
			old, err := NamesAreOld(tx)
			if old {
				t.Error("it does not end")
			}
			return err
		})
	})
}
