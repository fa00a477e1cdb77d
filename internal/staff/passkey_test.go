package staff

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff/passkeytest"
)

// addKey gives a person a passkey on a new device.
func addKey(t *testing.T, d *db.DB, staffID, name string) (*passkeytest.Device, Passkey) {
	t.Helper()
	o := doorOf(t, d)
	device := passkeytest.New("https://counter.test", "counter.test")
	v := Viewer{ID: staffID}
	var options []byte
	var secret string
	write(t, d, func(tx *db.Tx) (err error) {
		options, secret, err = o.AskAdd(tx, v)
		return err
	})
	answer, err := device.Make(options)
	if err != nil {
		t.Fatal(err)
	}
	var p Passkey
	write(t, d, func(tx *db.Tx) (err error) {
		p, err = o.AddPasskey(tx, v, NewPasskey{Secret: secret, Name: name, Answer: answer})
		return err
	})
	return device, p
}

// proof asks for a proof and lets a device give it.
func proofBy(t *testing.T, d *db.DB, device *passkeytest.Device, asked string) PasskeyProof {
	t.Helper()
	var options []byte
	var p PasskeyProof
	write(t, d, func(tx *db.Tx) (err error) {
		options, p.Secret, err = doorOf(t, d).AskProof(tx, asked)
		return err
	})
	var err error
	if p.Answer, err = device.Prove(options); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPasskeys(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		g := newGroup(t, d)
		o := doorOf(t, d)
		mei := withPassword(t, d, "mei@example.com")
		device, kept := addKey(t, d, mei.ID, " Phone\x00 ")
		if kept.Name != "Phone" {
			t.Errorf("named %q", kept.Name)
		}
		p := proofBy(t, d, device, "")
		p.Meta = Meta{Address: "192.0.2.7", UserAgent: "Phone"}
		token, v, err := o.SignInPasskey(t.Context(), p)
		if err != nil || v.ID != mei.ID || v.Way != ByPasskey {
			t.Fatalf("got %+v, %v", v, err)
		}
		if v, err := viewerOf(t, d, token); err != nil || v.ID != mei.ID || !v.Fresh(clock.Now()) {
			t.Errorf("got %+v, %v", v, err)
		}
		if _, _, err := o.SignInPasskey(t.Context(), p); !errors.Is(err, ErrCeremony) {
			t.Errorf("a proof is good twice: %v", err)
		}
		late := proofBy(t, d, device, "")
		clock.Advance(ceremonyLasts)
		if _, _, err := o.SignInPasskey(t.Context(), late); !errors.Is(err, ErrCeremony) {
			t.Errorf("a late proof: %v", err)
		}
		if v, err = viewerOf(t, d, token); err != nil || v.Fresh(clock.Now()) {
			t.Errorf("%+v, %v", v, err)
		}
		again := proofBy(t, d, device, mei.ID)
		if _, err := o.ConfirmPasskey(t.Context(), g.adminViewer, again); !errors.Is(err, ErrCeremony) {
			t.Errorf("another's question: %v", err)
		}
		if _, err = o.ConfirmPasskey(t.Context(), v, again); err != nil {
			t.Fatal(err)
		}
		other, _ := addKey(t, d, g.admin.ID, "Ada's")
		if _, err := o.ConfirmPasskey(t.Context(), v, proofBy(t, d, other, mei.ID)); !errors.Is(err, ErrPasskey) {
			t.Errorf("a colleague's passkey proves it is she: %v", err)
		}
		read(t, d, func(tx *db.Tx) error {
			list, err := PasskeysOf(tx, mei.ID)
			if len(list) != 1 || list[0].UsedAt.IsZero() || !list[0].ClonedAt.IsZero() {
				t.Errorf("got %+v", list)
			}
			return err
		})
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return RemovePasskey(tx, g.adminViewer, kept.ID) }); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("somebody else's: %v", err)
		}
		write(t, d, func(tx *db.Tx) error { return RemovePasskey(tx, v, kept.ID) })
		if _, _, err := o.SignInPasskey(t.Context(), proofBy(t, d, device, "")); !errors.Is(err, ErrPasskey) {
			t.Errorf("a removed one lets in: %v", err)
		}
	})
}

func TestPasskeysThatAreNoProof(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := doorOf(t, d)
		mei := withPassword(t, d, "mei@example.com")
		for name, spoil := range map[string]func(*passkeytest.Device, *PasskeyProof){
			"another site":   func(k *passkeytest.Device, _ *PasskeyProof) { k.Origin = "https://evil.test" },
			"another name":   func(k *passkeytest.Device, _ *PasskeyProof) { k.Host = "evil.test" },
			"not verified":   func(k *passkeytest.Device, _ *PasskeyProof) { k.Unproven = true },
			"another device": func(k *passkeytest.Device, _ *PasskeyProof) { *k = *stranger(t, d) },
		} {
			t.Run(name, func(t *testing.T) {
				device, _ := addKey(t, d, mei.ID, name)
				spoil(device, nil)
				if _, _, err := o.SignInPasskey(t.Context(), proofBy(t, d, device, "")); !errors.Is(err, ErrPasskey) {
					t.Errorf("got %v", err)
				}
			})
		}
		device, _ := addKey(t, d, mei.ID, "good")
		for name, answer := range map[string]string{"nothing": "", "no JSON": "\x00\xff", "an empty one": "{}", "a list": "[]",
			"deep": strings.Repeat(`{"a":`, 2000)} {
			p := proofBy(t, d, device, "")
			p.Answer = []byte(answer)
			if _, _, err := o.SignInPasskey(t.Context(), p); !errors.Is(err, ErrPasskey) {
				t.Errorf("%s: %v", name, err)
			}
		}
		p := proofBy(t, d, device, "")
		p.Answer = []byte(strings.Replace(string(p.Answer), `"userHandle":"`, `"userHandle":"AAAA`, 1))
		if _, _, err := o.SignInPasskey(t.Context(), p); !errors.Is(err, ErrPasskey) {
			t.Errorf("a changed handle: %v", err)
		}
		write(t, d, func(tx *db.Tx) error { return EndStaff(tx, System(), mei.ID) })
		if _, _, err := o.SignInPasskey(t.Context(), proofBy(t, d, device, "")); !errors.Is(err, ErrPasskey) {
			t.Errorf("she left: %v", err)
		}
	})
}

