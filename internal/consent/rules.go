package consent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Rules say how often, and when, a customer may be written to unasked.
type Rules struct {
	Phases         []Phase        `json:"phases"` // by FromDay; the first begins at day 0
	Quiet          Quiet          `json:"quiet"`
	Holidays       []Holiday      `json:"holidays"` // days of her calendar without anything but service
	MinGapHours    int            `json:"min_gap_hours"`
	AnswerHours    int            `json:"answer_hours"`    // how long after her message what we say is an answer
	ComplaintDays  int            `json:"complaint_days"`  // how long a pause after a complaint is, unless another end is set
	UnansweredDays int            `json:"unanswered_days"` // before the same kind is said again to who did not write since; 0: at once
	PurposeCaps    map[string]Cap `json:"purpose_caps"`
}

// Phase is a part of a relation: so many messages in so many days. Every phase
// counts from its own beginning.
type Phase struct {
	Name     string `json:"name"`
	FromDay  int    `json:"from_day"` // day 0 is the day on which she first wrote or followed
	Messages int    `json:"messages"`
	Days     int    `json:"days"`
}

func (p Phase) cap() Cap { return Cap{p.Messages, p.Days} }

// Cap bounds the messages of one purpose, over all phases.
type Cap struct {
	Messages int `json:"messages"`
	Days     int `json:"days"`
}

func (c Cap) window() time.Duration { return time.Duration(c.Days) * day }

// Quiet is the time of day, on her clock, in which nothing unasked arrives.
// Equal ends: there is none.
type Quiet struct {
	From string `json:"from"` // "21:00"
	To   string `json:"to"`   // "09:00", the first minute that is not quiet
}

// Holiday is a day without anything but service.
type Holiday struct {
	Date string `json:"date"` // 2027-02-06
	Name string `json:"name"`
}

// The names of the shipped phases; the locale has words for them.
const (
	PhaseFirstWeek = "first_week"
	PhaseRegular   = "regular"
)

// DefaultRules are the rules of a house that has not made its own.
func DefaultRules() Rules {
	return Rules{
		Phases: []Phase{
			{Name: PhaseFirstWeek, FromDay: 0, Messages: 3, Days: 7},
			{Name: PhaseRegular, FromDay: 7, Messages: 2, Days: 30},
		},
		Quiet:    Quiet{From: "21:00", To: "09:00"},
		Holidays: taiwanHolidays(), MinGapHours: 20, AnswerHours: 72, ComplaintDays: 14, UnansweredDays: 30,
		PurposeCaps: map[string]Cap{
			Marketing: {Messages: 4, Days: 30},
			Profiling: {Messages: 1, Days: 30},
			Sharing:   {Messages: 1, Days: 30},
			TryOn:     {Messages: 1, Days: 30},
		},
	}
}

const settingRules = "contact_rules"

// rulesReader spares every message the question which rules hold. What another node
// saved is heard of within a second.
type rulesReader struct {
	mu    sync.Mutex
	raw   string
	rules Rules
	till  time.Time
}

const rulesTime = time.Second

func (c *rulesReader) get(now time.Time) (Rules, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A clock set back must not make old rules hold for hours.
	return c.rules, now.Before(c.till) && c.till.Sub(now) <= rulesTime
}

// put keeps what was read; the same text is not parsed again. "" are the defaults.
func (c *rulesReader) put(raw string, now time.Time) (Rules, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw != raw || c.till.IsZero() {
		rules := defaultRules()
		if raw != "" {
			rules = Rules{}
			if err := json.Unmarshal([]byte(raw), &rules); err != nil {
				return Rules{}, fmt.Errorf("contact rules: %w", err)
			}
			if err := rules.Check(); err != nil { // a planner over broken rules would not end well
				return Rules{}, fmt.Errorf("contact rules: %w", err)
			}
		}
		c.raw, c.rules = raw, rules
	}
	c.till = now.Add(rulesTime)
	return c.rules, nil
}

func (c *rulesReader) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.till = time.Time{}
}

// Rules gives the rules that hold. They are shared: who wants to change them
// makes her own with Clone.
func (r *Room) Rules(tx *db.Tx) (Rules, error) {
	if rules, fresh := r.rules.get(tx.Now); fresh {
		return rules, nil
	}
	var raw string
	err := tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, settingRules).Scan(&raw)
	if err = db.NotFound(err); err != nil && !errors.Is(err, db.ErrNotFound) {
		return Rules{}, fmt.Errorf("contact rules: %w", err)
	}
	return r.rules.put(raw, tx.Now)
}

var defaultRules = sync.OnceValue(DefaultRules)

// Clone makes a copy that shares nothing.
func (r Rules) Clone() Rules {
	r.Phases, r.Holidays = slices.Clone(r.Phases), slices.Clone(r.Holidays)
	caps := make(map[string]Cap, len(r.PurposeCaps))
	for name, c := range r.PurposeCaps {
		caps[name] = c
	}
	r.PurposeCaps = caps
	return r
}

