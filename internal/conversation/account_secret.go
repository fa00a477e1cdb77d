package conversation

import "dingdong/internal/vault"

// Sealed lists the columns of this room that are sealed with the key of the installation.
func Sealed() []vault.Column {
	account := []string{"id"}
	return []vault.Column{
		{Table: "account", Name: "secret", Keys: account, Label: labelSecret},
		{Table: "account", Name: "old_secret", Keys: account, Label: labelSecret},
		{Table: "account", Name: "token", Keys: account, Label: labelToken},
		{Table: "notice", Name: "raw", Keys: []string{"account_id", "event_id"}, Label: labelNotice},
	}
}
