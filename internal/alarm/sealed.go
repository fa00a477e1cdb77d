package alarm

import "dingdong/internal/vault"

// Sealed lists the columns of this room that are sealed with the key of the installation.
func Sealed() []vault.Column {
	return []vault.Column{{Table: "alarm", Name: "note", Keys: []string{"id"}, Label: labelNote}}
}
