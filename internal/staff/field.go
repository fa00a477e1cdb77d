package staff

import (
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dingdong/internal/db"
)

const (
	maxName  = 80  // runes
	maxEmail = 254 // bytes, RFC 5321 section 4.5.3.1.3
)

// oneLine removes what has no place in a name: NUL, broken UTF-8, control characters,
// and the marks that turn the reading direction, with which a name could pass for another.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// nameField cleans a name that must not be empty.
func nameField(field, s string) (string, error) {
	s = oneLine(s)
	if s == "" {
		return "", db.Invalid{Field: field, Code: "required"}
	}
	if utf8.RuneCountInString(s) > maxName {
		return "", db.Invalid{Field: field, Code: "too_long"}
	}
	return s, nil
}

// normalEmail is the one spelling under which an address is stored and looked up.
func normalEmail(s string) string { return strings.ToLower(oneLine(s)) }

// emailField checks and normalises an e-mail address.
func emailField(s string) (string, error) {
	s = normalEmail(s)
	if s == "" {
		return "", db.Invalid{Field: "email", Code: "required"}
	}
	if len(s) > maxEmail {
		return "", db.Invalid{Field: "email", Code: "too_long"}
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || strings.ContainsAny(s, " \"<>(),;:\\") {
		return "", db.Invalid{Field: "email", Code: "email"}
	}
	return s, nil
}

// timezoneField checks the name of a time zone; an empty one is the first market's.
func timezoneField(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "Asia/Taipei", nil
	}
	// LoadLocation would take "Local" for the server's own zone, which changes with the server.
	if s == "Local" {
		return "", db.Invalid{Field: "timezone", Code: "unknown"}
	}
	if _, err := time.LoadLocation(s); err != nil {
		return "", db.Invalid{Field: "timezone", Code: "unknown"}
	}
	return s, nil
}

// cut shortens what a browser says about itself, on a rune boundary.
func cut(s string, n int) string {
	s = oneLine(s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
