package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/db"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

// Lexicon is one version of the words of a language that become tags, attributes
// and signals.
type Lexicon struct {
	ID       string        `json:"id" example:"lex_06hk2q8s1n7v0000000000000x"`
	Language string        `json:"language" example:"en"`
	Version  int           `json:"version" doc:"Counts the texts of the language." example:"3"`
	State    insight.State `json:"state" enum:"draft,live,old" example:"live"`
	By       string        `json:"by" doc:"A staff id, token/ and the id of a program, or system: it came with the product."`
	At       time.Time     `json:"at"`
	Note     string        `json:"note,omitempty"`
	Shipped  int           `json:"shipped,omitempty" doc:"The product's own number of it; absent: the group's text."`
	YAML     string        `json:"yaml,omitempty" doc:"The text; lists do not have it."`
	Problem  string        `json:"problem,omitempty" doc:"Why a live one is not read."`
}

// Finding is one thing that a sentence mentions.
type Finding struct {
	Rule   string         `json:"rule" doc:"Language, version and rule." example:"en/3/skin.sensitive"`
	Kind   insight.Kind   `json:"kind" enum:"tag,attribute,signal" example:"tag"`
	About  string         `json:"about" example:"concern:sensitive"`
	Stance insight.Stance `json:"stance" enum:"said,asked,negated,other" doc:"other: somebody else is meant." example:"said"`
	Words  string         `json:"words" example:"sensitive skin"`
	From   int            `json:"from" doc:"In bytes of the sentence."`
	To     int            `json:"to"`
}

// Tried is what a lexicon makes of a sentence.
type Tried struct {
	Sentence string    `json:"sentence"`
	Findings []Finding `json:"findings"`
}

type lexiconsInput struct {
	Language string `query:"language" maxLength:"20" doc:"Only of this language." example:"en"`
	State    string `query:"state" enum:"draft,live,old" doc:"Only those in this state."`
}

type lexiconsOutput struct {
	Body struct {
		Lexicons []Lexicon `json:"lexicons" doc:"The newest of a language first."`
	}
}

type lexiconInput struct {
	ID string `path:"id" example:"lex_06hk2q8s1n7v0000000000000x"`
}

type lexiconOutput struct{ Body Lexicon }

type lexiconBody struct {
	Language string `json:"language" minLength:"1" maxLength:"20" example:"en"`
	YAML     string `json:"yaml" minLength:"1" maxLength:"1048576" doc:"The whole text, as docs/insight.md describes it."`
	Note     string `json:"note,omitempty" maxLength:"500" example:"Adds the words for the spring range"`
}

type newLexiconInput struct {
	Keyed
	Body lexiconBody
}

type newLexiconOutput struct {
	Status int
	Again
	Body Lexicon
}

type changeLexiconInput struct {
	ID   string `path:"id" example:"lex_06hk2q8s1n7v0000000000000x"`
	Body lexiconBody
}

type tryInput struct {
	Body struct {
		YAML      string   `json:"yaml" minLength:"1" maxLength:"1048576"`
		Sentences []string `json:"sentences" minItems:"1" maxItems:"100" example:"[\"I have sensitive skin\"]"`
	}
}

type tryOutput struct {
	Body struct {
		Results []Tried `json:"results"`
	}
}

func (s *server) lexiconOperations() {
	register(s, huma.Operation{OperationID: "list-lexicons", Method: http.MethodGet, Path: prefix + "/lexicons", Tags: []string{tagLexicons},
		Summary: "List versions of lexicons", Security: needs(staff.LexiconsWrite)}, s.listLexicons)
	register(s, huma.Operation{OperationID: "get-lexicon", Method: http.MethodGet, Path: prefix + "/lexicons/{id}", Tags: []string{tagLexicons},
		Summary: "Read a version", Security: needs(staff.LexiconsWrite)}, s.getLexicon)
	register(s, huma.Operation{OperationID: "create-lexicon", Method: http.MethodPost, Path: prefix + "/lexicons", Tags: []string{tagLexicons}, MaxBodyBytes: maxLexiconBody,
		Summary: "Save a new draft", Description: "Nothing is read with it before it is published.", DefaultStatus: http.StatusCreated, Security: needs(staff.LexiconsWrite)}, s.createLexicon)
	register(s, huma.Operation{OperationID: "change-lexicon", Method: http.MethodPut, Path: prefix + "/lexicons/{id}", Tags: []string{tagLexicons}, MaxBodyBytes: maxLexiconBody,
		Summary: "Change a draft", Security: needs(staff.LexiconsWrite)}, s.changeLexicon)
	register(s, huma.Operation{OperationID: "drop-lexicon", Method: http.MethodDelete, Path: prefix + "/lexicons/{id}", Tags: []string{tagLexicons},
		Summary: "Put a draft aside", DefaultStatus: http.StatusNoContent, Security: needs(staff.LexiconsWrite)}, s.dropLexicon)
	register(s, huma.Operation{OperationID: "try-lexicon", Method: http.MethodPost, Path: prefix + "/lexicons/try", Tags: []string{tagLexicons}, MaxBodyBytes: maxLexiconBody,
		Summary: "Try a text on sentences", Description: "Alone: what the live lexicons of other languages would say does not stand in the way. Nothing is kept.", Security: needs(staff.LexiconsWrite)}, s.tryLexicon)
	register(s, huma.Operation{OperationID: "publish-lexicon", Method: http.MethodPost, Path: prefix + "/lexicons/{id}/publish", Tags: []string{tagLexicons},
		Summary: "Make a version live", Description: "It may be an old one: that is the way back. Tags that it needs are made.", Security: needs(staff.LexiconsWrite)}, s.publishLexicon)
}

