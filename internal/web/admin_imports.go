package web

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
)

// importLimit bounds a file from a browser, and importBody what comes with it; the
// command line takes any size.
const (
	importLimit = 64 << 20
	importBody  = importLimit + 1<<20
)

// adminImportsPage is where files come in, and what became of former ones.
type adminImportsPage struct {
	Frame
	Top     AdminTop
	Form    Form
	Kinds   Choices
	Limit   int // megabytes
	Rows    []importRow
	Nothing Empty
}

// importRow is one file.
type importRow struct {
	Path, Name, Text string
	State            Pill
}

func (s *Server) listImports(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.importsPage(w, v, Form{}, 0)
}

func (s *Server) importsPage(w http.ResponseWriter, v *Visit, f Form, status int) error {
	var list []catalogue.Import
	var names map[string]string
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if names, err = staffNames(tx, v); err != nil {
			return err
		}
		list, err = s.Shop.Imports(tx, v.Viewer, 100)
		return err
	})
	if err != nil {
		return err
	}
	title := v.T("import.title")
	data := adminImportsPage{Frame: s.frame(v, "admin", title), Form: f, Limit: importLimit >> 20,
		Top:     AdminTop{Up: adminUp(v), Title: title, Text: v.T("import.about")},
		Kinds:   Choices{One: true, Name: "kind", Label: v.T("import.kind"), Error: f.Errors["kind"]},
		Nothing: Empty{Icon: "inbox", Title: v.T("import.none"), Text: v.T("import.none_text")}}
	var kinds []Choice
	for i, k := range catalogue.ImportKinds() {
		kinds = append(kinds, Choice{Value: string(k), Text: v.T("import.kind." + string(k)), Hint: v.T("import.kind_hint." + string(k)),
			On: f.Values.Get("kind") == string(k) || f.Values == nil && i == 0})
	}
	data.Kinds.Groups = []ChoiceGroup{{Options: kinds}}
	for _, i := range list {
		data.Rows = append(data.Rows, importRow{Path: "/admin/imports/" + i.ID, Name: i.Name, State: importState(v, i),
			Text: joined(v.T("import.kind."+string(i.Kind)), names[i.By], s.clock(v, "").Moment(i.At))})
	}
	data.Path = "/admin/imports"
	return s.render(w, v, view{Page: "admin_imports", Status: status, Data: data})
}

// importState says where an import stands.
func importState(v *Visit, i catalogue.Import) Pill {
	p := Pill{Text: v.T("import.state." + string(i.State))}
	switch {
	case i.State == catalogue.ImportPreview:
		p.Tone = "amber"
	case i.State == catalogue.ImportRunning, i.State == catalogue.ImportFailed, i.State == catalogue.ImportStopped:
		p.Tone = "soft"
	case i.State == catalogue.ImportDone && i.Bad > 0:
		p = Pill{Tone: "amber", Text: v.T("import.done_but", "n", i.Bad)}
	case i.State == catalogue.ImportDone:
		p.Tone = "green"
	}
	return p
}

// uploadImport takes a file in while it streams; nothing of it is read into memory,
// and nothing lies on the disk in the clear.
func (s *Server) uploadImport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	f := Form{Values: url.Values{}}
	i, err := s.takeFile(w, r, v, &f)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), errors.Is(err, errImportSize):
		f.Alert = v.T("import.too_large", "n", importLimit>>20)
		return s.importsPage(w, v, f, http.StatusRequestEntityTooLarge)
	case f.Take(err):
		return s.importsPage(w, v, f, f.status())
	case err != nil:
		return err
	}
	return s.done(w, v, "/admin/imports/"+i.ID, "")
}

var errImportSize = errors.New("the file is larger than an import may be")

