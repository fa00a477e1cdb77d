package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
	"dingdong/internal/webhook"
)

// adminAuditPage is who did what and who saw whom, the newest first.
type adminAuditPage struct {
	Frame
	Top      AdminTop
	Form     Form
	Actors   []Option
	Actions  []Option
	Filtered bool
	Rows     []auditRow
	Older    string // empty: no more
	Nothing  Empty
	Export   string // where a file of what is shown is asked for
	Whose    string // whom it was narrowed to, in words
}

// auditRow is one act.
type auditRow struct {
	At, Machine string
	Actor       string
	Action      string
	Object      string
	Customer    string // her masked name; empty: nobody's
	Filter      string // leads to everything about her
}

// auditRows is how many acts a page shows.
const auditRows = 60

// acts are the actions with a sentence below "act.", in the order of the filter;
// a point in a code is an underscore in its sentence.
var acts = []string{
	"signed_in", "signed_in_demo", "sign_in_failed", "proved_again", "passkey_added", "passkey_removed", "passkeys_removed", "passkey_cloned", "sign_in_rules", "sso_saved", "session_ended", "other_sessions_ended", "password_changed", "password_reset",
	"thread.open", "thread.taken", "thread.assigned", "thread.transferred", "thread.released", "thread.closed", "thread.reopened",
	"staff_away", "staff_back", "staff_shown", "card.save", "card.end", "customer.bind",
	"customer.merge", "customer.unmerge", "customer.not_one", "customer.contact", "customer.contact_added", "customer.contact_ended",
	"customer.search", "customer.entered", "customer.rename", "api.read", "api.write", "api.contact",
	"message.resend", "message.cancel", "reply.save", "reply.delete", "account.save", "account.close", "account.reopen", "account.secret", "account.token", "account.old_secret_end", "key.rotate", "key.retire",
	"first_admin_created", "staff_saved", "staff_ended", "staff_returned", "store_saved", "store_closed", "store_reopened",
	"brand_saved", "brand_closed", "brand_reopened", "counter_saved", "counter_closed", "counter_reopened", "token_created", "token_ended",
	"attribute_saved", "attribute_closed", "attribute_reopened", "attribute_forgotten", "tag_saved", "tag_closed", "tag_reopened", "tag_taken",
	"lexicon_saved", "lexicon_published", "lexicon_dropped",
	"consent_granted", "consent_withdrawn", "contact_paused", "contact_resumed", "contact_rules_saved", "chat_rules_saved",
	"purpose_added", "purpose_changed", "purpose_text_changed",
	"endpoint.save", "endpoint.pause", "endpoint.resume", "endpoint.end", "endpoint.gone", "endpoint.retry", "endpoint.secret", "endpoint.old_secret_end", "job.retry", "job.discard",
	"handover.plan", "handover.change", "handover.drop", "handover.hand", "handover.texts", "handover.start", "handover.begin", "handover.pause", "handover.resume", "handover.cancel",
	"handover.recall", "handover.return", "handover.reschedule", "handover.retry", "handover.forgo", "handover.end", "handover.done", "handover.returned", "handover.cancelled", "handover.stop",
	"customer.shown", "staff_leaving", "alarm.raised", "alarm.seen", "alarm.closed", "alarm.settings", "import.looked", "import.run", "import.upload",
	"import.drop", "product.save", "api.search", "audit.seen", "audit.verified", "backup.made", "copy.made", "export.asked",
	"export.denied", "export.passed", "export.refused", "export.made", "export.failed", "export.downloaded", "export.gone", "export.settings",
	"export.traced", "customer.exported", "privacy.asked", "privacy.noted", "privacy.extended", "privacy.refused", "privacy.done", "privacy.rules",
	"privacy.retained", "customer.erased", "customer.export_fetched",
}

func actWords(v *Visit, action string) string {
	if !slices.Contains(acts, action) {
		return action
	}
	return v.T("act." + strings.ReplaceAll(action, ".", "_"))
}

// ActWords says an action of the audit in a language of the console.
func (s *Server) ActWords(language, action string) string {
	return actWords(&Visit{Words: s.languages.Choose(language, "", "")}, action)
}

