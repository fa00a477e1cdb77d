package conversation

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// The model of what merges mean, without threads that fold: every record has its
// own conversation at every counter, and a person shows those of her records.
type modelCell struct {
	texts   []modelText
	unread  int
	waiting int64
	closed  bool
	wrote   int // the step at which she wrote last
}

type modelText struct {
	at   int64
	text string
}

type modelMerge struct {
	id         string
	kept, lost string
}

type model struct {
	*house
	counters []string
	records  []string // by person number
	who      map[string]int
	parent   map[string]string // active merges: lost -> kept
	merges   []modelMerge      // active
	cells    map[spot]*modelCell
	ids      map[string]bool // every thread id ever seen
	step     int
}

func newModel(t *testing.T, d *db.DB) *model {
	h := newHouse(t, d)
	m := &model{house: h, counters: []string{h.counter, h.other}, who: map[string]int{}, parent: map[string]string{}, cells: map[spot]*modelCell{}, ids: map[string]bool{}}
	h.write(func(tx *db.Tx) error {
		store, err := staff.SaveStore(tx, staff.System(), staff.StoreForm{Name: "Banqiao", Timezone: "Asia/Taipei"})
		check(t, err)
		brand, err := staff.SaveBrand(tx, staff.System(), staff.BrandForm{Name: "Third"})
		check(t, err)
		c, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{StoreID: store.ID, BrandID: brand.ID, Name: "Third"})
		check(t, err)
		m.counters = append(m.counters, c.ID)
		h.manager = h.person(tx, staff.StaffForm{Name: "Boss", Role: staff.Advisor, Counters: m.counters})
		return nil
	})
	m.mei = h.manager
	return m
}

func (m *model) root(r string) string {
	for m.parent[r] != "" {
		r = m.parent[r]
	}
	return r
}

func (m *model) person(root string) []string {
	var out []string
	for _, r := range m.records {
		if m.root(r) == root {
			out = append(out, r)
		}
	}
	return out
}

func (m *model) cell(r, counter string) *modelCell {
	if m.cells[spot{r, counter}] == nil {
		m.cells[spot{r, counter}] = &modelCell{closed: true}
	}
	return m.cells[spot{r, counter}]
}

// hears lets somebody write at a counter.
func (m *model) hears(n int, counter string) {
	m.step++
	user := fmt.Sprintf("U%d", n)
	e := says(user, m.step, fmt.Sprintf("%s at %d", user, m.step))
	a := m.account
	a.CounterID = counter
	m.write(func(tx *db.Tx) error {
		r, err := m.Receive(tx, a, []channel.Inbound{e})
		if err == nil && r.New != 1 {
			err = fmt.Errorf("received %+v", r)
		}
		return err
	})
	if n == len(m.records) {
		m.read(func(tx *db.Tx) error {
			i, err := m.Book.Find(tx, a.ID, user)
			m.records = append(m.records, i.CustomerID)
			return err
		})
	}
	c := m.cell(m.records[n], counter)
	c.texts = append(c.texts, modelText{db.Micro(e.At), e.Body.Text})
	c.unread, c.closed, c.wrote = c.unread+1, false, m.step
	if c.waiting == 0 {
		c.waiting = db.Micro(e.At)
	}
}