// stranger is a device whose passkey nobody knows here.
func stranger(t *testing.T, d *db.DB) *passkeytest.Device {
	device := passkeytest.New("https://counter.test", "counter.test")
	p := addPerson(t, d, StaffForm{Email: "s@example.com", Name: "S", Role: Advisor})
	options, err := json.Marshal(map[string]any{"publicKey": map[string]any{"challenge": "AAAA", "user": map[string]any{"id": credentialName([]byte(p.ID))}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := device.Make(options); err != nil {
		t.Fatal(err)
	}
	return device
}

func TestAClonedPasskey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := doorOf(t, d)
		mei := withPassword(t, d, "mei@example.com")
		device, _ := addKey(t, d, mei.ID, "Key")
		device.Count = 40
		if _, _, err := o.SignInPasskey(t.Context(), proofBy(t, d, device, "")); err != nil {
			t.Fatal(err)
		}
		device.Count = 7 // the copy counts on its own
		if _, _, err := o.SignInPasskey(t.Context(), proofBy(t, d, device, "")); !errors.Is(err, ErrCloned) {
			t.Errorf("got %v", err)
		}
		if last := lastAudited(t, d); last.Action != "passkey_cloned" || last.Actor != mei.ID {
			t.Errorf("audited as %+v", last)
		}
		device.Count = 50 // neither of the two lets anybody in from now on
		if _, _, err := o.SignInPasskey(t.Context(), proofBy(t, d, device, "")); !errors.Is(err, ErrPasskey) {
			t.Errorf("got %v", err)
		}
		read(t, d, func(tx *db.Tx) error {
			list, err := PasskeysOf(tx, mei.ID)
			if len(list) != 1 || list[0].ClonedAt.IsZero() {
				t.Errorf("got %+v", list)
			}
			return err
		})
	})
}

func TestAddingPasskeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := doorOf(t, d)
		mei := withPassword(t, d, "mei@example.com")
		v := Viewer{ID: mei.ID}
		ask := func() (options []byte, secret string) {
			write(t, d, func(tx *db.Tx) (err error) {
				options, secret, err = o.AskAdd(tx, v)
				return err
			})
			return options, secret
		}
		add := func(v Viewer, n NewPasskey) error {
			return d.Write(t.Context(), func(tx *db.Tx) error {
				_, err := o.AddPasskey(tx, v, n)
				return err
			})
		}
		device := passkeytest.New("https://counter.test", "counter.test")
		options, secret := ask()
		answer, err := device.Make(options)
		if err != nil {
			t.Fatal(err)
		}
		invalid(t, add(v, NewPasskey{Secret: secret, Answer: answer}), "name", "required")
		if err := add(Viewer{ID: "stf_other"}, NewPasskey{Secret: secret, Name: "n", Answer: answer}); !errors.Is(err, ErrCeremony) {
			t.Errorf("another brings the answer: %v", err)
		}
		if err := add(v, NewPasskey{Secret: secret, Name: "n", Answer: []byte("{}")}); !errors.Is(err, ErrPasskey) {
			t.Errorf("an empty answer: %v", err)
		}
		if err := add(v, NewPasskey{Secret: secret, Name: "n", Answer: answer}); err != nil {
			t.Fatal(err)
		}
		if options, _ := ask(); !strings.Contains(string(options), device.ID()) {
			t.Error("the device is not told that it has one already")
		}
	})
}

func TestWhereThereAreNoPasskeys(t *testing.T) {
	for address, usable := range map[string]bool{
		"https://counter.test": true, "https://counter.test:8443": true, "http://localhost:8080": true, "http://127.0.0.1:8080": false,
		"https://192.0.2.1": false, "https://[2001:db8::1]": false, "http://counter.test": false, "": false,
	} {
		p, err := NewPasskeys(address)
		if err != nil || p.Usable() != usable {
			t.Errorf("%q: %v, %v", address, p.Usable(), err)
		}
	}
	if _, err := NewPasskeys("http://[::"); err == nil {
		t.Error("nonsense is taken")
	}
	d := dbtest.New(t)
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, _, err := (&Door{DB: d}).AskProof(tx, "")
		return err
	})
	if !errors.Is(err, ErrNoPasskeys) {
		t.Errorf("got %v", err)
	}
}
