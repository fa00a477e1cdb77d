package api

import (
	"bytes"
	_ "embed" // the page and its style
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// The groups of operations, in the order in which the page shows them.
const (
	tagMessages    = "Messages"
	tagThreads     = "Threads"
	tagEvents      = "Events"
	tagWebhooks    = "Webhooks"
	tagCustomers   = "Customers"
	tagCards       = "Cards"
	tagDefinitions = "Definitions"
	tagCatalogue   = "Catalogue"
	tagPurchases   = "Purchases"
	tagLexicons    = "Lexicons"
	tagHandovers   = "Handovers"
	tagInvitations = "Invitations"
	tagDirectory   = "Directory"
)

// groups is the order of the page.
var groups = [...]string{tagMessages, tagThreads, tagEvents, tagWebhooks, tagCustomers, tagCards, tagDefinitions, tagCatalogue, tagPurchases,
	tagLexicons, tagInvitations, tagHandovers, tagDirectory}

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle []byte

// docsPolicy lets the page have its style and nothing else.
const docsPolicy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(docsStyle)
}

// docsView is the whole page.
type docsView struct {
	Version, URL string
	Scopes       []string
	Kinds        []event.Kind
	Groups       []docsGroup
	Schemas      []docsSchema
}

type docsGroup struct {
	Name       string
	About      string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Scope string
	Params                                        []docsField
	Body                                          []docsField
	BodyType                                      string
	Answers                                       []docsAnswer
	Curl                                          string
}

type docsField struct {
	Name, In, Type, Ref, Doc string
	Required                 bool
	Notes                    []string
}

type docsAnswer struct{ Status, Type, Ref string }

type docsSchema struct {
	Name   string
	Fields []docsField
}

// newDocs renders the page once, when somebody first reads it: the document does not
// change while we run, and most houses are asked by programs only.
func newDocs(doc *huma.OpenAPI, d Deps) http.Handler {
	written := sync.OnceValue(func() []byte {
		page := template.Must(template.New("docs").Parse(docsPage))
		var out bytes.Buffer
		if err := page.Execute(&out, (&docsWriter{doc, d}).view()); err != nil {
			panic("api: the documentation page cannot be written: " + err.Error()) // a mistake in this package
		}
		return bytes.Clone(out.Bytes())
	})
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", docsPolicy)
		_, _ = w.Write(written())
	})
}

// docsWriter turns an OpenAPI document into what the page shows.
type docsWriter struct {
	doc  *huma.OpenAPI
	deps Deps
}

func (b *docsWriter) view() docsView {
	about := map[string]string{
		tagMessages:    "What customers and counters write.",
		tagThreads:     "A thread is one customer and one counter, on whatever channel she writes.",
		tagCustomers:   "Who somebody is: found by what is known of her, entered before she ever wrote, made one with another record and two again.",
		tagCards:       "What is known of one customer. What a program writes on her card says so, with the token's id.",
		tagDefinitions: "What the group wants to know of its customers at all: the attributes and tags that a card can have.",
		tagCatalogue:   "What is sold: products, their variants, what these cost and when they arrive.",
		tagPurchases:   "What the tills recorded, with returns.",
		tagLexicons:    "Which words of customers become tags, attributes and signals, a language each. One version is live, and any can be again.",
		tagInvitations: "Cards with a QR code that lead a customer to a counter or to an advisor of her own.",
		tagHandovers:   "An advisor leaves or is away, and her customers go to colleagues: proposed and looked at first, then moved and told one by one.",
		tagDirectory:   "The group's own counters, staff and channel accounts.",
	}
	v := docsView{Version: b.deps.Version, URL: b.deps.PublicURL, Scopes: staff.Scopes(), Kinds: event.Kinds()}
	for _, tag := range groups {
		v.Groups = append(v.Groups, docsGroup{Name: tag, About: about[tag], Operations: b.operations(tag)})
	}
	schemas := b.doc.Components.Schemas.Map()
	for name, s := range schemas {
		v.Schemas = append(v.Schemas, docsSchema{Name: name, Fields: b.fields(s)})
	}
	slices.SortFunc(v.Schemas, func(a, b docsSchema) int { return strings.Compare(a.Name, b.Name) })
	return v
}

func (b *docsWriter) operations(tag string) []docsOperation {
	var list []docsOperation
	for path, item := range b.doc.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op != nil && slices.Contains(op.Tags, tag) {
				list = append(list, b.operation(method, path, op))
			}
		}
	}
	slices.SortFunc(list, func(a, b docsOperation) int {
		if n := strings.Compare(a.Path, b.Path); n != 0 {
			return n
		}
		return strings.Compare(a.Method, b.Method)
	})
	return list
}

