package customer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"dingdong/internal/db"
)

// Names are sealed, so they are found by keyed hashes of their letters and of
// each two neighbouring letters: that finds "怡君" inside "林怡君" and "wong"
// inside "Amelia Wong" without a word list. The hashes tell somebody who steals
// the database how often a pair of letters occurs, not which pair it is.

// Accent says of a decomposed letter's mark that a search does without it: accents
// and Arabic vowels. The vowels of Thai and of Indic scripts are letters.
func Accent(r rune) bool { return unicode.Is(unicode.Mn, r) && unicode.Is(unicode.Inherited, r) }

// Fold makes spellings of a name equal: width, case, marks, and how much space is
// between words. Chinese characters and ASCII are told apart first, because search
// folds many thousand messages while somebody waits.
func Fold(s string) string { return foldWith(s, nil) }

func foldWith(s string, script *[lastHan - firstHan + 1]uint16) string {
	var out strings.Builder
	out.Grow(len(s))
	space := false
	if !isPlain(s) {
		s = norm.NFKD.String(s)
	}
	for _, r := range s {
		switch {
		case firstHan <= r && r <= lastHan:
			if script != nil {
				r = rune(script[r-firstHan])
			}
		case unicode.IsSpace(r):
			space = true
			continue
		case r < 0x80:
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
		case Accent(r):
			continue
		default:
			r = unicode.ToLower(r)
		}
		if space && out.Len() > 0 {
			out.WriteByte(' ')
		}
		space = false
		out.WriteRune(r)
	}
	return out.String()
}

// isPlain tells that a text has only letters which normalising leaves alone.
func isPlain(s string) bool {
	for _, r := range s {
		if r >= 0x80 && (r < firstHan || r > lastHan) {
			return false
		}
	}
	return true
}

// grams lists the letters and letter pairs inside the words of a folded name.
func grams(folded string, pairsOnly bool) []string {
	var out []string
	for word := range strings.FieldsSeq(folded) {
		letters := []rune(word)
		for i, r := range letters {
			if !pairsOnly || len(letters) == 1 {
				out = append(out, string(r))
			}
			if i > 0 {
				out = append(out, string(letters[i-1:i+1]))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxQuery keeps a pasted essay from becoming a thousand hashes.
const maxQuery = 40

// QueryHashes are what a search looks for in the index of names, and how many of them
// somebody must have at least; none for an empty query. Those are candidates: check them
// with Matches on the opened names. Names were once indexed as they are written, until
// Refold has come to them: so the letters as typed are looked for beside those of SearchFold.
func (b *Book) QueryHashes(query string) (hashes []string, need int) {
	for i, fold := range []func(string) string{SearchFold, Fold} {
		letters := []rune(fold(query))
		for _, g := range grams(string(letters[:min(len(letters), maxQuery)]), true) {
			hashes = append(hashes, b.gramHash(g))
		}
		if i == 0 {
			need = len(hashes)
		}
	}
	slices.Sort(hashes)
	return slices.Compact(hashes), need
}

// Matches tells whether every word of the query occurs in the name.
func Matches(name, query string) bool {
	folded := SearchFold(name)
	for word := range strings.FieldsSeq(SearchFold(query)) {
		if !strings.Contains(folded, word) {
			return false
		}
	}
	return true
}

// 64 bits are plenty to tell letter pairs apart and keep the index small.
func (b *Book) gramHash(gram string) string { return b.Vault.Hash(hashGram, gram)[:16] }

// index writes the hashes of all names that a customer's person goes by, on
// whichever record: a search finds the person whose card shows her.
func (b *Book) index(tx *db.Tx, customerID string) error {
	customerID, err := b.Person(tx, customerID)
	if err != nil {
		return err
	}
	records, err := b.Records(tx, customerID)
	if err != nil {
		return err
	}
	hashes, err := b.nameHashes(tx, records)
	if err != nil {
		return err
	}
	marks, args := db.In(records, 1)
	if _, err := tx.Exec(`DELETE FROM customer_gram WHERE customer_id IN (`+marks+`)`, args...); err != nil {
		return fmt.Errorf("name index: %w", err)
	}
	for _, h := range hashes {
		if _, err := tx.Exec(`INSERT INTO customer_gram (hash, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, h, customerID); err != nil {
			return fmt.Errorf("name index: %w", err)
		}
	}
	return nil
}

// nameHashes are what the index holds of a person's names, in order.
func (b *Book) nameHashes(tx *db.Tx, records []string) ([]string, error) {
	names, err := b.NamesOf(tx, records)
	if err != nil {
		return nil, err
	}
	out := grams(SearchFold(strings.Join(names, " ")), false)
	for i, g := range out {
		out[i] = b.gramHash(g)
	}
	slices.Sort(out)
	return out, nil
}

// NamesOf lists what some records are called, by the counter and by platforms.
func (b *Book) NamesOf(tx *db.Tx, records []string) ([]string, error) {
	var names []string
	for _, r := range records {
		c, err := b.Get(tx, r)
		if err != nil {
			return nil, err
		}
		identities, err := b.Identities(tx, r)
		if err != nil {
			return nil, err
		}
		if c.Name != "" {
			names = append(names, c.Name)
		}
		for _, i := range identities {
			if i.Name != "" {
				names = append(names, i.Name)
			}
		}
	}
	return names, nil
}
