// Package catalogue knows what is sold and what was bought: products with their
// variants, prices per store, receipts of the tills with their lines and returns.
// Nothing in it is a person's words; a receipt names her by id, or by the keyed
// hash of a member number that nobody has shown yet.
package catalogue

import (
	"dingdong/internal/blob"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// Shop is the catalogue and the receipts. It is built once and holds no state.
type Shop struct {
	DB    *db.DB
	Vault *vault.Vault
	Book  *customer.Book
	Blobs *blob.Store // files that are being imported lie here, sealed
}

// MaxBatch bounds what Upsert and RecordPurchases take at once.
const MaxBatch = 1000

// State says what became of one entry of a batch.
type State string

// What can become of an entry.
const (
	Added    State = "added"
	Changed  State = "changed"  // products only: it was there, and is now as the entry says
	Repeated State = "repeated" // it was there already; nothing has changed
	Bad      State = "bad"
)

// Result is what became of one entry of a batch, in the place of the entry.
type Result struct {
	Ref   string // as the entry named itself
	ID    string // of what was added or changed
	State State
	Field string // of a bad one: which field, "lines.2.sku" for one of many
	Code  string // of a bad one: a key of the locale files below "invalid."
}
