package export

import "dingdong/internal/vault"

// Sealed lists what this room seals under the key of the installation.
func Sealed() []vault.Column {
	return []vault.Column{{Table: "export", Name: "reason", Keys: []string{"id"}, Label: labelReason}}
}