// shown is the thread of a person at a counter; empty: there is none.
func (m *model) shown(root, counter string) (t Thread) {
	m.read(func(tx *db.Tx) error {
		var id string
		err := db.NotFound(tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1 AND counter_id = $2 AND folded_id = ''`, root, counter).Scan(&id))
		if errors.Is(err, db.ErrNotFound) {
			return nil
		}
		t, err = m.Thread(tx, m.mei, id)
		return err
	})
	return t
}

// last is whoever of a person wrote last at a counter: answers go to her.
func (m *model) last(root, counter string) (record string) {
	newest := 0
	for _, r := range m.person(root) {
		if c := m.cell(r, counter); c.wrote > newest {
			newest, record = c.wrote, r
		}
	}
	return record
}

func (m *model) answers(root, counter string) {
	t := m.shown(root, counter)
	if t.ID == "" {
		return
	}
	m.step++
	text := fmt.Sprintf("answer %d", m.step)
	var sent Message
	m.write(func(tx *db.Tx) (err error) {
		sent, err = m.Say(tx, m.mei, Draft{ThreadID: t.ID, ClientKey: fmt.Sprintf("key %d", m.step%3), Body: channel.Body{Type: channel.Text, Text: text}})
		return err
	})
	m.arrive()
	if sent.Body.Text != text {
		return // the key was used here: the first one came back
	}
	r := m.last(root, counter)
	if sent.CustomerID != r {
		m.t.Fatalf("step %d: answer of %s, she wrote last as %s", m.step, sent.CustomerID, r)
	}
	c := m.cell(r, counter)
	c.texts = append(c.texts, modelText{db.Micro(sent.At), text})
	for _, r := range m.person(root) {
		c := m.cell(r, counter)
		c.unread, c.waiting = 0, 0
	}
}

// arrive takes everything that is queued as sent.
func (h *house) arrive() {
	h.write(func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE message SET status = 'sent' WHERE status = 'queued'`); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM job WHERE kind = 'deliver'`)
		return err
	})
}

func (m *model) looks(root, counter string, closes bool) {
	t := m.shown(root, counter)
	if t.ID == "" {
		return
	}
	m.write(func(tx *db.Tx) error {
		if closes {
			return m.CloseThread(tx, m.mei, t.ID)
		}
		return m.Seen(tx, m.mei, t.ID)
	})
	for _, r := range m.person(root) {
		c := m.cell(r, counter)
		c.unread = 0
		if closes {
			c.waiting, c.closed = 0, true
		}
	}
}

func (m *model) merge(kept, lost string) {
	var id string
	m.write(func(tx *db.Tx) (err error) {
		id, err = m.Merge(tx, m.mei, Merge{KeptID: kept, LostID: lost, Proof: ProvedByAdvisor})
		return err
	})
	m.parent[lost] = kept
	m.merges = append(m.merges, modelMerge{id, kept, lost})
}

func (m *model) unmerge(n int) {
	u := m.merges[n]
	m.write(func(tx *db.Tx) error { return m.Unmerge(tx, m.mei, u.id) })
	delete(m.parent, u.lost)
	m.merges = slices.Delete(m.merges, n, n+1)
}

// check compares everything that can be read with the model.
func (m *model) check(after string) {
	m.t.Helper()
	want := map[spot]bool{}
	for _, r := range m.records {
		root := m.root(r)
		for _, counter := range m.counters {
			if len(m.cell(r, counter).texts) > 0 {
				want[spot{root, counter}] = true
			}
		}
	}
	threads := m.threads(m.mei, Filter{Box: BoxAll, Limit: 100})
	for _, t := range threads {
		m.ids[t.ID] = true
		at := spot{t.CustomerID, t.CounterID}
		if !want[at] {
			m.t.Fatalf("step %d, %s: a thread of %v that should not be there or is there twice", m.step, after, at)
		}
		delete(want, at)
		var texts []modelText
		sum := modelCell{closed: true}
		for _, r := range m.person(t.CustomerID) {
			c := m.cell(r, t.CounterID)
			texts = append(texts, c.texts...)
			sum.unread += c.unread
			sum.waiting = earlier(sum.waiting, c.waiting)
			sum.closed = sum.closed && c.closed
		}
		slices.SortFunc(texts, func(a, b modelText) int { return cmp.Compare(a.at, b.at) })
		var lines []string
		for _, x := range texts {
			lines = append(lines, x.text)
		}
		if got := m.texts(m.mei, t.ID); !slices.Equal(got, lines) {
			m.t.Fatalf("step %d, %s: thread reads\n%q, want\n%q", m.step, after, got, lines)
		}
		if t.Last.Body.Text != lines[len(lines)-1] || db.Micro(t.LastAt) != texts[len(texts)-1].at {
			m.t.Fatalf("step %d, %s: last %q", m.step, after, t.Last.Body.Text)
		}
		if t.Unread != sum.unread || db.Micro(t.WaitingSince) != sum.waiting || t.Closed != sum.closed {
			m.t.Fatalf("step %d, %s: unread %d waiting %d closed %v, want %+v", m.step, after, t.Unread, db.Micro(t.WaitingSince), t.Closed, sum)
		}
		if t.RecordID != m.last(t.CustomerID, t.CounterID) {
			m.t.Fatalf("step %d, %s: answers go to another record", m.step, after)
		}
	}
	if len(want) > 0 {
		m.t.Fatalf("step %d, %s: threads are missing: %v", m.step, after, want)
	}
	m.read(func(tx *db.Tx) error {
		var wrong int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM thread t WHERE t.folded_id = '' AND t.heard_at <>
			COALESCE((SELECT MAX(m.at) FROM message m WHERE m.thread_id = t.id AND m.author = 'customer'), 0)`).Scan(&wrong); err != nil {
			return err
		}
		if wrong > 0 {
			return fmt.Errorf("step %d, %s: %d threads do not know when she last wrote", m.step, after, wrong)
		}
		for id := range m.ids { // every address ever given out leads somewhere
			t, err := m.Thread(tx, m.mei, id)
			if err != nil || t.foldedID != "" {
				return fmt.Errorf("step %d, %s: thread %s: %w", m.step, after, id, err)
			}
		}
		return nil
	})
}

func TestMergesReadAsTheModelSays(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				rnd := rand.New(rand.NewPCG(seed, 7))
				m := newModel(t, d)
				for n := range 4 {
					m.hears(n, m.counters[rnd.IntN(3)])
				}
				for range 70 {
					counter := m.counters[rnd.IntN(3)]
					root := m.root(m.records[rnd.IntN(4)])
					what := "hears"
					switch k := rnd.IntN(12); {
					case k < 4:
						m.hears(rnd.IntN(4), counter)
					case k < 6:
						what = "answers"
						m.answers(root, counter)
					case k < 7:
						what = "looks"
						m.looks(root, counter, rnd.IntN(3) == 0)
					case k < 10:
						if other := m.root(m.records[rnd.IntN(4)]); other != root {
							what = "merge"
							m.merge(root, other)
						}
					case len(m.merges) > 0:
						what = "unmerge"
						m.unmerge(rnd.IntN(len(m.merges)))
					}
					m.check(what)
				}
				for len(m.merges) > 0 {
					m.unmerge(rnd.IntN(len(m.merges)))
					m.check("undoing all")
				}
				m.read(func(tx *db.Tx) error {
					var left int
					check(t, tx.QueryRow(`SELECT (SELECT COUNT(*) FROM thread_part) + (SELECT COUNT(*) FROM thread WHERE folded_id <> '')
						+ (SELECT COUNT(*) FROM message WHERE client_key LIKE '%|%') + (SELECT COUNT(*) FROM identity WHERE person_id <> '')`).Scan(&left))
					if left != 0 {
						t.Errorf("%d traces of merges are left", left)
					}
					return nil
				})
			})
		})
	}
}
