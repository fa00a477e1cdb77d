package api

import (
	"testing"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestHandovers(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.says("amy", "hello")
		h.write(func(tx *db.Tx) error {
			lan, err := staff.SaveStaff(tx, staff.System(), staff.StaffForm{Email: "lan@example.com", Name: "Lan", Role: staff.Advisor, Counters: []string{h.counter}})
			if err != nil {
				return err
			}
			_ = lan
			return h.desk.SetAdvisor(tx, staff.System(), conversation.Belonging{CustomerID: h.customerOf("amy"), CounterID: h.counter, AdvisorID: h.advisor.ID})
		})
		ends := time.Now().AddDate(0, 0, 7).UTC().Truncate(time.Second)
		form := m{"advisor": h.advisor.ID, "kind": "leaves", "ends": ends.Format(time.RFC3339)}
		var made HandoverDetail
		h.ask("POST", "/handovers", form, 201, &made)
		if made.State != "draft" || made.Advisor.ID != h.advisor.ID || !made.Ends.Equal(ends) || made.Progress.Total != 1 || made.Progress.Planned != 1 || len(made.By) != 2 {
			t.Fatalf("%+v", made)
		}
		gets := 0
		for _, s := range made.Shares {
			gets += s.Gets
			if s.Gets == 1 && (s.Colleague == nil || s.Colleague.Name != "Lan") {
				t.Errorf("she would go to %+v", s)
			}
		}
		if gets != 1 {
			t.Errorf("shares: %+v", made.Shares)
		}
		var list handoversOutput
		h.get(prefix+"/handovers", &list.Body)
		if len(list.Body.Handovers) != 1 || list.Body.Handovers[0].ID != made.ID {
			t.Errorf("%+v", list.Body)
		}
		at := "/handovers/" + made.ID
		h.ask("POST", "/handovers", m{"advisor": h.advisor.ID, "kind": "leaves", "ends": ends.AddDate(0, 0, 1).Format(time.RFC3339)}, 422, nil) // one is open
		h.ask("POST", "/handovers", m{"advisor": h.manager.ID, "kind": "leaves", "ends": ends.Format(time.RFC3339)}, 422, nil)                  // no advisor
		h.ask("POST", "/handovers", m{"advisor": "stf_0", "kind": "gone", "ends": ends.Format(time.RFC3339)}, 422, nil)
		h.ask("POST", at+"/return", nil, 422, nil) // she is not away
		for _, step := range []struct{ act, state string }{{"begin", "waiting"}, {"begin", "waiting"}, {"pause", "waiting"}, {"resume", "waiting"}, {"cancel", "cancelling"}} {
			var got HandoverDetail
			h.ask("POST", at+"/"+step.act, nil, 200, &got)
			if got.State != step.state {
				t.Errorf("%s: %s, want %s", step.act, got.State, step.state)
			}
		}
		h.ask("DELETE", at, nil, 422, nil) // no draft any more
		h.ask("POST", "/handovers/hov_0/begin", nil, 404, nil)

		var acts int
		h.write(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE object = $1 AND actor LIKE 'token/%' AND action IN ('handover.plan', 'handover.start', 'handover.pause', 'handover.resume', 'handover.cancel')`,
				made.ID).Scan(&acts)
		})
		if acts != 5 {
			t.Errorf("%d acts on record, want 5", acts)
		}
	})
}
