package conversation

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Answering says when a customer mostly answers: N of M answers came on these days
// and in this part of the day. The zero Answering says nothing.
type Answering struct {
	Day  string // monday ... sunday, weekend, workdays; "": any
	Part string // morning, afternoon, evening, night; "": any
	N, M int
}

const (
	answersRead  = 200            // her latest answers say enough
	answersTail  = 1500           // messages of a thread that are looked through for them
	answerWithin = 24 * time.Hour // what comes later is no answer any more
	answersLeast = 5              // answers under which nothing is said
	answersShare = 60             // percent under which nothing is said
	workdayShare = 85             // five of seven days are workdays: this much is more than chance
)

// Answering looks at a person's latest answers at counters that the viewer sees.
// The zone is the store's: an evening is an evening there.
func (d *Desk) Answering(tx *db.Tx, v staff.Viewer, personID string, zone *time.Location) (Answering, error) {
	threads, err := threadsSeen(tx, v, personID)
	if err != nil {
		return Answering{}, err
	}
	var answers []time.Time
	for _, id := range threads {
		rows, err := tx.Query(`SELECT author, at FROM message WHERE thread_id = $1 ORDER BY at DESC, id DESC LIMIT $2`, id, answersTail)
		lines, err := db.Collect(rows, err, func(r *sql.Rows) (s spoken, err error) {
			var at int64
			err = r.Scan(&s.author, &at)
			s.at = db.Time(at)
			return s, err
		})
		if err != nil {
			return Answering{}, fmt.Errorf("when she answers: %w", err)
		}
		slices.Reverse(lines)
		answers = append(answers, answersIn(lines)...)
	}
	slices.SortFunc(answers, func(a, b time.Time) int { return b.Compare(a) })
	return whenSheAnswers(answers[:min(len(answers), answersRead)], zone), nil
}

// spoken is who wrote when.
type spoken struct {
	author Author
	at     time.Time
}

// answersIn finds, in the order of a thread, her first words after ours, if they
// came within a day.
func answersIn(lines []spoken) []time.Time {
	var out []time.Time
	var ours time.Time // the last of ours that she has not answered
	for _, l := range lines {
		switch l.author {
		case AuthorStaff, AuthorAutomation:
			ours = l.at
		case AuthorCustomer:
			if !ours.IsZero() && l.at.Sub(ours) <= answerWithin {
				out = append(out, l.at)
			}
			ours = time.Time{}
		}
	}
	return out
}

// whenSheAnswers says the most particular thing that is mostly true.
func whenSheAnswers(answers []time.Time, zone *time.Location) Answering {
	m := len(answers)
	if m < answersLeast {
		return Answering{}
	}
	counts := map[Answering]int{} // by days and part, each also without the other
	for _, at := range answers {
		at = at.In(zone)
		part := partOfDay(at.Hour())
		day := weekdays[at.Weekday()]
		group := "workdays"
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			group = "weekend"
		}
		for _, days := range []string{day, group, ""} {
			counts[Answering{Day: days, Part: part}]++
			counts[Answering{Day: days}]++
		}
	}
	parts := []string{"morning", "afternoon", "evening", "night"}
	mostly := func(days, parts []string, share int) (best Answering) {
		for _, day := range days {
			for _, part := range parts {
				if n := counts[Answering{Day: day, Part: part}]; n > best.N && n*100 >= share*m {
					best = Answering{Day: day, Part: part, N: n, M: m}
				}
			}
		}
		return best
	}
	workdays := mostly([]string{"workdays"}, []string{""}, workdayShare)
	for _, try := range []struct{ days, parts []string }{
		{weekdays[:], parts}, {[]string{"weekend"}, parts}, {weekdays[:], []string{""}}, {[]string{"weekend"}, []string{""}},
	} {
		if best := mostly(try.days, try.parts, answersShare); best.N > 0 {
			return best
		}
	}
	if workdays.N > 0 {
		if best := mostly([]string{"workdays"}, parts, answersShare); best.N > 0 {
			return best
		}
	}
	if best := mostly([]string{""}, parts, answersShare); best.N > 0 {
		return best
	}
	return workdays
}

var weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func partOfDay(hour int) string {
	switch {
	case hour >= 5 && hour < 12:
		return "morning"
	case hour >= 12 && hour < 18:
		return "afternoon"
	case hour >= 18 && hour < 23:
		return "evening"
	}
	return "night"
}

// threadsSeen lists the threads of a person at counters that a viewer sees.
func threadsSeen(tx *db.Tx, v staff.Viewer, personID string) ([]string, error) {
	only, args := onlyHers(v, []any{personID})
	rows, err := tx.Query(`SELECT t.id, t.counter_id FROM thread t WHERE t.customer_id = $1 AND t.folded_id = ''`+only+` ORDER BY t.id`, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (t [2]string, err error) { return t, r.Scan(&t[0], &t[1]) })
	if err != nil {
		return nil, fmt.Errorf("threads of a person: %w", err)
	}
	var out []string
	for _, t := range list {
		if v.Sees(t[1]) {
			out = append(out, t[0])
		}
	}
	return out, nil
}
