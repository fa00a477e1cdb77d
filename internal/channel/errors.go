package channel

import (
	"errors"
	"fmt"
	"time"
)

// ErrorKind decides what follows a failed call; see conversation.Desk.Deliver.
type ErrorKind string

// Why a call failed.
const (
	Retry         ErrorKind = "retry"         // the platform or the way to it is ill; come again
	Throttled     ErrorKind = "throttled"     // too fast; come again after RetryAfter
	OverQuota     ErrorKind = "over_quota"    // the month's allowance is used up
	Rejected      ErrorKind = "rejected"      // this message will never be accepted
	TokenSpent    ErrorKind = "token_spent"   // the reply token is used, too old or unknown
	Unreachable   ErrorKind = "unreachable"   // this person cannot be written to
	Misconfigured ErrorKind = "misconfigured" // the account's credentials or set-up are wrong
)

// Error is a platform's refusal, classified. Unknown means that the call may
// have taken effect all the same: a timeout, a connection lost half-way.
type Error struct {
	Kind       ErrorKind
	Status     int // HTTP status, 0 when none arrived
	Message    string
	RetryAfter time.Duration
	RequestID  string
	Unknown    bool
	Err        error
}

// Error gives the platform's own words; they hold no personal data.
func (e *Error) Error() string {
	if e.Err != nil && e.Message == "" {
		return fmt.Sprintf("%s: %v", e.Kind, e.Err)
	}
	return fmt.Sprintf("%s: %d %s", e.Kind, e.Status, e.Message)
}

func (e *Error) Unwrap() error { return e.Err }

// Errors of the inbound door and of Fetch.
var (
	ErrSignature = errors.New("channel: signature missing or wrong")
	ErrMalformed = errors.New("channel: body is not what the platform sends")
	ErrNotReady  = errors.New("channel: content is still being prepared")
	ErrGone      = errors.New("channel: content is gone")
)
