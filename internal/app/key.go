package app

import (
	"fmt"

	"dingdong/internal/vault"
)

// keyCommand changes how the key file is guarded, never the keys in it. It needs
// no database, so that a house that is down can be moved as well.
type keyCommand struct {
	Wrap   wrapKey   `cmd:"" help:"Rewrite the key file so that only a key of a KMS opens it. The keys in it stay the same."`
	Unwrap unwrapKey `cmd:"" help:"Rewrite the key file so that it opens without the KMS again."`
}

type wrapKey struct {
	To string `required:"" help:"Key of the KMS: hcvault://host:8200/transit/keys/name"`
}

// Run wraps.
func (f wrapKey) Run(c *call) error {
	uri, err := vault.Wrap(c.config.KeyURI(), f.To)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "The key file is wrapped. Before the next start, set:\nDINGDONG_KEY=%s\n"+
		"Copies of the key file that were made before still open everything: replace or destroy them.\n", uri)
	return err
}

type unwrapKey struct{}

// Run unwraps.
func (unwrapKey) Run(c *call) error {
	uri, err := vault.Unwrap(c.config.KeyURI())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "The key file opens without the KMS again. Before the next start, set:\nDINGDONG_KEY=%s\n", uri)
	return err
}
