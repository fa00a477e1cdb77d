package privacy

import "dingdong/internal/vault"

// Sealed lists what this room seals under the key of the installation.
func Sealed() []vault.Column {
	return []vault.Column{{Table: "privacy_step", Name: "note", Keys: []string{"id"}, Label: labelStep}}
}
