package web

import (
	"errors"
	"net/http"

	"dingdong/internal/db"
)

// status is the answer's: a form with something wrong in it was not accepted.
func (f Form) status() int {
	if f.Failed() {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// takeWhole keeps a refusal that belongs to no field of the form.
func (f *Form) takeWhole(v *Visit, err error) bool {
	var invalid db.Invalid
	if !errors.As(err, &invalid) {
		return false
	}
	f.Alert = invalidText(v.Words, invalid.Code)
	return true
}
