package api

import (
	"encoding/base64"
	"strconv"
	"strings"

	"dingdong/internal/db"
)

// cursor is a place in a list, as a caller carries it around: opaque to her, and
// stable, because it names the last thing she saw and not a number of things.
type cursor struct {
	list string // which list it is of: one letter
	at   int64
	id   string
}

// The lists that have cursors.
const (
	listThreads = "t" // by last message, the latest first
	listUpdated = "u" // by last message, the oldest first
	listThread  = "m" // messages of one thread
	listArrived = "e" // messages of all threads, by event number

	listNotes     = "n"
	listWishes    = "w"
	listPromises  = "p"
	listPurchases = "b"
	listTimeline  = "l"
	listCustomers = "c" // by id
	listTagged    = "g" // by id
	listProducts  = "o" // by name
)

const maxCursor = 120

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.list + "." + strconv.FormatInt(c.at, 10) + "." + c.id))
}

// parseCursor accepts what String made for the same list, and nothing else.
func parseCursor(list, field, s string) (cursor, error) {
	bad := db.Invalid{Field: field, Code: "malformed"}
	if len(s) > maxCursor {
		return cursor{}, bad
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return cursor{}, bad
	}
	parts := strings.Split(string(raw), ".")
	if len(parts) != 3 || parts[0] != list {
		return cursor{}, bad
	}
	at, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || at < 0 || strconv.FormatInt(at, 10) != parts[1] || strings.ContainsFunc(parts[2], notInID) {
		return cursor{}, bad
	}
	c := cursor{list, at, parts[2]}
	if c.String() != s { // the decoder overlooks line ends
		return cursor{}, bad
	}
	return c, nil
}

func notInID(r rune) bool {
	return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
}

// parseSeq reads the number of an event.
func parseSeq(field, s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, db.Invalid{Field: field, Code: "malformed"}
	}
	return n, nil
}
