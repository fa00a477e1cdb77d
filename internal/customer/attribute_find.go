package customer

import (
	"errors"
	"fmt"
	"slices"

	"dingdong/internal/db"
)

// Find asks who has something.
type Find struct {
	Name  string // of the attribute or tag
	Value string // of the attribute
	After string // the Next of the page before
	Limit int    // 0: 100, at most 500
}

// Found is a piece of an answer.
type Found struct {
	Persons []string // whose cards show it
	Next    string   // "": there is no more
}

func (f Find) limit() int {
	if f.Limit <= 0 {
		return 100
	}
	return min(f.Limit, maxPage)
}

// FindByAttribute returns whose attribute has a value now; somebody of several
// records may come on two pages. A value that the attribute cannot have is nobody's. Who may see which of them is the caller's
// to check, and whether the viewer sees the attribute's brand.
func (b *Book) FindByAttribute(tx *db.Tx, f Find) (Found, error) {
	d, err := b.openDef(tx, f.Name)
	if err != nil {
		return Found{}, err
	}
	value, err := d.normal(f.Value, tx.Now)
	if err != nil {
		var invalid db.Invalid
		if errors.As(err, &invalid) {
			return Found{}, nil
		}
		return Found{}, err
	}
	hash := b.attributeHash(d, value)
	ids, err := texts(tx, `SELECT DISTINCT customer_id FROM attribute WHERE hash = $1 AND ended_at IS NULL AND customer_id > $2
		ORDER BY customer_id LIMIT $3`, hash, db.CleanText(f.After), f.limit()+1)
	if err != nil {
		return Found{}, fmt.Errorf("find by attribute: %w", err)
	}
	found := Found{}
	if len(ids) > f.limit() {
		ids = ids[:f.limit()]
		found.Next = ids[len(ids)-1]
	}
	standing, err := b.standingOf(tx, ids, d)
	if err != nil {
		return Found{}, err
	}
	for _, a := range standing {
		if a.hash != hash {
			continue
		}
		if d.Type == TypeBirthday && len(value) > len("MM-DD") { // the hash does not cover the year
			if a.Value, err = b.openText(tx, a.CustomerID, labelValue, a.value); err != nil {
				return Found{}, err
			}
			if a.Value != value {
				continue
			}
		}
		found.Persons = append(found.Persons, a.person)
	}
	slices.Sort(found.Persons)
	return found, nil
}

// standingOf reads what counts of one attribute for the persons that some
// customers are: a record that was merged may have been overruled by another.
func (b *Book) standingOf(tx *db.Tx, customerIDs []string, d AttributeDef) ([]sealedAttribute, error) {
	records, err := b.wholePersons(tx, customerIDs)
	if err != nil {
		return nil, err
	}
	return b.standing(tx, records, ` AND x.def_id = $1`, d.ID)
}
