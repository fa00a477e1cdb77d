package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// kept is everything that the forms of the officer could change, to be compared.
func (h *adminHouse) kept() (all string) {
	h.t.Helper()
	var out []int64
	h.read(func(tx *db.Tx) error {
		for _, table := range []string{"privacy_request", "privacy_step", "person_file", "erasure", "erased", "customer", "setting", "job"} {
			var n int64
			if err := tx.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
				return err
			}
			out = append(out, n)
		}
		var due, closed int64
		err := tx.QueryRow(`SELECT COALESCE(SUM(due_at), 0), COALESCE(SUM(closed_at), 0) FROM privacy_request`).Scan(&due, &closed)
		out = append(out, due, closed)
		return err
	})
	return fmt.Sprint(out)
}

func TestFormsOfTheOfficer(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Privacy)
	thread := h.says("Ulin", "hello")
	page := "/admin/privacy/people/" + thread.CustomerID
	wantRedirect(t, b.post(page+"/requests", url.Values{"kind": {"correct"}, "note": {"Her name is <Lin>."}}), page)
	id := ""
	h.read(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT id FROM privacy_request`).Scan(&id)
	})
	request := "/admin/privacy/requests/" + id
	want(t, b.get(page), http.StatusOK, "Her name is &lt;Lin&gt;.", `action="`+request+`"`)
	wantRedirect(t, b.post(request, url.Values{"act": {"noted"}, "note": {"<b>the house rang her</b>"}}), page)
	wantRedirect(t, b.post(request, url.Values{"act": {"extended"}, "note": {"she is away"}}), page)
	want(t, b.get(page), http.StatusOK, "&lt;b&gt;the house rang her&lt;/b&gt;", "she is away")

	huge, long := strings.Repeat("x", bodyLimit+1), strings.Repeat("字", privacy.MaxRequestNote+1)
	rules := func(name, value string) url.Values {
		form := keepingValues(privacy.DefaultRules())
		form.Set(name, value)
		return form
	}
	for name, c := range map[string]struct {
		path   string
		form   url.Values
		status int
		says   string // part of the page, which names the field where one is wrong
	}{
		"a kind that is none":         {page + "/requests", url.Values{"kind": {"sell"}}, 422, `id="e-kind"`},
		"no kind":                     {page + "/requests", nil, 422, `id="e-kind"`},
		"a correction of nothing":     {page + "/requests", url.Values{"kind": {"correct"}, "note": {" \n\x00"}}, 422, `id="e-note"`},
		"more than can be read":       {page + "/requests", url.Values{"kind": {"correct"}, "note": {long}}, 422, `id="e-note"`},
		"more than is taken in":       {page + "/requests", url.Values{"kind": {"correct"}, "note": {huge}}, 413, ""},
		"a request of nobody":         {"/admin/privacy/people/cus_none/requests", url.Values{"kind": {"erase"}}, 404, ""},
		"of what is no id":            {"/admin/privacy/people/%00%27--/requests", url.Values{"kind": {"erase"}}, 400, ""},
		"an act that is none":         {request, url.Values{"act": {"sold"}}, 422, `id="e-` + id + `"`},
		"no act":                      {request, nil, 422, `id="e-` + id + `"`},
		"refused without a reason":    {request, url.Values{"act": {"refused"}, "note": {"  "}}, 422, `id="e-` + id + `"`},
		"extended twice":              {request, url.Values{"act": {"extended"}, "note": {"still away <i>"}}, 422, `value="still away &lt;i&gt;" aria-describedby="e-` + id},
		"a note that is too long":     {request, url.Values{"act": {"noted"}, "note": {long}}, 422, `id="e-` + id + `"`},
		"a note larger than the door": {request, url.Values{"act": {"noted"}, "note": {huge}}, 413, ""},
		"a request nobody knows":      {"/admin/privacy/requests/prq_none", url.Values{"act": {"done"}}, 404, ""},
		"a file about nobody":         {"/admin/privacy/people/cus_none/file", nil, 404, ""},
		"erasing nobody":              {"/admin/privacy/people/cus_none/erase", url.Values{"name": {"cus_none"}}, 404, ""},
		"erasing under another name":  {page + "/erase", url.Values{"name": {"Wang"}}, 422, `id="e-name"`},
		"erasing under no name":       {page + "/erase", url.Values{"name": {" "}}, 422, `id="e-name"`},
		"keeping for a word":          {"/admin/privacy/keeping", rules("messages", "long"), 422, `id="e-messages"`},
		"keeping below zero":          {"/admin/privacy/keeping", rules("events", "-1"), 422, `id="e-events"`},
		"keeping beyond all numbers":  {"/admin/privacy/keeping", rules("media", "99999999999999999999"), 422, `id="e-media"`},
		"keeping a day too few":       {"/admin/privacy/keeping", rules("notes", "29"), 422, `id="e-notes"`},
		"no time to answer":           {"/admin/privacy/keeping", rules("export_days", "0"), 422, `id="e-export_days"`},
		"silent for a month":          {"/admin/privacy/keeping", rules("silent_months", "1"), 422, `id="e-silent_months"`},
		"half of the rules":           {"/admin/privacy/keeping", url.Values{"export_days": {"15"}}, 422, `id="e-erase_days"`},
		"rules larger than the door":  {"/admin/privacy/keeping", rules("messages", huge), 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := h.kept()
			got := b.post(c.path, c.form)
			want(t, got, c.status, c.says)
			lacks(t, got, "<i>", "goroutine")
			if now := h.kept(); now != before {
				t.Errorf("something was changed: %s is now %s", before, now)
			}
		})
	}

	wantRedirect(t, b.post(request, url.Values{"act": {"done"}, "note": {"it is her name now"}}), page)
	for name, form := range map[string]url.Values{
		"done twice":         {"act": {"done"}},
		"refused when done":  {"act": {"refused"}, "note": {"too late"}},
		"extended when done": {"act": {"extended"}, "note": {"too late"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := h.kept()
			want(t, b.post(request, form), http.StatusConflict)
			if now := h.kept(); now != before {
				t.Errorf("something was changed: %s is now %s", before, now)
			}
		})
	}
}

