// Package conversation is the main job: what customers write comes in through
// Receive, what anybody answers goes out through Send, and nothing else writes
// to a thread. A thread is one customer and one counter, on whatever account
// she writes.
//
// Promises: an event of a platform takes effect once, however often and in
// whatever order it arrives; a message that Send accepted reaches the platform
// once where the platform can tell repeats, in the order of the thread; when
// that cannot be known, the message says "unknown" instead of guessing.
package conversation

import (
	"sync"

	"dingdong/internal/blob"
	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// Labels bind sealed cells to their column.
const (
	labelBody     = "message.body"
	labelNotice   = "notice.raw"
	labelSecret   = "account.secret"
	labelToken    = "account.token"
	labelDraft    = "draft.body"
	labelNote     = "thread_note.body"
	labelBlob     = "message.blob"
	labelPreview  = "message.preview"
	labelPortrait = "identity.picture"
)

// Desk holds what the room's functions need besides a transaction.
type Desk struct {
	DB        *db.DB
	Vault     *vault.Vault
	Book      *customer.Book
	Blobs     *blob.Store
	Adapters  map[channel.Kind]channel.Adapter
	PublicURL string // where platforms and customers reach us, without a slash at the end

	accounts accountCache
	decoding sync.Mutex
	packing  packing
	hints    hintCache

	consentOnce sync.Once
	consentRoom *consent.Room
}
