package staff

import (
	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// Door is where people prove who they are. It is safe for concurrent use.
type Door struct {
	DB       *db.DB
	Vault    *vault.Vault // keys the counts of wrong passwords
	Passkeys *Passkeys    // nil: no address was given that passkeys could be bound to
}