// SaveRules makes rules the ones that hold. What is planned keeps its place until
// it is due or something else is asked for; then the new rules decide.
func (r *Room) SaveRules(tx *db.Tx, v staff.Viewer, rules Rules) error {
	if !v.May(staff.KeepConsent) {
		return staff.ErrForbidden
	}
	rules = rules.tidy()
	if err := rules.Check(); err != nil {
		return err
	}
	purposes, err := r.Purposes(tx)
	if err != nil {
		return err
	}
	for name := range rules.PurposeCaps {
		if !slices.ContainsFunc(purposes, func(p Purpose) bool { return p.Name == name }) {
			return db.Invalid{Field: "cap_" + name, Code: "unknown"}
		}
	}
	raw, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("save contact rules: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, settingRules, string(raw)); err != nil {
		return fmt.Errorf("save contact rules: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "contact_rules_saved", Detail: rules.words()})
	r.rules.forget()
	tx.AfterCommit(r.rules.forget) // somebody may have read the old ones meanwhile
	return nil
}

// words are the rules in one line for the audit: numbers only.
func (r Rules) words() string {
	var parts []string
	for _, p := range r.Phases {
		parts = append(parts, fmt.Sprintf("from day %d: %d in %d days", p.FromDay, p.Messages, p.Days))
	}
	return fmt.Sprintf("%s; quiet %s-%s; gap %d h; %d holidays", strings.Join(parts, ", "), r.Quiet.From, r.Quiet.To, r.MinGapHours, len(r.Holidays))
}

func (r Rules) tidy() Rules {
	r = r.Clone()
	for i, p := range r.Phases {
		r.Phases[i].Name = strings.TrimSpace(db.CleanText(p.Name))
	}
	for i, h := range r.Holidays {
		r.Holidays[i] = Holiday{strings.TrimSpace(h.Date), strings.TrimSpace(db.CleanText(h.Name))}
	}
	slices.SortFunc(r.Holidays, func(a, b Holiday) int { return strings.Compare(a.Date, b.Date) })
	return r
}

// Bounds of the rules.
const (
	maxPhases   = 8
	maxHolidays = 400
	maxMessages = 100
	maxDays     = 366
	maxCaps     = 50
	maxWord     = 80
)

// Check names the first field that cannot be. A field of a list carries the
// number of its row: phase_days.1.
func (r Rules) Check() error {
	if len(r.Phases) == 0 {
		return db.Invalid{Field: "phases", Code: "required"}
	}
	if len(r.Phases) > maxPhases {
		return db.Invalid{Field: "phases", Code: "too_many"}
	}
	for i, p := range r.Phases {
		n := "." + strconv.Itoa(i)
		switch {
		case p.Name == "":
			return db.Invalid{Field: "phase_name" + n, Code: "required"}
		case utf8.RuneCountInString(p.Name) > maxWord:
			return db.Invalid{Field: "phase_name" + n, Code: "too_long"}
		case i == 0 && p.FromDay != 0, i > 0 && p.FromDay <= r.Phases[i-1].FromDay, p.FromDay > 3650:
			return db.Invalid{Field: "phase_from" + n, Code: "range"}
		case p.Messages < 0 || p.Messages > maxMessages:
			return db.Invalid{Field: "phase_messages" + n, Code: "range"}
		case p.Days < 1 || p.Days > maxDays:
			return db.Invalid{Field: "phase_days" + n, Code: "range"}
		}
	}
	if _, ok := minuteOf(r.Quiet.From); !ok {
		return db.Invalid{Field: "quiet_from", Code: "malformed"}
	}
	if _, ok := minuteOf(r.Quiet.To); !ok {
		return db.Invalid{Field: "quiet_to", Code: "malformed"}
	}
	for _, n := range []struct {
		field     string
		n, lo, hi int
	}{
		{"min_gap_hours", r.MinGapHours, 0, 24 * 30},
		{"answer_hours", r.AnswerHours, 1, 24 * 14},
		{"complaint_days", r.ComplaintDays, 1, maxDays},
		{"unanswered_days", r.UnansweredDays, 0, maxDays},
	} {
		if n.n < n.lo || n.n > n.hi {
			return db.Invalid{Field: n.field, Code: "range"}
		}
	}
	if err := r.checkHolidays(); err != nil {
		return err
	}
	return r.checkCaps()
}

func (r Rules) checkHolidays() error {
	if len(r.Holidays) > maxHolidays {
		return db.Invalid{Field: "holidays", Code: "too_many"}
	}
	seen := map[string]bool{}
	for _, h := range r.Holidays {
		_, err := time.Parse(time.DateOnly, h.Date)
		switch {
		case err != nil:
			return db.Invalid{Field: "holidays", Code: "date"}
		case seen[h.Date]:
			return db.Invalid{Field: "holidays", Code: "twice"}
		case utf8.RuneCountInString(h.Name) > maxWord:
			return db.Invalid{Field: "holidays", Code: "too_long"}
		}
		seen[h.Date] = true
	}
	return nil
}

func (r Rules) checkCaps() error {
	if len(r.PurposeCaps) > maxCaps {
		return db.Invalid{Field: "caps", Code: "too_many"}
	}
	for name, c := range r.PurposeCaps {
		if c.Messages < 0 || c.Messages > maxMessages || c.Days < 1 || c.Days > maxDays {
			return db.Invalid{Field: "cap_" + name, Code: "range"}
		}
	}
	return nil
}