// maxLexiconBody holds the longest text, with what JSON escapes of it, and sentences.
const maxLexiconBody = 4 << 20

func newLexicon(v insight.Version) Lexicon {
	return Lexicon{ID: v.ID, Language: v.Language, Version: v.Version, State: v.State, By: v.By, At: v.At, Note: v.Note, Shipped: v.Shipped, YAML: v.YAML, Problem: v.Problem}
}

func (b lexiconBody) draft(id string) insight.Draft {
	return insight.Draft{ID: id, Language: b.Language, YAML: b.YAML, Note: b.Note}
}

func (s *server) listLexicons(ctx context.Context, in *lexiconsInput) (*lexiconsOutput, error) {
	c := callerOf(ctx)
	out := &lexiconsOutput{}
	out.Body.Lexicons = []Lexicon{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		list, err := s.Reader.Versions(tx, c.Viewer, in.Language)
		for _, v := range list {
			if in.State == "" || in.State == string(v.State) {
				out.Body.Lexicons = append(out.Body.Lexicons, newLexicon(v))
			}
		}
		return err
	})
}

func (s *server) getLexicon(ctx context.Context, in *lexiconInput) (*lexiconOutput, error) {
	c := callerOf(ctx)
	out := &lexiconOutput{}
	return out, s.read(ctx, func(tx *db.Tx) error {
		v, err := s.Reader.Version(tx, c.Viewer, in.ID)
		out.Body = newLexicon(v)
		return err
	})
}

func (s *server) createLexicon(ctx context.Context, in *newLexiconInput) (*newLexiconOutput, error) {
	c := callerOf(ctx)
	out := &newLexiconOutput{}
	repeated, err := s.makeOnce(ctx, making{"lexicon", in.Key, in.Body, func(tx *db.Tx) (string, error) {
		v, err := s.Reader.SaveDraft(tx, c.Viewer, in.Body.draft(""))
		return v.ID, err
	}}, func(tx *db.Tx, id string) error {
		v, err := s.Reader.Version(tx, c.Viewer, id)
		out.Body = newLexicon(v)
		return err
	})
	out.Status = out.status(repeated)
	return out, err
}

func (s *server) changeLexicon(ctx context.Context, in *changeLexiconInput) (*lexiconOutput, error) {
	c := callerOf(ctx)
	out := &lexiconOutput{}
	return out, s.write(ctx, func(tx *db.Tx) error {
		v, err := s.Reader.SaveDraft(tx, c.Viewer, in.Body.draft(db.CleanText(in.ID)))
		out.Body = newLexicon(v)
		return err
	})
}

func (s *server) dropLexicon(ctx context.Context, in *lexiconInput) (*struct{}, error) {
	c := callerOf(ctx)
	return nil, s.write(ctx, func(tx *db.Tx) error { return s.Reader.Drop(tx, c.Viewer, in.ID) })
}

func (s *server) tryLexicon(_ context.Context, in *tryInput) (*tryOutput, error) {
	out := &tryOutput{}
	out.Body.Results = []Tried{}
	list, err := insight.Try(in.Body.YAML, in.Body.Sentences)
	for _, r := range list {
		t := Tried{Sentence: r.Text, Findings: []Finding{}}
		for _, f := range r.Findings {
			t.Findings = append(t.Findings, Finding{Rule: f.Name(), Kind: f.Kind, About: f.About, Stance: f.Stance, Words: f.Words, From: f.From, To: f.To})
		}
		out.Body.Results = append(out.Body.Results, t)
	}
	return out, err
}

func (s *server) publishLexicon(ctx context.Context, in *lexiconInput) (*lexiconOutput, error) {
	c := callerOf(ctx)
	out := &lexiconOutput{}
	return out, s.write(ctx, func(tx *db.Tx) error {
		if err := s.Reader.Publish(tx, c.Viewer, db.CleanText(in.ID)); err != nil {
			return err
		}
		v, err := s.Reader.Version(tx, c.Viewer, in.ID)
		out.Body = newLexicon(v)
		return err
	})
}
