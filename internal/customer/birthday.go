package customer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
)

// AttributeBirthday is the name of the attribute that holds her birthday.
const AttributeBirthday = "birthday"

// Birthdays asks who has her birthday on some days. The days are those of a
// place: in Taipei it is the 2nd while it is still the 1st in London.
type Birthdays struct {
	From, To time.Time // the days on which these moments lie, both included; at most 62
	Zone     *time.Location
	Sight    Sight    // who sees no brand that the attribute belongs to is told of nobody
	Records  []string // of whom; nil: of everybody, a page at a time
	After    string   // with nil Records: the Next of the page before
	Limit    int      // with nil Records: 0: 100, at most 500
}

// Birthday is a birthday that is celebrated.
type Birthday struct {
	PersonID string
	Value    string    // "1990-03-08", or "03-08" when the year is not known
	On       time.Time // the day, at midnight in the zone
	Turns    int       // how old she becomes; 0: not known
}

// maxBirthdays bounds the days that one question spans.
const maxBirthdays = 62

// BirthdaysBetween returns who has her birthday on the days between two moments,
// by day, and where the next page of everybody begins. Who was born on
// 29 February celebrates on the 28th when the year has no 29th.
func (b *Book) BirthdaysBetween(tx *db.Tx, q Birthdays) (list []Birthday, next string, err error) {
	d, err := b.openDef(tx, AttributeBirthday)
	if err != nil {
		var invalid db.Invalid
		if errors.As(err, &invalid) { // the group does not keep birthdays
			return nil, "", nil
		}
		return nil, "", err
	}
	if d.Type != TypeBirthday || !q.Sight.Brand(d.BrandID) {
		return nil, "", nil
	}
	days, err := q.days()
	if err != nil || len(days) == 0 {
		return nil, "", err
	}
	records := q.Records
	if records == nil {
		if records, next, err = b.bornOn(tx, d, q, days); err != nil {
			return nil, "", err
		}
	}
	standing, err := b.standingOf(tx, records, d)
	if err != nil {
		return nil, "", err
	}
	for _, a := range standing {
		value, err := b.openText(tx, a.CustomerID, labelValue, a.value)
		if err != nil {
			return nil, "", err
		}
		if value == "" {
			continue
		}
		year, monthDay := splitBirthday(value)
		for _, on := range days[monthDay] {
			birthday := Birthday{PersonID: a.person, Value: value, On: on}
			if year > 0 {
				birthday.Turns = on.Year() - year
			}
			list = append(list, birthday)
		}
	}
	slices.SortFunc(list, func(x, y Birthday) int {
		if c := x.On.Compare(y.On); c != 0 {
			return c
		}
		return strings.Compare(x.PersonID, y.PersonID)
	})
	return list, next, nil
}

// days maps "MM-DD" to the days on which it is celebrated.
func (q Birthdays) days() (map[string][]time.Time, error) {
	zone := q.Zone
	if zone == nil {
		zone = time.UTC
	}
	from, to := midday(q.From.In(zone)), midday(q.To.In(zone))
	days := map[string][]time.Time{}
	for n, at := 0, from; !at.After(to); n, at = n+1, at.AddDate(0, 0, 1) {
		if n == maxBirthdays {
			return nil, db.Invalid{Field: "to", Code: "too_large"}
		}
		on := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone)
		name := at.Format("01-02")
		days[name] = append(days[name], on)
		if name == "02-28" && at.AddDate(0, 0, 1).Month() == time.March {
			days["02-29"] = append(days["02-29"], on)
		}
	}
	return days, nil
}

// midday counts days where no change of the clocks can skip or repeat one.
func midday(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, time.UTC)
}

// bornOn finds, by the look-up hash of month and day, records that may have a
// birthday on some days.
func (b *Book) bornOn(tx *db.Tx, d AttributeDef, q Birthdays, days map[string][]time.Time) (ids []string, next string, err error) {
	hashes := make([]string, 0, len(days))
	for monthDay := range days {
		hashes = append(hashes, b.attributeHash(d, monthDay))
	}
	slices.Sort(hashes)
	limit := Find{Limit: q.Limit}.limit()
	marks, args := db.In(hashes, 3)
	ids, err = texts(tx, `SELECT DISTINCT customer_id FROM attribute WHERE hash IN (`+marks+`) AND ended_at IS NULL AND customer_id > $1
		ORDER BY customer_id LIMIT $2`, append([]any{db.CleanText(q.After), limit + 1}, args...)...)
	if err != nil {
		return nil, "", fmt.Errorf("birthdays: %w", err)
	}
	if len(ids) > limit {
		ids = ids[:limit]
		next = ids[len(ids)-1]
	}
	return ids, next, nil
}

// splitBirthday gives the year, 0 when it is not known, and "MM-DD".
func splitBirthday(value string) (int, string) {
	if len(value) == len("MM-DD") {
		return 0, value
	}
	t, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return 0, ""
	}
	return t.Year(), t.Format("01-02")
}