func (s *Server) takeFile(w http.ResponseWriter, r *http.Request, v *Visit, f *Form) (catalogue.Import, error) {
	if r.ContentLength > importBody {
		w.Header().Set("Connection", "close") // it need not send the rest
		return catalogue.Import{}, errImportSize
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return catalogue.Import{}, db.Invalid{Field: "file", Code: "required"}
	}
	// A page that sends nothing for a while is gone; each piece buys more time.
	patient := &patientReader{out: http.NewResponseController(w), now: s.DB.Now}
	defer patient.done()
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return catalogue.Import{}, db.Invalid{Field: "file", Code: "required"}
		}
		if err != nil {
			return catalogue.Import{}, malformed(err)
		}
		patient.from = part
		switch part.FormName() {
		case "kind":
			kind, err := io.ReadAll(io.LimitReader(part, 100))
			if err != nil {
				return catalogue.Import{}, malformed(err)
			}
			f.Values.Set("kind", string(kind))
		case "file":
			if part.FileName() == "" {
				return catalogue.Import{}, db.Invalid{Field: "file", Code: "required"}
			}
			from := bufio.NewReaderSize(patient, 4096)
			if err := textOnly(from); err != nil {
				return catalogue.Import{}, err
			}
			return s.Shop.Upload(r.Context(), v.Viewer, catalogue.ImportUpload{Kind: catalogue.ImportKind(f.Values.Get("kind")), Name: part.FileName(), From: from})
		}
	}
}

// notText is how files begin that people take for CSV because they can open them in
// a spreadsheet, or because of their name.
var notText = []string{"PK\x03\x04", "PK\x05\x06", "\x1f\x8b", "%PDF", "\xd0\xcf\x11\xe0", "\x89PNG", "\xff\xd8\xff", "GIF8", "7z\xbc\xaf", "Rar!", "BZh",
	"\x28\xb5\x2f\xfd", "\xfd7zXZ", "SQLite format", "\x7fELF", "<html", "<!DOCTYPE"}

// textOnly refuses what is no table in text, before it is stored.
func textOnly(from *bufio.Reader) error {
	head, err := from.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return malformed(err)
	}
	for _, start := range notText {
		if bytes.HasPrefix(head, []byte(start)) {
			return db.Invalid{Field: "file", Code: "not_text"}
		}
	}
	controls := 0
	for _, c := range head { // of UTF-16 every other byte is nought
		if c > 0 && c < ' ' && !strings.ContainsRune("\t\r\n\f\x1a\x1b", rune(c)) {
			controls++
		}
	}
	if controls*50 > len(head) {
		return db.Invalid{Field: "file", Code: "not_text"}
	}
	return nil
}

// startImport begins what the preview has shown.
func (s *Server) startImport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	id := r.PathValue("import")
	f := Form{Values: r.PostForm}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Shop.RunImport(tx, v.Viewer, id, importOptions(r.PostForm))
		return err
	})
	if f.Take(err) {
		if f.Errors["import"] == "fixed" { // a second tap, or a colleague was faster
			return s.done(w, v, "/admin/imports/"+id, "")
		}
		return s.importPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/imports/"+id, "")
}

func (s *Server) dropImport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.Shop.DropImport(r.Context(), v.Viewer, r.PathValue("import")); err != nil {
		return err
	}
	return s.done(w, v, "/admin/imports", "done.import_dropped")
}

// importErrors are the wrong rows as a file, in her words: "line, column, reason".
func (s *Server) importErrors(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("import")
	var i catalogue.Import
	var list []catalogue.RowError
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if i, err = s.Shop.ImportByID(tx, v.Viewer, id); err != nil {
			return err
		}
		list, err = s.Shop.ImportErrors(tx, v.Viewer, id, 0, mostErrors)
		return err
	})
	if err != nil {
		return err
	}
	var body bytes.Buffer
	body.WriteString("\ufeff") // without it Excel takes UTF-8 for its own code page
	out := csv.NewWriter(&body)
	rows := [][]string{{v.T("import.line"), v.T("import.column"), v.T("import.reason")}}
	for _, e := range list {
		rows = append(rows, []string{strconv.FormatInt(e.Line, 10), notFormula(importField(v.Words, i.Kind, e.Field)), notFormula(rowReason(v.Words, e.Code))})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("errors of an import: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="errors-`+id+`.csv"`)
	return s.send(w, r, http.StatusOK, body.Bytes())
}

// mostErrors is how many wrong rows of an import are kept.
const mostErrors = 10_000

// notFormula is a cell that no spreadsheet runs: a field's name may be a stranger's.
func notFormula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// importField says a column in words; the name as it came where there are none.
func importField(w *Words, k catalogue.ImportKind, field string) string {
	field = field[strings.LastIndexByte(field, '.')+1:]
	if field == "row" || field == "" {
		return w.T("import.field.row")
	}
	if key := "import.field." + string(k) + "." + field; w.Has(key) {
		return w.T(key)
	}
	return field
}

// rowReason says what is wrong with a row.
func rowReason(w *Words, code string) string {
	if code == "unknown" {
		return w.T("import.nobody")
	}
	return invalidText(w, code)
}