func (s *Server) showAudit(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q := r.URL.Query()
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64) // nonsense is the newest page
	form := Form{Values: q}
	f := audit.Filter{Actor: db.CleanText(q.Get("actor")), Action: db.CleanText(q.Get("action")), Before: max(before, 0), Limit: auditRows + 1}
	f.From, f.To = form.day("from", s.zone), form.day("to", s.zone)
	if !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1) // the day itself is meant
	}
	whose := strings.TrimSpace(db.CleanText(q.Get("customer")))
	title := v.T("admin.audit")
	data := adminAuditPage{Frame: s.frame(v, "admin", title), Form: form, Filtered: f.Any() || whose != "",
		Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.audit.about")}}
	data.Nothing = Empty{Icon: "eye", Title: v.T("admin.audit.none"), Text: v.T("admin.audit.none_text")}
	if data.Filtered {
		data.Nothing = data.Nothing.Action("/admin/audit", v.T("admin.audit.all"))
	}
	var rows []audit.Row
	var names namebook
	var masked map[string]string
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if !v.May(staff.SeeAudit) {
			return staff.ErrForbidden
		}
		if names, err = s.namebook(tx, v); err != nil {
			return err
		}
		if whose != "" {
			if f.Customers, err = s.recordsOf(tx, whose); err != nil {
				return err
			}
		}
		if rows, err = audit.List(tx, f); err != nil {
			return err
		}
		masked, err = s.maskedNames(tx, v, rows)
		return err
	})
	if err == nil {
		err = s.noteAuditSeen(r, v, whose)
	}
	if err != nil {
		return err
	}
	if len(rows) > auditRows {
		rows = rows[:auditRows]
		older := url.Values{"before": {strconv.FormatInt(rows[auditRows-1].Seq, 10)}}
		for _, key := range auditFilters {
			if value := q.Get(key); value != "" {
				older.Set(key, value)
			}
		}
		data.Older = "/admin/audit?" + older.Encode()
	}
	if data.Filtered {
		asked := url.Values{"kind": {"audit"}}
		for _, key := range auditFilters {
			asked.Set(key, q.Get(key))
		}
		data.Export = "/admin/exports/new?" + asked.Encode()
	} else {
		data.Export = "/admin/exports/new?kind=audit"
	}
	if whose != "" {
		data.Whose = cmp.Or(masked[whose], v.T("privacy.unnamed")+" "+shortID(whose))
	}
	data.Actors, data.Actions = names.actors(v, f.Actor), actionOptions(v)
	clock := s.clock(v, "")
	for _, x := range rows {
		row := auditRow{At: clock.Moment(x.At), Machine: clock.Machine(x.At), Actor: names.call(v, x.Actor), Action: actWords(v, x.Action)}
		if x.Object != x.Actor && x.Customer == "" { // with a customer, she is whom it is about
			row.Object = names.object(x.Object)
		}
		if x.Customer != "" {
			row.Customer = cmp.Or(masked[x.Customer], v.T("privacy.unnamed")+" "+shortID(x.Customer))
			row.Filter = "/admin/audit?customer=" + url.QueryEscape(x.Customer)
		}
		data.Rows = append(data.Rows, row)
	}
	return s.render(w, v, view{Page: "admin_audit", Data: data})
}

var customerIDForm = regexp.MustCompile(`^cus_[0-9a-v]{26}$`)

// noteAuditSeen puts on record that somebody reads the record, now and then. Only an id
// comes into it: who types a name or a number instead must not leave it where nothing is
// ever erased.
func (s *Server) noteAuditSeen(r *http.Request, v *Visit, whose string) error {
	if !customerIDForm.MatchString(whose) {
		whose = ""
	}
	key := v.Session + " audit " + whose
	if !s.looks.due(key, v.Now) {
		return nil
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "audit.seen", Customer: whose})
		return nil
	})
	if err == nil {
		s.looks.done(key, v.Now)
	}
	return err
}

// auditFilters are the fields that narrow the record.
var auditFilters = []string{"actor", "action", "customer", "from", "to"}

