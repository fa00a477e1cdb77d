package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/insight"
)

// lexiconBody is what a text of a megabyte weighs as a form.
const lexiconBody = 4 << 20

var errOvertaken = errors.New("a draft changed meanwhile")

// samples are the sentences that stand ready to be tried, in the lexicon's own language.
var samples = map[string]string{
	"zh-Hant": "我是敏感肌，想找淡一點的香水\n皮膚不敏感，但很乾\n我媽媽是油性肌膚\n敏感肌可以用嗎？",
	"zh-Hans": "我是敏感肌，想找淡一点的香水\n皮肤不敏感，但很干\n我妈妈是油性皮肤\n敏感肌可以用吗？",
	"en":      "I have sensitive skin and would like a light perfume\nMy skin is not sensitive, but very dry\nMy mum has oily skin\nIs it fine for sensitive skin?",
	"id":      "Kulit saya sensitif, mau cari parfum yang ringan\nKulitku tidak kering\nIbu saya kulitnya berminyak\nApakah cocok untuk kulit sensitif?",
	"ms":      "Kulit saya sensitif, nak cari minyak wangi yang lembut\nKulit saya tak kering\nMak saya kulit berminyak\nSesuai tak untuk kulit sensitif?",
	"ar":      "بشرتي حساسة وأبحث عن عطر خفيف\nبشرتي مو جافة\nأمي بشرتها دهنية\nهل يناسب البشرة الحساسة؟",
	"th":      "ผิวแพ้ง่าย อยากได้น้ำหอมกลิ่นอ่อนๆ\nผิวไม่แห้ง\nแม่ผิวมัน\nผิวแพ้ง่ายใช้ได้ไหม",
	"vi":      "Da mình nhạy cảm, muốn tìm nước hoa mùi nhẹ\nDa mình không khô\nMẹ mình da dầu\nDa nhạy cảm dùng được không?",
}

// adminEditorPage is the text of one version: a draft to work on, or one that was
// used, to read.
type adminEditorPage struct {
	Frame
	Top      AdminTop
	Form     Form
	Language string
	Action   string // saving
	TryPath  string
	Draft    bool // it can be changed
	Stamp    string
	Lines    int
	Line     int // where something is wrong
	Problem  string
	Copy     Step // a new draft of this text
	Drop     Confirm
	Again    Confirm
	Live     bool
	Tried    triedView
}

func (s *Server) editLexicon(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.editorPage(w, v, Form{}, triedView{})
}

// editorPage shows the version that the path names, or a new draft of the live text.
func (s *Server) editorPage(w http.ResponseWriter, v *Visit, f Form, tried triedView) error {
	language, err := wordsLanguage(v.request)
	if err != nil {
		return err
	}
	id := v.request.PathValue("version")
	if f.Values.Get("fresh") != "" { // somebody published or dropped it meanwhile
		id = ""
	}
	var x, from insight.Version
	var names map[string]string
	err = s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if names, err = staffNames(tx, v); err != nil {
			return err
		}
		if id != "" {
			x, err = s.lexiconVersion(tx, v, language, id)
			return err
		}
		from, err = s.draftFrom(tx, v, language)
		return err
	})
	if err != nil {
		return err
	}
	base, name := "/admin/words/"+language, v.T("spoken."+language)
	data := adminEditorPage{Language: language, Tried: tried, TryPath: base + "/try", Draft: true, Action: base, Problem: x.Problem,
		Top: AdminTop{Up: Step{base, name}, Title: v.T("words.new_draft"), Text: name}}
	switch {
	case id == "":
		if f.Values == nil {
			f.Values = url.Values{"yaml": {from.YAML}}
		}
		if from.Version > 0 {
			data.Top.Text = joined(name, v.T("words.from", "n", from.Version))
		}
	case x.State == insight.StateDraft:
		data.Action += "/" + id
		data.Drop = Confirm{ID: "drop", Path: data.Action + "/drop", Button: v.T("words.drop"),
			Title: v.T("words.drop_title"), Text: v.T("words.drop_text"), Go: v.T("words.drop")}
	default:
		data.Draft, data.Live = false, x.State == insight.StateLive
		data.Copy = Step{base + "/new?from=" + id, v.T("words.copy")}
		if !data.Live {
			data.Again = s.again(v, x)
			data.Again.Small = false
		}
	}
	if id != "" {
		data.Top.Title, data.Top.Text = v.T("words.version", "n", x.Version), joined(name, v.T("words.state."+string(x.State)), s.byAndWhen(v, x, names))
		data.Stamp = strconv.FormatInt(db.Micro(x.At), 10)
		if f.Values == nil || !data.Draft {
			f.Values = url.Values{"yaml": {x.YAML}, "note": {x.Note}, "sentences": f.Values["sentences"]}
		}
	}
	if f.Values.Get("sentences") == "" {
		f.Values.Set("sentences", samples[language])
	}
	f.Values.Set("version", id)
	data.Form, data.Line = f, typedNumber(f.Values.Get("line"))
	data.Lines = strings.Count(f.Values.Get("yaml"), "\n") + 1
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_editor", Status: f.status(), Data: data})
}

