package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// cardView is the right column: who she is to this counter. What is heavy, and what
// is seldom needed, comes when she looks for it.
type cardView struct {
	ThreadID string
	Head     cardHead
	Tags     cardTags
	Promises cardPlans
	Wishes   cardPlans
	Known    cardKnown
	Notes    cardPlans
	Reach    cardReach
	Consent  cardConsent
	Agreed   bool // there are purposes
	Shop     bool // there is a catalogue
}

// cardAt is one look at a card: who looks, at whom, from which thread.
type cardAt struct {
	*Server
	tx      *db.Tx
	v       *Visit
	t       conversation.Thread
	x       scene
	clock   Clock
	records []string // of the person
	sight   customer.Sight
	names   map[string]string // of staff, as far as they were needed

	colleagues map[string]bool // whether somebody stands at a counter that the viewer sees

	attributes []customer.Attribute // read once
	before     string               // where a piece begins
	form       Form                 // what was typed and refused
	formOf     string               // in the form of which row; "": in the one that adds
	undone     *undone
	shown      *customer.Contact // the whole number that she asked for
	met        []string          // others who are named on it
}

// undone is what was just taken away, and can be put back.
type undone struct {
	Label, Name string
	With        []customer.Attribute // values that went with a tag
	Lost        string               // their names
}

// cardAt looks at the card of the person of a thread.
func (s *Server) cardAt(tx *db.Tx, v *Visit, threadID string) (*cardAt, error) {
	t, err := s.Desk.Thread(tx, v.Viewer, threadID)
	if err != nil {
		return nil, err
	}
	x, err := s.scene(tx, v.Words, v.ID)
	if err != nil {
		return nil, err
	}
	return s.cardOf(tx, v, x, t)
}

func (s *Server) cardOf(tx *db.Tx, v *Visit, x scene, t conversation.Thread) (*cardAt, error) {
	c := &cardAt{Server: s, tx: tx, v: v, t: t, x: x, clock: x.clock(t.CounterID), names: map[string]string{}, colleagues: map[string]bool{}}
	var err error
	if c.records, err = s.Desk.Book.Records(tx, t.CustomerID); err != nil {
		return nil, err
	}
	c.sight, err = s.Desk.Book.Sight(tx, v.Viewer)
	return c, err
}

func (c *cardAt) chats() bool { return c.v.May(staff.Chat) }

// known are her attributes.
func (c *cardAt) known() ([]customer.Attribute, error) {
	if c.attributes != nil {
		return c.attributes, nil
	}
	var err error
	c.attributes, err = c.Desk.Book.Attributes(c.tx, c.sight, c.records)
	if c.attributes == nil {
		c.attributes = []customer.Attribute{}
	}
	return c.attributes, err
}

// name says who somebody of the staff is.
func (c *cardAt) name(staffID string) string {
	if staffID == c.v.ID && staffID != "" {
		return c.v.Name
	}
	if name, ok := c.names[staffID]; ok || staffID == "" {
		return name
	}
	found, err := staff.StaffNames(c.tx, []string{staffID})
	if err != nil { // a name is a courtesy: the card stands without
		found = nil
	}
	c.names[staffID] = found[staffID]
	return c.names[staffID]
}

// near is a colleague whom the viewer may be told of: herself, who stands at a counter
// that she sees, and a program. Of others it is empty: with whom else a customer speaks is
// no business of this counter.
func (c *cardAt) near(staffID string) string {
	if staffID == "" || staffID == c.v.ID || c.v.SeesAll() || !strings.HasPrefix(staffID, "stf_") {
		return staffID
	}
	near, known := c.colleagues[staffID]
	if !known {
		near, _ = staff.Near(c.tx, c.v.Viewer, staffID) // a name is a courtesy: the card stands without
		c.colleagues[staffID] = near
	}
	if !near {
		return ""
	}
	return staffID
}

func (c *cardAt) view() (cardView, error) {
	view := cardView{ThreadID: c.t.ID, Shop: c.Shop != nil, Agreed: c.Consent != nil}
	var err error
	read := func(part func() error) {
		if err == nil {
			err = part()
		}
	}
	read(func() (err error) { view.Head, err = c.head(); return err })
	read(func() (err error) { view.Tags, err = c.tags(); return err })
	read(func() (err error) { view.Promises, err = c.promises(); return err })
	read(func() (err error) { view.Wishes, err = c.wishes(); return err })
	read(func() (err error) { view.Known, err = c.knownPart(); return err })
	read(func() (err error) { view.Notes, err = c.notes(); return err })
	read(func() (err error) { view.Reach, err = c.reach(); return err })
	if view.Agreed {
		read(func() (err error) { view.Consent, err = c.consent(); return err })
	}
	return view, err
}