func (b *docsWriter) operation(method, path string, op *huma.Operation) docsOperation {
	out := docsOperation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	out.Scope, _ = scopeOf(op)
	for _, p := range op.Parameters {
		if p.Name == "Accept" {
			continue // said in the description
		}
		f := b.field(p.Name, p.Schema)
		f.In, f.Required = p.In, p.Required
		if p.Description != "" {
			f.Doc = p.Description
		}
		out.Params = append(out.Params, f)
	}
	if op.RequestBody != nil {
		for kind, content := range op.RequestBody.Content {
			out.BodyType, out.Body = kind, b.fields(b.resolve(content.Schema))
		}
	}
	for status, r := range op.Responses {
		for kind, content := range r.Content {
			f := b.field("", content.Schema)
			out.Answers = append(out.Answers, docsAnswer{Status: status, Type: kind, Ref: f.Ref})
		}
		if len(r.Content) == 0 {
			out.Answers = append(out.Answers, docsAnswer{Status: status, Type: r.Description})
		}
	}
	slices.SortFunc(out.Answers, func(a, b docsAnswer) int { return strings.Compare(a.Status+a.Type, b.Status+b.Type) })
	out.Curl = b.curl(out, op)
	return out
}

// resolve follows a reference to the schema it names.
func (b *docsWriter) resolve(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return b.doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func (b *docsWriter) fields(s *huma.Schema) []docsField {
	var list []docsField
	if s == nil {
		return nil
	}
	for name, p := range s.Properties {
		f := b.field(name, p)
		f.Required = slices.Contains(s.Required, name)
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b docsField) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (b *docsWriter) field(name string, s *huma.Schema) docsField {
	f := docsField{Name: name}
	if s == nil {
		return f
	}
	f.Type, f.Doc = s.Type, s.Description
	if s.Format != "" {
		f.Type = s.Format
	}
	switch {
	case s.Ref != "":
		f.Ref = s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		f.Type = f.Ref
	case s.Type == huma.TypeArray && s.Items != nil:
		of := b.field("", s.Items)
		f.Type, f.Ref = "list of "+of.Type, of.Ref
	}
	for _, e := range s.Enum {
		f.Notes = append(f.Notes, fmt.Sprint(e))
	}
	if s.Default != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("default %v", s.Default))
	}
	if s.Maximum != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("at most %v", *s.Maximum))
	}
	if s.MaxItems != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("at most %d entries", *s.MaxItems))
	}
	if s.MaxLength != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("at most %d letters", *s.MaxLength))
	}
	return f
}

// curl writes a call that can be pasted once the token is in the environment.
func (b *docsWriter) curl(out docsOperation, op *huma.Operation) string {
	path := out.Path
	headers := []string{`Authorization: Bearer $DINGDONG_TOKEN`}
	for _, p := range op.Parameters {
		example := fmt.Sprint(b.example(p.Schema))
		switch {
		case p.In == "path":
			path = strings.Replace(path, "{"+p.Name+"}", example, 1)
		case p.In == "query" && p.Required:
			path += "?" + p.Name + "=" + example
		case p.In == "header" && p.Required:
			headers = append(headers, p.Name+": "+example)
		}
	}
	lines := []string{"curl"}
	if out.ID == "follow-events" {
		lines[0] = "curl --no-buffer"
	}
	if out.Method != http.MethodGet {
		lines[0] += " -X " + out.Method
	}
	lines[0] += " '" + b.deps.PublicURL + path + "'"
	for _, h := range headers {
		lines = append(lines, `-H "`+h+`"`)
	}
	switch {
	case out.BodyType == "application/json":
		raw, _ := json.Marshal(b.example(op.RequestBody.Content[out.BodyType].Schema)) // maps of plain values
		lines = append(lines, `-H "Content-Type: application/json"`, "-d '"+string(raw)+"'")
	case out.BodyType != "":
		lines = append(lines, "--data-binary @shades.pdf")
	}
	return strings.Join(lines, " \\\n  ")
}

// example gives what a schema's examples say, and leaves out what has none.
func (b *docsWriter) example(s *huma.Schema) any {
	s = b.resolve(s)
	if s == nil {
		return nil
	}
	if len(s.Examples) > 0 {
		return s.Examples[0]
	}
	if s.Type == huma.TypeArray {
		if one, ok := b.example(s.Items).(map[string]any); ok && len(one) > 0 {
			return []any{one}
		}
		return nil
	}
	if s.Type != huma.TypeObject {
		return nil
	}
	all := map[string]any{}
	for name, p := range s.Properties {
		if v := b.example(p); v != nil && v != "" {
			all[name] = v
		}
	}
	return all
}
