package conversation

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// FindCustomer asks for customers by whatever is known of them.
type FindCustomer struct {
	Query string
	After string // the cursor a former piece ended with
	Limit int
	// What the words of the query mean in the viewer's language, as the page knows
	// it: tags, and values of attributes.
	Tags   []string
	Values []AttributeValue
}

// AttributeValue is a value of an attribute: skin_type=dry.
type AttributeValue struct{ Name, Value string }

// WhyFound says why a customer was found.
type WhyFound string

// Why a customer can be found, the surest first.
const (
	FoundByMember    WhyFound = "member"
	FoundByPhone     WhyFound = "phone"
	FoundByEmail     WhyFound = "email"
	FoundByTail      WhyFound = "tail" // the last four signs of a number
	FoundByName      WhyFound = "name"
	FoundByTag       WhyFound = "tag"
	FoundByAttribute WhyFound = "attribute"
)

// Why is one reason why a customer was found.
type Why struct {
	By    WhyFound
	Name  string // of the tag or attribute; of a name: the one that matched, when another is shown
	Value string // of the attribute
}

// Found is a customer that was found.
type Found struct {
	PersonID string
	Thread   Thread // her latest that the viewer sees; without an ID: she has none
	Name     string
	Why      []Why
}

const (
	findPersons = 20_000 // of a viewer, that tags and attributes are looked up for: the latest
	findNames   = 2_000  // candidates for a name
	findMeaning = 8      // tags and attributes that one query may mean
	findRecords = 250    // looked up by one statement
)

// FindCustomers returns customers the viewer may see by name, phone (the whole
// number in any notation, or its last four digits), mail address, member number,
// tag and attribute ("skin_type=dry"). The surest reason comes first, then who
// spoke last. Somebody of several records is one hit.
func (d *Desk) FindCustomers(tx *db.Tx, v staff.Viewer, f FindCustomer) (found []Found, next string, err error) {
	f.Query = strings.TrimSpace(db.CleanText(f.Query))
	if f.Query == "" || len(f.Query) > 8*maxFindLetters {
		return nil, "", nil
	}
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 20
	}
	counters, err := visible(tx, v)
	if err != nil || len(counters) == 0 && !v.SeesAll() {
		return nil, "", err
	}
	s := finding{desk: d, tx: tx, v: v, counters: counters, why: map[string][]Why{}, last: map[string]lastThread{}, home: map[string]bool{}}
	for _, find := range []func(FindCustomer) error{s.byContact, s.byName, s.byMeaning} {
		if err := find(f); err != nil {
			return nil, "", fmt.Errorf("find customers: %w", err)
		}
	}
	return s.piece(f)
}

// lastThread is the latest thread of a person that the viewer sees.
type lastThread struct {
	id string
	at int64
}

// finding gathers who was found and why.
type finding struct {
	desk     *Desk
	tx       *db.Tx
	v        staff.Viewer
	counters []string
	why      map[string][]Why // by person
	last     map[string]lastThread
	home     map[string]bool // who has no thread and was entered for one of the counters
}

func (s *finding) add(persons []string, why Why) {
	for _, p := range persons {
		if !slices.Contains(s.why[p], why) {
			s.why[p] = append(s.why[p], why)
		}
	}
}

// seen returns those persons of whom the viewer sees a thread, and learns which.
// Who sees every counter also sees people without one.
func (s *finding) seen(persons []string) ([]string, error) {
	var unknown []string
	for _, p := range persons {
		if _, ok := s.last[p]; !ok {
			unknown = append(unknown, p)
		}
	}
	for part := range slices.Chunk(unknown, findRecords) {
		if len(s.counters) == 0 {
			break
		}
		ids, args := db.In(part, 1)
		marks, more := db.In(s.counters, len(args)+1)
		// The planner must start at the persons, not at everybody of the counters: hence the ||.
		only, args := onlyHers(s.v, append(args, more...))
		rows, err := s.tx.Query(`SELECT t.customer_id, t.id, t.last_at FROM thread t WHERE t.customer_id IN (`+ids+`) AND t.kind = 'person'
			AND t.folded_id = '' AND (t.counter_id || '') IN (`+marks+`)`+only, args...)
		if err := s.learn(rows, err); err != nil {
			return nil, err
		}
	}
	if err := s.seenAtHome(unknown); err != nil {
		return nil, err
	}
	var out []string
	for _, p := range persons {
		if _, ok := s.last[p]; ok || s.home[p] || s.v.SeesAll() {
			out = append(out, p)
		}
	}
	return out, nil
}

