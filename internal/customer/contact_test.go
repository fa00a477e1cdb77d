package customer

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/vault"
)

func contactBook(t *testing.T, d *db.DB) (*Book, func(func(*db.Tx) error)) {
	t.Helper()
	v, err := vault.Open("file:"+t.TempDir()+"/key.json", d)
	if err != nil {
		t.Fatal(err)
	}
	return &Book{Vault: v}, func(fn func(*db.Tx) error) {
		t.Helper()
		if err := d.Write(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
}

func TestContactsAreNormalised(t *testing.T) {
	for name, c := range map[string]struct {
		kind                        ContactKind
		value, region, want, masked string
	}{
		"as it is dialled":      {Phone, "0912-345-678", "", "+886912345678", "0912•••678"},
		"with its country":      {Phone, "+886 912 345 678", "", "+886912345678", "0912•••678"},
		"full width":            {Phone, "０９１２３４５６７８", "", "+886912345678", "0912•••678"},
		"of another country":    {Phone, "0812-3456-7890", "id", "+6281234567890", "0812•••890"},
		"a short one":           {Phone, "9123 4567", "HK", "+85291234567", "•••567"},
		"an address":            {Email, "  Mei.Lin@Example.COM ", "", "mei.lin@example.com", "m•••@example.com"},
		"a member number":       {Member, " ab-00123 ", "", "AB-00123", "•••123"},
		"a short member number": {Member, "7a", "", "7A", "•••A"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := normalContact(c.kind, c.value, c.region)
			if err != nil || got != c.want || masked(c.kind, got) != c.masked {
				t.Errorf("%q %q, %v", got, masked(c.kind, got), err)
			}
		})
	}
	for name, c := range map[string]struct {
		kind  ContactKind
		value string
		want  db.Invalid
	}{
		"nothing":               {Phone, " ", db.Invalid{Field: "phone", Code: "required"}},
		"words":                 {Phone, "call me", db.Invalid{Field: "phone", Code: "malformed"}},
		"too few digits":        {Phone, "12", db.Invalid{Field: "phone", Code: "malformed"}},
		"an essay":              {Phone, strings.Repeat("0912345678", 9), db.Invalid{Field: "phone", Code: "too_long"}},
		"no host":               {Email, "mei@", db.Invalid{Field: "email", Code: "malformed"}},
		"two signs":             {Email, "mei@lin@example.com", db.Invalid{Field: "email", Code: "malformed"}},
		"a line break":          {Email, "mei@example.com\nbcc:x@y.z", db.Invalid{Field: "email", Code: "malformed"}},
		"a long address":        {Email, strings.Repeat("m", 300) + "@example.com", db.Invalid{Field: "email", Code: "too_long"}},
		"a member with a space": {Member, "A 1", db.Invalid{Field: "member", Code: "malformed"}},
		"a long member":         {Member, strings.Repeat("9", 41), db.Invalid{Field: "member", Code: "too_long"}},
		"no kind":               {"fax", "1", db.Invalid{Field: "kind", Code: "unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got db.Invalid
			if _, err := normalContact(c.kind, c.value, ""); !errors.As(err, &got) || got != c.want {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestContactsAreFoundInEverySpelling(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, write := contactBook(t, d)
		var who [2]string
		write(func(tx *db.Tx) error {
			for n, user := range []string{"U1", "U2"} {
				i, err := b.Meet(tx, NewPeer{AccountID: "acc", Peer: channel.Peer{ID: user}})
				if err != nil {
					return err
				}
				who[n] = i.CustomerID
			}
			return nil
		})
		var first Contact
		write(func(tx *db.Tx) (err error) {
			first, err = b.AddContact(tx, who[0], Contact{Kind: Phone, Value: "0912 345 678", Source: SourceSaid, By: "her"})
			return err
		})
		write(func(tx *db.Tx) error {
			again, err := b.AddContact(tx, who[0], Contact{Kind: Phone, Value: "+886912345678", Source: SourceTill, By: "till", Verified: true})
			if err != nil || again.ID != first.ID || !again.Verified || again.Source != SourceTill {
				t.Errorf("verified: %+v, %v", again, err)
			}
			again, err = b.AddContact(tx, who[0], Contact{Kind: Phone, Value: "0912345678", Source: SourceStaff})
			if err != nil || !again.Verified || again.By != "till" {
				t.Errorf("typed once more: %+v, %v", again, err)
			}
			if _, err := b.AddContact(tx, who[0], Contact{Kind: Phone, Value: "0912345678", Source: "rumour"}); !errors.As(err, new(db.Invalid)) {
				t.Errorf("source: %v", err)
			}
			_, err = b.AddContact(tx, who[1], Contact{Kind: Member, Value: "vip-5678", Source: SourceImport})
			return err
		})
		write(func(tx *db.Tx) error {
			if ids, err := b.FindByContact(tx, Phone, "0912-345678"); err != nil || !slices.Equal(ids, who[:1]) {
				t.Errorf("by phone %v, %v", ids, err)
			}
			if ids, err := b.FindByContact(tx, Phone, "rubbish"); err != nil || ids != nil {
				t.Errorf("by rubbish %v, %v", ids, err)
			}
			if ids, err := b.FindByTail(tx, "5678"); err != nil || !slices.Equal(ids, who[:]) {
				t.Errorf("by tail %v, %v", ids, err)
			}
			list, err := b.Contacts(tx, who[:])
			if err != nil || len(list) != 2 || list[0].Masked != "0912•••678" || list[0].Value != "" || !list[0].Verified {
				t.Errorf("contacts %+v, %v", list, err)
			}
			full, err := b.ContactByID(tx, first.ID)
			if err != nil || full.Value != "+886912345678" {
				t.Errorf("full %+v, %v", full, err)
			}
			return b.EndContact(tx, first.ID)
		})
		write(func(tx *db.Tx) error {
			if ids, _ := b.FindByContact(tx, Phone, "0912345678"); ids != nil {
				t.Errorf("an ended number finds %v", ids)
			}
			if err := b.EndContact(tx, first.ID); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("ended twice: %v", err)
			}
			_, err := b.AddContact(tx, who[0], Contact{Kind: Phone, Value: "0912345678", Source: SourceStaff})
			return err
		})
	})
}