// part reads one section of the card, or a piece of one, with the block that draws it.
func (c *cardAt) part(name string) (block string, data any, err error) {
	switch name {
	case "head":
		data, err = c.head()
	case "tags":
		data, err = c.tags()
	case "all-tags":
		data, err = c.allTags()
	case "promises":
		data, err = c.promises()
	case "wishes":
		data, err = c.wishes()
	case "facets":
		data = cardPlans{ThreadID: c.t.ID, Kind: "wishes", Facets: c.picks(nil)}
	case "known":
		data, err = c.knownPart()
	case "notes":
		data, err = c.notes()
	case "reach":
		data, err = c.reach()
	case "consent":
		data, err = c.consent()
	case "consent-past":
		data, err = c.consentPast()
	case "one":
		data, err = c.one()
	case "purchases":
		data, err = c.purchases()
	case "receipts":
		data, err = c.receipts()
	case "past":
		data, err = c.past()
	default:
		err = db.ErrNotFound
	}
	return "card-" + name, data, err
}

func (s *Server) showCard(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("thread")
	var card cardView
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, id)
		if err != nil {
			return err
		}
		card, err = c.view()
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "card", Data: card})
}

// showCardPart draws one section anew, or brings what was left for later.
func (s *Server) showCardPart(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.drawPart(w, r, v, sheet{threadID: r.PathValue("thread"), part: r.PathValue("part")})
}

// sheet is a section to draw, after something was done with it.
type sheet struct {
	threadID, part string
	done           *cardAt // what was done; nil: nothing
	form           Form
	row            string
}

func (s *Server) drawPart(w http.ResponseWriter, r *http.Request, v *Visit, d sheet) error {
	var block string
	var data any
	var met []string
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, d.threadID)
		if err != nil {
			return err
		}
		c.before, c.form, c.formOf = r.URL.Query().Get("before"), d.form, d.row
		if d.done != nil {
			c.undone, c.shown = d.done.undone, d.done.shown
		}
		block, data, err = c.part(d.part)
		met = c.met
		return err
	})
	if err == nil {
		err = s.shown(r, v, "suggestion", met)
	}
	if err != nil {
		return err
	}
	x := view{Page: "inbox", Block: block, Data: data}
	if d.form.Failed() {
		x.Status = http.StatusUnprocessableEntity
		w.Header().Set("HX-Retarget", "#card-"+d.part) // else nobody would see what is wrong
		w.Header().Set("HX-Reswap", "outerHTML")
	}
	return s.render(w, v, x)
}

// cardAct is something done on a card. The row is the one that the address names.
type cardAct func(c *cardAt, form url.Values, row string) error

// changes does something on a card and draws the section anew. What was refused
// comes back as it was typed, with the reason beside it.
func (s *Server) changes(part string, do cardAct) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		if err := r.ParseForm(); err != nil {
			return malformed(err)
		}
		d := sheet{threadID: r.PathValue("thread"), part: part}
		row := r.PathValue("row")
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
			c, err := s.cardAt(tx, v, d.threadID)
			if err != nil {
				return err
			}
			d.done = c
			return do(c, r.PostForm, row)
		})
		var invalid db.Invalid
		if errors.As(err, &invalid) {
			d.form, d.row = Form{Values: r.PostForm}, row
			d.form.Refuse(invalid.Field, invalid.Code)
			if d.form.Errors[invalid.Field] == "" || !v.Words.Has("invalid."+invalid.Code) {
				d.form.Refuse(invalid.Field, "unknown")
			}
			err = nil
		}
		if err != nil {
			return err
		}
		return s.drawPart(w, r, v, d)
	}
}

// hers tells whether a row of a card is this person's: an id alone opens nothing.
func (c *cardAt) hers(row string) error {
	person, err := c.Desk.VisibleRow(c.tx, c.v.Viewer, row)
	if err == nil && person != c.t.CustomerID {
		err = db.ErrNotFound
	}
	return err
}

// rename sets what the counter calls her.
func rename(c *cardAt, form url.Values, _ string) error {
	return c.Desk.Rename(c.tx, c.v.Viewer, c.t.ID, form.Get("name"))
}