// seenAtHome learns which of some persons without a thread were entered for a
// counter that the viewer sees.
func (s *finding) seenAtHome(persons []string) error {
	if s.v.Leaving {
		return nil
	}
	if s.v.SeesAll() {
		return nil
	}
	persons = slices.DeleteFunc(slices.Clone(persons), func(p string) bool { _, ok := s.last[p]; return ok || s.home[p] })
	for part := range slices.Chunk(persons, findRecords) {
		home, err := s.desk.Book.AtHomeAmong(s.tx, s.counters, part)
		if err == nil {
			home, err = neverMet(s.tx, s.counters, home)
		}
		if err != nil {
			return err
		}
		for _, p := range home {
			s.home[p] = true
		}
	}
	return nil
}

func (s *finding) learn(rows *sql.Rows, err error) error {
	type row struct {
		person string
		lastThread
	}
	list, err := db.Collect(rows, err, func(r *sql.Rows) (x row, err error) { return x, r.Scan(&x.person, &x.id, &x.at) })
	for _, x := range list {
		if old, ok := s.last[x.person]; !ok || old.at < x.at || old.at == x.at && old.id < x.id {
			s.last[x.person] = x.lastThread
		}
	}
	return err
}

func (s *finding) byContact(f FindCustomer) error {
	for _, kind := range []struct {
		kind customer.ContactKind
		why  WhyFound
	}{{customer.Member, FoundByMember}, {customer.Phone, FoundByPhone}, {customer.Email, FoundByEmail}} {
		records, err := s.desk.Book.FindByContact(s.tx, kind.kind, f.Query)
		if err == nil {
			err = s.addRecords(records, kind.why)
		}
		if err != nil {
			return err
		}
	}
	records, err := s.desk.Book.FindByTail(s.tx, customer.Fold(f.Query))
	if err != nil {
		return err
	}
	return s.addRecords(records, FoundByTail)
}

func (s *finding) addRecords(records []string, why WhyFound) error {
	persons, err := s.desk.Book.PersonsOf(s.tx, records)
	if err == nil {
		persons, err = s.seen(persons)
	}
	s.add(persons, Why{By: why})
	return err
}

// byName finds candidates by the letters of the query, in what the viewer sees,
// and opens their names to see whether they match.
func (s *finding) byName(f FindCustomer) error {
	hashes, need := s.desk.Book.QueryHashes(f.Query)
	if len(hashes) == 0 {
		return nil
	}
	args := make([]any, 0, len(hashes)+1)
	for _, h := range hashes {
		args = append(args, h)
	}
	candidates := `SELECT g.customer_id AS id FROM customer_gram g WHERE g.hash IN (` + db.Marks(len(hashes), 1) + `)
		GROUP BY g.customer_id HAVING COUNT(*) >= ` + strconv.Itoa(need)
	limit := ` ORDER BY 1 DESC LIMIT ` + strconv.Itoa(findNames)
	if !s.v.SeesAll() {
		marks, more := db.In(s.counters, len(args)+1)
		args = append(args, more...)
		candidates = `SELECT DISTINCT c.id FROM (` + candidates + `) c JOIN thread t ON t.customer_id = c.id
			WHERE t.kind = 'person' AND t.folded_id = '' AND (t.counter_id || '') IN (` + marks + `)
			UNION SELECT c.id FROM (` + candidates + `) c JOIN customer r ON r.id = c.id
			WHERE r.counter_id <> '' AND r.person_id = '' AND (r.counter_id || '') IN (` + marks + `)`
	}
	rows, err := s.tx.Query(candidates+limit, args...)
	persons, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err == nil {
		persons, err = s.seen(persons)
	}
	if err != nil {
		return err
	}
	for part := range slices.Chunk(persons, findRecords) {
		threads, err := s.threadsOf(part)
		if err != nil {
			return err
		}
		for _, p := range part {
			if customer.Matches(threads[s.last[p].id].Name, f.Query) {
				s.add([]string{p}, Why{By: FoundByName})
				continue
			}
			records, err := s.desk.Book.Records(s.tx, p)
			if err != nil {
				return err
			}
			names, err := s.desk.namesSeen(s.tx, s.v, records)
			if err != nil {
				return err
			}
			for _, name := range names {
				if customer.Matches(name, f.Query) {
					s.add([]string{p}, Why{By: FoundByName, Name: name})
					break
				}
			}
		}
	}
	return nil
}

