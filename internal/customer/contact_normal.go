package customer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"dingdong/internal/db"
)

// DefaultRegion is where a phone number without a country is taken to be from.
const DefaultRegion = "TW"

const (
	maxPhone  = 40
	maxEmail  = 254
	maxMember = 40
)

// normalContact gives the one spelling of a contact under which it is found.
// Phone numbers are E.164, e-mail addresses lower case, member numbers upper case.
func normalContact(kind ContactKind, value, region string) (string, error) {
	value = strings.TrimSpace(norm.NFKC.String(db.CleanText(value)))
	if value == "" {
		return "", db.Invalid{Field: string(kind), Code: "required"}
	}
	switch kind {
	case Phone:
		return normalPhone(value, region)
	case Email:
		return normalEmail(value)
	case Member:
		if utf8.RuneCountInString(value) > maxMember {
			return "", db.Invalid{Field: "member", Code: "too_long"}
		}
		if strings.ContainsFunc(value, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
			return "", db.Invalid{Field: "member", Code: "malformed"}
		}
		return strings.ToUpper(value), nil
	}
	return "", db.Invalid{Field: "kind", Code: "unknown"}
}

func normalPhone(value, region string) (string, error) {
	if len(value) > maxPhone {
		return "", db.Invalid{Field: "phone", Code: "too_long"}
	}
	if region == "" {
		region = DefaultRegion
	}
	number, err := phonenumbers.Parse(value, strings.ToUpper(region))
	// Possible and not valid: the tables of what a country has given out grow old.
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return "", db.Invalid{Field: "phone", Code: "malformed"}
	}
	return phonenumbers.Format(number, phonenumbers.E164), nil
}

func normalEmail(value string) (string, error) {
	if len(value) > maxEmail {
		return "", db.Invalid{Field: "email", Code: "too_long"}
	}
	name, host, ok := strings.Cut(strings.ToLower(value), "@")
	bad := func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`@,;<>()"`, r)
	}
	if !ok || name == "" || strings.ContainsFunc(name+host, bad) || !strings.Contains(host, ".") ||
		strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "..") {
		return "", db.Invalid{Field: "email", Code: "malformed"}
	}
	return name + "@" + host, nil
}

// tailOf gives the last four signs of a number, by which a counter asks; empty
// where they say nothing.
func tailOf(kind ContactKind, normal string) string {
	letters := []rune(normal)
	if kind == Email || len(letters) < 6 {
		return ""
	}
	return string(letters[len(letters)-4:])
}

const dots = "•••"

// masked shows enough of a contact to recognise it, and not enough to use it.
func masked(kind ContactKind, normal string) string {
	switch kind {
	case Phone:
		normal = nationalPhone(normal)
		if len(normal) >= 9 {
			return normal[:4] + dots + normal[len(normal)-3:]
		}
	case Email:
		name, host, _ := strings.Cut(normal, "@")
		first, _ := utf8.DecodeRuneInString(name)
		return string(first) + dots + "@" + host
	}
	letters := []rune(normal)
	return dots + string(letters[max(len(letters)-3, len(letters)/2):])
}

// nationalPhone is a number as it is dialled in its own country, digits only.
func nationalPhone(e164 string) string {
	number, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return e164
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phonenumbers.Format(number, phonenumbers.NATIONAL))
}
