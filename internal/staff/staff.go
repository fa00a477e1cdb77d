// Package staff knows the store group: its stores, brands and counters, who works
// there, what she may see and do, and how she signs in.
//
// Names and e-mail addresses of staff are not sealed by the vault, unlike those of
// customers: an advisor answers under her name, customers and colleagues read it, and
// it has to stay in the record of a conversation when she has left.
//
// Everything that changes the house takes the Viewer who asks for it, refuses with
// ErrForbidden when she may not, and leaves a row in the audit.
package staff

import (
	"errors"
	"fmt"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
)

var (
	// ErrForbidden says that the viewer may not do what she asked for.
	ErrForbidden = errors.New("staff: not allowed")
	// ErrWrongPassword says that e-mail address and password do not belong together; it
	// does not say which of the two is wrong.
	ErrWrongPassword = errors.New("staff: wrong e-mail address or password")
	// ErrOtherWay says that her password is right, but passwords do not let her in: her
	// passkey or the sign-in provider does.
	ErrOtherWay = errors.New("staff: not by password")
	// ErrExpired says that a one-time password is right and too old.
	ErrExpired = errors.New("staff: the one-time password is too old")
	// ErrSignedOut says that a session token is unknown, ended or expired.
	ErrSignedOut = errors.New("staff: signed out")
	// ErrBadToken says that an API token is unknown or ended.
	ErrBadToken = errors.New("staff: unknown API token")
)

// ErrThrottled says that too many passwords were tried; the next try counts from Until.
type ErrThrottled struct{ Until time.Time }

// Error says until when.
func (e ErrThrottled) Error() string {
	return "staff: too many tries, wait until " + e.Until.UTC().Format(time.RFC3339)
}

// hold makes those wait who decide about administrators at the same time: "is there one
// already?" and "is she the last?" are answers that must stay true until the commit.
func hold(tx *db.Tx) error {
	if _, err := db.Tally(tx, "staff", 1); err != nil {
		return fmt.Errorf("hold staff: %w", err)
	}
	return nil
}

// note writes what the viewer did into the audit. People stand there by their ids only:
// neither an e-mail address nor anything that was typed belongs into the detail.
func note(tx *db.Tx, v Viewer, action, object, detail string) {
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: action, Object: object, Detail: detail})
}

// nullable reads a time that may be absent.
func nullable(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return db.Time(*us)
}
