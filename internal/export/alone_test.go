package export

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Whoever has the server is the second person only where nobody else is.
func TestTheServerDecidesWhereNobodyElseCan(t *testing.T) {
	each(t, func(h *house) {
		h.meets(h.account, "Ann", "Bo")
		x := h.asks(h.boss, Request{Kind: Customers, Filter: Filter{Full: true, Counters: []string{h.counter}}})
		if x.State != Waiting {
			t.Fatalf("it is %s", x.State)
		}
		decide := func(pass bool) (got Export, err error) {
			err = h.d.Write(context.Background(), func(tx *db.Tx) (err error) {
				got, err = h.room.DecideAtServer(tx, Decision{ID: x.ID, Pass: pass})
				return err
			})
			return got, err
		}
		if _, err := decide(true); !errors.Is(err, ErrOthers) || h.get(x.ID).State != Waiting {
			t.Errorf("with an officer in the house: %v", err)
		}
		h.write(func(tx *db.Tx) error { return staff.EndStaff(tx, staff.System(), h.officer.ID) })
		if got, err := decide(true); err != nil || got.State != Making || got.DecidedBy != staff.System().ID {
			t.Errorf("alone: %+v %v", got, err)
		}
		if did := h.recorded(x.ID); !slices.Contains(did, "export.passed") {
			t.Errorf("on record are %v", did)
		}
		if _, err := decide(false); err == nil {
			t.Error("it is decided twice")
		}
		h.run(JobMake, x.ID)
		if _, err := h.fetch(h.boss, x.ID); err != nil {
			t.Errorf("she cannot fetch it: %v", err)
		}
		for _, id := range []string{"", "exp_x", "' OR 1=1"} {
			err := h.d.Write(context.Background(), func(tx *db.Tx) error {
				_, err := h.room.DecideAtServer(tx, Decision{ID: id, Pass: true})
				return err
			})
			if !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}

// A file that has to be made again says of each customer once that she stood in it.
func TestACustomerIsOnRecordOnceForAFile(t *testing.T) {
	each(t, func(h *house) {
		ids := h.meets(h.account, "Ann", "Bo", "Cy")
		x := h.asks(h.officer, Request{Kind: Customers, Filter: Filter{Counters: []string{h.counter}}})
		another := h.asks(h.officer, Request{Kind: Customers, Filter: Filter{Counters: []string{h.counter}}})
		// The first attempt broke off after it had noted two of them.
		if err := h.room.noteCustomers(context.Background(), x, ids[:2]); err != nil {
			t.Fatal(err)
		}
		h.run(JobMake, x.ID)
		h.run(JobMake, another.ID)
		for _, want := range []Export{x, another} {
			var who []string
			h.write(func(tx *db.Tx) error {
				rows, err := audit.Forward(tx, audit.Filter{Action: "customer.exported"})
				who = nil
				for _, row := range rows {
					if row.Object == want.ID {
						who = append(who, row.Customer)
					}
				}
				return err
			})
			slices.Sort(who)
			if all := slices.Sorted(slices.Values(ids)); !slices.Equal(who, all) {
				t.Errorf("%s: on record are %v, not %v", want.ID, who, all)
			}
		}
	})
}

// Beside every code stand its words, in the language of who asked, and the file is
// verified as before.
func TestAFileOfTheAuditHasWords(t *testing.T) {
	each(t, func(h *house) {
		h.room.Words = func(language, action string) string { return "=" + language + " words of " + action }
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE staff SET language = 'zh-TW' WHERE id = $1`, h.officer.ID)
			return err
		})
		h.officer.Language = "zh-TW"
		x := h.asks(h.officer, Request{Kind: Audit})
		h.run(JobMake, x.ID)
		text, err := h.fetch(h.officer, x.ID)
		if err != nil {
			t.Fatal(err)
		}
		rows := table(t, text)
		code, words := slices.Index(rows[0], "action"), slices.Index(rows[0], "action_words")
		if code < 0 || words < 0 || len(rows) < 3 {
			t.Fatalf("%q", rows[0])
		}
		for _, row := range rows[1:] {
			if want := "'=zh-TW words of " + row[code]; row[words] != want { // and never a formula
				t.Errorf("%s is called %q", row[code], row[words])
			}
		}
		if rep, err := audit.VerifyFile(strings.NewReader(text)); err != nil || rep.Broken != 0 || rep.Rows != int64(len(rows)-1) {
			t.Errorf("verified: %+v %v", rep, err)
		}
	})
}