func (s *finding) threadsOf(persons []string) (map[string]Thread, error) {
	var ids []string
	for _, p := range persons {
		if last, ok := s.last[p]; ok {
			ids = append(ids, last.id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return s.desk.threadsByID(s.tx, ids)
}

// byMeaning finds who has a tag or an attribute that the query names.
func (s *finding) byMeaning(f FindCustomer) error {
	meanings, err := s.meanings(f)
	if err != nil || len(meanings) == 0 {
		return err
	}
	if !s.v.SeesAll() {
		return s.amongOwn(meanings)
	}
	for _, m := range meanings { // everybody who has it may be seen
		ask := customer.Find{Name: m.Name, Value: m.Value, Limit: 500}
		find := s.desk.Book.FindByTag
		if m.By == FoundByAttribute {
			find = s.desk.Book.FindByAttribute
		}
		for n := 0; n < findPersons; n += ask.Limit {
			found, err := find(s.tx, ask)
			if err != nil {
				return err
			}
			persons, err := s.seen(slices.Compact(found.Persons))
			if err != nil {
				return err
			}
			s.add(persons, m)
			if ask.After = found.Next; found.Next == "" {
				break
			}
		}
	}
	return nil
}

// amongOwn starts at the persons the viewer sees: a tag that half the group's
// customers have would have to be sifted for her few hundred.
func (s *finding) amongOwn(meanings []Why) error {
	marks, args := db.In(s.counters, 1)
	only, args := onlyHers(s.v, args)
	rows, err := s.tx.Query(`SELECT t.customer_id, t.id, t.last_at FROM thread t WHERE t.counter_id IN (`+marks+`) AND t.kind = 'person'
		AND t.folded_id = ''`+only+` ORDER BY t.last_at DESC, t.id DESC LIMIT `+strconv.Itoa(findPersons), args...)
	if err := s.learn(rows, err); err != nil {
		return err
	}
	var home []string
	if !s.v.Leaving {
		if home, err = s.desk.Book.AtHome(s.tx, s.counters, findPersons); err != nil {
			return err
		}
		var strangers []string
		for part := range slices.Chunk(home, findRecords) {
			never, err := neverMet(s.tx, s.counters, part)
			if err != nil {
				return err
			}
			strangers = append(strangers, never...)
		}
		home = strangers
	}
	for _, p := range home {
		s.home[p] = true
	}
	persons := home
	for p := range s.last {
		persons = append(persons, p)
	}
	slices.Sort(persons)
	persons = slices.Compact(persons)
	for part := range slices.Chunk(persons, findRecords) {
		for _, m := range meanings {
			var having []string
			if m.By == FoundByTag {
				having, err = s.desk.Book.TaggedAmong(s.tx, part, m.Name)
			} else {
				having, err = s.desk.Book.HavingAmong(s.tx, part, customer.Find{Name: m.Name, Value: m.Value})
			}
			if err != nil {
				return err
			}
			s.add(having, m)
		}
	}
	return nil
}

// meanings are the tags and values that a query names: by the group's own words,
// by their names, and as the page understands it. A brand's own are for those who
// see a counter of the brand.
func (s *finding) meanings(f FindCustomer) ([]Why, error) {
	book := s.desk.Book
	sight, err := book.Sight(s.tx, s.v)
	if err != nil {
		return nil, err
	}
	tags, err := book.Tags(s.tx)
	if err != nil {
		return nil, err
	}
	defs, err := book.AttributeDefs(s.tx)
	if err != nil {
		return nil, err
	}
	asked := customer.SearchFold(f.Query)
	// A value that is no choice is compared as it was stored.
	name, value, pair := strings.Cut(customer.Fold(f.Query), "=")
	name, value = customer.SearchFold(name), strings.TrimSpace(value)
	var out []Why
	for _, t := range tags {
		_, short, _ := strings.Cut(t.Name, ":")
		if !t.Closed && sight.Brand(t.BrandID) && (asked == customer.SearchFold(t.Name) || asked == customer.SearchFold(short) || t.Label != "" && asked == customer.SearchFold(t.Label) || slices.Contains(f.Tags, t.Name)) {
			out = append(out, Why{By: FoundByTag, Name: t.Name})
		}
	}
	for _, d := range defs {
		if d.Closed || !sight.Brand(d.BrandID) {
			continue
		}
		if pair && value != "" && (name == customer.SearchFold(d.Name) || d.Label != "" && name == customer.SearchFold(d.Label)) {
			out = append(out, Why{By: FoundByAttribute, Name: d.Name, Value: choiceCode(d, value)})
		}
		for _, c := range d.Choices {
			if !pair && c.Label != "" && asked == customer.SearchFold(c.Label) || slices.Contains(f.Values, AttributeValue{d.Name, c.Code}) {
				out = append(out, Why{By: FoundByAttribute, Name: d.Name, Value: c.Code})
			}
		}
	}
	return out[:min(len(out), findMeaning)], nil
}

// choiceCode is the code of a choice that is named by its label, else the value itself.
func choiceCode(d customer.AttributeDef, value string) string {
	sought := customer.SearchFold(value)
	for _, c := range d.Choices {
		if c.Label != "" && customer.SearchFold(c.Label) == sought {
			return c.Code
		}
	}
	return value
}

// piece orders what was found and opens what a page shows.
func (s *finding) piece(f FindCustomer) ([]Found, string, error) {
	persons := make([]string, 0, len(s.why))
	for p := range s.why {
		persons = append(persons, p)
	}
	key := func(p string) (int, int64, string) { return slices.Index(surest, s.why[p][0].By), s.last[p].at, p }
	compare := func(p, q string) int {
		r1, at1, id1 := key(p)
		r2, at2, id2 := key(q)
		return cmp.Or(cmp.Compare(r1, r2), cmp.Compare(at2, at1), cmp.Compare(id2, id1))
	}
	slices.SortFunc(persons, compare)
	if rank, at, id, ok := parseFound(f.After); ok {
		persons = slices.DeleteFunc(persons, func(p string) bool {
			r, a, i := key(p)
			return cmp.Or(cmp.Compare(r, rank), cmp.Compare(at, a), cmp.Compare(id, i)) <= 0
		})
	}
	next := ""
	if len(persons) > f.Limit {
		persons = persons[:f.Limit]
		rank, at, id := key(persons[f.Limit-1])
		next = fmt.Sprintf("%d.%d.%s", rank, at, id)
	}
	threads, err := s.threadsOf(persons)
	if err != nil {
		return nil, "", err
	}
	out := make([]Found, 0, len(persons))
	for _, p := range persons {
		hit := Found{PersonID: p, Thread: threads[s.last[p].id], Why: s.why[p]}
		if hit.Name = hit.Thread.Name; hit.Thread.ID == "" {
			names, err := s.desk.namesSeen(s.tx, s.v, []string{p})
			if err != nil {
				return nil, "", err
			}
			if len(names) > 0 {
				hit.Name = names[0]
			}
		}
		out = append(out, hit)
	}
	return out, next, nil
}

var surest = []WhyFound{FoundByMember, FoundByPhone, FoundByEmail, FoundByTail, FoundByName, FoundByTag, FoundByAttribute}

func parseFound(cursor string) (rank int, at int64, id string, ok bool) {
	parts := strings.SplitN(db.CleanText(cursor), ".", 3)
	if len(parts) != 3 {
		return 0, 0, "", false
	}
	rank, err := strconv.Atoi(parts[0])
	if err == nil {
		at, err = strconv.ParseInt(parts[1], 10, 64)
	}
	return rank, at, parts[2], err == nil
}
