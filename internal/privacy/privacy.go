// Package privacy keeps and forgets: the verbs over a whole person.
//
// Export gives everything about her, erase leaves nothing, retain lets go of what is
// too old, and a request is what she asked and by when. It owns no customer data:
// every room says for itself what it does with its tables (Part), so that a new
// table's answer stands beside the table.
//
// What an erasure promises. With its commit: every row of hers is gone or belongs to
// nobody, and her keys are dropped, on this node at once and on others within five
// minutes. Shortly after, by durable jobs: her files, and her ids in the event log. A
// quarter of an hour later a second sweep takes what another node wrote in between.
// What stays, and why, is in docs/privacy.md: her keyed hashes against being brought
// back, the ids in the audit, and the list of what was erased, which erases a
// restored backup again.
package privacy

import (
	"dingdong/internal/blob"
	"dingdong/internal/catalogue"
	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/insight"
	"dingdong/internal/vault"
)

// Room holds what the room's functions need besides a transaction.
type Room struct {
	DB      *db.DB
	Vault   *vault.Vault
	Book    *customer.Book
	Desk    *conversation.Desk
	Shop    *catalogue.Shop
	Consent *consent.Room
	Reader  *insight.Room
	Blobs   *blob.Store
	List    string // file of the erasures, kept apart from backups; "": none
	// Parts are every room's answer to an erasure, from the bottom of the house to
	// the top: who is found by another's rows comes before these go.
	Parts []Part
	Words Words // nil: her copy has the codes

	outside outside
}

// Words says in her language what the house and the group call what they know of her.
type Words interface {
	Attribute(language string, d customer.AttributeDef) string
	Value(language string, d customer.AttributeDef, value string) string
	Tag(language, name string) string // of one that the group has no words of its own for
}

// Part is one room's answer to an erasure.
type Part struct {
	Name  string
	Erase func(tx *db.Tx, records []string) error
}
