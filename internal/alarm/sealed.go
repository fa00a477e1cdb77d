package alarm

import "dingdong/internal/vault"

// Sealed lists what this room seals under the key of the installation.
func Sealed() []vault.Column {
	return []vault.Column{{Table: "alarm", Name: "note", Keys: []string{"id"}, Label: labelNote}}
}