// TestOnlyTheOfficer: nobody else's form changes anything, whatever it says.
func TestOnlyTheOfficer(t *testing.T) {
	h := newAdminHouse(t)
	thread := h.says("Ulin", "hello")
	var open privacy.Request
	h.write(func(tx *db.Tx) (err error) {
		open, err = h.Server.Privacy.Ask(tx, privacy.Asking{PersonID: thread.CustomerID, Kind: privacy.AskExport, Origin: privacy.FromPage})
		return err
	})
	page, before := "/admin/privacy/people/"+thread.CustomerID, h.kept()
	for role, id := range map[staff.Role]string{staff.Advisor: h.Advisor, staff.Manager: h.Manager, staff.Marketing: h.Marketing, staff.Admin: h.Admin} {
		b := h.as(t, id)
		for path, form := range map[string]url.Values{
			page + "/requests":                   {"kind": {"erase"}},
			"/admin/privacy/requests/" + open.ID: {"act": {"refused"}, "note": {"no"}},
			page + "/file":                       nil,
			page + "/erase":                      {"name": {"Ulin"}},
			"/admin/privacy/keeping":             keepingValues(privacy.DefaultRules()),
		} {
			if got := b.post(path, form); got.Code != http.StatusForbidden {
				t.Errorf("%s at %s: %d", role, path, got.Code)
			}
		}
	}
	if now := h.kept(); now != before {
		t.Errorf("something was changed: %s is now %s", before, now)
	}
	h.read(func(tx *db.Tx) error {
		lines, err := audit.Forward(tx, audit.Filter{Customer: thread.CustomerID})
		for _, l := range lines {
			if l.Action != "privacy.asked" && strings.HasPrefix(l.Action, "privacy.") || strings.HasPrefix(l.Action, "customer.e") {
				t.Errorf("on record is %s by %s", l.Action, l.Actor)
			}
		}
		return err
	})
}

// Who is turned away from the file about a person tried to get a file that she may not have.
func TestAFileAboutAPersonIsDeniedOnRecord(t *testing.T) {
	h := newAdminHouse(t)
	thread := h.says("Ulin", "hello")
	b := h.as(t, h.Admin)
	want(t, b.post("/admin/privacy/people/"+thread.CustomerID+"/file", nil), http.StatusForbidden)
	want(t, b.get("/admin/privacy/files/pfl_1"), http.StatusForbidden)
	want(t, b.get("/admin/privacy"), http.StatusForbidden) // no file
	officer := h.as(t, h.Privacy)
	h.write(func(tx *db.Tx) error {
		return staff.SetLeaving(tx, staff.System(), h.Privacy, tx.Now.Add(48*time.Hour))
	})
	want(t, officer.post("/admin/privacy/people/"+thread.CustomerID+"/file", nil), http.StatusUnprocessableEntity)
	h.read(func(tx *db.Tx) error {
		for who, n := range map[string]int{h.Admin: 2, h.Privacy: 1} {
			if lines, err := audit.List(tx, audit.Filter{Actor: who, Action: "export.denied"}); err != nil || len(lines) != n {
				t.Errorf("on record: %+v, %v", lines, err)
			}
		}
		return nil
	})
}
