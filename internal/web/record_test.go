package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/alarm"
	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// saidFor completes the requests of the table above, where they need more than nothing.
var saidFor = map[string]string{
	"GET /admin/privacy":                                "q=Chen",
	"POST /admin/privacy/people/{customer}/requests":    "kind=export",
	"POST /admin/privacy/keeping":                       keepingValues(privacy.DefaultRules()).Encode(),
	"POST /sign-in":                                     "email=mei@nowhere.test&password=not-hers-at-all",
	"POST /me/away":                                     "for=hour",
	"GET /find":                                         "q=Chen",
	"POST /admin/stores":                                "name=A+new+store",
	"POST /admin/stores/{store}":                        "name=Another+name",
	"POST /admin/brands":                                "name=A+new+brand",
	"POST /admin/brands/{brand}":                        "name=Another+brand",
	"POST /admin/exports/trace":                         "mark=EXPADMIN",
	"POST /admin/staff":                                 "name=New&email=new@new.test&role=advisor",
	"POST /admin/staff/{staff}":                         "name=P&email=p@new.test&role=advisor",
	"POST /admin/staff/{staff}/away":                    "for=hour",
	"POST /admin/replies":                               "title=t&text=x",
	"POST /admin/replies/{reply}":                       "title=t&text=y",
	"POST /admin/tokens":                                "name=t&scopes=threads:read",
	"POST /admin/webhooks":                              "name=w&url=https://x.example/",
	"POST /admin/webhooks/{endpoint}":                   "name=w&url=https://x.example/",
	"POST /admin/alarms/{alarm}":                        "state=closed&note=asked+her",
	"POST /admin/exports":                               "kind=audit&reason=for+this+test",
	"POST /admin/products":                              "ref=N-1&name=Balm",
	"POST /admin/products/{product}":                    "ref=P-admin&name=Balm",
	"POST /admin/products/{product}/variants":           "sku=S-new",
	"POST /admin/products/{product}/variants/{variant}": "sku=S-admin",
	"POST /admin/attributes":                            "name=new_one&type=text",
	"POST /admin/attributes/{attribute}":                "name=attribute_admin&type=text",
	"POST /admin/tags":                                  "name=new_tag",
	"POST /admin/tags/{tag}":                            "name=tag_admin",
	"POST /admin/exports/settings":                      "second_above=10&hours=2",
}

func TestEveryRouteLeavesItsRecord(t *testing.T) {
	stopping := make(chan struct{})
	close(stopping)
	h := newAdminHouse(t, func(d *Deps) { d.Stopping, d.Events = stopping, event.NewLog(d.DB) })
	last := func() (seq int64) {
		h.read(func(tx *db.Tx) (err error) {
			seq, err = audit.Last(tx)
			return err
		})
		return seq
	}
	f := h.prepare("admin")
	routes := h.routes()
	slices.SortStableFunc(routes, func(a, b route) int { return cmp.Compare(number(ends(a.pattern)), number(ends(b.pattern))) })
	seen := map[string]bool{}
	for _, rt := range routes {
		seen[rt.pattern] = true
		want, listed := leaves[rt.pattern]
		if !listed {
			t.Errorf("%s: say in the table what it leaves in the audit", rt.pattern)
			continue
		}
		if strings.HasPrefix(want, "none: ") {
			continue
		}
		who := h.Admin
		switch {
		case strings.Contains(rt.pattern, " /inbox"), rt.pattern == "GET /find":
			who = h.Manager
		case strings.Contains(rt.pattern, "/admin/privacy"):
			who = h.Privacy
		case strings.Contains(rt.pattern, "/cards/"), strings.Contains(rt.pattern, "/failures/messages/"):
			who = h.Manager
		}
		if strings.Contains(rt.pattern, "{job}") {
			f["job"] = "job_" + strings.ReplaceAll(want, ".", "_")
			h.dead(f["job"], "quota")
		}
		if strings.Contains(rt.pattern, "{session}") {
			f["session"] = h.session(who)
		}
		said := cmp.Or(saidFor[rt.pattern], formOf[rt.pattern])
		switch rt.pattern {
		case "POST /admin/failures/messages/{message}/resend":
			f["message"] = h.fails(h.says("Uagain", "hello again"), "an answer").ID
		case "POST /admin/exports/{export}/drop": // it was refused before
			h.write(func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE export SET state = 'waiting' WHERE id = $1`, f["export"])
				return err
			})
		case "POST /admin/counters":
			h.write(func(tx *db.Tx) error {
				store := must(staff.SaveStore(tx, staff.System(), staff.StoreForm{Name: "for a counter"}))
				brand := must(staff.SaveBrand(tx, staff.System(), staff.BrandForm{Name: "for a counter"}))
				said = "store=" + store.ID + "&brand=" + brand.ID
				return nil
			})
		case "POST /admin/alarms/settings":
			said = boundsForm()
		case "POST /admin/words/{language}", "POST /admin/words/{language}/{version}":
			said = "yaml=" + url.QueryEscape(smallLexicon)
		}
		before := last()
		code := h.asks(who, f.path(rt.pattern), f.path(said))
		var got []string
		h.read(func(tx *db.Tx) error {
			rows, err := audit.Forward(tx, audit.Filter{After: before})
			for _, r := range rows {
				got = append(got, r.Action)
			}
			return err
		})
		if !slices.Contains(got, want) {
			t.Errorf("%s: %d %s, left %v, want %s", rt.pattern, code, http.StatusText(code), got, want)
		}
	}
	for pattern := range leaves {
		if !seen[pattern] {
			t.Errorf("the table has %q, which is no route", pattern)
		}
	}
}

// boundsForm is the form of the bounds, as the page fills it in.
func boundsForm() string {
	set := alarm.Defaults()
	q := url.Values{"open": {set.Open}, "shut": {set.Shut}, "leaving_days": {fmt.Sprint(set.LeavingDays)}, "leaving_percent": {fmt.Sprint(set.LeavingPercent)}}
	for rule, roles := range set.Bounds {
		for role, n := range roles {
			q.Set("bound."+string(rule)+"."+string(role), fmt.Sprint(n))
		}
	}
	return q.Encode()
}
