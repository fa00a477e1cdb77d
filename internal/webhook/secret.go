package webhook

import "dingdong/internal/vault"

// Sealed lists the columns of this room that are sealed with the key of the installation.
func Sealed() []vault.Column {
	return []vault.Column{
		{Table: "endpoint", Name: "secret", Keys: []string{"id"}, Label: labelSecret},
		{Table: "endpoint", Name: "old_secret", Keys: []string{"id"}, Label: labelSecret},
	}
}
