package db

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"strings"
	"unicode/utf8"
)

// CleanText strips NUL and repairs invalid UTF-8. Every parser of foreign
// text calls it: PostgreSQL refuses both, and a refused row would fail the
// whole statement it travels in.
func CleanText(s string) string {
	if textOK(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

func textOK(s string) bool {
	return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
}

// checkText refuses on both engines what only PostgreSQL would refuse, and
// before it costs a transaction.
func checkText(arg any) error {
	ok := true
	switch v := arg.(type) {
	case string:
		ok = textOK(v)
	case nil, int64, int, bool, []byte, float64, int32:
	case sql.NullString:
		ok = textOK(v.String)
	case *string:
		ok = v == nil || textOK(*v)
	case driver.Valuer:
	default:
		if rv := reflect.ValueOf(arg); rv.Kind() == reflect.String {
			ok = textOK(rv.String())
		}
	}
	if !ok {
		return ErrText
	}
	return nil
}
