package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// keyCommand changes the keys of the installation while the house serves, and how
// the key file is guarded: that needs no database, so that a house that is down
// can be moved as well.
type keyCommand struct {
	Rotate rotateKey `cmd:"" help:"Put new keys beside those in use; the running house takes them into use and seals everything anew."`
	Status keyStatus `cmd:"" help:"Say which keys there are, who holds them and how far a rotation is."`
	Retire retireKey `cmd:"" help:"Take old keys out of use and out of this key file, if nothing needs them any more."`
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

type rotateKey struct{}

// Run begins a rotation.
func (rotateKey) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	err = h.Keys.Begin(c.ctx, func(tx *db.Tx) error {
		audit.Record(tx, audit.Entry{Actor: staff.System().ID, Action: "key.rotate"})
		return enqueueRekey(tx)
	})
	if errors.Is(err, vault.ErrUnderWay) {
		return fmt.Errorf("%w: \"dingdong key status\" says how far it is", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.Out, "New keys stand in the key file. Now:\n"+
		"1. keep a copy of it in the place where you keep the old one, and keep that one, too, as long as you keep backups from before;\n"+
		"2. give it to every node that has a key file of its own: the keys are in use once all of them hold it;\n"+
		"3. \"dingdong key status\" shows how the running house seals everything anew; then \"dingdong key retire\".")
	return err
}

type keyStatus struct{}

// Run says how things stand.
func (keyStatus) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	var s vault.Status
	err = h.DB.Read(c.ctx, func(tx *db.Tx) (err error) {
		s, err = h.Keys.Status(tx)
		return err
	})
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, k := range s.Keys {
		fmt.Fprintf(&out, "key\t%s\t%s\t%s\tsince %s\n", k.Use, k.Name(), k.State, stateTime(k))
	}
	for _, n := range s.Nodes {
		state := "holds all keys"
		switch {
		case n.Lacks:
			state = "lacks a key: give it the key file"
		case n.Keeps:
			state = `still holds a retired key: run "dingdong key retire" there`
		}
		fmt.Fprintf(&out, "process\t%s\t%s\n", n.Name, state)
	}
	if s.Waiting() && len(s.Nodes) == 0 {
		fmt.Fprintln(&out, "process\t-\tno house is running: the keys are taken into use when one does")
	}
	for _, w := range s.Work {
		state := "under way"
		if !w.Ended.IsZero() {
			state = "done"
		}
		fmt.Fprintf(&out, "sealed anew\t%s\t%d of %d\t%s", w.Name, w.Done, w.Total, state)
		if w.Damaged > 0 {
			fmt.Fprintf(&out, "\t%d damaged: no key opens them", w.Damaged)
		}
		out.WriteByte('\n')
	}
	_, err = fmt.Fprint(c.Out, out.String())
	return err
}

func stateTime(k vault.Key) string {
	at := k.Made
	for _, t := range []time.Time{k.Used, k.Retired} {
		if t.After(at) {
			at = t
		}
	}
	return at.Format(time.RFC3339)
}

type retireKey struct{}

// Run retires what nothing needs, and fails when nothing could be retired.
func (retireKey) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	verdicts, err := h.Keys.Retire(c.ctx, func(tx *db.Tx, what vault.Retired) error {
		for _, k := range what.Keys {
			audit.Record(tx, audit.Entry{Actor: staff.System().ID, Action: "key.retire", Object: k.Use + " " + k.Name()})
		}
		if what.Again {
			return enqueueRekey(tx)
		}
		return nil
	})
	if err != nil {
		return err
	}
	gone := 0
	for _, x := range verdicts {
		if len(x.Kept) == 0 {
			gone++
			fmt.Fprintf(c.Out, "%s\t%s\tretired\n", x.Key.Use, x.Key.Name())
			continue
		}
		fmt.Fprintf(c.Out, "%s\t%s\tstays: %s\n", x.Key.Use, x.Key.Name(), strings.Join(x.Kept, "; "))
	}
	if len(verdicts) > 0 && gone == 0 {
		return errors.New("no key could be retired")
	}
	if len(verdicts) == 0 {
		_, err = fmt.Fprintln(c.Out, "There is no old key in use; the key file holds none that is retired.")
	}
	return err
}