// recordsOf are the records of a person, or the id itself when nobody has it any more:
// what is on record outlives her erasure.
func (s *Server) recordsOf(tx *db.Tx, id string) ([]string, error) {
	person, err := s.Desk.Book.Person(tx, id)
	if errors.Is(err, db.ErrNotFound) {
		return []string{id}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.Desk.Book.Records(tx, person)
}

// maskedNames gives the customers of some lines names by which an officer tells one from
// another, and which tell nobody who she is.
func (s *Server) maskedNames(tx *db.Tx, v *Visit, rows []audit.Row) (map[string]string, error) {
	out := map[string]string{}
	for _, row := range rows {
		if _, done := out[row.Customer]; done || row.Customer == "" {
			continue
		}
		her, err := s.Desk.Book.Get(tx, row.Customer)
		if errors.Is(err, db.ErrNotFound) || errors.Is(err, vault.ErrErased) {
			out[row.Customer] = v.T("privacy.erased") + " " + shortID(row.Customer)
			continue
		}
		if err != nil {
			return nil, err
		}
		name := her.Name
		if name == "" {
			identities, err := s.Desk.Book.Identities(tx, row.Customer)
			if err != nil && !errors.Is(err, vault.ErrErased) {
				return nil, err
			}
			for _, i := range identities {
				name = cmp.Or(name, i.Name)
			}
		}
		out[row.Customer] = masked(name, row.Customer)
	}
	return out, nil
}

// masked keeps the first letter of a name and the last signs of the id.
func masked(name, id string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if first == utf8.RuneError {
		return ""
	}
	return string(first) + "○○ " + shortID(id)
}

// shortID is what tells two people of one name apart, without the whole of an id. It runs
// from left to right, whatever letters the name beside it has.
func shortID(id string) string { return "\u2066·" + id[max(0, len(id)-4):] + "\u2069" }

func actionOptions(v *Visit) []Option {
	options := []Option{{"", v.T("admin.audit.every_action")}}
	for _, action := range acts {
		options = append(options, Option{action, actWords(v, action)})
	}
	return options
}

// namebook gives names to the ids of everything but customers: their names stay
// sealed where the id says enough.
type namebook struct {
	people []staff.Person
	names  map[string]string
}

func (s *Server) namebook(tx *db.Tx, v *Visit) (n namebook, err error) {
	n.names = map[string]string{"system": v.T("admin.actor.system"), "command": v.T("admin.actor.system")}
	if n.people, err = staff.ListStaff(tx); err != nil {
		return n, err
	}
	for _, p := range n.people {
		n.names[p.ID] = p.Name
	}
	g, err := loadGroup(tx)
	if err != nil {
		return n, err
	}
	for _, k := range placeKinds {
		for _, p := range k.places(g, v) {
			n.names[p.id] = p.name
		}
	}
	tokens, err := staff.Tokens(tx)
	for _, t := range tokens {
		n.names[t.ID] = t.Name
		n.names["token/"+t.ID] = v.T("admin.actor.token", "name", t.Name)
	}
	if err != nil {
		return n, err
	}
	return n, s.nameProgrammes(tx, n.names)
}

// nameProgrammes adds accounts, saved replies and webhooks; who may see the record
// may see what they are called, whatever else she may.
func (s *Server) nameProgrammes(tx *db.Tx, names map[string]string) error {
	accounts, err := s.Desk.Accounts(tx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		names[a.ID] = a.Name
	}
	replies, err := s.Desk.Replies(tx, staff.System(), "")
	if err != nil {
		return err
	}
	for _, x := range replies {
		names[x.ID] = x.Title
	}
	endpoints, err := s.Hooks.List(tx, staff.System())
	for _, e := range endpoints {
		names[e.ID], names[webhook.Actor(e.ID)] = e.Name, e.Name
	}
	return err
}

// call names who did something.
func (n namebook) call(v *Visit, actor string) string {
	if name := n.names[actor]; name != "" {
		return name
	}
	if actor == "" {
		return v.T("admin.actor.nobody")
	}
	if key := "admin.actor." + actor; v.Words.Has(key) {
		return v.T(key)
	}
	if id, ok := strings.CutPrefix(actor, "handover/"); ok { // the house, as somebody planned it
		return v.T("hand.title") + " " + shortID(id)
	}
	return actor
}

// object names what it was done to; sessions and the like are best left out.
func (n namebook) object(id string) string {
	if name := n.names[id]; name != "" {
		return name
	}
	if strings.HasPrefix(id, "ses_") {
		return ""
	}
	if kind, rest, ok := strings.Cut(id, "_"); ok && len(kind) == 3 && len(rest) > 16 {
		return shortID(id) // something that has no name, or is gone
	}
	return id
}

// actors are whom the record can be narrowed to.
func (n namebook) actors(v *Visit, chosen string) []Option {
	options := []Option{{"", v.T("admin.audit.everybody")}}
	listed := chosen == ""
	for _, p := range n.people {
		options = append(options, Option{p.ID, p.Name})
		listed = listed || p.ID == chosen
	}
	if !listed {
		options = append(options, Option{chosen, n.call(v, chosen)})
	}
	return options
}

// chainView is whether the record is whole.
type chainView struct {
	Whole bool
	Text  string
}

// verifyAudit walks the whole chain; it is a read, however long it takes.
func (s *Server) verifyAudit(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var n, broken int64
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if !v.May(staff.SeeAudit) {
			return staff.ErrForbidden
		}
		n, broken, err = audit.Verify(tx)
		return err
	})
	if err == nil {
		err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
			audit.Record(tx, audit.Entry{Actor: v.ID, Action: "audit.verified", Detail: fmt.Sprintf("%d lines, broken at %d", n, broken)})
			return nil
		})
	}
	if err != nil {
		return err
	}
	data := chainView{Whole: broken == 0, Text: v.T("admin.audit.whole", "count", shownNumber(int(n)))}
	if !data.Whole {
		data.Text = v.T("admin.audit.broken", "at", shownNumber(int(broken)))
	}
	return s.render(w, v, view{Page: "admin_audit", Block: "chain", Data: data})
}
