package web

import (
	"errors"
	"net/url"

	"dingdong/internal/db"
)

// Form carries what was typed and what is wrong with it back to the page. The zero
// Form is an empty form.
type Form struct {
	Values url.Values
	Errors map[string]string // field -> code below "invalid."
	Alert  string            // a sentence about the whole form
}

// Take keeps an error that belongs to the form; other errors are the caller's.
func (f *Form) Take(err error) bool {
	var invalid db.Invalid
	if !errors.As(err, &invalid) {
		return false
	}
	f.Refuse(invalid.Field, invalid.Code)
	return true
}

// Refuse marks one field; code is a sentence below "invalid.".
func (f *Form) Refuse(field, code string) {
	if f.Errors == nil {
		f.Errors = map[string]string{}
	}
	f.Errors[field] = code
}

// Failed tells whether anything is wrong.
func (f Form) Failed() bool { return len(f.Errors) > 0 || f.Alert != "" }

// Field starts a line of text; more is said by its methods:
// {{template "field" ((.Form.Field "email" (t "sign_in.email")).Email.Required.Complete "username")}}
func (f Form) Field(name, label string) Field {
	return Field{Name: name, Label: label, Type: "text", Value: f.Values.Get(name), Error: f.Errors[name]}
}

// Select starts a choice from a list.
func (f Form) Select(name, label string, options []Option) Field {
	x := f.Field(name, label)
	x.Type, x.Options = "select", options
	return x
}

// Field is one field of a form, for the part "field".
type Field struct {
	Name, Label, Type, Value string
	Error                    string // code below "invalid."
	HintText, Autocomplete   string
	List                     string // id of a datalist with proposals
	Must, Focus              bool
	Max                      int
	Rows                     int
	Options                  []Option
}

// Option is one choice of a select.
type Option struct {
	Value string
	Text  string
}

// Or gives the value that stands there before anything was typed.
func (f Field) Or(value string) Field {
	if f.Value == "" && f.Error == "" {
		f.Value = value
	}
	return f
}

// Hint says more beneath the label.
func (f Field) Hint(text string) Field { f.HintText = text; return f }

// Complete names what a browser may fill in (the autocomplete attribute).
func (f Field) Complete(what string) Field { f.Autocomplete = what; return f }

// Required says that it must not stay empty.
func (f Field) Required() Field { f.Must = true; return f }

// First takes the focus when the page opens.
func (f Field) First() Field { f.Focus = true; return f }

// Limit bounds the number of characters.
func (f Field) Limit(n int) Field { f.Max = n; return f }

// Email asks for an e-mail address.
func (f Field) Email() Field { f.Type = "email"; return f }

// Secret asks for a password; what was typed is never sent back.
func (f Field) Secret() Field { f.Type, f.Value = "password", ""; return f }

// URL asks for an address of the web.
func (f Field) URL() Field { f.Type = "url"; return f }

// Number asks for a number.
func (f Field) Number() Field { f.Type = "number"; return f }

// Area asks for several lines.
func (f Field) Area(rows int) Field { f.Type, f.Rows = "area", rows; return f }

// Check is a yes or no.
func (f Field) Check() Field { f.Type = "check"; return f }

// Date asks for a day.
func (f Field) Date() Field { f.Type = "date"; return f }

// Listed names the list of what may well be meant.
func (f Field) Listed(id string) Field { f.List = id; return f }
