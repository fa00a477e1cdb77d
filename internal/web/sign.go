package web

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// signPage is what a customer reads on the counter's tablet: one purpose in her own
// language, and nothing else of the house or of other customers.
type signPage struct {
	Words        *Words // the staff's: for the title only
	Tag, Dir     string // hers
	Say          signWords
	Title        string
	Paragraphs   []string
	Purpose      string
	Version      int
	Purposes     []signChoice
	Languages    []signChoice
	Action, Back string
	Error        bool
}

// signChoice leads to the same page about something else.
type signChoice struct {
	Path, Text, Lang string
	Here             bool
}

// signWords are the words of that page in one language: customers read more
// languages than the console has.
type signWords struct {
	Name      string `json:"name"` // of the language
	Ask       string `json:"ask"`
	Sign      string `json:"sign"`
	Clear     string `json:"clear"`
	Yes       string `json:"yes"`
	No        string `json:"no"`
	Need      string `json:"need"`
	Back      string `json:"back"`
	Languages string `json:"languages"`
	Purposes  string `json:"purposes"`
}

//go:embed sign.json
var signFile []byte

var signTexts = sync.OnceValues(func() (map[string]signWords, error) {
	var out map[string]signWords
	if err := json.Unmarshal(signFile, &out); err != nil {
		return nil, fmt.Errorf("words of the signing page: %w", err)
	}
	return out, nil
})

func (s *Server) showSign(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.signPage(w, v, false)
}

func (s *Server) signPage(w http.ResponseWriter, v *Visit, refused bool) error {
	r := v.request
	data := signPage{Words: v.Words, Back: "/inbox/" + r.PathValue("thread"), Error: refused}
	data.Action = data.Back + "/consent"
	all, err := signTexts()
	if err != nil {
		return err
	}
	err = s.DB.Read(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, r.PathValue("thread"))
		if err != nil {
			return err
		}
		if s.Consent == nil {
			return db.ErrNotFound
		}
		asked := consent.Language(r.FormValue("language"))
		if asked == "" {
			if asked, err = c.language(); err != nil {
				return err
			}
		}
		purposes, err := s.Consent.Purposes(tx)
		if err != nil {
			return err
		}
		return data.fill(purposes, asked, r.FormValue("purpose"))
	})
	if err != nil {
		return err
	}
	data.Say, data.Dir = all[data.Tag], "ltr"
	if data.Tag == "ar" {
		data.Dir = "rtl"
	}
	for _, l := range consent.Languages() {
		data.Languages = append(data.Languages, signChoice{data.Action + "?language=" + l + "&purpose=" + data.Purpose, all[l].Name, l, l == data.Tag})
	}
	status := http.StatusOK
	if refused {
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, v, view{Page: "sign", Status: status, Data: data})
}

// fill chooses the purpose and the text. The page is in the language of the text
// that she will have read, whichever was asked for.
func (p *signPage) fill(purposes []consent.Purpose, language, purpose string) error {
	for _, x := range purposes {
		if !x.NeedsGrant || !x.ClosedAt.IsZero() {
			continue
		}
		text, tag := x.In(language)
		here := x.Name == purpose || purpose == "" && p.Purpose == ""
		if here {
			p.Purpose, p.Version, p.Title, p.Paragraphs, p.Tag = x.Name, x.Version, text.Title, paragraphs(text.Body), tag
		}
		p.Purposes = append(p.Purposes, signChoice{p.Action + "?language=" + language + "&purpose=" + x.Name, text.Title, tag, here})
	}
	if p.Purpose == "" {
		return db.ErrNotFound
	}
	return nil
}

// sign keeps what she decided on the tablet. A yes is signed; a no needs no proof.
func (s *Server) sign(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form := r.PostForm
	e := consent.Entry{Purpose: form.Get("purpose"), State: consent.State(form.Get("state")), How: consent.HowTablet, Version: typedNumber(form.Get("version")),
		Language: form.Get("language"), Staff: v.ID}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, r.PathValue("thread"))
		if err != nil {
			return err
		}
		if !v.May(staff.RecordConsent) || s.Consent == nil {
			return staff.ErrForbidden
		}
		e.Customer = c.t.CustomerID
		if e.State == consent.Granted {
			drawn, err := readSignature([]byte(form.Get("signature")))
			if err != nil {
				return err
			}
			if e.Evidence, err = json.Marshal(drawn); err != nil {
				return err
			}
		}
		if _, err = s.Consent.Record(tx, e); err != nil || e.State == consent.Granted {
			return err
		}
		return s.Desk.Withdrawn(tx, e.Customer)
	})
	var invalid db.Invalid
	if errors.As(err, &invalid) {
		return s.signPage(w, v, true)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/inbox/"+r.PathValue("thread"), "done.saved")
}
