package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestFailures(t *testing.T) {
	h := newAdminHouse(t)
	m := h.fails(h.says("Uwen", "hi"), "the serum is here <b>")
	h.dead("job_1", "quota")
	h.dead("job_2", "something_new")

	boss := h.as(t, h.Manager)
	page := boss.get("/admin/failures")
	want(t, page, http.StatusOK, "the serum is here &lt;b&gt;", "The platform did not accept it", "the property to is invalid", "Mei", "Rosée",
		`href="/inbox/`+m.ThreadID, `aria-current="page"`)
	lacks(t, page, "the platform is busy", "/admin/failures/jobs/")
	wantRedirect(t, boss.post("/admin/failures/messages/"+m.ID+"/resend", nil), "/admin/failures")
	after := boss.get("/admin/failures")
	want(t, after, http.StatusOK, "Everything arrived", "Under way again")
	lacks(t, after, "the serum is here")

	admin := h.as(t, h.Admin)
	jobs := admin.get("/admin/failures")
	want(t, jobs, http.StatusOK, "Asking how many messages are left", "Work in the background", "12 attempts", "the platform is busy", "will never be done")
	wantRedirect(t, admin.post("/admin/failures/jobs/job_1/retry", nil), "/admin/failures")
	wantRedirect(t, admin.post("/admin/failures/jobs/job_2/discard", nil), "/admin/failures")
	lacks(t, admin.get("/admin/failures"), "the platform is busy")
	for _, path := range []string{"jobs/job_2/retry", "jobs/job_2/discard", "messages/msg_no/resend"} {
		want(t, admin.post("/admin/failures/"+path, nil), http.StatusNotFound)
	}
	want(t, h.as(t, h.Privacy).get("/admin/audit"), http.StatusOK, "Discarded given-up work", "Tried given-up work again", "Sent a failed message again")
}

// An administrator mends accounts, so she learns that something failed, where and
// why; who the customer is and what was said is not hers to read.
func TestFailuresOfOthersStaySealed(t *testing.T) {
	h := newAdminHouse(t)
	thread := h.says("Uwen", "hi")
	h.write(func(tx *db.Tx) error { return h.Desk.Book.Rename(tx, thread.CustomerID, "Wen Secret") })
	m := h.fails(thread, "the serum is here")
	admin := h.as(t, h.Admin) // at no counter
	page := admin.get("/admin/failures")
	want(t, page, http.StatusOK, "A customer of Rosée 信義店", "The platform did not accept it", "the property to is invalid", "Mei")
	lacks(t, page, "the serum", "Wen", m.ThreadID, thread.CustomerID, m.ID, "Send again")
	want(t, admin.post("/admin/failures/messages/"+m.ID+"/resend", nil), http.StatusNotFound)
	want(t, h.as(t, h.Manager).get("/admin/failures"), http.StatusOK, "Wen Secret", "the serum is here", "Send again")
}

func TestAudit(t *testing.T) {
	h := newAdminHouse(t)
	thread := h.says("Uwen", "hi")
	h.write(func(tx *db.Tx) error {
		v, err := staff.ViewerByID(tx, h.Advisor)
		if err != nil {
			return err
		}
		audit.Record(tx, audit.Entry{Actor: "handover/hov_01k82o2fk861i8snbd4e4o6jah", Action: "planned_cancelled", Customer: thread.CustomerID})
		return h.Desk.Take(tx, v, thread.ID)
	})
	b := h.as(t, h.Privacy)
	page := b.get("/admin/audit")
	want(t, page, http.StatusOK, "Took a conversation", "Handovers \u2066·6jah\u2069", "Mei", "Saved a colleague", "The house", thread.CustomerID, "Saved a channel account")
	lacks(t, page, "act.", thread.ID, "hov_")

	narrow := b.get("/admin/audit?customer=" + thread.CustomerID)
	want(t, narrow, http.StatusOK, "Took a conversation")
	lacks(t, narrow, "<td>Saved a store</td>")
	mine := b.get("/admin/audit?actor=" + h.Privacy)
	want(t, mine, http.StatusOK, "<td>Signed in (demo)</td>")
	lacks(t, mine, "<td>Took a conversation</td>")
	want(t, b.get("/admin/audit?actor=system&action=store_saved"), http.StatusOK, "<td>Saved a store</td>", `<option value="system" selected>The house`)
	want(t, b.get("/admin/audit?customer=nobody"), http.StatusOK, "Nothing on record", `href="/admin/audit"`)
	want(t, b.get("/admin/audit?before=nonsense"), http.StatusOK, "Signed in (demo)")

	// The field takes an id. Whoever types a name or a number into it leaves neither on record.
	for _, typed := range []string{"Wen Lin", "0912345678", "cus_0912 345 678"} {
		want(t, b.get("/admin/audit?"+url.Values{"customer": {typed}}.Encode()), http.StatusOK, "Nothing on record")
	}
	h.read(func(tx *db.Tx) error {
		var n, hers int
		err := tx.QueryRow(`SELECT COUNT(CASE WHEN customer_id <> $1 AND customer_id <> '' THEN 1 END), COUNT(CASE WHEN customer_id = $1 THEN 1 END)
			FROM audit WHERE action = 'audit.seen'`, thread.CustomerID).Scan(&n, &hers)
		if n != 0 || hers != 1 {
			t.Errorf("%d lines with what was typed, %d with her id", n, hers)
		}
		return err
	})

	for range auditRows {
		h.as(t, h.Advisor)
	}
	page = b.get("/admin/audit?actor=" + h.Advisor)
	_, older, more := strings.Cut(page.Body.String(), `href="/admin/audit?actor=`)
	if !more {
		t.Fatal("no way to the older ones")
	}
	older, _, _ = strings.Cut(older, `"`)
	rest := b.get("/admin/audit?actor=" + strings.ReplaceAll(older, "&amp;", "&"))
	want(t, rest, http.StatusOK, "<td>Took a conversation</td>")
	lacks(t, rest, "Older ones")
}

func TestVerifyAudit(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Privacy)
	b.Header.Set("HX-Request", "true")
	got := b.post("/admin/audit/verify", url.Values{})
	want(t, got, http.StatusOK, "The record is whole", "alert-good")
	lacks(t, got, "<html")
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE audit SET actor = 'somebody else' WHERE seq = 3`)
		return err
	})
	want(t, b.post("/admin/audit/verify", url.Values{}), http.StatusOK, "The record breaks at line 3")
}

func TestEveryActHasWords(t *testing.T) {
	for _, w := range shipped(t).All {
		v := &Visit{Words: w}
		for _, action := range acts {
			if got := actWords(v, action); strings.HasPrefix(got, "act.") {
				t.Errorf("%s: %s has no words", w.Tag, action)
			}
		}
		if got := actWords(v, "something_new"); got != "something_new" {
			t.Errorf("an unknown act is %q", got)
		}
		for _, kind := range slices.Concat(jobKinds, []string{"other"}) {
			if !w.Has("admin.job." + kind) {
				t.Errorf("%s: no words for the job %s", w.Tag, kind)
			}
		}
		for _, code := range findings {
			if !w.Has("check." + code) {
				t.Errorf("%s: no words for the finding %s", w.Tag, code)
			}
		}
	}
}