// draftFrom is what a new draft starts with: the version that was asked for, else
// the live one.
func (s *Server) draftFrom(tx *db.Tx, v *Visit, language string) (insight.Version, error) {
	if id := v.request.URL.Query().Get("from"); id != "" {
		return s.lexiconVersion(tx, v, language, id)
	}
	all, err := s.Reader.Versions(tx, v.Viewer, language)
	if err != nil {
		return insight.Version{}, err
	}
	for _, x := range all {
		if x.State == insight.StateLive {
			return s.Reader.Version(tx, v.Viewer, x.ID)
		}
	}
	return insight.Version{YAML: "language: " + language + "\nversion: 1\nrules:\n"}, nil
}

// typedLexicon is a text as the file has it: forms send their lines with CR LF.
func typedLexicon(form url.Values) string {
	return strings.ReplaceAll(form.Get("yaml"), "\r\n", "\n")
}

// saveLexicon keeps a draft, and makes it live at once where she wants that.
func (s *Server) saveLexicon(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	language, err := wordsLanguage(r)
	if err != nil {
		return err
	}
	form := r.PostForm
	form.Set("yaml", typedLexicon(form))
	f := Form{Values: form}
	publish := form.Get("do") == "publish"
	d := insight.Draft{ID: r.PathValue("version"), Language: language, YAML: form.Get("yaml"), Note: strings.TrimSpace(form.Get("note"))}
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := s.notOvertaken(tx, v, d, form.Get("stamp")); err != nil {
			return err
		}
		saved, err := s.Reader.SaveDraft(tx, v.Viewer, d)
		if err == nil && publish {
			err = s.Reader.Publish(tx, v.Viewer, saved.ID)
		}
		d.ID = saved.ID
		return err
	})
	switch {
	case s.takeLexicon(v, &f, err):
	case errors.Is(err, errOvertaken):
		f.Alert = v.T("words.overtaken")
	case errors.Is(err, db.ErrNotFound):
		form.Set("fresh", "yes")
		f.Alert = v.T("words.fresh")
	case err != nil:
		return err
	}
	if f.Failed() {
		return s.editorPage(w, v, f, triedView{})
	}
	if publish {
		return s.done(w, v, "/admin/words/"+language, "done.published")
	}
	return s.done(w, v, "/admin/words/"+language+"/"+d.ID, "done.saved")
}

// notOvertaken refuses to write over what a colleague has saved since the page was
// opened; what is typed stays, and can be saved then.
func (s *Server) notOvertaken(tx *db.Tx, v *Visit, d insight.Draft, stamp string) error {
	if d.ID == "" || stamp == "" {
		return nil
	}
	x, err := s.lexiconVersion(tx, v, d.Language, d.ID)
	if err == nil && x.State == insight.StateDraft && strconv.FormatInt(db.Micro(x.At), 10) != stamp {
		err = errOvertaken
	}
	return err
}

// takeLexicon keeps what is wrong with a text, with its line.
func (s *Server) takeLexicon(v *Visit, f *Form, err error) bool {
	var p insight.Problem
	if errors.As(err, &p) {
		if f.Values == nil {
			f.Values = url.Values{}
		}
		f.Values.Set("line", strconv.Itoa(p.Line))
		f.Alert = problemText(v.Words, p)
		return true
	}
	if !f.Take(err) {
		return false
	}
	if f.Errors["note"] == "" { // of a field that the page does not have
		f.Alert = err.Error()
	}
	return true
}

// problemText says in words what is wrong with a lexicon, and where.
func problemText(w *Words, p insight.Problem) string {
	code := p.Code
	if code == "taken" { // not by somebody: it stands there twice
		code = "there_twice"
	}
	what := invalidText(w, code)
	if p.Field != "" && p.Field != "yaml" {
		what = p.Field + ": " + what
	}
	if p.Detail != "" {
		what += " (" + p.Detail + ")"
	}
	if p.Line > 0 {
		return w.T("words.line", "n", p.Line, "what", what)
	}
	return what
}
