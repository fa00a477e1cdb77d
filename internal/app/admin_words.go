package app

import (
	"errors"
	"fmt"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// fieldFlags names the flag of a field where the two differ.
var fieldFlags = map[string]string{
	"counters": "counter", "stores": "store", "secret": "channel-secret", "token": "access-token", "api_base": "api-base",
	"data_base": "data-base", "origins": "origin", "scopes": "scope", "kinds": "kind",
	"liff_id": "liff-id", "liff_sdk": "liff-sdk", "login_channel": "login-channel", "languages": "speaks", "stand_in": "stand-in",
}

// invalidWords says what is wrong with a value, after the name of its flag. A
// code that means something else for one field has a line of its own.
var invalidWords = map[string]string{
	"required":         "must not be empty",
	"too_long":         "too long",
	"choice_form":      "the name before = has English letters, digits and _ only",
	"cut_off":          "the file could not be read to its end",
	"days":             "a number of days, 3650 at most",
	"format":           "not written as it should be",
	"name_form":        "small letters, digits and _ only, beginning with a letter",
	"name_taken":       "there is one of this name already",
	"not_text":         "not a text file",
	"range":            "this number does not fit here",
	"syntax":           "not written as it should be",
	"tag_form":         "small letters, digits and _ only, with at most one colon",
	"there_twice":      "stands there twice",
	"word_taken":       "one of them means something else already",
	"twice":            "one of them stands there twice",
	"too_short":        "too short",
	"too_common":       "too many people use this one",
	"too_many":         "too many",
	"too_large":        "too large",
	"same":             "this is the old one",
	"same_as_email":    "must differ from the e-mail address",
	"wrong_password":   "not the current one",
	"email":            "not an e-mail address",
	"taken":            "taken by another",
	"closed":           "closed; reopen it first",
	"fixed":            "cannot change any more",
	"kind":             "not possible here",
	"malformed":        "malformed",
	"picture":          "not a picture",
	"https":            "must begin with https://",
	"internal":         "an address inside the network is not called",
	"last_admin":       "somebody must remain administrator",
	"open_counters":    "close its counters first",
	"not_at_counter":   "does not work at this counter",
	"nothing_to_check": "nothing to check",
	"number":           "not a number that fits",
	"currency":         "not a currency code such as TWD",
	"date":             "not a date such as 2026-11-22",
	"too_early":        "before 1990",
	"too_late":         "in the future",
	"sign":             "only a return is below zero",
	"colour":           "not a colour such as #f1d5c0",
	"url":              "not a web address",
	"facet":            "not a facet such as scent:light",
	"quote":            "a quotation mark is never closed",
	"encoding":         "letters that cannot be read",
	"headings":         "the first row must hold the headings",
	"with_other":       "another row of the same receipt or product is wrong",
	"scattered":        "rows of this receipt stand apart in the file: sort it by receipt",
	"past":             "over already",
	"too_far":          "too far away",
	"unknown":          "unknown",
	"after_end":        "after the end",
	"domain":           "not domains, such as group.example",
	"erased":           "she had everything about her erased: only she herself comes back",
	"two_people":       "the numbers of this row are of two different customers",
	"empty":            "nothing fits: the file would be empty",
	"handed_over":      "there is an open handover already",
	"last_way_in":      "no administrator could sign in any more",
	"leaving":          "who is about to leave may not: ask the manager",
	"no_colleague":     "{colleague} must stand in it",
	"no_consent":       "nobody has agreed to this",
	"no_passkeys":      "passkeys need an address with a name and https",
	"not_erased":       "not erased yet",
	"not_same":         "not what stands there",
	"once":             "extended once already",
	"oneself":          "somebody else has to hand over your customers",
	"order":            "before the beginning",
	"out_of_range":     "a number that does not fit here",
	"own":              "about yourself: somebody else has to answer it",
	"stopped":          "the customer said no, or was erased: only the customer can say yes",
	"time":             "not a time such as 07:30",
	"moment":           "not a day and time such as 2026-12-01T18:00",
	"too_small":        "too small",

	"password too_short": "at least 10 letters, read from standard input",
	"password required":  "empty on standard input",
	"brand taken":        "has a counter in this store already (a closed one is reopened: dingdong admin counter list)",
	"timezone unknown":   "unknown; give an IANA name such as Asia/Taipei",
	"language unknown":   "not one of " + strings.Join(staff.Languages(), ", "),
	"role unknown":       "not one of " + joined(staff.Roles()),
	"languages unknown":  "not a code such as zh-Hant",
	"scopes unknown":     "not one of " + strings.Join(staff.Scopes(), ", "),
	"kinds unknown":      "not one of " + joined(event.Kinds()),
	"origins malformed":  "not a site such as https://www.example.com",
	"api_base malformed": "not an address such as https://api.line.me", "data_base malformed": "not an address such as https://api-data.line.me",
	"url malformed": "not an address such as https://www.example.com/hook",
}

func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, x := range list {
		words[i] = string(x)
	}
	return strings.Join(words, ", ")
}

// said puts a room's refusal into words, with the flag that caused it.
func (a *adminCommand) said(err error) error {
	var bad db.Invalid
	if !errors.As(err, &bad) {
		return err
	}
	words, known := invalidWords[bad.Field+" "+bad.Code]
	if !known {
		if words, known = invalidWords[bad.Code]; !known {
			words = strings.ReplaceAll(bad.Code, "_", " ")
		}
	}
	name := bad.Field
	if flag, differs := fieldFlags[name]; differs {
		name = flag
	}
	if a.flags[name] {
		name = "--" + name
	}
	return fmt.Errorf("%s: %s", name, words)
}

// missing says what nobody knows, and how to see what there is.
func missing(what, key, noun string) error {
	return fmt.Errorf("%s %q: %w (dingdong admin %s list)", what, key, db.ErrNotFound, noun)
}

// absent is missing for a room that answers db.ErrNotFound; other errors stay.
func absent(err error, what, key, noun string) error {
	if errors.Is(err, db.ErrNotFound) {
		return missing(what, key, noun)
	}
	return err
}

// errNothing refuses a change that names nothing to change: a forgotten flag
// must not look like a success.
func errNothing(flags string) error {
	return fmt.Errorf("nothing to change: give at least one of %s", flags)
}

// given is the value of a flag, or what was there before when it is absent.
func given[T any](flag *T, before T) T {
	if flag == nil {
		return before
	}
	return *flag
}
